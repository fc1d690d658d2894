"""Group 2, illustrations: drawn figures and clip art, alone, in rows or scattered, with their own light and shadow."""

import numpy as np

from . import clipart
from .figures import FIGURES, HELD_OUT_FIGURES
from .paint import random_colour
from .pen import Pen, finish, glow, outline, shade, shadow


def choose(r, kinds):
    weights = np.array([w for _, w in kinds])
    return kinds[r.choice(len(kinds), p=weights / weights.sum())][0]


def arrange(r, n):
    """Centre and scale of n illustrations: in a row on the ground, or anywhere; a lone one may fill the picture."""
    big = n == 1 and r.random() < 0.35
    for i in range(n):
        scale = r.uniform(0.3, 0.5) if big else r.uniform(0.12, 0.38) / (1 + 0.12 * n)
        x = (i + 0.5) / n + r.normal(0, 0.08) if r.random() < 0.6 else r.uniform(0.1, 0.9)
        y = r.uniform(0.2, 0.95) if r.random() < 0.5 else r.uniform(0.55, 0.85)
        yield x, y, scale


def draw_figures(r, S, held_out):
    kinds = HELD_OUT_FIGURES if held_out else FIGURES
    p = Pen(S)
    n = int(r.choice([1, 1, 2, 2, 3, 4, 6]))
    same = choose(r, kinds) if r.random() < 0.3 else None
    for x, y, scale in arrange(r, n):
        draw = same or choose(r, kinds)
        p.frame(x, y, scale, 0 if r.random() < 0.5 else r.normal(0, 0.35), 1 if r.random() < 0.5 else -1)
        draw(p, r)
    return finish(p.im, S)


def paste_clipart(canvas, r, held_out):
    pictures = clipart.load(held_out)
    n = int(r.choice([1, 1, 1, 2, 2, 3, 5]))
    for x, y, scale in arrange(r, n):
        canvas = clipart.place(canvas, r, pictures[r.integers(len(pictures))], x, y, scale * 1.15)
    return canvas


def make_objects(r, S, held_out=False):
    """Illustrations over nothing, [S, S, 4] uint8: figures, clip art, or both."""
    k = r.random() if clipart.load(held_out) else 0.0
    im = draw_figures(r, S, held_out) if k < 0.55 else Pen(S).im.reduce(2)
    if k >= 0.45:
        im = paste_clipart(im, r, held_out)
    if r.random() < 0.25:
        im = shade(r, im, S, r.uniform(0.1, 0.5))
    if r.random() < 0.14:
        im = outline(r, im, S, (255, 255, 255) if r.random() < 0.6 else random_colour(r))
    if r.random() < 0.05:
        im.putalpha(im.getchannel("A").point(lambda v, a=r.uniform(0.5, 0.9): int(v * a)))
    if r.random() < 0.05:
        return np.asarray(glow(r, im, S, random_colour(r)))
    return np.asarray(shadow(r, im, S, 0.15))
