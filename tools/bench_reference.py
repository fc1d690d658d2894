"""Times `mica bench` and the reference (diffusers, PyTorch, Pillow) on the same work, machine and run, side by side.

    .venv/bin/python tools/bench_reference.py [--only block attention ...] [--rounds 3] [--json FILE]
    .venv/bin/python tools/bench_reference.py --only decompose --model FOLDER     (tools/make_bench_checkpoint.py)

In each round every piece of work runs in a fresh process of each, one after the other, with as many threads. A time is
the median over all rounds, beside it the least; memory is the greatest resident set of a process. `bar` is what the
ratio may be at most. With --check the exit status is 1 if a ratio is above its bar.

A block of the reference computes its modulation at each call; mica computes that once for all steps, so it is not in
its time. This process imports no torch: a child's peak is never less than what its parent held when it started it.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

TOOLS = pathlib.Path(__file__).parent
MEBIBYTE = 1024 * 1024
FAILURE_LINES = 3


@dataclasses.dataclass(frozen=True)
class Job:
    """One piece of work of one side: a command, less the options that all share."""

    side: str
    arguments: tuple
    # Minutes long: one run a process and no warm-up; --rounds repeats it.
    is_long: bool = False


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two jobs, and what mica's share of the reference's time and memory may be."""

    part: str
    name: str
    reference: Job
    mica: Job
    time_bar: float | None = None
    memory_bar: float | None = None


def reference(work: str, **parameters) -> Job:
    return Job("reference", (work, json.dumps(parameters)), is_long=work == "decompose")


def mica(work: str, *arguments) -> Job:
    return Job("mica", (work, *map(str, arguments)), is_long=work == "decompose")


def comparisons(options, inputs: dict) -> list:
    """Everything that is compared, at the sizes of the published model unless --small."""
    block, tokens, text, side = {}, 8256, {}, 640
    block_options, text_options, vae_options, encode = [], [], [], dict(size=1024)
    if options.small:
        block = dict(hidden=512, heads=4, image_tokens=256, text_tokens=64)
        block_options = ["--hidden", 512, "--heads", 4, "--image-tokens", 256]
        text = dict(hidden=512, intermediate=1024, heads=4, key_heads=2, tokens=64)
        text_options = ["--hidden", 512, "--intermediate", 1024, "--heads", 4, "--key-heads", 2, "--tokens", 64]
        tokens, side, encode = 512, 128, dict(size=128)
        vae_options = ["--base", 24]
    vae = dict(base=24) if options.small else {}
    found = []
    bars = (("bf16", "bf16", 0.40), ("bf16", "f32", 0.40), ("f32", "f32", None), ("int8", "bf16", 0.25))
    for ours, theirs, bar in bars:
        found.append(Comparison(
            "block", f"block, {ours} / {theirs}", reference("block", dtype=theirs, **block),
            mica("block", "--dtype", ours, *block_options), bar))
    found.append(Comparison(
        "attention", f"attention of {tokens}, bf16 / bf16", reference("attention", tokens=tokens),
        mica("attention", "--tokens", tokens), 0.6))
    for direction in ("decode", "encode"):
        found.append(Comparison(
            "vae", f"VAE {direction} of {side}, bf16 / f32",
            reference("vae", direction=direction, resolution=side, **vae),
            mica("vae", "--direction", direction, "--resolution", side, *vae_options), 0.35, 0.4))
    for mode, bar in (("prefill", 0.5), ("decode", None)):
        found.append(Comparison(
            "text", f"text {mode}, bf16 / bf16", reference("text", mode=mode, **text),
            mica("text", "--mode", mode, *text_options), bar))
    for kind in ("png", "psd"):
        found.append(Comparison(
            "encode", f"8 layers as {kind.upper()}", reference("encode", format=kind, **encode),
            mica("encode", "--format", kind, "--size", encode["size"])))
    if options.model:
        sizes = dict(resolution=options.resolution, layers=options.layers, steps=options.steps)
        ours = mica(
            "decompose", "--model", options.model, "--image", inputs["image"], "--latents", inputs["latents"],
            *(text for key, value in sizes.items() for text in (f"--{key}", value)))
        for theirs in options.reference_dtypes:
            found.append(Comparison(
                "decompose", f"decomposition, bf16 / {theirs}",
                reference("decompose", dtype=theirs, model=str(options.model), **sizes, **inputs), ours, 0.4, 0.4))
    return [comparison for comparison in found if comparison.part in options.only]


def command(job: Job, options) -> list:
    warmup, repetitions = (0, 1) if job.is_long else (options.warmup, options.repetitions)
    shared = ["--threads", options.threads, "--warmup", warmup, "--repetitions", repetitions]
    if job.side == "mica":
        return [options.mica, "bench", *job.arguments, *shared, "--json"]
    return [sys.executable, TOOLS / "reference_work.py", *job.arguments, *shared]


