"""Group 0, opaque backgrounds: flat colour, gradients, meshes, patterns, tonal scenery, imitated photographs."""

import math

import numpy as np
from PIL import Image, ImageFilter

from .paint import field, gradient, ramp, random_colour, tone
from .pen import Pen, SUPERSAMPLING


def make_background(r, S, held_out=False):
    """An opaque picture [S, S, 4] uint8; every kind on both sides of the split."""
    c = random_colour(r)
    k = r.random()
    if k < 0.22:
        a = np.empty((S, S, 3), np.float32)
        a[:] = c
    elif k < 0.45:
        a = gradient(
            ramp(r, S),
            [c] + [tone(r, c, 0.35) if r.random() < 0.5 else random_colour(r) for _ in range(int(r.integers(1, 3)))],
        )
    elif k < 0.58:
        n = int(r.integers(2, 6))
        b = np.asarray(
            [[tone(r, c, 0.3) if r.random() < 0.6 else random_colour(r) for _ in range(n)] for _ in range(n)],
            np.uint8,
        )
        a = np.asarray(Image.fromarray(b).resize((S, S), Image.BICUBIC), np.float32)
    elif k < 0.72:  # pattern of two tones
        c2 = tone(r, c, 0.2) if r.random() < 0.8 else random_colour(r)
        y, x = np.mgrid[0:S, 0:S].astype(np.float32) / S
        t = r.uniform(0, math.pi)
        f = r.uniform(4, 24)
        u = x * math.cos(t) + y * math.sin(t)
        v = -x * math.sin(t) + y * math.cos(t)
        q = r.random()
        if q < 0.35:
            g = 0.5 + 0.5 * np.sin(u * f * 2 * math.pi)
        elif q < 0.6:
            g = np.sin(u * f * 2 * math.pi) * np.sin(v * f * 2 * math.pi) + 0.5
        elif q < 0.85:
            g = 1.5 - 5 * np.hypot((u * f) % 1 - 0.5, (v * f) % 1 - 0.5)
        else:
            an = np.arctan2(y - r.random(), x - r.random())
            g = 0.5 + 0.5 * np.sin(an * int(r.integers(6, 20)))
        g = np.clip((g - 0.5) * r.uniform(2, 14) * S / 256 + 0.5, 0, 1)[..., None]
        a = np.asarray(c, np.float32) * (1 - g) + np.asarray(c2, np.float32) * g
        if r.random() < 0.3:
            a = a * (0.75 + 0.5 * ramp(r, S)[..., None])
    else:
        a = scenery(r, S, c)
    if r.random() < 0.35:
        a = a + r.normal(0, r.uniform(1, 7), (S, S, 1 if r.random() < 0.6 else 3))
    if r.random() < 0.2:
        a = a * (1 + r.uniform(0.1, 0.35) * (field(r, S) - 0.6)[..., None])
    out = np.full((S, S, 4), 255, np.uint8)
    out[..., :3] = np.clip(a, 0, 255)
    return out


def scenery(r, S, c):
    sky = gradient(
        ramp(r, S * SUPERSAMPLING, 0.1), [c, tone(r, c, 0.35)] + ([random_colour(r)] if r.random() < 0.3 else [])
    )
    p = Pen(S, Image.fromarray(sky.astype(np.uint8)).convert("RGBA"))
    p.frame(0, 0, 1)
    ground = c
    if r.random() < 0.35:
        rr = r.uniform(0.05, 0.2)
        p.ellipse(r.random(), r.uniform(0, 0.5), rr, rr, tone(r, c, 0.35))
    if r.random() < 0.5:  # clouds
        for _ in range(int(r.integers(1, 6))):
            x, y, s = r.random(), r.uniform(0, 0.7), r.uniform(0.03, 0.12)
            cc = tone(r, (235, 235, 240), 0.08) if r.random() < 0.6 else tone(r, c, 0.2)
            for _ in range(5):
                p.ellipse(
                    x + r.normal(0, s),
                    y + r.normal(0, s * 0.25),
                    s * r.uniform(0.5, 1),
                    s * r.uniform(0.3, 0.7),
                    cc,
                    int(255),
                )
    for _ in range(int(r.integers(1, 4))):  # skylines or hills, tonal
        ground = tone(r, ground, 0.22)
        base = r.uniform(0.35, 1.0)
        if r.random() < 0.5:
            x = -0.05
            while x < 1.05:
                w, h = r.uniform(0.04, 0.16), r.uniform(0.05, 0.5)
                p.rect(x, base - h, x + w, 1.01, tone(r, ground, 0.07))
                if r.random() < 0.7:
                    wc = tone(r, ground, 0.2) if r.random() < 0.7 else (255, 225, 140)
                    n, m = int(r.integers(2, 5)), int(r.integers(3, 10))
                    for i in range(n):
                        for j in range(m):
                            if r.random() < 0.8:
                                p.rect(
                                    x + w * (i + 0.25) / n,
                                    base - h + (j + 0.3) * 0.04,
                                    x + w * (i + 0.7) / n,
                                    base - h + (j + 0.7) * 0.04,
                                    wc,
                                )
                x += w * r.uniform(0.8, 1.3)
        else:
            t = np.linspace(0, 1, 40)
            f = r.uniform(1, 5)
            y = base + 0.08 * np.sin(t * f * 3 + r.random() * 6) + 0.05 * np.sin(t * f * 7 + r.random() * 6)
            if r.random() < 0.3:
                y = base + 0.25 * np.abs(((t * f + r.random()) % 1) - 0.5)
            p.polygon(list(zip(t, y)) + [(1, 1.01), (0, 1.01)], ground)
    if r.random() < 0.3:
        cc = tone(r, ground, 0.25)
        x = r.uniform(0.3, 0.7)
        p.polygon([(x - 0.03, 0.6), (x + 0.03, 0.6), (x + 0.6, 1.01), (x - 0.6, 1.01)], cc)
    return np.asarray(p.im.reduce(SUPERSAMPLING).convert("RGB"), np.float32)
