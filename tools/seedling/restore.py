"""The states that a checkpoint folder was exported from, to train on from: the averaged weights, rounded to bf16.

  python tools/seedling/restore.py Models/seedling FOLDER    # writes FOLDER/seedling.pt and FOLDER/seedling-vae.pt

What export.py adds for diffusers (the text stream, the slices of kernels that one frame never meets) is left out again.
Optimisers start anew: train_transformer.py takes the first as --init, train_vae.py the second, train_pixels.py both."""

import json
import os
import sys

import torch

from expand import KEY, WEIGHTS, read
from transformer import Transformer
from vae import VAE, CConv


def transformer_state(folder):
    """A state as train_pixels.py writes it."""
    config = json.load(open(f"{folder}/transformer/config.json"))
    head_dim = config["attention_head_dim"]
    model = Transformer(
        config["num_attention_heads"] * head_dim, config["num_layers"], head_dim, config["axes_dims_rope"]
    )
    tensors, metadata = read(f"{folder}/transformer/{WEIGHTS}")
    zeros = json.loads(metadata.get(KEY, "{}"))
    state = {}
    for name, value in model.state_dict().items():
        state[name] = tensors[name].float() if name in tensors else torch.zeros(zeros[name])
        assert state[name].shape == value.shape, name
    return dict(cfg=model.cfg, ema=state, seen=0, settings={})


def vae_state(folder):
    """A state as load_vae reads it."""
    config = json.load(open(f"{folder}/vae/config.json"))
    cfg = {key: config[key] for key in ("base_dim", "dim_mult", "num_res_blocks")}
    vae = VAE(**cfg)
    tensors, _ = read(f"{folder}/vae/{WEIGHTS}")
    state = {name: tensors[name].float() for name in vae.state_dict()}
    for name, module in vae.named_modules():
        if isinstance(module, CConv):
            state[f"{name}.weight"] = state[f"{name}.weight"][:, :, -1]
    vae.load_state_dict(state)
    return dict(cfg=vae.cfg, state=state, mean=config["latents_mean"], std=config["latents_std"])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    torch.save(transformer_state(folder), f"{out}/seedling.pt")
    torch.save(vae_state(folder), f"{out}/seedling-vae.pt")


if __name__ == "__main__":
    main()
