"""Numbers and picture sheets of a trained pair: held-out synthetic scenes, and the posters of docs/posters.

  python tools/seedling/evaluate.py --model transformer.pt --vae vae24.pt --held POOL --sizes 128 --steps 1 --layers 3
  python tools/seedling/evaluate.py --checkpoint Models/seedling --held POOL             # a folder, through diffusers' parts
  python tools/seedling/evaluate.py --mica .build/release/mica --held POOL --sizes 320    # the product, clean-up and all
  python tools/seedling/evaluate.py --decomposed FOLDER                                 # layers that `mica decompose` wrote

Every table has the trivial answer (all in the background) and the ceiling (the true layers through the VAE)."""

import argparse
import os
import subprocess
import tempfile
import time

import numpy as np
import torch
from PIL import Image

import posters
from expand import expand
from measure import Sums, checkerboard, markdown, over, sheet
from mixing import draw, load_pool
from transformer import load_transformer, pack, sample, schedule, unpack
from vae import load_vae


class Pair:
    """A transformer and a VAE; `decompose` is the pipeline's loop with guidance off."""

    def __init__(self, transformer, vae, device="cpu"):
        self.transformer, self.saved = load_transformer(transformer, device)
        self.vae, self.mean, self.std = load_vae(vae, device)

    @torch.no_grad()
    def decompose(self, picture, N, steps, seed=0):
        """picture [B, 4, H, W] in -1..1 to layers [B, N, 4, H, W]."""
        condition = (self.vae.encode(picture) - self.mean) / self.std
        g = torch.Generator(picture.device).manual_seed(seed)
        z = sample(self.transformer, condition, N, steps, g, dtype=torch.float32)[:, 1:]
        return self.decode(z * self.std + self.mean)

    @torch.no_grad()
    def decode(self, z):
        return self.vae.decode(z.flatten(0, 1)).clamp(-1, 1).unflatten(0, z.shape[:2])

    @torch.no_grad()
    def round_trip(self, layers):
        return self.vae.decode(self.vae.encode(layers.flatten(0, 1))).clamp(-1, 1).view_as(layers)


