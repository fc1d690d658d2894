"""Pools: many pictures of each group, rendered once by many processes; training mixes them across scenes.

python -m scenes.pool FOLDER --count 3000 --size 192 --workers 2           # one .npy a group
python -m scenes.pool FOLDER --count 200 --size 192 --seed 900 --held-out  # the evaluation set
python -m scenes.pool FOLDER --count 32000 --size 320 --parts --workers 12  # a file for each 100: read while it grows
"""

import argparse
import multiprocessing
import os
import time

import numpy as np

from . import clipart
from .background import make_background
from .objects import make_objects
from .shapes import make_shapes
from .text import make_text

GROUPS = ("background", "shapes", "objects", "text")
MAKERS = (make_background, make_shapes, make_objects, make_text)


def render(group, count, S, seed, held_out):
    """Pictures [count, S, S, 4] uint8 of one group; the same seed gives the same pictures."""
    r = np.random.default_rng(seed)
    out = np.empty((count, S, S, 4), np.uint8)
    for i in range(count):
        for _ in range(20):
            try:
                out[i] = MAKERS[group](r, S, held_out)
                break
            except OSError:  # a bitmap or broken face that cannot be drawn at this size
                continue
    return out


def _job(job):
    started = time.time()
    return job[0], job[-1], render(*job[:-1]), time.time() - started


def jobs_of(count, S, seed, held_out, chunk):
    return [
        (group, min(chunk, count - at), S, (seed, group, at), held_out, at)
        for at in range(0, count, chunk)
        for group in range(len(GROUPS))
    ]


def build_parts(folder, count, S, workers, seed=0, held_out=False, chunk=100):
    """GROUP-NUMBER.npy of `chunk` pictures each, whole when its name appears."""
    os.makedirs(folder, exist_ok=True)
    clipart.load(held_out)
    with multiprocessing.Pool(workers) as pool:
        for group, at, pictures, _ in pool.imap_unordered(_job, jobs_of(count, S, seed, held_out, chunk)):
            name = f"{folder}/{GROUPS[group]}-{at:06d}.npy"
            np.save(name + ".part.npy", pictures)
            os.replace(name + ".part.npy", name)


def build(folder, count, S, workers, seed=0, held_out=False, chunk=100):
    """One .npy of `count` pictures for each group."""
    os.makedirs(folder, exist_ok=True)
    jobs = jobs_of(count, S, seed, held_out, chunk)
    parts, cost, started = [{} for _ in GROUPS], [0.0] * len(GROUPS), time.time()
    clipart.load(held_out)  # before the fork, so that the processes share it
    with multiprocessing.Pool(workers) as pool:
        for group, at, pictures, seconds in pool.imap_unordered(_job, jobs):
            parts[group][at] = pictures
            cost[group] += seconds
    for group, name in enumerate(GROUPS):
        np.save(f"{folder}/{name}.npy", np.concatenate([parts[group][at] for at in sorted(parts[group])]))
    per = {name: f"{1000 * cost[i] / count:.1f} ms" for i, name in enumerate(GROUPS)}
    print(f"{folder}: {count} of each in {time.time() - started:.0f} s, {per}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--parts", action="store_true")
    o = parser.parse_args()
    (build_parts if o.parts else build)(o.folder, o.count, o.size, o.workers, o.seed, o.held_out)
