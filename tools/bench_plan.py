"""Compares forecasts of memory with what jobs then take: the table in BENCHMARKS.md.

    .venv/bin/python tools/bench_plan.py [--mica .build/release/mica] [--full DIR] [--only N]

Runs `mica bench plan` in a process of its own for each combination: the model that comes with Mica, and, where DIR is given,
the published model's shapes (`mica bench synth --size full DIR`; for short runs its configuration may name fewer blocks).
Prints a Markdown table: forecast and measured peak of the device, of the process above its baseline, and the differences.
"""

import argparse
import json
import pathlib
import subprocess

TINY = [
    "--resolution 64 --layers 1",
    "--resolution 128 --layers 3",
    "--resolution 256 --layers 2",
    "--resolution 512 --layers 2",
    "--resolution 640 --layers 4",
    "--resolution 640 --layers 2 --vae-tiling on",
    "--resolution 1024 --layers 1",
    "--resolution 1024 --layers 1 --vae-tiling on",
    "--resolution 512 --layers 3 --precision bfloat16",
    "--resolution 640 --layers 2 --precision bfloat16 --vae-tiling on",
    "--resolution 512 --layers 2 --precision int8",
    "--resolution 512 --layers 2 --offload stream",
    "--resolution 512 --layers 2 --offload sequential --precision bfloat16",
    "--resolution 512 --layers 2 --offload disk",
    "--resolution 512 --layers 2 --offload model --images 2",
    "--resolution 192 --layers 4 --precision fp8 --offload model",
    "--resolution 448 --layers 1 --precision int4 --offload disk --vae-tiling on",
    "--resolution 768 --layers 2 --precision int8 --hadamard --offload stream:2",
]
FULL = [
    "--resolution 64 --layers 1 --precision bfloat16 --offload resident",
    "--resolution 128 --layers 2 --precision bfloat16 --offload stream:1",
    "--resolution 128 --layers 2 --precision bfloat16 --offload sequential",
    "--resolution 256 --layers 1 --precision bfloat16 --offload disk",
    "--resolution 256 --layers 1 --precision bfloat16 --offload model --vae-tiling on",
    "--resolution 320 --layers 1 --precision bfloat16 --offload sequential --vae-tiling on",
    "--resolution 96 --layers 3 --precision int8 --offload stream",
    "--resolution 192 --layers 1 --offload sequential --compute float32",
    "--resolution 448 --layers 2 --precision bfloat16 --budget 900MiB",
]


def mebibytes(count):
    return f"{count / 2**20:,.1f}"


def difference(forecast, measured):
    return f"{(forecast - measured) / measured * 100:+.1f} %" if measured else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mica", type=pathlib.Path, default=pathlib.Path(".build/release/mica"))
    parser.add_argument("--full", type=pathlib.Path)
    parser.add_argument("--only", type=int)
    arguments = parser.parse_args()
    cases = [("seedling", options, []) for options in TINY]
    if arguments.full:
        cases += [("full", options, ["--model", str(arguments.full)]) for options in FULL]
    if arguments.only is not None:
        cases = [cases[arguments.only]]
    print("| model | options | device: forecast, MiB | measured | | process: forecast, MiB | measured | |")
    print("|---|---|---|---|---|---|---|---|")
    for model, options, more in cases:
        command = [str(arguments.mica), "bench", "plan", "--json", "--steps", "1", *options.split(), *more]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            print(f"| {model} | `{options}` | {run.stderr.strip()} |")
            continue
        found = json.loads(run.stdout)
        cells = [model, f"`{options}`"]
        for name in ("tensors", "process"):
            forecast, measured = found[f"forecast_{name}_bytes"], found[f"measured_{name}_bytes"]
            cells += [mebibytes(forecast), mebibytes(measured), difference(forecast, measured)]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