class Checkpoint(Pair):
    """A checkpoint folder through diffusers' own modules in float32, with the prompt "a" and guidance off."""

    def __init__(self, folder):
        from diffusers import QwenImageLayeredPipeline

        with tempfile.TemporaryDirectory() as whole:
            self.pipe = QwenImageLayeredPipeline.from_pretrained(expand(folder, whole), torch_dtype=torch.float32)
        config = self.pipe.vae.config
        self.mean, self.std = (torch.tensor(v).view(1, 16, 1, 1) for v in (config.latents_mean, config.latents_std))
        self.vae = self
        self.text, _ = self.pipe.encode_prompt(prompt="a", device="cpu", num_images_per_prompt=1)

    @torch.no_grad()
    def encode(self, x):
        return self.pipe.vae.encode(x[:, :, None]).latent_dist.mode()[:, :, 0]

    @torch.no_grad()
    def decode(self, z):
        if z.ndim == 4:
            return self.pipe.vae.decode(z[:, :, None]).sample[:, :, 0]
        return self.decode(z.flatten(0, 1)).clamp(-1, 1).unflatten(0, z.shape[:2])

    @torch.no_grad()
    def decompose(self, picture, N, steps, seed=0):
        condition = (self.encode(picture) - self.mean) / self.std
        B, _, h, w = condition.shape
        shapes = [[(1, h // 2, w // 2)] * (N + 2)] * B

        def velocity(tokens, sigma):
            return self.pipe.transformer(
                hidden_states=tokens,
                encoder_hidden_states=self.text.expand(B, -1, -1),
                timestep=sigma,
                img_shapes=shapes,
                additional_t_cond=torch.zeros(B, dtype=torch.long),
                return_dict=False,
            )[0]

        c, g = pack(condition[:, None]), torch.Generator().manual_seed(seed)
        x, sigmas = pack(torch.randn(B, N + 1, 16, h, w, generator=g)), schedule(steps, c.shape[1])
        for i in range(steps):
            v = velocity(torch.cat([x, c], 1), sigmas[i].expand(B))[:, : x.shape[1]]
            x = x + (sigmas[i + 1] - sigmas[i]) * v
        return self.decode(unpack(x, N + 1, h, w)[:, 1:] * self.std + self.mean)


class Product:
    """`mica decompose` with its own model: layers of the model's size, cleaned up unless `options` say otherwise."""

    def __init__(self, binary, options):
        self.command = [binary, "decompose", "--fit", "model", "--quiet", "--seed", "0", *options]

    def decompose(self, picture, N, steps):
        """picture [B, 4, H, W] in -1..1 to layers [B, N, 4, H, W]."""
        return torch.stack([self.one(p, N, steps) for p in picture])

    def one(self, picture, N, steps):
        bytes_ = ((picture[:3] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        height, width = bytes_.shape[:2]
        with tempfile.TemporaryDirectory() as folder:
            Image.fromarray(bytes_).save(f"{folder}/in.png")
            size = round((width * height) ** 0.5)
            wanted = ["-o", f"{folder}/out", "--layers", str(N), "--resolution", str(size), "--steps", str(steps)]
            subprocess.run([*self.command, f"{folder}/in.png", *wanted], check=True, stdout=subprocess.DEVNULL)
            return torch.stack([read_rgba(f"{folder}/out/layer_{k + 1}.png") for k in range(N)])


def read_rgba(path):
    """[4, H, W] in -1..1."""
    return torch.from_numpy(np.asarray(Image.open(path).convert("RGBA")).copy()).permute(2, 0, 1).float() / 127.5 - 1


def trivial(picture, truth):
    """The whole picture as the background, nothing above it."""
    answer = torch.full_like(truth, -1.0)
    answer[:, 0] = picture
    return answer


def held_out(folder, size, N, count):
    """(picture, truth) of `count` scenes whole, shrunk to size x size, eight at a time."""
    pool = [np.asarray(p[:count]) for p in load_pool(folder)]
    frames = draw(pool, len(pool[0]), N, torch.Generator().manual_seed(11), (size, size), mix=False)
    return [(f[:, 0], f[:, 1:]) for f in frames.split(8)]


def poster_set(size, N):
    return [posters.load(path, size, N) for path in posters.paths()]


def judge(pair, cases, N, steps, device):
    """Reports of the trivial answer, the ceiling and the model at each number of steps; and its last layers."""
    rows, ceiling = {"everything in the background": Sums()}, "ceiling (the truth through the VAE)"
    if hasattr(pair, "round_trip"):
        rows[ceiling] = Sums()
    named = {f"{n} step{'s' if n > 1 else ''}": n for n in steps}
    rows |= {name: Sums() for name in named}
    last, seconds = [], {}
    for picture, truth in cases:
        picture, truth = picture.to(device), truth.to(device)
        seen = (picture[:, :3] + 1) / 2
        rows["everything in the background"].add(trivial(picture, truth), truth, seen)
        if ceiling in rows:
            rows[ceiling].add(pair.round_trip(truth), truth, seen)
        for name, n in named.items():
            started = time.time()
            got = pair.decompose(picture, N, n)
            seconds[name] = seconds.get(name, 0) + time.time() - started
            rows[name].add(got, truth, seen)
        last.append((picture.cpu(), truth.cpu(), got.cpu()))
    return [(name, s.report()) for name, s in rows.items()], last


def rows_of(last, limit, with_truth):
    """Sheet rows: picture, composite of the layers, then each layer (after its truth)."""
    rows = []
    for picture, truth, got in last:
        for i in range(len(picture)):
            row = [(picture[i, :3] + 1) / 2, over(got[i : i + 1])[0]]
            for k in range(truth.shape[1]):
                row += [checkerboard(truth[i, k])] * with_truth + [checkerboard(got[i, k])]
            rows.append(row)
    return rows[:limit]


def read_decomposed(folder, N):
    """Cases and answers of posters from FOLDER/NAME/layer_1.png ...: truth is rendered at the answer's own size."""
    cases = []
    for path in posters.paths():
        name = os.path.basename(path)[:-4]
        files = [f"{folder}/{name}/layer_{i + 1}.png" for i in range(N)]
        if not all(os.path.exists(f) for f in files):
            continue
        got = torch.stack([read_rgba(f) for f in files])[None]
        height, width = got.shape[-2:]
        picture, truth = posters.load_at(path, width, height, N)
        cases.append((picture, truth, got))
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--vae")
    parser.add_argument("--checkpoint")
    parser.add_argument("--mica", help="the command, with its own model")
    parser.add_argument("--options", default="", help="more of the command's, such as --no-clean-up")
    parser.add_argument("--held")
    parser.add_argument("--decomposed")
    parser.add_argument("--no-posters", action="store_true")
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--sizes", default="128")
    parser.add_argument("--steps", default="1")
    parser.add_argument("--layers", default="3")
    parser.add_argument("--sheets", help="folder for held-out-SIZE-N.png and posters-SIZE-N.png")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    if o.decomposed:
        for N in [int(n) for n in o.layers.split(",")]:
            cases, ours, none = read_decomposed(o.decomposed, N), Sums(), Sums()
            if not cases:
                parser.error(
                    f"there is no {o.decomposed}/POSTER/layer_1.png to layer_{N}.png for any POSTER.svg of docs/posters; "
                    f"mica decompose docs/posters/POSTER.png --layers {N} -o {o.decomposed}/POSTER writes them"
                )
            for picture, truth, got in cases:
                ours.add(got, truth, (picture[:, :3] + 1) / 2)
                none.add(trivial(picture, truth), truth, (picture[:, :3] + 1) / 2)
            print(f"\n{len(cases)} posters, N={N}, as the product wrote them\n")
            rows = [("everything in the background", none.report()), ("mica decompose", ours.report())]
            print(markdown(rows, N), flush=True)
            if o.sheets:
                sheet(rows_of(cases, 40, False), f"{o.sheets}/posters-product-{N}.png")
        return
    if o.mica:
        pair = Product(o.mica, o.options.split())
    else:
        pair = Checkpoint(o.checkpoint) if o.checkpoint else Pair(o.model, o.vae, o.device)
    steps = [int(n) for n in o.steps.split(",")]
    for size in [int(s) for s in o.sizes.split(",")]:
        for N in [int(n) for n in o.layers.split(",")]:
            sets = {} if o.no_posters else {"posters": poster_set(size, N)}
            if o.held:
                sets["held-out"] = held_out(o.held, size, N, o.count)
            for name, cases in sets.items():
                rows, last = judge(pair, cases, N, steps, o.device)
                count = sum(len(c[0]) for c in cases)
                print(f"\n{name}: {count} pictures of about {size} pixels, N={N}\n\n{markdown(rows, N)}", flush=True)
                if o.sheets:
                    sheet(rows_of(last, 16, True), f"{o.sheets}/{name}-{size}-{N}.png")


if __name__ == "__main__":
    main()
