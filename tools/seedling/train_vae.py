"""Train the RGBA VAE on frames drawn from a pool, resumable at any time; or its decoder alone, with the latents kept.

  python tools/seedling/train_vae.py vae.pt --pool POOL --held HELD --base 24 --minutes 40
  python tools/seedling/train_vae.py vae.pt --pool POOL --held HELD --init vae24.pt --decoder --minutes 20   # finer pictures
  on a GPU: --device cuda --parts 8000 --stages 0.75:128:64,1:256:16 --compile --minutes 5

The state (weights, averages, optimiser, clock) is saved each minute and resumed where the file exists. Curves: vae.png.
"""

import argparse
import json
import math
import os
import time

import torch
import torch.nn.functional as F

from curves import plot
from mixing import GrowingPool, chances, draw, load_pool
from vae import VAE, warm_init

SATURATED = 1.03  # alpha beyond +-1 up to here costs nothing: opaque comes out as 255 and empty as 0 after the clamp


def vae_loss(p, t):
    """Terms of the loss for decoded p and true t, [B, 4, H, W] in -1..1."""
    ta, pa = t[:, 3:], p[:, 3:]
    alpha = torch.where(ta > 0.999, F.relu(SATURATED - pa), (pa - ta).abs())
    alpha = torch.where(ta < -0.999, F.relu(SATURATED + pa), alpha)
    A, B = (ta + 1) / 2, (pa.clamp(-1, 1) + 1) / 2
    colour = (p[:, :3] - t[:, :3]).abs() * (0.08 + A)
    below = torch.rand(t.shape[0], 3, 1, 1, device=t.device) * 2 - 1
    seen = (p[:, :3] * B + below * (1 - B)) - (t[:, :3] * A + below * (1 - A))  # over some colour
    slope = lambda e: (e[..., 1:, :] - e[..., :-1, :]).abs().mean() + (e[..., 1:] - e[..., :-1]).abs().mean()
    return dict(
        alpha=alpha.mean(),
        colour=colour.mean(),
        seen=seen.abs().mean(),
        square=4 * seen.square().mean(),
        slopes=0.5 * slope(seen) + 0.25 * slope(pa - ta),
    )


