"""Illustrations that others drew and gave away: Debian's openclipart-png (public domain) and Noto Color Emoji (OFL).

Read once by `load`, cut to their content and kept small; a machine without them draws figures alone, or reads the file
that bundle.py packed (SEEDLING_CLIPART)."""

import glob
import io
import os
import warnings

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CLIPART = "/usr/share/openclipart/png"
TRAINING_CATEGORIES = "people animals food transportation recreation office unsorted".split()
HELD_OUT_CATEGORIES = "plants buildings tools education electronics containers science".split()
EMOJI = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
EMOJI_PIXELS = 109  # the one size that the bitmap font holds
# Faces, people, animals, plants, food, places, vehicles, objects; without flags and signs.
EMOJI_RANGES = ((0x1F300, 0x1F56F), (0x1F573, 0x1F595), (0x1F5A5, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F90C, 0x1F9FF))
SIDE = 192
_loaded = {}
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def trim(im):
    """The picture cut to its visible part and shrunk to SIDE, or None where it is nearly empty or a mere line drawing."""
    box = im.getchannel("A").point(lambda v: 255 if v > 16 else 0).getbbox()
    if not box or min(box[2] - box[0], box[3] - box[1]) < 24:
        return None
    im = im.crop(box)
    im.thumbnail((SIDE, SIDE), Image.LANCZOS)
    filled = np.asarray(im)[..., 3].mean() / 255
    return im if 0.22 < filled < 0.93 else None


def _clipart(categories):
    for category in categories:
        for path in sorted(glob.glob(f"{CLIPART}/{category}/**/*.png", recursive=True)):
            try:
                with Image.open(path) as im:
                    if im.size[0] * im.size[1] <= 4_000_000:
                        yield im.convert("RGBA")
            except (OSError, Image.DecompressionBombError):
                continue


def _emoji(held_out):
    if not os.path.exists(EMOJI):
        return
    font = ImageFont.truetype(EMOJI, EMOJI_PIXELS)
    for first, last in EMOJI_RANGES:
        for code in range(first, last + 1):
            if (code % 7 == 0) != held_out:
                continue
            im = Image.new("RGBA", (150, 150), (0, 0, 0, 0))
            ImageDraw.Draw(im).text((7, 10), chr(code), font=font, embedded_color=True)
            yield im


def load(held_out=False):
    """All pictures of one side of the split, as a list of small RGBA images."""
    bundle = os.environ.get("SEEDLING_CLIPART")
    if bundle and held_out not in _loaded:
        with np.load(bundle) as packed:
            names = sorted(n for n in packed.files if n.startswith("held" if held_out else "train"))
            _loaded[held_out] = [Image.open(io.BytesIO(packed[n].tobytes())).convert("RGBA") for n in names]
    if held_out not in _loaded:
        kinds = HELD_OUT_CATEGORIES if held_out else TRAINING_CATEGORIES
        found = [trim(im) for im in _clipart(kinds)] + [trim(im) for im in _emoji(held_out)]
        _loaded[held_out] = [im for im in found if im is not None]
    return _loaded[held_out]


def place(canvas, r, im, cx, cy, scale):
    """Paste one picture into the group's canvas, centred, turned a little, mirrored half of the time."""
    S = canvas.size[0]
    k = scale * 2 * S / max(im.size)
    w, h = max(4, round(im.size[0] * k)), max(4, round(im.size[1] * k))
    im = im.resize((w, h), Image.BICUBIC if k > 0.6 else Image.LANCZOS)
    if r.random() < 0.5:
        im = im.transpose(Image.FLIP_LEFT_RIGHT)
    if r.random() < 0.25:
        im = im.rotate(r.normal(0, 15), Image.BICUBIC, expand=True)
    layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    layer.paste(im, (round(cx * S - im.size[0] / 2), round(cy * S - im.size[1] / 2)))
    return Image.alpha_composite(canvas, layer)
