"""Group 1, large plain forms behind the subject: panels, discs, blobs, bands, bursts, frames, ribbons."""

import math

import numpy as np
from PIL import Image

from .paint import gradient, ramp, random_colour, tone
from .pen import Pen, blob, finish, outline, shadow, star


def make_shapes(r, S, held_out=False):
    """One to four plain forms over nothing; every kind on both sides of the split."""
    out = Image.new("RGBA", (S, S), (0, 0, 0, 0))
    for _ in range(1 + int(r.random() < 0.5) + int(r.random() < 0.3) + int(r.random() < 0.15)):
        p = Pen(S)
        c = random_colour(r)
        k = r.random()
        rot = 0 if r.random() < 0.6 else r.uniform(-0.8, 0.8)
        p.frame(r.uniform(0.1, 0.9), r.uniform(0.1, 0.9), r.uniform(0.14, 0.42), rot)
        if k < 0.22:
            p.ellipse(0, 0, 1, 1 if r.random() < 0.6 else r.uniform(0.4, 1), c, n=60)
        elif k < 0.46:
            p.rect(-1, -(h := r.uniform(0.25, 1.1)), 1, h, c, r=r.choice([0, 0.08, 0.2, 1]))
        elif k < 0.58:
            p.polygon(blob(r), c)
        elif k < 0.66:
            n = int(r.integers(3, 8))
            p.polygon(
                np.stack([np.cos(np.arange(n) * 2 * math.pi / n), np.sin(np.arange(n) * 2 * math.pi / n)], 1), c
            )
        elif k < 0.74:
            p.polygon(star(int(r.integers(5, 24)), r.uniform(0.4, 0.85)), c)
        elif k < 0.80:  # ring or frame
            w = r.uniform(0.08, 0.3)
            if r.random() < 0.5:
                p.ellipse(0, 0, 1, 1, c, n=60)
                p.ellipse(0, 0, 1 - w, 1 - w, c, 0, n=60)
            else:
                p.rect(-1, -0.8, 1, 0.8, c, 0.1)
                p.rect(-1 + w, -0.8 + w, 1 - w, 0.8 - w, c, 0.05, a=0)
        elif k < 0.90:  # band or wave across the picture
            p.frame(0.5, r.uniform(0.1, 0.95), 1, 0 if r.random() < 0.6 else r.uniform(-0.4, 0.4))
            t = np.linspace(-1, 1, 50)
            w = r.uniform(0.03, 0.2)
            y = r.choice([0, 0.04, 0.08]) * np.sin(t * r.uniform(4, 14) + r.random() * 6)
            low = np.full(50, 1.5) if r.random() < 0.35 else y + w
            p.polygon(np.concatenate([np.stack([t, y - w], 1), np.stack([t, low], 1)[::-1]]), c)
        else:  # several sisters
            n = int(r.integers(2, 6))
            rr = r.uniform(0.15, 0.4)
            for i in range(n):
                p.ellipse(-1 + 2 * (i + 0.5) / n, r.normal(0, 0.3), rr, rr, tone(r, c, 0.2))
        im = finish(p.im, S)
        if r.random() < 0.3:  # gradient fill
            g = Image.fromarray(
                np.clip(
                    gradient(ramp(r, S), [c, tone(r, c, 0.4) if r.random() < 0.6 else random_colour(r)]), 0, 255
                ).astype(np.uint8)
            )
            g.putalpha(im.getchannel("A"))
            im = g
        if r.random() < 0.15:
            im = outline(r, im, S, random_colour(r))
        if r.random() < 0.22:
            im.putalpha(im.getchannel("A").point(lambda v, a=r.uniform(0.35, 0.9): int(v * a)))
        else:
            im = shadow(r, im, S, 0.2)
        out = Image.alpha_composite(out, im)
    return np.asarray(out)
