"""What a decomposition is worth: the numbers of the evaluation, and pictures of layers."""

import math

import numpy as np
import torch
from PIL import Image

from mixing import over

SOLID = 0.5  # alpha from which a pixel belongs to a layer


class Sums:
    """Adds up pictures of any size; `report` gives pooled figures."""

    def __init__(self):
        self.total = {}

    def _add(self, name, value, weight=1.0):
        a, b = self.total.get(name, (0.0, 0.0))
        self.total[name] = (a + float(value), b + float(weight))

    def add(self, got, truth, picture):
        """got, truth [B, N, 4, H, W] in -1..1, picture [B, 3, H, W] in 0..1."""
        A, B = (truth[:, :, 3] + 1) / 2, (got[:, :, 3].clamp(-1, 1) + 1) / 2
        C, D = (truth[:, :, :3] + 1) / 2, (got[:, :, :3].clamp(-1, 1) + 1) / 2
        for square in (over(got) - picture).square().mean((1, 2, 3)):
            self._add("composite_psnr", -10 * math.log10(float(square) + 1e-10))
        off = (C[:, 0] - D[:, 0]).abs().mean(1)
        hidden = (A[:, 1:].amax(1) > SOLID).float()
        self._add("background_l1", off.sum(), off.numel())
        self._add("hidden_background_l1", (off * hidden).sum(), hidden.sum())
        for i in range(1, A.shape[1]):
            a, b = A[:, i], B[:, i]
            both, either = ((a > SOLID) & (b > SOLID)).sum(), ((a > SOLID) | (b > SOLID)).sum()
            self._add(f"layer{i}_iou", both, either)
            self._add(f"layer{i}_alpha_mae", (a - b).abs().sum(), a.numel())
            self._add(f"layer{i}_rgb_l1", ((C[:, i] - D[:, i]).abs().mean(1) * a).sum(), a.sum())

    def report(self):
        return {k: round(a / b, 4) if b else None for k, (a, b) in self.total.items()}


HEADERS = ("composite_psnr", "hidden_background_l1")
LAYER_HEADERS = ("iou", "alpha_mae", "rgb_l1")


def markdown(rows, N):
    """A table of named reports: PSNR, hidden background, and IoU / alpha MAE / RGB L1 of each upper layer."""
    names = {2: ("all above",), 3: ("illustrations", "text"), 4: ("shapes", "illustrations", "text")}[N]
    head = ["", "composite PSNR", "hidden background L1"] + [f"{n}: IoU / alpha MAE / RGB L1" for n in names]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    show = lambda v, digits: "-" if v is None else f"{v:.{digits}f}"
    for name, r in rows:
        psnr = "exact" if r["composite_psnr"] > 60 else f"{r['composite_psnr']:.1f} dB"
        cells = [name, psnr, show(r["hidden_background_l1"], 3)]
        for i in range(1, N):
            cells.append(" / ".join(show(r[f"layer{i}_{k}"], 3) for k in LAYER_HEADERS))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def checkerboard(x):
    """RGBA [4, H, W] in -1..1 over light squares: [3, H, W] in 0..1."""
    h, w = x.shape[-2:]
    squares = (torch.arange(h)[:, None] // 8 + torch.arange(w)[None] // 8) % 2 * 0.12 + 0.8
    x = (x.clamp(-1, 1) + 1) / 2
    return x[:3] * x[3:] + squares * (1 - x[3:])


def sheet(rows, path, gap=4):
    """Rows of pictures [3, H, W] in 0..1, each row of one height, as one PNG; narrow rows are filled with white."""
    strips = []
    for row in rows:
        h = row[0].shape[1]
        cells = [torch.cat([p, torch.ones(3, h, gap)], 2) for p in row]
        strips.append(torch.cat(cells, 2))
    width = max(s.shape[2] for s in strips)
    full = []
    for s in strips:
        padded = torch.cat([s, torch.ones(3, s.shape[1], width - s.shape[2])], 2)
        full.append(torch.cat([padded, torch.ones(3, gap, width)], 1))
    pixels = (torch.cat(full, 1).clamp(0, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path, optimize=True)
