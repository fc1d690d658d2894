"""Measures how far the reference's own bfloat16 run is from its float32 run, stage by stage, on the golden cases.

    python tools/make_bfloat16_errors.py [--golden Tests/QwenImageTests/Fixtures/golden]

Writes bfloat16_errors.json beside the cases: relative L2 errors by case and stage. An engine that computes in bfloat16
may be as far off as that, and no further.
"""

import argparse
import json
import math
import pathlib

import torch
from diffusers import QwenImageLayeredPipeline
from PIL import Image
from safetensors.torch import load_file

import golden_recorder
import make_goldens

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A caption in bfloat16 may be another one, and then so is all that follows.
CASES = [case for case in make_goldens.CASES if case.prompt not in (None, "", " ")]


def rounded_up(error: float) -> float:
    """To six digits. What is rounded in the same way as here has the same error, and must not lie beyond the bound."""
    unit = 10.0 ** (math.floor(math.log10(error)) - 5) if error > 0 else 1.0
    return float(f"{math.ceil(error / unit) * unit:.6g}")


def errors_of(case, golden: pathlib.Path) -> dict:
    folder = golden / "cases" / case.name
    pipeline = QwenImageLayeredPipeline.from_pretrained(
        golden / "checkpoints" / case.checkpoint, torch_dtype=torch.bfloat16, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    image = Image.open(folder / case.file).convert("RGBA")
    # The same noise for both: float32 noise, rounded by the pipeline.
    noise = golden_recorder.draw_noise(pipeline, case, image, torch.Generator("cpu").manual_seed(case.seed))
    recorder, _ = golden_recorder.run_pipeline(pipeline, case, image, noise, None)
    golden_recorder.keep_prompts(recorder, pipeline, case, case.prompt)
    expected = load_file(folder / "golden.safetensors")
    errors = {}
    for name in sorted(expected.keys() & recorder.tensors.keys()):
        if name.startswith("scheduler.") or name.endswith(".timestep") or expected[name].norm() == 0:
            continue
        difference = (recorder.tensors[name] - expected[name]).double().norm()
        errors[name] = rounded_up(float(difference / expected[name].double().norm()))
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--golden", type=pathlib.Path, default=ROOT / "Tests/QwenImageTests/Fixtures/golden")
    golden = parser.parse_args().golden
    torch.set_grad_enabled(False)
    errors = {case.name: errors_of(case, golden) for case in CASES}
    (golden / "bfloat16_errors.json").write_text(json.dumps(errors, indent=1) + "\n")
    for name, stages in errors.items():
        print(f"{name:28s} largest {max(stages.values()):.3g} ({max(stages, key=stages.get)})")


if __name__ == "__main__":
    main()