def run(job: Job, options, folder: pathlib.Path) -> dict:
    """Runs a job in a process of its own; its report with the peak of its memory, or why there is none."""
    output, errors = folder / "output", folder / "errors"
    load = os.getloadavg()[0]
    with open(output, "wb") as out, open(errors, "wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command(job, options)], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        last = errors.read_text(errors="replace").strip().splitlines()[-FAILURE_LINES:]
        return dict(failure=" ".join(last) or f"ended with {process.returncode}")
    return json.loads(output.read_text()) | dict(
        peak_mebibytes=usage.ru_maxrss * 1024 / MEBIBYTE, load_before=load,
        process_seconds=time.perf_counter() - started)


def summary(runs: list) -> dict:
    failures = [run["failure"] for run in runs if "failure" in run]
    if failures:
        return dict(failure=failures[0])
    seconds = [second for run in runs for second in run["seconds"]]
    figures = dict(
        median_seconds=statistics.median(seconds), min_seconds=min(seconds), max_seconds=max(seconds),
        peak_mebibytes=statistics.median(run["peak_mebibytes"] for run in runs))
    for key in ("gflops_per_second", "bandwidth_share", "memory_bytes_per_second", "weight_bytes_per_token"):
        if key in runs[0]:
            figures[key] = statistics.median(run[key] for run in runs)
    return figures


def verdict(comparison: Comparison, results: dict) -> dict:
    """The two sides of a comparison, their ratios, and whether they are within the bars."""
    theirs, ours = results[comparison.reference], results[comparison.mica]
    row = dict(name=comparison.name, reference=theirs, mica=ours, time_bar=comparison.time_bar,
               memory_bar=comparison.memory_bar)
    if "failure" not in theirs and "failure" not in ours:
        row["time_ratio"] = ours["median_seconds"] / theirs["median_seconds"]
        row["least_time_ratio"] = ours["min_seconds"] / theirs["min_seconds"]
        row["memory_ratio"] = ours["peak_mebibytes"] / theirs["peak_mebibytes"]
        bars = (("time_ratio", comparison.time_bar), ("memory_ratio", comparison.memory_bar))
        row["met"] = all(row[key] <= bar for key, bar in bars if bar is not None)
    elif comparison.time_bar is not None:
        row["met"] = False
    return row


def cell(figures: dict, key: str, digits: int) -> str:
    return f"{figures[key]:.{digits}f}" if key in figures else "-"


def ratio(row: dict, key: str, bar: float | None) -> str:
    if key not in row:
        return "-"
    return f"{row[key]:.3f}" + (f" of {bar:.2f}" if bar is not None else "")


def table(rows: list):
    lines = [(
        "", "reference s", "least", "mica s", "least", "time of bar", "reference MiB", "mica MiB", "memory of bar", "")]
    for row in rows:
        theirs, ours = row["reference"], row["mica"]
        lines.append((
            row["name"], cell(theirs, "median_seconds", 3), cell(theirs, "min_seconds", 3),
            cell(ours, "median_seconds", 3), cell(ours, "min_seconds", 3), ratio(row, "time_ratio", row["time_bar"]),
            cell(theirs, "peak_mebibytes", 0), cell(ours, "peak_mebibytes", 0),
            ratio(row, "memory_ratio", row["memory_bar"]), {True: "met", False: "NOT MET"}.get(row.get("met"), "")))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(width) if column == 0 else text.rjust(width)
                        for column, (text, width) in enumerate(zip(line, widths))).rstrip())
    for row in rows:
        for side in ("reference", "mica"):
            if "failure" in row[side]:
                print(f"{row['name']}: {side}: {row[side]['failure']}")
        if "bandwidth_share" in row["mica"]:
            print(f"{row['name']}: {row['mica']['bandwidth_share']:.2f} of the memory's speed of "
                  f"{row['mica']['memory_bytes_per_second'] / 1e9:.1f} GB/s (bar 0.80)")


def measure(options, folder: pathlib.Path) -> list:
    inputs = {}
    if options.model and "decompose" in options.only:
        inputs = dict(image=str(folder / "input.png"), latents=str(folder / "latents.safetensors"))
        task = inputs | dict(resolution=options.resolution, layers=options.layers)
        subprocess.run(
            [sys.executable, TOOLS / "compare_reference.py", "--task", "prepare", json.dumps(task)], check=True)
    chosen = comparisons(options, inputs)
    jobs = list(dict.fromkeys(job for comparison in chosen for job in (comparison.reference, comparison.mica)))
    runs = {job: [] for job in jobs}
    for number in range(options.rounds):
        for job in jobs:
            if job.side in options.sides:
                print(f"round {number + 1}: {job.side} {' '.join(job.arguments)}", file=sys.stderr)
                runs[job].append(run(job, options, folder))
    results = {job: summary(found) if found else dict(failure="not run") for job, found in runs.items()}
    return [verdict(comparison, results) for comparison in chosen]


def parse_options():
    parts = ("block", "attention", "vae", "text", "encode", "decompose")
    options = argparse.ArgumentParser(description="Measure mica bench and the reference side by side.")
    options.add_argument("--only", nargs="+", choices=parts, default=parts)
    options.add_argument("--mica", default=str(TOOLS.parent / ".build/release/mica"), help="the command to measure")
    options.add_argument("--sides", nargs="+", choices=("reference", "mica"), default=("reference", "mica"))
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--warmup", type=int, default=1)
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--small", action="store_true", help="small sizes, to try the tool")
    options.add_argument("--model", type=pathlib.Path, help="the checkpoint for decompose; without one it is left out")
    options.add_argument("--resolution", type=int, default=640)
    options.add_argument("--layers", type=int, default=3)
    options.add_argument("--steps", type=int, default=4)
    options.add_argument("--reference-dtypes", nargs="+", choices=("f32", "bf16"), default=("f32", "bf16"),
                         help="what decompose runs the reference in; without AVX-512, bf16 takes it hours")
    options.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    options.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    return options.parse_args()


def main():
    options = parse_options()
    if "mica" in options.sides and not os.access(options.mica, os.X_OK):
        raise SystemExit(f"{options.mica} is not there; build it with `swift build -c release --product mica`")
    if options.model:
        options.model = options.model.resolve()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options, pathlib.Path(folder))
    table(rows)
    if options.json:
        description = dict(threads=options.threads, rounds=options.rounds, repetitions=options.repetitions, rows=rows)
        options.json.write_text(json.dumps(description, indent=1) + "\n")
    if options.check and any(row.get("met") is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
