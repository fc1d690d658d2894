"""A picture and its layers side by side with captions, for the README.

  python tools/seedling/montage.py docs/layers.png PICTURE FOLDER [PICTURE FOLDER ...]

FOLDER holds layer_1.png ... as `mica decompose PICTURE -o FOLDER` writes them."""

import glob
import sys

from PIL import Image, ImageDraw, ImageFont

HEIGHT, GAP, SQUARE = 300, 10, 10
NAMES = ("background", "illustrations", "text")


def board(width, height):
    im = Image.new("RGBA", (width, height), (255, 255, 255, 255))
    d = ImageDraw.Draw(im)
    for y in range(0, height, SQUARE):
        for x in range(0, width, SQUARE):
            if (x // SQUARE + y // SQUARE) % 2:
                d.rectangle([x, y, x + SQUARE - 1, y + SQUARE - 1], fill=(226, 226, 226, 255))
    return im


def row(picture, folder, font):
    shown = [Image.open(picture).convert("RGBA")]
    shown += [Image.open(f).convert("RGBA") for f in sorted(glob.glob(f"{folder}/layer_*.png"))]
    names = ["the picture"] + [f"layer {i + 1}: {n}" for i, n in enumerate(NAMES)]
    width = round(HEIGHT * shown[0].size[0] / shown[0].size[1])
    out = Image.new("RGB", ((width + GAP) * len(shown), HEIGHT + 24), "white")
    for i, (im, name) in enumerate(zip(shown, names)):
        im = im.resize((width, HEIGHT), Image.BICUBIC)
        cell = Image.alpha_composite(board(width, HEIGHT), im)
        out.paste(cell.convert("RGB"), (i * (width + GAP), 0))
        ImageDraw.Draw(out).text((i * (width + GAP) + width / 2, HEIGHT + 4), name, "black", font, anchor="ma")
    return out


if __name__ == "__main__":
    out, pairs = sys.argv[1], sys.argv[2:]
    font = ImageFont.truetype("DejaVuSans.ttf", 13)
    rows = [row(pairs[i], pairs[i + 1], font) for i in range(0, len(pairs), 2)]
    whole = Image.new("RGB", (max(r.size[0] for r in rows), sum(r.size[1] for r in rows)), "white")
    y = 0
    for r in rows:
        whole.paste(r, (0, y))
        y += r.size[1]
    whole.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
