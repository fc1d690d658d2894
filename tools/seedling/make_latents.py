"""Endless pictures as latents: mixes the pool, encodes with a trained VAE, writes one shard after the other.

On two cores encoding costs as much as training, so it is a process of its own beside train_transformer.py, which reads
each shard as it comes and uses it several times. A GPU run encodes in the training loop instead.

  python tools/seedling/make_latents.py FOLDER --vae vae24.pt --pool POOL --size 128 --minutes 80"""

import argparse
import os
import time

import numpy as np
import torch

from mixing import draw, load_pool
from vae import load_vae

SHAPES = ((1.0, 1.0), (1.0, 1.0), (1.25, 0.8), (0.8, 1.25))  # height and width in parts of --size, one a batch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--vae", required=True)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--layers", default="3,3,3,2,3,3,4")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    os.makedirs(o.folder, exist_ok=True)
    vae, mean, std = load_vae(o.vae)
    pool, counts = load_pool(o.pool), [int(n) for n in o.layers.split(",")]
    g = torch.Generator().manual_seed(o.seed)
    started, cpu, shard = time.time(), time.process_time(), 0
    while time.time() - started < o.minutes * 60:
        N = counts[shard % len(counts)]
        shape = SHAPES[int(torch.randint(len(SHAPES), (1,), generator=g))]
        size = tuple(round(o.size * k / 16) * 16 for k in shape)
        frames = draw(pool, o.batch, N, g, size)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            z = torch.cat([vae.encode(f) for f in frames.flatten(0, 1).split(8)])  # 8: the activations stay in cache
        z = ((z.float() - mean) / std).clamp(-6, 6).unflatten(0, (o.batch, N + 1)).half().numpy()
        path = f"{o.folder}/{o.seed}-{shard:06d}-{N}.npy"
        np.save(path + ".part", z)
        os.rename(path + ".part.npy", path)
        shard += 1
        if shard % 20 == 0:
            spent = time.time() - started
            rate, per = shard * o.batch / spent, (time.process_time() - cpu) / (shard * o.batch)
            print(
                f"{spent / 60:.1f} min {shard * o.batch} pictures, {rate:.2f}/s, {per:.3f} s of processor", flush=True
            )
