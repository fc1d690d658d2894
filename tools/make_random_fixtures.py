#!/usr/bin/env python3
"""Writes Tests/QwenImageTests/Fixtures/random/cpu.json: what torch.randn gives with a generator on the CPU.

Needs torch==2.15.0 and numpy, on x86-64 with AVX2: elsewhere torch computes logarithm and sine otherwise. A case is
a seed, a type and a list of calls on one generator. Short calls are stored whole, as the bits of float32; of long ones
the first and the last values and the FNV-1a hash of all their bytes.
"""

import json
import pathlib

import numpy as np
import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests/QwenImageTests/Fixtures/random/cpu.json"
SEEDS = [0, 1, 777, 2**32 + 777, 2**63 + 5, 2**64 - 1]
COUNTS = [1, 2, 7, 15, 16, 17, 31, 32, 100, 1000, 4099]
# A draw of fewer than 16 keeps the second half of its last pair for the next such draw, across longer draws.
SEQUENCES = [[3, 17, 2, 15, 1, 40, 5], [1, 1, 1, 1], [16, 16, 33], [0, 5, 0, 16], [1, 1000, 1, 4099, 7]]
WHOLE = 32
KEPT = 20


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def call(generator, count, dtype):
    bits = torch.randn(count, generator=generator, dtype=dtype).float().numpy().view(np.uint32)
    if count <= WHOLE:
        return {"count": count, "first": bits.tolist(), "last": [], "hash": str(fnv(bits.tobytes()))}
    return {
        "count": count, "first": bits[:KEPT].tolist(), "last": bits[-KEPT:].tolist(),
        "hash": str(fnv(bits.tobytes())),
    }


def main():
    assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    cases = []
    runs = [(seed, [count]) for seed in SEEDS for count in COUNTS]
    runs += [(seed, run) for seed in SEEDS for run in SEQUENCES]
    for seed, counts in runs:
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
            generator = torch.Generator("cpu").manual_seed(seed)
            cases.append({
                "seed": str(seed), "dtype": name, "calls": [call(generator, count, dtype) for count in counts],
            })
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(len(cases), OUT.stat().st_size)


main()
