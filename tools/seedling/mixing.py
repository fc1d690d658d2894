"""From pools of groups to pictures with layers, all torch operations (they run on the GPU): windows, mixing, merging.

Frames are float tensors in -1..1, RGBA, [B, N+1, 4, H, W]: frame 0 the composite, 1..N the layers bottom to top, the
order of the pipeline. Groups merge into layers so that neighbours stay neighbours:

  N=4: background | shapes | objects | text    N=3: background | shapes+objects | text    N=2: background | the rest

An absent group is a wholly transparent layer."""

import glob
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F

from scenes.pool import GROUPS

MERGE = {2: ((0,), (1, 2, 3)), 3: ((0,), (1, 2), (3,)), 4: ((0,), (1,), (2,), (3,))}
ABSENT = (0.0, 0.35, 0.08, 0.2)  # chance that a group is missing
RECOLOUR = 0.6  # chance that a group's colour channels are permuted
VISIBLE = (0.0, 0.10, 0.10, 0.22)  # mean contrast below which a group is recoloured: the invisible cannot be learnt


def load_pool(folder, device="cpu"):
    """uint8 [n, S, S, 4] of every group; mapped from the file on a CPU, copied whole to a GPU."""
    mapped = [np.load(f"{folder}/{g}.npy", mmap_mode="r" if device == "cpu" else None) for g in GROUPS]
    return mapped if device == "cpu" else [torch.from_numpy(m).to(device) for m in mapped]


