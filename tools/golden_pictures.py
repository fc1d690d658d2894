"""The pictures that the goldens start from: posters drawn by formula, so nothing has to be downloaded or licensed."""

import numpy as np
from PIL import Image


def poster(width: int, height: int, hue: int) -> np.ndarray:
    """A gradient with a title bar, rows of letters, a disc and a slanted stripe; returns `[height, width, 4]` uint8."""
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    pixels = np.empty((height, width, 4), np.uint8)
    pixels[..., 0] = (40 + 160 * u + hue) % 256
    pixels[..., 1] = (200 - 120 * v + 2 * hue) % 256
    pixels[..., 2] = (90 + 100 * u * v + 3 * hue) % 256
    pixels[..., 3] = 255
    title = (v > 0.08) & (v < 0.26) & (u > 0.1) & (u < 0.9)
    pixels[title] = (225, (30 + hue) % 256, 40, 255)
    letters = title & (v > 0.12) & (v < 0.22) & (((x * 5) // max(width // 6, 1)) % 3 == 0)
    pixels[letters] = (250, 250, 240, 255)
    side = min(width, height)
    disc = (x - 0.68 * width) ** 2 + (y - 0.62 * height) ** 2 < (0.22 * side) ** 2
    pixels[disc] = (240, 215, (20 + hue) % 256, 255)
    stripe = np.abs(u + 0.7 * v - 0.85) < 0.04
    pixels[stripe & ~disc] = (15, 25, (60 + hue) % 256, 255)
    return pixels


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    """Gives a poster a soft ramp of alpha, a hole with colour left beneath it, and a half transparent band."""
    height, width, _ = pixels.shape
    y, x = np.mgrid[0:height, 0:width]
    out = pixels.copy()
    out[..., 3] = np.clip(40 + 260 * x // max(width - 1, 1), 0, 255)
    out[(y > height * 3 // 4) & (x > width // 3), 3] = 120
    out[(x - width // 4) ** 2 + (y - height // 2) ** 2 < (min(width, height) // 5) ** 2, 3] = 0
    return out


def picture(kind: str, width: int, height: int, hue: int) -> Image.Image:
    """Draws a picture of one of the kinds `rgb`, `rgba`, `grey`, `palette`, in the mode in which it is to be saved."""
    opaque = Image.fromarray(poster(width, height, hue))
    if kind == "rgb":
        return opaque.convert("RGB")
    if kind == "rgba":
        return Image.fromarray(with_alpha(poster(width, height, hue)))
    if kind == "grey":
        return opaque.convert("L")
    if kind == "palette":
        return palette_picture(opaque)
    raise ValueError(f"unknown kind of picture: {kind}")


def palette_picture(opaque: Image.Image) -> Image.Image:
    """Reduces to 24 colours of which one is wholly and one half transparent (a `tRNS` chunk of several entries)."""
    reduced = opaque.convert("RGB").quantize(24, dither=Image.Dither.NONE)
    reduced.info["transparency"] = bytes([255, 255, 0, 255, 255, 110])
    return reduced
