"""Writes the tensor names and shapes of the full-size model, for the test that asks the engine for them.

    .venv/bin/python tools/make_tensor_names.py [--out Tests/QwenImageTests/Fixtures/tensors] [--published FOLDER]

The modules of diffusers and transformers are built from the published configurations (OUT/full, in the public folder
layout) on torch's `meta` device, so nothing is downloaded and no memory is taken. Written are

    transformer.json          1,934 tensors of the transformer
    vae.json                  194 of the VAE
    text_encoder.json         Qwen2.5-VL-7B as the published checkpoint spells it: model.*, visual.*, lm_head.weight
    text_encoder_newer.json   as newer transformers write it: model.language_model.*, model.visual.*, lm_head.weight

each as `{"name": [shape], ...}`, one block (the names up to its number) a line. With `--published`, a folder that holds
`transformer_tensors.json` and `vae_tensors.json` taken from the published files, both lists are demanded to be equal.
"""

import argparse
import json
import pathlib
import re

import torch
from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from golden_checkpoints import older_name

DEFAULT_OUT = pathlib.Path(__file__).parent.parent / "Tests/QwenImageTests/Fixtures/tensors"
EXPECTED_COUNTS = {"transformer": 1934, "vae": 194, "text_encoder": 729, "text_encoder_newer": 729}


def read(path: pathlib.Path) -> dict:
    return json.loads(path.read_text())


def shapes(module: torch.nn.Module) -> dict:
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


def all_shapes(full: pathlib.Path) -> dict:
    with torch.device("meta"):
        transformer = QwenImageTransformer2DModel.from_config(read(full / "transformer/config.json"))
        vae = AutoencoderKLQwenImage.from_config(read(full / "vae/config.json"))
        config = Qwen2_5_VLConfig.from_pretrained(full / "text_encoder", local_files_only=True)
        newer = shapes(Qwen2_5_VLForConditionalGeneration(config))
    return {
        "transformer": shapes(transformer),
        "vae": shapes(vae),
        "text_encoder": {older_name(name): shape for name, shape in newer.items()},
        "text_encoder_newer": newer,
    }


def block_of(name: str) -> str:
    """The name up to the last number that is followed by more than one further part: what shares a line."""
    match = re.match(r"(?:.*?(?:blocks|layers)\.\d+\.)", name)
    return match.group(0) if match else name.split(".")[0]


def compact(tensors: dict) -> str:
    lines, block = [], None
    for name, shape in tensors.items():
        entry = f"{json.dumps(name)}:{json.dumps(shape, separators=(',', ':'))}"
        if block_of(name) == block:
            lines[-1] += "," + entry
        else:
            lines.append(entry)
            block = block_of(name)
    return "{\n" + ",\n".join(lines) + "\n}\n"


def check(tensors: dict, published: pathlib.Path | None):
    for name, expected in EXPECTED_COUNTS.items():
        if len(tensors[name]) != expected:
            raise SystemExit(f"{name}: {len(tensors[name])} tensors, expected {expected}")
    for name in ("transformer", "vae") if published else ():
        listed, built = read(published / f"{name}_tensors.json"), tensors[name]
        different = [key for key in listed.keys() | built.keys() if listed.get(key) != built.get(key)]
        if different:
            raise SystemExit(f"{name}: {len(different)} names or shapes differ from the published: {different[:3]}")
        print(f"{name}: equal to the published list")


def main():
    arguments = argparse.ArgumentParser(description="Write the tensor names and shapes of the full-size model.")
    arguments.add_argument("--out", type=pathlib.Path, default=DEFAULT_OUT)
    arguments.add_argument("--published", type=pathlib.Path, help="a folder with lists to compare with")
    options = arguments.parse_args()
    tensors = all_shapes(options.out / "full")
    check(tensors, options.published)
    for name, listed in tensors.items():
        path = options.out / f"{name}.json"
        path.write_text(compact(listed))
        if read(path) != listed:
            raise SystemExit(f"{path}: does not read back as it was written")
        print(f"{path}: {len(listed)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