class GrowingPool:
    """The pool on a GPU that scenes.pool --parts is still drawing: `groups` is what `draw` takes.

    The newest `limit` pictures of each group stay."""

    def __init__(self, folder, device, limit, least=400):
        self.folder, self.device, self.limit, self.read = folder, device, limit, set()
        self.store, self.filled, self.next = [None] * len(GROUPS), [0] * len(GROUPS), [0] * len(GROUPS)
        while min(self.filled) < min(least, limit):
            self.refresh()
            time.sleep(0.1)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        while True:
            self.refresh(most=8)
            time.sleep(0.3)

    @property
    def groups(self):
        return [store[:filled] for store, filled in zip(self.store, self.filled)]

    def refresh(self, most=100):
        """Read up to `most` new files."""
        for k, name in enumerate(GROUPS):
            new = sorted(set(glob.glob(f"{self.folder}/{name}-*[0-9].npy")) - self.read)
            for path in new[: most // len(GROUPS)]:
                self.read.add(path)
                self.add(k, torch.from_numpy(np.load(path)))

    def add(self, k, pictures):
        if self.store[k] is None:
            self.store[k] = torch.empty(self.limit, *pictures.shape[1:], dtype=torch.uint8, device=self.device)
        at = self.next[k] if self.next[k] + len(pictures) <= self.limit else 0
        self.store[k][at : at + len(pictures)] = pictures[: self.limit].to(self.device)
        self.next[k] = at + len(pictures)
        self.filled[k] = max(self.filled[k], min(self.limit, self.next[k]))


def take(pool, rows, window):
    """Pictures `rows` of one pool, cut to window (y, x, h, w), as premultiplied float [B, 4, h, w] in 0..1."""
    y, x, h, w = window
    if isinstance(pool, np.ndarray):
        picked = torch.from_numpy(pool[rows.numpy(), y : y + h, x : x + w])
    else:
        picked = pool[rows, y : y + h, x : x + w]
    p = picked.permute(0, 3, 1, 2).float() / 255
    return torch.cat([p[:, :3] * p[:, 3:], p[:, 3:]], 1)


_hosts = {}


def chances(g, count):
    """Numbers in 0..1 for decisions of this process; a GPU's generator has one beside it, to not wait for the GPU."""
    host = g if g.device.type == "cpu" else _hosts.setdefault(id(g), torch.Generator().manual_seed(g.initial_seed()))
    return torch.rand(count, generator=host).tolist()


def random_window(side, size, g):
    """A window of the aspect of `size` (height, width): the whole height or width in four of ten draws, else a part."""
    largest = min(side / size[0], side / size[1])
    zoom = chances(g, 4)
    k = largest if zoom[0] < 0.4 else largest * (0.6 + 0.4 * zoom[1])
    h, w = round(size[0] * k), round(size[1] * k)
    at = zoom[2:]
    return int(at[0] * (side - h + 1)), int(at[1] * (side - w + 1)), h, w


def straight(x):
    """Premultiplied [B, 4, H, W] to straight colour and alpha."""
    return (x[:, :3] / x[:, 3:].clamp_min(1e-3)).clamp(0, 1), x[:, 3:].clamp(0, 1)


def blur(x, k):
    p = k // 2
    for _ in range(2):
        x = F.avg_pool2d(F.pad(x, (p, p, p, p), mode="replicate"), k, 1)
    return x


def extend(rgb, a):
    """Colour under alpha 0: the neighbours' colour close by, fading to mid grey, so that edges have no fringe."""
    k = max(3, rgb.shape[-1] // 20 | 1)
    near = blur(a, k)
    w = (near * 6).clamp(0, 1)
    base = blur(rgb * a, k) / (near + 1e-4) * w + 0.5 * (1 - w)
    m = (a * 8).clamp(0, 1)
    return rgb * m + base * (1 - m)


def contrast(rgb, a, below):
    """Mean visible difference from what lies below, [B]."""
    seen = ((rgb - below).abs().mean(1, True) * a).sum((1, 2, 3))
    return seen / (a.sum((1, 2, 3)) + 1e-3)


def make_visible(k, rgb, a, below):
    """Inverted, or else black or white, where group k could not be told from what lies below."""
    low = (contrast(rgb, a, below) < VISIBLE[k]) & (a.sum((1, 2, 3)) > 1)
    plain = (below.mean((1, 2, 3), True) < 0.5).float().expand_as(rgb)
    other = torch.where((contrast(1 - rgb, a, below) < 0.22).view(-1, 1, 1, 1), plain, 1 - rgb)
    return torch.where(low.view(-1, 1, 1, 1), other, rgb)


def mix_group(k, x, g):
    """Mirror, recolour and drop pictures of group k, each by its own chance."""
    chance = lambda: torch.rand(len(x), generator=g, device=x.device)
    if k < 3:
        x = torch.where((chance() < 0.5).view(-1, 1, 1, 1), x.flip(3), x)
    if k < 2:
        x = torch.where((chance() < 0.2).view(-1, 1, 1, 1), x.flip(2), x)
    order = torch.rand(len(x), 3, generator=g, device=x.device).argsort(1)
    order = torch.where((chance() < RECOLOUR).view(-1, 1), order, torch.arange(3, device=x.device))
    rgb = torch.gather(x[:, :3], 1, order.view(-1, 3, 1, 1).expand(-1, -1, *x.shape[2:]))
    return torch.cat([rgb, x[:, 3:]], 1) * (chance() >= ABSENT[k]).view(-1, 1, 1, 1)


def merge(groups, N):
    """Layers [(rgb, alpha)] bottom to top from the four groups."""
    layers = []
    for part in MERGE[N]:
        rgb, a = groups[part[0]]
        if len(part) > 1:
            colour = rgb * a
            for k in part[1:]:
                over_rgb, over_a = groups[k]
                colour = colour * (1 - over_a) + over_rgb * over_a
                a = a * (1 - over_a) + over_a
            rgb = colour / a.clamp_min(1e-3)
        layers.append((extend(rgb.clamp(0, 1), a) if part[0] else rgb, a))
    return layers


def draw(pool, B, N, g, size=None, mix=True):
    """B pictures of `size` (height, width) with N layers: frames [B, N+1, 4, H, W] in -1..1.

    mix=False takes whole scenes as they were drawn, the first B of the pool."""
    device = "cpu" if isinstance(pool[0], np.ndarray) else pool[0].device
    side = pool[0].shape[1]
    size = size or (side, side)
    window = random_window(side, size, g) if mix else (0, 0, side, side)
    groups, below = [], None
    for k, p in enumerate(pool):
        rows = torch.randint(len(p), (B,), generator=g, device=device) if mix else torch.arange(B, device=device)
        x = take(p, rows, window)
        if tuple(x.shape[2:]) != tuple(size):
            x = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        if mix:
            x = mix_group(k, x, g)
        rgb, a = straight(x)
        if k:
            rgb = make_visible(k, rgb, a, below)
        else:
            a = torch.ones_like(a)
        below = rgb if below is None else below * (1 - a) + rgb * a
        groups.append((rgb, a))
    frames = [(below, torch.ones_like(groups[0][1]))] + merge(groups, N)
    return torch.stack([torch.cat(f, 1) for f in frames], 1) * 2 - 1


def over(frames):
    """Composite of layers [B, N, 4, H, W] in -1..1, bottom first, over black: [B, 3, H, W] in 0..1."""
    x = (frames.clamp(-1, 1) + 1) / 2
    c = x[:, 0, :3] * x[:, 0, 3:]
    for i in range(1, x.shape[1]):
        c = c * (1 - x[:, i, 3:]) + x[:, i, :3] * x[:, i, 3:]
    return c
