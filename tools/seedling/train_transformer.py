"""Flow-matching training of the small layered transformer, resumable at any time.

x_t = (1-s) x0 + s noise over frames 0..N, the condition frame clean and last. The loss is on the implied picture,
s * (v - (noise - x0)), on frames 0..N (frame 0, which the pipeline drops, counts `frame0`): a robust part, which keeps
edges sharp where the answer is uncertain, and a square part. A share `noise_only` of samples has s = 1 exactly: the
model is a regression from the picture to its layers first, which is what one step uses.

On a CPU the pictures come from shards that make_latents.py writes meanwhile; on a GPU they are drawn and encoded here:

  python tools/seedling/train_transformer.py OUT.pt --config tools/seedling/configs/cpu.json --latents FOLDER
  python tools/seedling/train_transformer.py OUT.pt --config tools/seedling/configs/gpu.json --pool POOL --device cuda

The state (weights, averages, optimisers, clock) is saved each minute and resumed where OUT.pt exists. Curves: OUT.png.
"""

import argparse
import glob
import json
import math
import os
import time

import numpy as np
import torch

from curves import plot
from mixing import GrowingPool, chances, draw, load_pool
from transformer import Transformer, frozen, pack, placed, rope_table, sample
from vae import load_vae

DEFAULTS = dict(
    dim=192,
    depth=6,
    head_dim=32,
    batch=16,
    lr=1.5e-3,
    muon_lr=3e-3,
    warmup=50,
    noise_only=1.0,
    frame0=0.1,
    channel_weight=0.7,
    square=0.5,
    robust=0.1,
    present=1.5,
    optimiser="muon",
    average=0.998,
    stages=[[1.0, [128]]],
    tokens=0,
    crops=[],
    layers=[3, 3, 3, 2, 4],
    buffer=12000,
)


class Shards:
    """Latents written by make_latents.py, by (N, height, width); the newest `limit` pictures stay in memory."""

    def __init__(self, folder, limit):
        self.folder, self.limit, self.seen, self.held = folder, limit, set(), []
        self.pictures = 0

    def refresh(self):
        for path in sorted(glob.glob(f"{self.folder}/*[0-9].npy"), key=os.path.getmtime):
            if path not in self.seen:
                self.seen.add(path)
                self.held.append(np.load(path))
                self.pictures += len(self.held[-1])
        while self.pictures > self.limit:
            self.pictures -= len(self.held.pop(0))

    def batch(self, size, g):
        """Pictures of one shard's shape, gathered from as many shards of that shape as the draw hits."""
        pick = lambda n: int(torch.randint(n, (1,), generator=g))
        shape = self.held[pick(len(self.held))].shape[1:]
        same = [a for a in self.held if a.shape[1:] == shape]
        chosen = [same[pick(len(same))] for _ in range(size)]
        return torch.from_numpy(np.stack([a[pick(len(a))] for a in chosen])).float()


KEPT = 12  # groups of drawn pictures alive
EVERY = 4  # batches for which one new group is drawn
PIXELS = 4 << 20  # of all frames drawn at once


