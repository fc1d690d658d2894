"""Measures `mica decompose` and the reference implementation on the same decomposition, in one run.

    .venv/bin/python tools/compare_reference.py [--model DIR] [--image FILE] [--resolution 640] [--runs 3] [--json FILE]

Each run starts a fresh process of each, one after the other, with the same picture, noise and parameters, float32. For
the reference (diffusers, CPU), the time of the pipeline's call is given beside that of the whole process, because most
of the latter is Python starting up; for mica there is only the whole process. Peak memory is the greatest resident set
of the process. Of the layers, the share of equal 8-bit values and the greatest difference are given.

This process imports neither torch nor numpy until it has measured: a child's peak as Linux reports it is never less
than what its parent held when it started it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
TINY = ROOT / "Tests/QwenImageTests/Fixtures/golden/checkpoints/tiny"
PROMPT = "A poster with a red title, a yellow circle and a blue background."
NOISE_SEED = 777
PICTURE_HUE = 5
MEBIBYTE = 1024 * 1024


def prepare(task: dict):
    """Draws the picture, if none is given, and the noise (in a process of its own)."""
    import torch
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_layered import QwenImageLayeredPipeline, calculate_dimensions
    from PIL import Image
    from safetensors.torch import save_file

    import golden_pictures

    if not pathlib.Path(task["image"]).exists():
        golden_pictures.picture("rgb", task["resolution"], task["resolution"], PICTURE_HUE).save(task["image"])
    columns, rows = Image.open(task["image"]).size
    width, height = calculate_dimensions(task["resolution"] ** 2, columns / rows)
    frames = task["layers"] + 1
    shape = (1, frames, 16, 2 * (height // 16), 2 * (width // 16))
    noise = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(NOISE_SEED))
    packed = QwenImageLayeredPipeline._pack_latents(noise, 1, 16, shape[3], shape[4], frames)
    save_file({"latents": packed}, task["latents"])


def resident_mebibytes() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def run_reference(task: dict):
    """One decomposition by diffusers (in a process of its own); writes the layers and the seconds it took."""
    import numpy as np
    import torch
    from diffusers import QwenImageLayeredPipeline
    from PIL import Image
    from safetensors.torch import load_file

    from golden_recorder import AnyBucket

    started = time.perf_counter()
    pipeline = QwenImageLayeredPipeline.from_pretrained(task["model"], torch_dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    resident = resident_mebibytes()
    guidance = dict(negative_prompt=task["negative_prompt"]) if task["guided"] else {}
    with torch.no_grad():
        layers = pipeline(
            image=Image.open(task["image"]).convert("RGBA"), prompt=task["prompt"], layers=task["layers"],
            true_cfg_scale=task["true_cfg_scale"], num_inference_steps=task["steps"], cfg_normalize=True,
            resolution=AnyBucket(task["resolution"]), latents=load_file(task["latents"])["latents"],
            output_type="np", **guidance).images[0]
    finished = time.perf_counter()
    for index, layer in enumerate((np.clip(layers, 0, 1) * 255).round().astype(np.uint8)):
        Image.fromarray(layer).save(pathlib.Path(task["out"]) / f"layer_{index}.png")
    figures = dict(
        load_seconds=loaded - started, call_seconds=finished - loaded, loaded_mebibytes=resident,
        threads=torch.get_num_threads())
    (pathlib.Path(task["out"]) / "figures.json").write_text(json.dumps(figures))


def measured(command: list, log: pathlib.Path) -> dict:
    """Runs a command to its end; returns its wall seconds and the peak of its resident set, or stops at a failure."""
    with open(log, "wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
    return dict(
        wall_seconds=seconds, processor_seconds=usage.ru_utime + usage.ru_stime,
        peak_mebibytes=usage.ru_maxrss * 1024 / MEBIBYTE)


def reference_run(task: dict, folder: pathlib.Path) -> dict:
    figures = measured([sys.executable, __file__, "--task", "reference", json.dumps(task)], folder / "reference.log")
    return figures | json.loads((pathlib.Path(task["out"]) / "figures.json").read_text())


def mica_command(mica: str, task: dict, extra: list) -> list:
    command = [
        mica, "decompose", "--fit", "model", "--no-clean-up", task["image"], "--model", task["model"], "--layers", task["layers"],
        "--steps", task["steps"], "--resolution", task["resolution"], "--prompt", task["prompt"],
        "--latents", task["latents"],
        "--true-cfg-scale", task["true_cfg_scale"], "--cfg-normalize", "-o", task["out"], "--json",
    ]
    return command + (["--negative-prompt", task["negative_prompt"]] if task["guided"] else []) + extra


def compare_layers(reference: pathlib.Path, mica: pathlib.Path, layers: int) -> dict:
    """The share of equal 8-bit values and the greatest difference over all layers, or why they cannot be compared."""
    import numpy as np
    from PIL import Image

    ours = sorted(path for path in mica.rglob("*.png") if "layer" in path.name.lower())
    if len(ours) != layers:
        return dict(error=f"{len(ours)} pictures called layer in {mica}, expected {layers}")
    equal, total, largest = 0, 0, 0
    for index, path in enumerate(ours):
        ours_layer = np.asarray(Image.open(path).convert("RGBA")).astype(int)
        reference_layer = np.asarray(Image.open(reference / f"layer_{index}.png")).astype(int)
        if ours_layer.shape != reference_layer.shape:
            return dict(error=f"{path.name} has the shape {ours_layer.shape}, expected {reference_layer.shape}")
        difference = np.abs(ours_layer - reference_layer)
        equal, total = equal + int((difference == 0).sum()), total + difference.size
        largest = max(largest, int(difference.max()))
    return dict(equal_share=equal / total, largest_difference=largest)


def medians(runs: list) -> dict:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def report(result: dict):
    rows = [("", "reference", "mica", "mica / reference")]
    reference, mica = result["reference"], result.get("mica")

    def row(title, unit, reference_key, mica_key, digits):
        theirs, ours = reference.get(reference_key), mica and mica.get(mica_key)
        ratio = f"{ours / theirs:.3f}" if theirs and ours else "-"
        rows.append((f"{title}, {unit}", *(f"{x:.{digits}f}" if x is not None else "-" for x in (theirs, ours)), ratio))

    row("decomposition (reference: the call; mica: the process)", "s", "call_seconds", "wall_seconds", 2)
    row("whole process", "s", "wall_seconds", "wall_seconds", 2)
    row("processor time", "s", "processor_seconds", "processor_seconds", 2)
    row("peak resident memory", "MiB", "peak_mebibytes", "peak_mebibytes", 0)
    row("resident once loaded", "MiB", "loaded_mebibytes", None, 0)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for cells in rows:
        print("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(cells, widths))))
    print(json.dumps(result.get("layers", "mica was not run")))


def parse_options():
    options = argparse.ArgumentParser(description="Measure mica and the reference on the same decomposition.")
    options.add_argument("--model", type=pathlib.Path, default=TINY, help="a checkpoint folder (default: tiny)")
    options.add_argument("--image", type=pathlib.Path, help="a picture (default: a square poster of the resolution)")
    options.add_argument("--mica", default=str(ROOT / ".build/release/mica"), help="the command to measure")
    options.add_argument("--mica-argument", action="append", default=[], help="a further argument for it; repeatable")
    options.add_argument("--reference-only", action="store_true", help="do not run mica")
    options.add_argument("--resolution", type=int, default=640)
    options.add_argument("--layers", type=int, default=3)
    options.add_argument("--steps", type=int, default=4)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--prompt", default=PROMPT)
    options.add_argument("--negative-prompt", default=" ")
    options.add_argument("--true-cfg-scale", type=float, default=4.0)
    options.add_argument("--no-guidance", action="store_true", help="no negative prompt, scale 1")
    options.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    options.add_argument("--task", nargs=2, metavar=("KIND", "JSON"), help=argparse.SUPPRESS)
    return options.parse_args()


def task_of(options, folder: pathlib.Path) -> dict:
    return dict(
        model=str(options.model.resolve()), image=str((options.image or folder / "input.png").resolve()),
        latents=str(folder / "latents.safetensors"), resolution=options.resolution, layers=options.layers,
        steps=options.steps, prompt=options.prompt, negative_prompt=options.negative_prompt,
        guided=not options.no_guidance, true_cfg_scale=1.0 if options.no_guidance else options.true_cfg_scale)


def compare(options, folder: pathlib.Path) -> dict:
    task = task_of(options, folder)
    measured([sys.executable, __file__, "--task", "prepare", json.dumps(task)], folder / "prepare.log")
    reference_out, mica_out = folder / "reference", folder / "mica"
    reference_out.mkdir()
    runs = {"reference": [], "mica": []}
    for number in range(options.runs):
        runs["reference"].append(reference_run(task | dict(out=str(reference_out)), folder))
        if not options.reference_only:
            command = mica_command(options.mica, task | dict(out=str(mica_out)), options.mica_argument)
            runs["mica"].append(measured(command, folder / "mica.log"))
        print(f"run {number + 1} of {options.runs} done", file=sys.stderr)
    result = dict(task={key: value for key, value in task.items() if key not in ("latents", "image")}, runs=runs)
    result |= {name: medians(figures) for name, figures in runs.items() if figures}
    if runs["mica"]:
        result["layers"] = compare_layers(reference_out, mica_out, options.layers)
    return result


def main():
    options = parse_options()
    if options.task:
        kind, task = options.task
        {"prepare": prepare, "reference": run_reference}[kind](json.loads(task))
        return
    if not options.reference_only and not os.access(options.mica, os.X_OK):
        raise SystemExit(f"{options.mica} is not there; build it with `swift build -c release` or say --reference-only")
    with tempfile.TemporaryDirectory() as folder:
        result = compare(options, pathlib.Path(folder))
    report(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
