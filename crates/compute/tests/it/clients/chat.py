"""The unmodified Python client: python chat.py BASE_URL KEY POOR_KEY."""
import sys

import openai

base, key, poor = sys.argv[1:4]
client = openai.OpenAI(base_url=base, api_key=key, max_retries=0)


def ask(content, **more):
    messages = [{"role": "user", "content": content}]
    return client.chat.completions.create(model="m", messages=messages, max_tokens=50, **more)


assert {model.id for model in client.models.list()} == {"m", "free/m:1"}

whole = ask("count 3")
assert whole.choices[0].message.content == "w0 w1 w2 ", whole
assert whole.usage.completion_tokens == 3, whole

raw = client.chat.completions.with_raw_response.create(
    model="m", messages=[{"role": "user", "content": "count 3"}], max_tokens=50
)
assert raw.headers["x-capstan-cost"] == "0.008usd", raw.headers
assert raw.headers["x-capstan-receipt"].startswith("0x"), raw.headers
assert raw.parse().choices[0].message.content == "w0 w1 w2 "

text = "".join(chunk.choices[0].delta.content or "" for chunk in ask("count 30", stream=True))
assert text.split() == [f"w{at}" for at in range(30)], text

chunks = list(ask("count 4", stream=True, stream_options={"include_usage": True}))
assert chunks[-1].usage.completion_tokens == 4, chunks[-1]
assert chunks[-1].model_extra["capstan"]["cost"] == "0.009usd", chunks[-1]

prompted = client.completions.create(model="m", prompt="count 2", max_tokens=9)
assert prompted.choices[0].text == "w0 w1 ", prompted
# The client asks for base64 and takes lists too.
embedded = client.embeddings.create(model="m", input=["a", "b"])
assert [row.embedding for row in embedded.data] == [[0.5, -0.25]] * 2, embedded

heard = ""
try:
    for chunk in ask("count 9 cut 5", stream=True):
        heard += chunk.choices[0].delta.content or ""
    raise AssertionError("a cut stream is no whole one")
except openai.APIError as error:
    assert error.code == "upstream_cut", error
assert heard == "w0 w1 w2 w3 w4 ", heard

try:
    openai.OpenAI(base_url=base, api_key=poor, max_retries=0).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "count 3"}]
    )
    raise AssertionError("over budget")
except openai.APIStatusError as error:
    assert error.status_code == 402 and error.code == "over_budget", error
    assert "over budget" in error.message, error

try:
    openai.OpenAI(base_url=base, api_key="sk-none", max_retries=0).models.list()
    raise AssertionError("no key")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key", error
print("python", openai.__version__, "agrees")
