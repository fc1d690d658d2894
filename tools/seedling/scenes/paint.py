"""Colours and smooth fields. Every function draws its chances from the generator `r` alone, so a seed fixes a picture."""

import colorsys
import math

import numpy as np
from PIL import Image


def hsv(h, s, v):
    return tuple(int(255 * c) for c in colorsys.hsv_to_rgb(h % 1, min(max(s, 0), 1), min(max(v, 0), 1)))


def random_colour(r):
    k = r.random()
    if k < 0.12:
        return (int(r.integers(235, 256)),) * 3
    if k < 0.24:
        v = int(r.integers(0, 60))
        return (v, v, v + int(r.integers(0, 20)))
    if k < 0.30:
        v = int(r.integers(60, 235))
        return (v, v, v)
    if k < 0.45:
        return hsv(r.random(), r.uniform(0.1, 0.4), r.uniform(0.8, 1))  # pastel
    return hsv(r.random(), r.uniform(0.45, 1), r.uniform(0.35, 1))


def tone(r, c, d=0.12):  # a tone of the same colour
    h, s, v = colorsys.rgb_to_hsv(*[x / 255 for x in c])
    return hsv(h + r.normal(0, 0.02), s + r.uniform(-d, d), v + r.uniform(-d, d) * 1.5)


SKIN = [
    (255, 219, 190),
    (245, 200, 165),
    (224, 172, 125),
    (190, 130, 90),
    (141, 85, 54),
    (96, 60, 40),
    (255, 228, 205),
]


def field(r, S, n=None):
    """Smooth random field in 0..1."""
    n = n or int(r.integers(2, 6))
    a = Image.fromarray((r.random((n, n)) * 255).astype(np.uint8)).resize((S, S), Image.BICUBIC)
    return np.asarray(a, np.float32) / 255


def ramp(r, S, kind=None):
    y, x = np.mgrid[0:S, 0:S].astype(np.float32) / S - 0.5
    if (kind or r.random()) < 0.7:
        t = r.uniform(0, 2 * math.pi)
        if r.random() < 0.5:
            t = round(t / (math.pi / 2)) * (math.pi / 2)
        g = x * math.cos(t) + y * math.sin(t) + 0.5
    else:
        cx, cy = r.uniform(-0.5, 0.5, 2)
        g = np.hypot(x - cx, y - cy) * r.uniform(0.9, 1.8)
    return np.clip(g * r.uniform(0.8, 1.4) + r.uniform(-0.2, 0.2), 0, 1)


def gradient(g, cols):
    cols = np.asarray(cols, np.float32)
    p = np.clip(g, 0, 1) * (len(cols) - 1)
    i = np.minimum(p.astype(np.int32), len(cols) - 2)
    f = (p - i)[..., None]
    return cols[i] * (1 - f) + cols[i + 1] * f
