"""The last minutes of training: transformer and decoder together, judged by the pixels of the layers they give.

Starts from a trained pair. One step from noise, decoded; the loss is on the layers' alpha and colour, on the overlap of
each layer's shape with the truth's, and on the picture that the layers make together. The encoder stays as it is.

  python tools/seedling/train_pixels.py OUT.pt --model transformer.pt --vae vae.pt --pool POOL --held HELD --minutes 4

Writes OUT.pt, a state that evaluate.py and export.py take as --model, and OUT-vae.pt, as --vae."""

import argparse
import json
import math
import os
import time

import torch

from curves import plot
from measure import Sums
from mixing import GrowingPool, draw, load_pool
from train_transformer import DEFAULTS, Drawn, compiled, encode, nothing, optimisers, presence, start_from, table, wait_for
from train_vae import vae_loss
from transformer import load_transformer, pack, unpack
from vae import load_vae

OVERLAP, TOGETHER, LATENT = 0.3, 1.5, 0.3  # weights beside train_vae's terms
KEEP = 0.995  # of the averages


def composite(y):
    """Layers [B, N, 4, H, W] in -1..1, bottom first, over nothing: [B, 3, H, W] in -1..1, differentiable."""
    colour, alpha = y[:, :, :3], (y[:, :, 3:] + 1) / 2
    c = colour[:, 0]
    for k in range(1, y.shape[1]):
        c = c * (1 - alpha[:, k]) + colour[:, k] * alpha[:, k]
    return c


def overlap(y, truth):
    """1 - intersection over union of the upper layers' alpha, pooled over the batch as the evaluation does."""
    a, b = (y[:, 1:, 3].clamp(-1, 1) + 1) / 2, (truth[:, 1:, 3] + 1) / 2
    both, either = torch.minimum(a, b).sum((0, 2, 3)), torch.maximum(a, b).sum((0, 2, 3))
    return (1 - (both + 1) / (either + 1)).mean()


class Step:
    def __init__(self, model, vae, mean, std, o):
        self.model, self.vae, self.mean, self.std, self.o = model, vae, mean, std, o
        weights = std.flatten() ** o.channel_weight
        self.weights = (weights / weights.mean()).repeat_interleave(4)

    def layers(self, z, noise):
        """One step: latents [B, N+1, 16, h, w] of the picture's layers from noise, given those of the picture z[:, 0]."""
        frames, h, w = z.shape[1], z.shape[3], z.shape[4]
        cos, sin = table(frames, h // 2, w // 2, self.model.axes, z.device)
        e = pack(noise)
        with torch.autocast(z.device.type, torch.bfloat16):
            at = torch.ones(len(z), device=z.device)
            v = self.o.forward(self.model, torch.cat([e, pack(z[:, :1])], 1), at, cos, sin)[:, : e.shape[1]]
        return e - v.float()

    def decode(self, x, frames, h, w):
        z = unpack(x, frames, h, w)[:, 1:] * self.std + self.mean
        with torch.autocast(z.device.type, torch.bfloat16):
            y = self.vae.decode(z.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        return y.float().unflatten(0, z.shape[:2])

    def terms(self, frames, noise):
        z = encode(self.vae, self.mean, self.std, frames)
        x = self.layers(z, noise)
        y, truth = self.decode(x, z.shape[1], *z.shape[3:]), frames[:, 1:]
        terms = vae_loss(y.flatten(0, 1), truth.flatten(0, 1))
        off = composite(y.clamp(-1, 1)) - frames[:, 0, :3]
        terms["together"] = TOGETHER * (off.abs().mean() + 4 * off.square().mean())
        terms["overlap"] = OVERLAP * overlap(y, truth)
        aim = pack(z)
        rough = (((x - aim).square() + self.o.robust**2).sqrt() * self.weights).mean(-1).unflatten(1, (z.shape[1], -1))
        terms["latent"] = LATENT * (rough * presence(aim.unflatten(1, rough.shape[1:]), 0, self.o.empty)).mean()
        return terms


@torch.no_grad()
def judge(step, held):
    """Figures of the averages on held-out scenes of three layers."""
    sums, g = Sums(), torch.Generator(held.device).manual_seed(1)
    for frames in held.split(8):
        z = encode(step.vae, step.mean, step.std, frames)
        x = step.layers(z, torch.randn(z.shape, generator=g, device=z.device))
        sums.add(step.decode(x, z.shape[1], *z.shape[3:]).clamp(-1, 1), frames[:, 1:], (frames[:, 0, :3] + 1) / 2)
    r = sums.report()
    return dict(psnr=r["composite_psnr"] / 100, illustrations=r["layer1_iou"], text=r["layer2_iou"]), r


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    for name in ("model", "vae", "pool", "held"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--parts", type=int)
    parser.add_argument("--after")
    parser.add_argument("--config")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--pixels", type=int, default=5_000_000, help="of decoded layers in a batch")
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 256, 192, 320])
    parser.add_argument("--lr", type=float, default=3e-4, help="of all optimisers")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=5)
    o = parser.parse_args()
    settings = DEFAULTS | (json.load(open(o.config)) if o.config else {})
    for k, v in settings.items():
        if k not in vars(o):
            setattr(o, k, v)
    return o


