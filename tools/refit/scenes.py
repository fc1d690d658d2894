"""Layered scenes whose layers are known at full size, for measuring how well layers are fitted back to a picture.

`draw(seed, side)` gives a background, shapes, an illustration and text as straight RGBA arrays, bottom first, drawn by
Skia with its own antialiasing. `decomposed(layers, side, kind)` imitates what a model answers: the true layers brought
to `side` pixels by area, `clean`, or blurred and noisy as a VAE leaves them (`vae`).

    pip install skia-python numpy pillow
    python tools/refit/scenes.py OUT_FOLDER --scenes 4       # look at some
"""

import argparse
import math
from pathlib import Path

import numpy as np
import skia
from PIL import Image

WORDS = "SUMMER sale Mica 2024 Open air Fresh Coffee & tea hello No. 7 Grand hotel jazz night -50% Layers".split()


def colour(random, dark=None):
    """A random colour as three numbers in 0...255; `dark` chooses which half of the lightness it has."""
    hue, saturation = random.random() * 6, random.uniform(0.1, 0.95)
    value = random.uniform(0.25, 1.0) if dark is None else random.uniform(0.1, 0.45) if dark else random.uniform(0.7, 1.0)
    channels = [value * (1 - saturation * min(1, max(0, abs((hue + offset) % 6 - 3) - 1))) for offset in (0, 2, 4)]
    return [int(255 * channel) for channel in channels]


def noise(random, side, cells):
    """Smooth noise, `cells` a side, in 0...1."""
    grid = Image.fromarray((random.random((cells, cells)) * 255).astype(np.uint8))
    return np.asarray(grid.resize((side, side), Image.BICUBIC), np.float32) / 255


def texture(random, side):
    """An opaque picture [side, side, 3]: gradients, scenery of several octaves, stripes or grain."""
    first, second, third = (np.array(colour(random), np.float32) for _ in range(3))
    kind = random.integers(0, 5)
    if kind == 0:
        angle = random.uniform(0, 2 * math.pi)
        y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
        share = np.clip(x * math.cos(angle) + y * math.sin(angle) + 0.5, 0, 1)
    elif kind == 1:
        share = sum(noise(random, side, 2 ** octave) * 0.5 ** (octave - 1) for octave in range(1, 9)) / 2
    elif kind == 2:
        period = side / random.integers(6, 40)
        y, x = np.mgrid[0:side, 0:side].astype(np.float32)
        share = 0.5 + 0.5 * np.clip(np.sin((x + y * random.uniform(-1, 1)) * 2 * math.pi / period) * 4, -1, 1)
    elif kind == 3:
        share = noise(random, side, 3)
    else:
        share = np.full((side, side), random.uniform(0, 1), np.float32)
    picture = first + share[..., None] * (second - first)
    if random.random() < 0.5:
        picture += (noise(random, side, 5)[..., None] - 0.5) * 0.5 * (third - picture)
    if random.random() < 0.5:
        picture += random.normal(0, random.uniform(2, 10), (side, side, 1))
    return np.clip(picture, 0, 255)


class Canvas:
    """A transparent layer that Skia draws on; units are parts of the side."""

    def __init__(self, side):
        self.side = side
        self.surface = skia.Surface(side, side)
        self.canvas = self.surface.getCanvas()
        self.canvas.scale(side, side)

    def paint(self, random, alpha=255, dark=None, stroke=0.0):
        paint = skia.Paint(AntiAlias=True)
        if random.random() < 0.4:
            points = [skia.Point(*random.random(2)) for _ in range(2)]
            colours = [skia.Color(*colour(random, dark), alpha) for _ in range(2)]
            paint.setShader(skia.GradientShader.MakeLinear(points, colours))
        else:
            paint.setColor(skia.Color(*colour(random, dark), alpha))
        if stroke:
            paint.setStyle(skia.Paint.kStroke_Style)
            paint.setStrokeWidth(stroke)
            paint.setStrokeCap(skia.Paint.kRound_Cap)
        return paint

    def pixels(self):
        image = self.surface.makeImageSnapshot()
        return image.toarray(colorType=skia.kRGBA_8888_ColorType).copy()


def blob(random, x, y, radius, points):
    """A closed smooth path around (x, y), or a star or polygon."""
    path = skia.Path()
    kind = random.integers(0, 3)
    corners = []
    for index in range(points):
        angle = 2 * math.pi * index / points
        reach = radius * (random.uniform(0.6, 1) if kind else (1 if index % 2 else 0.5))
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    if kind == 1:
        middle = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in zip(corners, corners[1:] + corners[:1])]
        path.moveTo(*middle[-1])
        for corner, end in zip(corners, middle):
            path.quadTo(*corner, *end)
    else:
        path.addPoly([skia.Point(*corner) for corner in corners], True)
    return path


def shapes(random, side):
    layer = Canvas(side)
    for _ in range(random.integers(1, 4)):
        alpha = 255 if random.random() < 0.75 else int(random.integers(90, 220))
        x, y, radius = random.uniform(0.15, 0.85), random.uniform(0.15, 0.85), random.uniform(0.12, 0.35)
        paint = layer.paint(random, alpha)
        if random.random() < 0.25:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, random.uniform(0.005, 0.03)))
        if random.random() < 0.5:
            box = skia.Rect.MakeXYWH(x - radius, y - radius * 0.6, radius * 2, radius * 1.2)
            layer.canvas.drawRRect(skia.RRect.MakeRectXY(box, radius * 0.2, radius * 0.2), paint)
        else:
            layer.canvas.drawPath(blob(random, x, y, radius, int(random.integers(3, 14))), paint)
    return layer.pixels()


