"""Makes the goldens of the autoencoder's tiles, by diffusers, from a small checkpoint of `make_goldens.py`.

    .venv/bin/python tools/make_tiling_goldens.py [--golden Tests/QwenImageTests/Fixtures/golden]

Writes GOLDEN/tiling.safetensors: for each case of CASES the input of encoder and decoder and what the reference's
tiled functions give, float32, channels last without the axes of batch and time. Of a large result only some rows are
kept (`<case>.rows`): every 16th, and all around the first seam.
"""

import argparse
import pathlib

import numpy as np
import torch
from diffusers import AutoencoderKLQwenImage
from safetensors.numpy import save_file

DEFAULT_GOLDEN = pathlib.Path(__file__).parent.parent / "Tests/QwenImageTests/Fixtures/golden"
# Name: height, width, tile, stride. Sides that end a tile early, and one tile only along an axis.
CASES = {
    "small": (96, 160, 64, 48),
    "narrow": (56, 136, 64, 48),
    "usual": (288, 320, 256, 192),
}


def smooth_picture(height, width, generator):
    """[height, width, 4] in -1...1: shapes with edges and gradients, so that seams would show."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    planes = [torch.sin(7 * x + 3 * y), torch.cos(5 * y - 2 * x), (x * y > 0).float() * 2 - 1, torch.sign(x + 0.3 * y)]
    return (torch.stack(planes, -1) * 0.8 + 0.2 * torch.randn(height, width, 4, generator=generator)).clamp(-1, 1)


def rows_kept(height, stride):
    around = range(max(stride - 8, 0), min(stride + 72, height), 4)
    return np.array(sorted(set(range(0, height, 16)) | set(around) | {height - 1}), dtype=np.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=pathlib.Path, default=DEFAULT_GOLDEN)
    golden = parser.parse_args().golden
    torch.set_num_threads(1)
    vae = AutoencoderKLQwenImage.from_pretrained(golden / "checkpoints/tiny/vae", torch_dtype=torch.float32).eval()
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    std = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    tensors = {}
    for name, (height, width, tile, stride) in CASES.items():
        vae.enable_tiling(tile, tile, stride, stride)
        generator = torch.Generator().manual_seed(7)
        # Eight bits a value, so that the fixture's picture is exact and small.
        picture = ((smooth_picture(height, width, generator) + 1) * 127.5).round().to(torch.uint8)
        signed = 2 * (picture.float() / 255) - 1
        cell = 2 ** len(vae.config.temperal_downsample)
        latent = torch.randn(1, vae.config.z_dim, 1, height // cell, width // cell, generator=generator)
        with torch.no_grad():
            mode = vae.encode(signed.permute(2, 0, 1)[None, :, None]).latent_dist.mode()
            encoded = (mode - mean) / std
            decoded = vae.decode(latent * std + mean, return_dict=False)[0]
        rows = rows_kept(height, stride)
        tensors[f"{name}.picture"] = picture.numpy()
        tensors[f"{name}.encoded"] = encoded[0, :, 0].permute(1, 2, 0).contiguous().numpy()
        tensors[f"{name}.latent"] = latent[0, :, 0].permute(1, 2, 0).contiguous().numpy()
        tensors[f"{name}.rows"] = rows
        tensors[f"{name}.decoded"] = decoded[0, :, 0].permute(1, 2, 0).contiguous().numpy()[rows]
    save_file(tensors, golden / "tiling.safetensors", {"tool": "tools/make_tiling_goldens.py"})


if __name__ == "__main__":
    main()
