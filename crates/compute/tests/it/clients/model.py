"""The unmodified Python client before a real model: python model.py BASE_URL KEY MODEL."""
import sys

import openai

base, key, model = sys.argv[1:4]
client = openai.OpenAI(base_url=base, api_key=key, max_retries=0)
asked = [{"role": "system", "content": "You answer shortly."}, {"role": "user", "content": "What is the capital of France?"}]


def ask(**more):
    return client.chat.completions.create(model=model, messages=asked, **{"max_tokens": 40, **more})


assert [row.id for row in client.models.list()] == [model]

raw = client.chat.completions.with_raw_response.create(model=model, messages=asked, max_tokens=40, temperature=0)
whole = raw.parse()
said = whole.choices[0].message.content
# A model of this size may say anything; what counts is that it says the same thing however it is asked.
assert len(said.split()) > 3, said
assert raw.headers["x-capstan-receipt"].startswith("0x"), raw.headers
assert 20 < whole.usage.prompt_tokens < 60 and 1 < whole.usage.completion_tokens <= 40, whole.usage

chunks = list(ask(temperature=0, stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == said, (text, said)
assert chunks[-1].usage == whole.usage or chunks[-1].usage.total_tokens == whole.usage.total_tokens

once, again, other = (ask(temperature=1, seed=seed).choices[0].message.content for seed in (7, 7, 8))
assert once == again != other, (once, again, other)
word = said.split()[2]
assert ask(temperature=0, stop=[word]).choices[0].message.content == said.split(word)[0]
short = ask(temperature=0, max_tokens=2)
assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens == 2, short
two = ask(temperature=1, seed=3, n=2)
assert [choice.index for choice in two.choices] == [0, 1], two

prompted = client.completions.create(model=model, prompt="1, 2, 3, 4,", max_tokens=4, temperature=0)
assert "5" in prompted.choices[0].text, prompted
# The client asks for base64 and makes numbers of it.
near, same, far = (row.embedding for row in client.embeddings.create(
    model=model, input=["the cat sleeps on the sofa", "a cat is asleep on a couch", "interest rates rose in May"]).data)
dot = lambda a, b: sum(x * y for x, y in zip(a, b))
assert abs(dot(near, near) - 1) < 1e-3 and dot(near, same) > dot(near, far), (dot(near, same), dot(near, far))

try:
    ask(tools=[{"type": "function", "function": {"name": "look", "parameters": {}}}])
    raise AssertionError("it calls no tools")
except openai.BadRequestError as error:
    assert error.param == "tools", error
try:
    client.completions.create(model=model, prompt="word " * 9000, max_tokens=2)
    raise AssertionError("longer than the context")
except openai.BadRequestError as error:
    assert error.code == "context_length_exceeded", error
print("python", openai.__version__, "agrees:", said.strip())
