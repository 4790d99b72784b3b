"""llama.cpp's own HTTP server before a file, as its users start it: says where it listens, and serves until it is ended.

    python server.py MODEL.gguf PORT
"""

import sys
import threading

import xllamacpp


def main():
    model, port = sys.argv[1], int(sys.argv[2])
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 4096
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.hostnames = ["127.0.0.1"]
    params.port = port
    server = xllamacpp.Server(params)
    print(f"listening at http://127.0.0.1:{port}/v1", flush=True)
    # It serves in threads of its own for as long as it is held.
    threading.Event().wait()
    del server


main()