def frames_for(pool, count, crop, g, zoom=1):
    """Composites, backgrounds and, mostly, upper layers, which are the hard ones: [count, 4, crop, crop].

    zoom: in six of ten draws a part of a scene that is so many times larger."""
    chance = chances(g, 4)
    N, side = 2 + int(3 * chance[0]), crop * (zoom if chance[1] < 0.6 else 1)
    f = draw(pool, max(1, count // 2), N, g, (side, side))
    y, x = (int(c * (side - crop + 1)) for c in chance[2:])
    f = f[..., y : y + crop, x : x + crop]
    share = torch.tensor([0.35] + [0.2] + [0.8 / (N - 1)] * (N - 1), device=f.device)
    i = torch.multinomial(share.expand(len(f), -1), count // len(f), replacement=False, generator=g)
    f = f[torch.arange(len(f), device=f.device)[:, None], i].flatten(0, 1)
    return f.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def test(vae, frames):
    """PSNR over white, alpha's mean error and the shares of alpha that are exact; and the latents."""
    frames = frames.contiguous()
    z = torch.cat([vae.encode(f) for f in frames.split(16)])
    y = torch.cat([vae.decode(c) for c in z.split(16)]).float().clamp(-1, 1)
    A, B = (frames[:, 3:] + 1) / 2, (y[:, 3:] + 1) / 2
    c, d = (frames[:, :3] + 1) / 2, (y[:, :3] + 1) / 2
    square = float(((c * A + 1 - A) - (d * B + 1 - B)).square().mean())
    steps = (B * 255).round()
    return (
        dict(
            psnr_white=round(-10 * math.log10(square + 1e-9), 3),
            alpha_mae=round(float((A - B).abs().mean()), 5),
            opaque_exact=round(float((steps == 255)[A == 1].float().mean()), 4),
            empty_exact=round(float((steps == 0)[A == 0].float().mean()), 4),
        ),
        z,
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--held", required=True)
    parser.add_argument("--base", type=int, default=24)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--init", help="a trained VAE to start from")
    parser.add_argument("--decoder", action="store_true", help="leave the encoder and the latents as they are")
    parser.add_argument("--minutes", type=float, required=True, help="of training in all, over every resumption")
    parser.add_argument("--parts", type=int, help="the pool is still being drawn; keep at most so many of each group")
    parser.add_argument("--stages", default="1:64:32", help="share of the time up to which, side of crops, batch; ...")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--kl", type=float, default=2e-4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    o.stages = [(float(a), int(b), int(c)) for a, b, c in (stage.split(":") for stage in o.stages.split(","))]
    return o


def main():
    o, started = arguments(), time.time()
    device = torch.device(o.device)
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    g = torch.Generator(device).manual_seed(o.seed + 1)
    started_from = torch.load(o.init, map_location=device, weights_only=False) if o.init else None
    vae = VAE(**started_from["cfg"]) if o.init else warm_init(VAE(base_dim=o.base, num_res_blocks=o.blocks))
    if o.init:
        vae.load_state_dict(started_from["state"])
    vae = vae.to(device, memory_format=torch.channels_last)
    ema = VAE(**vae.cfg).to(device, memory_format=torch.channels_last).requires_grad_(False)
    ema.load_state_dict(vae.state_dict())
    learning = [p for n, p in vae.named_parameters() if not o.decoder or n.startswith(("decoder", "post_quant"))]
    optimiser = torch.optim.AdamW(learning, lr=o.lr, betas=(0.9, 0.98), weight_decay=1e-3)
    it, spent, log, samples = 0, 0.0, [], 0
    if os.path.exists(o.out):
        saved = torch.load(o.out, map_location=device, weights_only=False)
        vae.load_state_dict(saved["model"])
        ema.load_state_dict(saved["state"])
        optimiser.load_state_dict(saved["optimiser"])
        it, spent, log, samples = saved["it"], saved["spent"], saved["log"], saved["samples"]
        g.manual_seed(o.seed + 1 + it)

    def step(x):
        with torch.autocast(device.type, torch.bfloat16):
            mean, log_variance = vae.moments(x)
            mean, log_variance = mean.float(), log_variance.float().clamp(-12, 4)
            if o.decoder:
                mean, log_variance = mean.detach(), log_variance.detach()
            y = vae.decode(mean + torch.randn_like(mean) * (0.5 * log_variance).exp())
        terms = vae_loss(y.float(), x)
        terms["kl"] = o.kl * 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return terms

    if o.compile:  # while the pool's first pictures are drawn
        plain, step = step, torch.compile(step, dynamic=False)
        try:
            for _, side, batch in o.stages:
                x = torch.rand(batch, 4, side, side, generator=g, device=device) * 2 - 1
                sum(step(x.contiguous(memory_format=torch.channels_last)).values()).backward()
        except Exception as error:  # a compiler of any version may fail; training matters more than its speed
            print(f"not compiled: {error}", flush=True)
            step = plain
        optimiser.zero_grad(set_to_none=True)
        print(f"compiled {time.time() - started:.0f} s", flush=True)
    growing = GrowingPool(o.pool, device, o.parts) if o.parts else None
    pool = growing.groups if growing else load_pool(o.pool, o.device)
    held = frames_for(load_pool(o.held, o.device), 64, o.stages[-1][1], torch.Generator(device).manual_seed(5))
    print(f"pools read {time.time() - started:.0f} s", flush=True)

    def statistics():
        """Mean and deviation of each latent channel over whole pictures; a decoder's run keeps those it began with."""
        if o.decoder:
            return started_from["mean"], started_from["std"]
        z = torch.cat([ema.encode(frames_for(pool, 16, o.stages[-1][1], g)) for _ in range(16)])
        return z.mean((0, 2, 3)).cpu().tolist(), z.std((0, 2, 3)).cpu().tolist()

    running, last, ended = None, time.time(), False
    while not ended:
        now = time.time()
        done = spent / (o.minutes * 60)
        ended = done >= 1
        pool = growing.groups if growing else pool
        if running is not None and (ended or now - last > 60):
            last = now
            figures, _ = test(ema, held)
            log.append(dict(minutes=round(spent / 60, 2), it=it, loss=float(running), held=figures))
            print(json.dumps(log[-1]), flush=True)
            mean, std = statistics()
            state = dict(
                cfg=vae.cfg, model=vae.state_dict(), state=ema.state_dict(), optimiser=optimiser.state_dict()
            )
            state |= dict(it=it, spent=spent, log=log, mean=mean, std=std, metrics=figures, samples=samples)
            torch.save(state, o.out + ".part")
            os.replace(o.out + ".part", o.out)
            plot(log, o.out.replace(".pt", ".png"))
            if ended:
                break
        for group in optimiser.param_groups:
            group["lr"] = o.lr * min(1, (it + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * done))
        _, side, batch = next(stage for stage in o.stages if done <= stage[0])
        terms = step(frames_for(pool, batch, side, g, 2 if side < 200 else 1))
        samples += batch
        loss = sum(terms.values())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        it += 1
        keep = min(0.999, (1 + it) / (10 + it))
        torch._foreach_lerp_(list(ema.parameters()), list(vae.parameters()), 1 - keep)
        running = loss.detach() if running is None else running * 0.98 + 0.02 * loss.detach()
        spent += time.time() - now


if __name__ == "__main__":
    main()
