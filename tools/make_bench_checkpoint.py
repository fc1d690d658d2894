"""Writes the mid-size model that whole decompositions are measured with: random weights, the public layout, bfloat16.

    .venv/bin/python tools/make_bench_checkpoint.py FOLDER [--blocks 12] [--heads 12] [--vae-base 96]

12 blocks of 1536 (12 heads x 128), the full-size autoencoder and a small text encoder; 2.4 GB. Keep it outside of the
repository.
"""

import argparse
import pathlib
import tempfile

import torch

import golden_checkpoints


def shape(options) -> golden_checkpoints.Shape:
    return golden_checkpoints.Shape(
        seed=1, heads=options.heads, head_size=128, rope_axes=(16, 56, 56), blocks=options.blocks, text_size=512,
        text_layers=4, text_heads=4, text_kv_heads=2, text_intermediate=1024, mrope=(16, 24, 24), vision_size=64,
        vision_heads=4, vision_depth=2, vision_full_attention=(1,), vae_base=options.vae_base, vae_res_blocks=2,
        dtype=torch.bfloat16, older_layout=False, published_generation=False, text_gain=1.0, vae_seed=2,
        vae_output_gain=1.0)


def main():
    options = argparse.ArgumentParser(description="Write the mid-size model for benchmarks.")
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--blocks", type=int, default=12)
    options.add_argument("--heads", type=int, default=12, help="of 128 features each")
    options.add_argument("--vae-base", type=int, default=96)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        pipeline = golden_checkpoints.build_pipeline(shape(options), pathlib.Path(scratch))
        pipeline.save_pretrained(options.folder)


if __name__ == "__main__":
    main()