class Drawn:
    """Groups of pictures of one shape each, drawn and encoded here; a group serves a few batches, then goes."""

    def __init__(self, pool, vae, mean, std, o, device):
        self.pool, self.vae, self.mean, self.std = pool, vae, mean, std
        self.layers, self.tokens, self.size, self.device = o.layers, o.tokens, o.batch, device
        self.groups, self.turn, self.sides, self.drawn = [], 0, None, 0

    def stage(self, sides):
        """Pictures of about these sides from now on."""
        if sides != self.sides:
            self.sides, self.groups = sides, []

    def shape(self, g):
        """N, height and width: square in four of ten draws, between 2:3 and 3:2 in four, between 1:2 and 2:1 in two."""
        chance = chances(g, 4)
        N, side = (some[int(c * len(some))] for some, c in zip((self.layers, self.sides), chance))
        widest = 1.0 if chance[2] < 0.4 else 1.5 if chance[2] < 0.8 else 2.0
        k = widest ** (chance[3] - 0.5)
        return N, round(side * k / 16) * 16, round(side / k / 16) * 16

    def count(self, N, height, width):
        return max(1, self.tokens * 256 // ((N + 2) * height * width)) if self.tokens else self.size

    @torch.no_grad()
    def draw(self, g):
        N, height, width = self.shape(g)
        left, parts = 2 * self.count(N, height, width), []
        while left > 0:
            some = min(left, max(1, PIXELS // ((N + 1) * height * width) * 8))
            frames = draw(self.pool.groups if hasattr(self.pool, "groups") else self.pool, some, N, g, (height, width))
            parts.append(encode(self.vae, self.mean, self.std, frames).to(torch.bfloat16))
            left -= some
        self.groups.append(torch.cat(parts))
        self.drawn += len(self.groups[-1])

    def batch(self, g):
        while len(self.groups) < KEPT:
            self.draw(g)
        if self.turn % EVERY == 0:
            self.groups.pop(0)
            self.draw(g)
        self.turn += 1
        z = self.groups[int(chances(g, 1)[0] * len(self.groups))]
        return z[torch.randint(len(z), (len(z) // 2,), generator=g, device=self.device)].float()


@torch.no_grad()
def encode(vae, mean, std, frames):
    """Frames [B, F, 4, H, W] to normalised latents [B, F, 16, H/8, W/8]."""
    B, count = frames.shape[:2]
    part = 8 if frames.device.type == "cpu" else 256
    with torch.autocast(frames.device.type, torch.bfloat16):
        frames = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        z = torch.cat([vae.encode(f) for f in frames.split(part)])
    return ((z.float() - mean) / std).clamp(-6, 6).unflatten(0, (B, count))


def optimisers(model, o):
    """Muon for the blocks' matrices, AdamW for the rest; or AdamW for all."""
    matrices = [
        p for n, p in model.named_parameters() if p.ndim == 2 and "transformer_blocks" in n and "img_mod" not in n
    ]
    if o.optimiser != "muon":
        matrices = []
    own = {id(p) for p in matrices}
    others = [p for n, p in model.named_parameters() if id(p) not in own and not frozen(n)]
    made = [torch.optim.AdamW(others, lr=o.lr, betas=(0.9, 0.98), weight_decay=0)]
    if matrices:
        made.append(torch.optim.Muon(matrices, lr=o.lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
    return made


def window(z, side, g):
    """A part of the latents of at most side x side cells, at an even place: cells pair up to tokens."""
    h, w = min(side, z.shape[3]), min(side, z.shape[4])
    at = torch.rand(2, generator=g, device=g.device).tolist()
    y, x = (2 * int(k * ((whole - part) // 2 + 1)) for k, whole, part in zip(at, z.shape[3:], (h, w)))
    return z[..., y : y + h, x : x + w].contiguous()


class Partner:
    """Two processes on two cores train one model: each now and then moves half way to where the other was last seen.

    No waiting and no messages but a file each, because on a busy machine either of them may stand still."""

    def __init__(self, out, index, every):
        self.own, self.other = f"{out}.{index}.weights", f"{out}.{1 - index}.weights"
        self.every, self.read = every, 0.0

    def meet(self, model, it):
        if it % self.every:
            return
        if os.path.exists(self.other) and os.path.getmtime(self.other) > self.read:
            self.read = os.path.getmtime(self.other)
            theirs = torch.load(self.other, weights_only=True)
            with torch.no_grad():
                for name, p in model.named_parameters():
                    p.lerp_(theirs[name], 0.5)
        torch.save(dict(model.named_parameters()), self.own + ".part")
        os.replace(self.own + ".part", self.own)


def sigmas(count, noise_only, g, device):
    s = 0.1 + 0.9 * torch.rand(count, generator=g, device=device)
    return torch.where(torch.rand(count, generator=g, device=device) < noise_only, torch.ones_like(s), s)


def nothing(vae, mean, std):
    """Normalised value of latent channel 3 (alpha's) up to which a cell shows nothing, and its mean where all is opaque."""
    ends = torch.zeros(2, 1, 4, 64, 64, device=mean.device)
    ends[0, :, 3], ends[1, :, 3] = -1, 1
    empty, opaque = encode(vae, mean, std, ends)[:, 0, 3].mean((1, 2)).tolist()
    return empty + 0.08 * (opaque - empty), opaque


def presence(x, more, empty):
    """Weight of each token, [B, F, tokens]: up to 1 + more where a layer shows something, the rarer the more.

    Without it a layer of small letters is best answered by nothing at all for a long time."""
    something = (x[..., 12:16].amax(-1) > empty).float()
    return 1 + more * something * (1 - something.mean(2, True))


def loss_of(model, x0, noise, s, cos, sin, weights, o):
    """Weighted loss, and each frame's square error relative to nothing, [F]."""
    frames = x0.shape[1]
    x, e, at = pack(x0), pack(noise), s.view(-1, 1, 1)
    mixed = (1 - at) * x + at * e
    with torch.autocast(x0.device.type, torch.bfloat16):
        v = o.forward(model, torch.cat([mixed, pack(x0[:, :1])], 1), s, cos, sin)[:, : x.shape[1]]
    error = at * (v.float() - (e - x))
    square = error.square()
    value = o.square * square + (square + o.robust**2).sqrt() - o.robust
    value = (value * weights).mean(-1).unflatten(1, (frames, -1))
    value = (value * presence(x.unflatten(1, (frames, -1)), o.present, o.empty)).mean(2)
    share = torch.ones(frames, device=x0.device)
    share[0] = o.frame0
    return (value * share).sum(1).mean() / share.sum(), square.detach().mean((0, 2)).unflatten(0, (frames, -1)).mean(
        1
    )


@torch.no_grad()
def probe(model, held):
    """Square error of one-step layers of held-out scenes over their variance, a frame: 1 knows nothing."""
    g = torch.Generator(held.device).manual_seed(1)
    got = torch.cat([sample(model, z[:, 0], 3, 1, g) for z in held.split(16)])
    return [round(float((got[:, i] - held[:, i]).square().mean() / held[:, i].var()), 4) for i in range(1, 4)]


def rate(lr, o, it, done):
    """Warm-up by steps, then by the share of the time: flat, and a straight way down over the last 45 percent."""
    return lr * min(1, (it + 1) / o.warmup) * min(1, (1 - done) / 0.45 + 0.01)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--config")
    parser.add_argument("--vae", required=True)
    parser.add_argument("--latents")
    parser.add_argument("--pool")
    parser.add_argument("--parts", type=int, help="the pool is still being drawn; keep at most so many of each group")
    parser.add_argument("--after", help="a file to wait for, once all else is ready")
    parser.add_argument("--held", required=True, help="pool of held-out scenes for the curve")
    parser.add_argument("--minutes", type=float, required=True, help="of training in all, over every resumption")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--partner", type=int, choices=(0, 1), help="this process' index of two that share --out")
    parser.add_argument("--init", help="a state whose averaged weights to start from")
    parser.add_argument("--set", nargs="*", default=[], help="name=value over the configuration")
    o = parser.parse_args()
    settings = dict(DEFAULTS)
    if o.config:
        settings.update(json.load(open(o.config)))
    settings.update({k: json.loads(v) for k, v in (item.split("=", 1) for item in o.set)})
    for k, v in settings.items():
        setattr(o, k, v)
    return o, settings


def compiled(o, device):
    """A transformer and its forward compiled for any shape, tried on some, before the VAE is there."""
    model = Transformer(o.dim, o.depth, o.head_dim).to(device)
    if not o.compile:
        return model, Transformer.forward
    began, forward = time.time(), torch.compile(Transformer.forward, dynamic=True)
    try:
        for B, frames, side in ((5, 4, 12), (9, 3, 8), (7, 5, 16)):
            cos, sin = rope_table(frames, side, side + 2, model.axes, device)
            x = torch.randn(B, len(cos), 64, device=device)
            with torch.autocast(device.type, torch.bfloat16):
                forward(model, x, torch.ones(B, device=device), cos, sin).float().square().mean().backward()
    except Exception as error:  # a compiler of any version may fail; training matters more than its speed
        print(f"not compiled: {error}", flush=True)
        forward = Transformer.forward
    model.zero_grad(set_to_none=True)
    print(f"compiled {time.time() - began:.0f} s", flush=True)
    return model, forward


def start_from(model, values):
    """Take a state's weights, and the values that `hold` puts back."""
    model.load_state_dict(values)
    model.first_values.copy_(model.transformer_blocks[0].attn.to_v.weight[:, :64])


def wait_for(path):
    while path and not os.path.exists(path):
        time.sleep(0.2)


_tables = {}


def table(frames, h, w, axes, device):
    key = (frames, h, w)
    if key not in _tables:
        _tables[key] = rope_table(frames, h, w, axes, device)
    return _tables[key]


def main():
    o, settings = arguments()
    partner = None
    began = time.time()
    if o.partner is not None:
        partner = Partner(o.out, o.partner, every=16)
        o.out, o.seed = o.out.replace(".pt", f".{o.partner}.pt"), o.seed + 1000 * o.partner
    device = torch.device(o.device)
    torch.manual_seed(0)  # both partners start alike
    g = torch.Generator(device).manual_seed(o.seed + 1)
    if device.type == "cpu":
        torch.set_num_threads(o.threads)
    model, o.forward = compiled(o, device)
    wait_for(o.after)
    vae, mean, std = load_vae(o.vae, device)
    vae = vae.to(memory_format=torch.channels_last)
    o.empty, opaque = nothing(vae, mean, std)
    if o.latents:
        source = Shards(o.latents, o.buffer)
    else:
        pool = GrowingPool(o.pool, device, o.parts) if o.parts else load_pool(o.pool, o.device)
        source = Drawn(pool, vae, mean, std, o, device)
    side = o.stages[-1][1][0]
    held = draw(load_pool(o.held, o.device), 32, 3, torch.Generator(device).manual_seed(7), (side, side), mix=False)
    held = encode(vae, mean, std, held)
    print(f"ready {time.time() - began:.0f} s; latents show nothing below {o.empty:.2f}, opaque {opaque:.2f}", flush=True)
    start_from(model, placed(Transformer(o.dim, o.depth, o.head_dim), opaque).state_dict())
    ema = Transformer(o.dim, o.depth, o.head_dim).to(device).requires_grad_(False)
    if o.init:
        start_from(model, torch.load(o.init, map_location=device, weights_only=False)["ema"])
    ema.load_state_dict(model.state_dict())
    made = optimisers(model, o)
    it, seen, spent, log = 0, 0, 0.0, []
    if os.path.exists(o.out):
        saved = torch.load(o.out, map_location=device, weights_only=False)
        start_from(model, saved["model"])
        ema.load_state_dict(saved["ema"])
        for optimiser, state in zip(made, saved["optimisers"]):
            optimiser.load_state_dict(state)
        it, seen, spent, log = saved["it"], saved["seen"], saved["spent"], saved["log"]
        g.manual_seed(o.seed + 1 + it)
        print(f"resumed at {spent / 60:.1f} min, step {it}", flush=True)
    weights = std.flatten() ** o.channel_weight
    weights = (weights / weights.mean()).repeat_interleave(4)

    def save():
        state = dict(
            cfg=model.cfg, model=model.state_dict(), ema=ema.state_dict(), settings=settings, it=it, seen=seen
        )
        state |= dict(optimisers=[q.state_dict() for q in made], spent=spent, log=log, vae=os.path.basename(o.vae))
        torch.save(state, o.out + ".part")
        os.replace(o.out + ".part", o.out)

    running, last, ended = None, time.time(), False
    while not ended:
        now = time.time()
        done = spent / (o.minutes * 60)
        ended = done >= 1
        if running is not None and (ended or now - last > 60 or it == 20):
            last = now
            entry = dict(minutes=round(spent / 60, 2), it=it, seen=seen, loss=float(running), probe=probe(ema, held))
            log.append(entry)
            print(json.dumps(entry), [round(float(v), 3) for v in per], f"{seen / max(spent, 1):.1f}/s", flush=True)
            save()
            plot(log, o.out.replace(".pt", ".png"))
            if isinstance(source, Shards):
                source.refresh()
            if ended:
                break
        if isinstance(source, Shards) and not source.held:
            source.refresh()
        if isinstance(source, Drawn):
            source.stage(next(sides for share, sides in o.stages if done <= share))
        for lr, optimiser in zip((o.lr, o.muon_lr), made):
            for group in optimiser.param_groups:
                group["lr"] = rate(lr, o, it, done)
        z = source.batch(g) if isinstance(source, Drawn) else source.batch(o.batch, g)
        crop = next((side for share, side in o.crops if done <= share), 0)
        if crop:
            z = window(z, crop, g)
        cos, sin = table(z.shape[1], z.shape[3] // 2, z.shape[4] // 2, model.axes, device)
        noise = torch.randn(z.shape, generator=g, device=device)
        loss, per = loss_of(model, z, noise, sigmas(len(z), o.noise_only, g, device), cos, sin, weights, o)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in made:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        model.hold()
        if partner:
            partner.meet(model, it)
        it, seen = it + 1, seen + len(z)
        keep = min(o.average, (1 + it) / (20 + it))
        torch._foreach_lerp_(list(ema.parameters()), list(model.parameters()), 1 - keep)
        running = loss.detach() if running is None else running * 0.98 + 0.02 * loss.detach()
        spent += time.time() - now


if __name__ == "__main__":
    main()
