"""The posters of docs/posters with their true layers: SVG groups rendered one by one by rsvg-convert.

python tools/seedling/posters.py        # renders docs/posters/*.svg to PNG beside them"""

import glob
import io
import os
import re
import subprocess

import numpy as np
import torch
from PIL import Image

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "posters")
GROUPS = ("background", "shapes", "objects", "text")
MULTIPLE = 16  # sides of a picture that the model takes


def render(svg, width, height):
    """RGBA picture of SVG text."""
    command = ["rsvg-convert", "-w", str(width), "-h", str(height), "-f", "png"]
    png = subprocess.run(command, input=svg.encode(), capture_output=True, check=True).stdout
    return Image.open(io.BytesIO(png)).convert("RGBA")


def only(svg, groups):
    """The SVG with the other top-level groups left out."""
    for name in GROUPS:
        if name not in groups:
            svg = re.sub(rf'\n  <g id="{name}">.*?\n  </g>', "", svg, flags=re.S)
    return svg


def size_for(width, height, area):
    """Sides of about `area` pixels in the picture's aspect, multiples of MULTIPLE."""
    k = (area / (width * height)) ** 0.5
    return tuple(max(MULTIPLE, round(v * k / MULTIPLE) * MULTIPLE) for v in (width, height))


def load(path, side, layers):
    """(picture [1, 4, H, W], truth [1, N, 4, H, W]) in -1..1 at about side x side pixels."""
    svg = open(path).read()
    width, height = (float(re.search(rf'{k}="([\d.]+)"', svg)[1]) for k in ("width", "height"))
    return load_at(path, *size_for(width, height, side * side), layers)


def load_at(path, w, h, layers):
    """The same at w x h pixels."""
    svg = open(path).read()
    parts = {2: [GROUPS[:1], GROUPS[1:]], 3: [GROUPS[:1], GROUPS[1:3], GROUPS[3:]], 4: [(n,) for n in GROUPS]}[layers]
    big = [render(only(svg, p), 4 * w, 4 * h) for p in [GROUPS] + parts]
    frames = []
    for im in big:
        x = torch.from_numpy(np.asarray(im).copy()).permute(2, 0, 1).float() / 255
        x = torch.cat([x[:3] * x[3:], x[3:]])[None]
        x = torch.nn.functional.avg_pool2d(x, 4)[0]
        rgb = torch.where(x[3:] > 1e-3, x[:3] / x[3:].clamp_min(1e-3), torch.full_like(x[:3], 0.5))
        frames.append(torch.cat([rgb.clamp(0, 1), x[3:]]))
    frames = torch.stack(frames) * 2 - 1
    return frames[:1], frames[None, 1:]


def paths():
    return sorted(glob.glob(os.path.join(FOLDER, "*.svg")))


if __name__ == "__main__":
    for path in paths():
        subprocess.run(["rsvg-convert", path, "-o", path.replace(".svg", ".png")], check=True)
        print(path.replace(".svg", ".png"))
