"""llama.cpp on the same file: one line of JSON, tokens per second of reading a prompt and of writing.

    python peer.py MODEL.gguf THREADS PROMPT_TOKENS ANSWER_TOKENS

A bench runs it in turns with our own engine. The package brings llama.cpp built; it ships with nothing of ours.
"""

import json
import os
import sys

import xllamacpp


def main():
    model, threads, prompt_tokens, answer_tokens = sys.argv[1], *map(int, sys.argv[2:])
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = prompt_tokens + answer_tokens + 64
    params.n_batch = params.n_ubatch = 512
    params.n_parallel = 1
    params.warmup = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.sampling.temp = 0.0
    server = xllamacpp.Server(params)
    request = {
        "prompt": [1000 + at % 997 for at in range(prompt_tokens)],
        "n_predict": answer_tokens,
        "ignore_eos": True,
        "temperature": 0.0,
        "cache_prompt": False,
    }
    answer = server.handle_completions(request)
    if isinstance(answer, list):
        answer = answer[0]
    timings = answer["timings"]
    speeds = {"read": timings["prompt_per_second"], "write": timings["predicted_per_second"]}
    # Its own words go to the same stream as they please; ours is the last line.
    print(json.dumps(speeds), flush=True)
    os._exit(0)


main()
