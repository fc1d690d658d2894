"""Samples of the scenes: each row a mixed picture and its three layers; training scenes left, held-out ones right.

python tools/seedling/scenes_sheet.py TRAINING_POOL HELD_POOL docs/scenes.png"""

import sys

import torch

from measure import checkerboard, sheet
from mixing import draw, load_pool


def column(folder, rows, g, mix):
    frames = draw(load_pool(folder), rows, 3, g, (112, 112), mix)
    return [[(f[0, :3] + 1) / 2] + [checkerboard(layer) for layer in f[1:]] for f in frames]


if __name__ == "__main__":
    training, held, out = sys.argv[1:4]
    g = torch.Generator().manual_seed(int(sys.argv[4]) if len(sys.argv) > 4 else 0)
    blank = torch.ones(3, 112, 12)
    left, right = column(training, 7, g, True), column(held, 7, g, False)
    sheet([a + [blank] + b for a, b in zip(left, right)], out)
