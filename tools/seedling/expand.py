"""Checkpoint folders without the weights that are zero by construction, and back, for programs that need them all.

  python tools/seedling/expand.py Models/seedling FOLDER     # a folder that diffusers loads

Left out are tensors that are wholly zero (named with their shapes in the text `mica.zeros` of the safetensors header)
and, of the VAE's causal kernels, the time slices that a single frame never meets: [out, in, 3, 3, 3] is stored as its
last slice, [out, in, 1, 3, 3]."""

import argparse
import json
import os
import shutil

import torch
from safetensors import safe_open
from safetensors.torch import save_file

KEY = "mica.zeros"
WEIGHTS = "diffusion_pytorch_model.safetensors"
TIME = 3  # slices of a causal kernel


def read(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def is_causal(name, tensor):
    return tensor.ndim == 5 and name.endswith("weight") and tensor.shape[3] == 3


def compact(folder):
    """Leave the zeros out of a folder's transformer and VAE."""
    path = f"{folder}/transformer/{WEIGHTS}"
    tensors, metadata = read(path)
    zeros = {name: list(t.shape) for name, t in tensors.items() if not t.any()}
    kept = {name: t for name, t in tensors.items() if name not in zeros}
    save_file(kept, path, metadata | {KEY: json.dumps(zeros)})
    path = f"{folder}/vae/{WEIGHTS}"
    tensors, metadata = read(path)
    for name, t in tensors.items():
        if is_causal(name, t):
            assert not t[:, :, :-1].any(), f"{name} meets more than one frame"
            tensors[name] = t[:, :, -1:].contiguous()
    save_file(tensors, path, metadata)


def expand(folder, out):
    """A copy of a folder with all its zeros."""
    shutil.copytree(folder, out, dirs_exist_ok=True)
    path = f"{out}/transformer/{WEIGHTS}"
    tensors, metadata = read(path)
    for name, shape in json.loads(metadata.pop(KEY, "{}")).items():
        tensors[name] = torch.zeros(shape, dtype=torch.bfloat16)
    save_file(tensors, path, metadata)
    path = f"{out}/vae/{WEIGHTS}"
    tensors, metadata = read(path)
    for name, t in tensors.items():
        if is_causal(name, t) and t.shape[2] == 1:
            tensors[name] = torch.cat([t.new_zeros(*t.shape[:2], TIME - 1, *t.shape[3:]), t], 2)
    save_file(tensors, path, metadata)
    return os.path.abspath(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a model's folder, such as Models/seedling")
    parser.add_argument("out", help="the folder to write")
    options = parser.parse_args()
    print(expand(options.folder, options.out))
