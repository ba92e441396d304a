"""Runs llama.cpp's own HTTP server until its standard input closes; prints the port when it listens."""

import json
import sys

import xllamacpp  # type: ignore[import-not-found,import-untyped,unused-ignore]


def main() -> None:
    """The only argument is a JSON object: `model`, and what the server is to be told besides."""
    wanted = json.loads(sys.argv[1])
    params = xllamacpp.CommonParams()
    params.model.path = wanted["model"]
    if projector := wanted.get("projector"):
        params.mmproj.path = projector
    params.port = 0
    params.n_ctx = wanted.get("window", 16_384)
    params.n_parallel = wanted.get("slots", 2)
    params.sampling.temp = 0.0
    params.warmup = False
    params.endpoint_slots = True
    params.cpuparams.n_threads = 1
    params.api_keys = [key] if (key := wanted.get("key")) else []
    if wanted.get("embedding"):
        params.embedding = True
        # With more slots, texts of unequal length share a batch and lose tokens from their means.
        params.n_parallel = 1
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    sys.stdout.write(f"listening {server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