def illustration(random, side):
    layer = Canvas(side)
    x, y, radius = random.uniform(0.3, 0.7), random.uniform(0.3, 0.7), random.uniform(0.15, 0.28)
    for _ in range(int(random.integers(8, 40))):
        # Hair, twigs, whiskers: thin strokes that begin inside.
        angle, reach = random.uniform(0, 2 * math.pi), radius * random.uniform(0.9, 1.6)
        path = skia.Path()
        path.moveTo(x, y)
        path.quadTo(x + reach * 0.7 * math.cos(angle + 0.3), y + reach * 0.7 * math.sin(angle + 0.3),
                    x + reach * math.cos(angle), y + reach * math.sin(angle))
        layer.canvas.drawPath(path, layer.paint(random, stroke=random.uniform(0.001, 0.008)))
    layer.canvas.drawPath(blob(random, x, y, radius, int(random.integers(6, 16))), layer.paint(random))
    for _ in range(random.integers(3, 9)):
        at = random.uniform(-0.6, 0.6, 2) * radius
        layer.canvas.drawPath(blob(random, x + at[0], y + at[1], radius * random.uniform(0.1, 0.4), 8), layer.paint(random))
    pixels = layer.pixels()
    if random.random() < 0.5:
        pixels[..., :3] = np.clip(pixels[..., :3] * 0.7 + texture(random, side) * 0.3, 0, 255)
    return pixels


def text(random, side):
    layer = Canvas(side)
    families = ["DejaVu Sans", "DejaVu Serif", "Lato", "Noto Sans"]
    y = random.uniform(0.1, 0.3)
    for _ in range(random.integers(1, 5)):
        size = random.choice([0.03, 0.045, 0.07, 0.11, 0.16])
        face = skia.Typeface(families[random.integers(0, 4)], skia.FontStyle.Bold() if random.random() < 0.5 else skia.FontStyle.Normal())
        font = skia.Font(face, 100)
        words = " ".join(random.choice(WORDS, 2))
        layer.canvas.save()
        layer.canvas.translate(random.uniform(0.03, 0.4), y)
        layer.canvas.rotate(random.uniform(-8, 8))
        layer.canvas.scale(size / 100, size / 100)
        dark = random.random() < 0.5
        if random.random() < 0.3:
            shadow = skia.Paint(AntiAlias=True, Color=skia.Color(0, 0, 0, 150))
            shadow.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 4))
            layer.canvas.drawString(words, 4, 5, font, shadow)
        layer.canvas.drawString(words, 0, 0, font, skia.Paint(AntiAlias=True, Color=skia.Color(*colour(random, dark), 255)))
        layer.canvas.restore()
        y += size * 1.3 + random.uniform(0, 0.15)
    return layer.pixels()


def draw(seed, side):
    """Four true layers [side, side, 4] uint8, bottom first."""
    random = np.random.default_rng(seed)
    ground = np.dstack([texture(random, side), np.full((side, side), 255)]).astype(np.uint8)
    return [ground, shapes(random, side), illustration(random, side), text(random, side)]


def flatten(layers):
    """Source-over of straight RGBA layers, bottom first, in floating point; straight, 0...255."""
    total = np.zeros(layers[0].shape[:2] + (4,), np.float32)
    for layer in layers:
        alpha = layer[..., 3:].astype(np.float32) / 255
        total[..., :3] = layer[..., :3] * alpha + total[..., :3] * (1 - alpha)
        total[..., 3:] = alpha + total[..., 3:] * (1 - alpha)
    total[..., :3] /= np.maximum(total[..., 3:], 1e-6)
    total[..., 3] *= 255
    return total


def blurred(picture, sigma):
    """A Gaussian blur of [H, W, C], edges repeated."""
    reach = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padding = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(picture, padding, mode="edge")
        length = picture.shape[axis]
        picture = sum(w * np.take(padded, np.arange(i, i + length), axis) for i, w in enumerate(weights))
    return picture


def decomposed(layers, side, kind, seed=0):
    """What a model might answer at `side` pixels: uint8 RGBA layers."""
    random = np.random.default_rng(seed)
    results = []
    for layer in layers:
        alpha = layer[..., 3:].astype(np.float32) / 255
        whole = np.concatenate([layer[..., :3] * alpha, alpha * 255], axis=2)
        factor = whole.shape[0] // side
        small = whole.reshape(side, factor, side, factor, 4).mean((1, 3))
        if kind == "vae":
            small = blurred(small, 0.7)
        opacity = small[..., 3:]
        rgb = small[..., :3] / np.maximum(opacity / 255, 1e-3)
        if kind == "vae":
            rgb = rgb + random.normal(0, 6, rgb.shape) + random.normal(0, 3, (1, 1, 3))
            # Noise grows where alpha is between; clear places keep a little haze.
            between = opacity / 255 * (1 - opacity / 255)
            opacity = opacity + random.normal(0, 1, opacity.shape) * (2 + 60 * between)
        results.append(np.clip(np.concatenate([rgb, opacity], 2) + 0.5, 0, 255).astype(np.uint8))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--side", type=int, default=1024)
    arguments = parser.parse_args()
    folder = Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.scenes):
        layers = draw(seed, arguments.side)
        flat = np.clip(flatten(layers) + 0.5, 0, 255).astype(np.uint8)
        Image.fromarray(flat).save(folder / f"scene{seed}.png")


if __name__ == "__main__":
    main()
