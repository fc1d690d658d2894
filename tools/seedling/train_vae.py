"""Train the RGBA VAE on frames drawn from a pool, resumable at any time; or its decoder alone, with the latents kept.

  python tools/seedling/train_vae.py vae.pt --pool POOL --held HELD --base 24 --minutes 40
  python tools/seedling/train_vae.py vae.pt --pool POOL --held HELD --init vae24.pt --decoder --minutes 20   # finer pictures
  on a GPU: --device cuda --crop 128 --batch 128 --compile --minutes 6

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
from mixing import draw, load_pool
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


def frames_for(pool, count, crop, g):
    """Composites, backgrounds and, mostly, upper layers, which are the hard ones: [count, 4, crop, crop]."""
    N = int(torch.randint(2, 5, (1,), generator=g, device=g.device))
    f = draw(pool, max(1, count // 2), N, g, (crop, crop))
    share = torch.tensor([0.35] + [0.2] + [0.8 / (N - 1)] * (N - 1), device=f.device)
    i = torch.multinomial(share.expand(len(f), -1), count // len(f), replacement=False, generator=g)
    return f[torch.arange(len(f), device=f.device)[:, None], i].flatten(0, 1)


@torch.no_grad()
def test(vae, frames):
    """PSNR over white, alpha's mean error and the shares of alpha that are exact; and the latents."""
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
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--kl", type=float, default=2e-4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    o = arguments()
    device = torch.device(o.device)
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    g = torch.Generator(device).manual_seed(o.seed + 1)
    pool = load_pool(o.pool, o.device)
    held = frames_for(load_pool(o.held, o.device), 64, 128, torch.Generator(device).manual_seed(5))
    started_from = torch.load(o.init, map_location=device, weights_only=False) if o.init else None
    vae = VAE(**started_from["cfg"]) if o.init else warm_init(VAE(base_dim=o.base, num_res_blocks=o.blocks))
    if o.init:
        vae.load_state_dict(started_from["state"])
    vae, ema = vae.to(device), VAE(**vae.cfg).to(device).requires_grad_(False)
    ema.load_state_dict(vae.state_dict())
    learning = [p for n, p in vae.named_parameters() if not o.decoder or n.startswith(("decoder", "post_quant"))]
    optimiser = torch.optim.AdamW(learning, lr=o.lr, betas=(0.9, 0.98), weight_decay=1e-3)
    it, spent, log = 0, 0.0, []
    if os.path.exists(o.out):
        saved = torch.load(o.out, map_location=device, weights_only=False)
        vae.load_state_dict(saved["model"])
        ema.load_state_dict(saved["state"])
        optimiser.load_state_dict(saved["optimiser"])
        it, spent, log = saved["it"], saved["spent"], saved["log"]
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

    if o.compile:
        step = torch.compile(step)

    def statistics():
        """Mean and deviation of each latent channel over whole pictures; a decoder's run keeps those it began with."""
        if o.decoder:
            return started_from["mean"], started_from["std"]
        z = torch.cat([ema.encode(frames_for(pool, 32, pool[0].shape[1] // 2, g)) for _ in range(8)])
        return z.mean((0, 2, 3)).cpu().tolist(), z.std((0, 2, 3)).cpu().tolist()

    running, last, ended = None, time.time(), False
    while not ended:
        now = time.time()
        done = spent / (o.minutes * 60)
        ended = done >= 1
        if running is not None and (ended or now - last > 60):
            last = now
            figures, _ = test(ema, held)
            log.append(dict(minutes=round(spent / 60, 2), it=it, loss=float(running), held=figures))
            print(json.dumps(log[-1]), flush=True)
            mean, std = statistics()
            state = dict(
                cfg=vae.cfg, model=vae.state_dict(), state=ema.state_dict(), optimiser=optimiser.state_dict()
            )
            state |= dict(it=it, spent=spent, log=log, mean=mean, std=std, metrics=figures, samples=it * o.batch)
            torch.save(state, o.out + ".part")
            os.replace(o.out + ".part", o.out)
            plot(log, o.out.replace(".pt", ".png"))
            if ended:
                break
        for group in optimiser.param_groups:
            group["lr"] = o.lr * min(1, (it + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * done))
        terms = step(frames_for(pool, o.batch, o.crop, g))
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
