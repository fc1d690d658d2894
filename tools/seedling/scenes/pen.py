"""A vector pen on a supersampled canvas, and the effects that belong to a whole group: light, shadow, glow, sticker edge."""

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .paint import field

SUPERSAMPLING = 2


class Pen:
    def __init__(self, S, im=None):
        self.S = S * SUPERSAMPLING
        self.im = im or Image.new("RGBA", (self.S, self.S), (0, 0, 0, 0))
        self.d = ImageDraw.Draw(self.im)
        self.frame(0.5, 0.5, 0.5)

    def frame(self, cx, cy, s, rot=0, flip=1, sy=1):
        c, n = math.cos(rot), math.sin(rot)
        k = s * self.S
        self.m = np.array([[c * k * flip, -n * k * sy], [n * k * flip, c * k * sy]])
        self.o = np.array([cx, cy]) * self.S
        self.k = k

    def points(self, p):
        return [tuple(q) for q in np.asarray(p, float) @ self.m.T + self.o]

    def polygon(self, p, c, a=255):
        self.d.polygon(self.points(p), fill=(*c, a))

    def ellipse(self, cx, cy, rx, ry=None, c=(0, 0, 0), a=255, rot=0, t0=0, t1=2 * math.pi, n=28):
        t = np.linspace(t0, t1, n, endpoint=t1 - t0 < 6.28)
        ry = rx if ry is None else ry
        x, y = rx * np.cos(t), ry * np.sin(t)
        self.polygon(
            np.stack([cx + x * math.cos(rot) - y * math.sin(rot), cy + x * math.sin(rot) + y * math.cos(rot)], 1),
            c,
            a,
        )

    def rect(self, x0, y0, x1, y1, c, r=0, a=255):
        r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
        if r <= 0:
            return self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], c, a)
        t = np.linspace(0, math.pi / 2, 6)
        cs, sn = r * np.cos(t), r * np.sin(t)
        p = [
            np.stack([x1 - r + cs, y1 - r + sn], 1),
            np.stack([x0 + r - sn, y1 - r + cs], 1),
            np.stack([x0 + r - cs, y0 + r - sn], 1),
            np.stack([x1 - r + sn, y0 + r - cs], 1),
        ]
        self.polygon(np.concatenate(p), c, a)

    def line(self, p, w, c, a=255):
        self.d.line(self.points(p), fill=(*c, a), width=max(1, int(w * self.k)), joint="curve")
        for x, y in (p[0], p[-1]):
            self.ellipse(x, y, w / 2, w / 2, c, a, n=10)


def finish(im, S):
    return im.reduce(SUPERSAMPLING) if im.size[0] != S else im


def shade(r, im, S, strength):
    """Multiply by a soft light field and add grain: flat art becomes 'rendered' art."""
    a = np.asarray(im, np.float32).copy()
    a[..., :3] *= (1 + strength * (field(r, S, 4) - 0.5) * 2)[..., None]
    if r.random() < 0.4:
        a[..., :3] += r.normal(0, r.uniform(1, 8), (S, S, 1)).astype(np.float32)
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8), "RGBA")


def shadow(r, im, S, p=0.2):
    if r.random() > p:
        return im
    al = im.getchannel("A").filter(ImageFilter.GaussianBlur(S * r.uniform(0.008, 0.03)))
    al = ImageChops.offset(al, int(S * r.uniform(-0.03, 0.03)), int(S * r.uniform(0.0, 0.04))).point(
        lambda v, k=r.uniform(0.25, 0.6): int(v * k)
    )
    sh = Image.new("RGBA", (S, S), (0, 0, 0, 0))
    sh.putalpha(al)
    return Image.alpha_composite(sh, im)


def glow(r, im, S, c):
    """A soft halo of one colour round the whole group."""
    alpha = im.getchannel("A").filter(ImageFilter.GaussianBlur(S * r.uniform(0.01, 0.03)))
    halo = Image.new("RGBA", (S, S), (*c, 0))
    strength = r.uniform(0.8, 1.8)
    halo.putalpha(alpha.point(lambda v: min(255, int(v * strength))))
    return Image.alpha_composite(halo, im)


def outline(r, im, S, c):
    """A sticker edge of one colour round the whole group."""
    k = max(3, int(S * r.uniform(0.008, 0.022)) * 2 + 1)
    al = im.getchannel("A").filter(ImageFilter.MaxFilter(k)).filter(ImageFilter.GaussianBlur(0.6))
    o = Image.new("RGBA", (S, S), (*c, 0))
    o.putalpha(al)
    return Image.alpha_composite(o, im)


def blob(r, n=40, rough=0.25):
    t = np.linspace(0, 2 * math.pi, n, endpoint=False)
    q = np.ones(n)
    for k in range(1, 5):
        q += rough / k * r.normal() * np.cos(k * t + r.random() * 6)
    q = np.clip(q, 0.3, 1.8)
    return np.stack([q * np.cos(t), q * np.sin(t)], 1)


def star(n, inner):
    t = np.arange(2 * n) * math.pi / n - math.pi / 2
    q = np.where(np.arange(2 * n) % 2, inner, 1.0)
    return np.stack([q * np.cos(t), q * np.sin(t)], 1)