def main():
    o, began = arguments(), time.time()
    device = torch.device(o.device)
    g = torch.Generator(device).manual_seed(o.seed)
    model, o.forward = compiled(o, device)
    pool = GrowingPool(o.pool, device, o.parts) if o.parts else load_pool(o.pool, o.device)
    wait_for(o.after)
    vae, mean, std = load_vae(o.vae, device)
    average_vae, _, _ = load_vae(o.vae, device)
    average, saved = load_transformer(o.model, device)
    start_from(model, saved["ema"])
    o.empty, _ = nothing(vae, mean, std)
    held = draw(load_pool(o.held, o.device), 48, 3, torch.Generator(device).manual_seed(7), (256, 256), mix=False)
    decoder = [p.requires_grad_() for n, p in vae.named_parameters() if n.startswith(("decoder", "post_quant"))]
    made = optimisers(model, o) + [torch.optim.AdamW(decoder, lr=o.lr, betas=(0.9, 0.98), weight_decay=1e-3)]
    rates = [group["lr"] for optimiser in made for group in optimiser.param_groups]
    groups = [group for optimiser in made for group in optimiser.param_groups]
    step, averaged = Step(model, vae, mean, std, o), Step(average, average_vae, mean, std, o)
    shapes = Drawn(pool, vae, mean, std, o, device)
    shapes.stage(o.sides)
    pairs = list(zip(average.parameters(), model.parameters())) + list(zip(average_vae.parameters(), vae.parameters()))
    log, it, last = [], 0, 0.0
    started = time.time()
    print(f"ready {started - began:.0f} s", flush=True)
    while True:
        done = (time.time() - started) / (o.minutes * 60)
        if time.time() - last > 30 or done >= 1:
            figures, whole = judge(averaged, held)
            loss = sum(float(t.detach()) for t in terms.values()) if it else 0.0
            log.append(dict(minutes=round((time.time() - started) / 60, 2), it=it, loss=loss, held=figures))
            print(json.dumps(log[-1]), {k: round(float(t.detach()), 4) for k, t in terms.items()} if it else whole, flush=True)
            write(o, saved, average, average_vae, mean, std, log)
            last = time.time()
        if done >= 1:
            print(json.dumps(whole))
            break
        for group, lr in zip(groups, rates):
            group["lr"] = lr * min(1, (it + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * done))
        N, height, width = shapes.shape(g)
        frames = draw(getattr(pool, "groups", pool), max(1, o.pixels // (N * height * width)), N, g, (height, width))
        noise = torch.randn(len(frames), N + 1, 16, height // 8, width // 8, generator=g, device=device)
        terms = step.terms(frames, noise)
        sum(terms.values()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        torch.nn.utils.clip_grad_norm_(decoder, 1.0)
        for optimiser in made:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        model.hold()
        it += 1
        keep = min(KEEP, (1 + it) / (10 + it))
        with torch.no_grad():
            torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - keep)


def write(o, saved, average, vae, mean, std, log):
    state = dict(cfg=saved["cfg"], ema=average.state_dict(), seen=saved["seen"], log=log, settings=saved["settings"])
    numbers = dict(mean=mean.flatten().tolist(), std=std.flatten().tolist())
    for name, value in ((o.out, state), (o.out.replace(".pt", "-vae.pt"), dict(cfg=vae.cfg, state=vae.state_dict(), **numbers))):
        torch.save(value, name + ".part")
        os.replace(name + ".part", name)
    if len(log) > 1:
        plot(log[1:], o.out.replace(".pt", ".png"))


if __name__ == "__main__":
    main()
