"""How well `mica fit` brings layers back to a picture: against the truth, and whether they are the picture.

    python tools/refit/evaluate.py truth --scenes 12 --sheet docs/fit.png   # drawn at 2,048, decomposed at 256
    python tools/refit/evaluate.py pictures                                  # 30 pictures of all sizes and kinds

`truth` prints, for layers by area (`clean`) and blurred and noisy ones (`vae`), the mean error of alpha as a share of
bicubic enlargement's and the F-measure of the edges (alpha 1/2, within 2 pixels). `pictures` decomposes each picture
with the default model and fits synthetic layers to it, and prints the largest difference of the layers' composite.
Needs numpy, pillow and skia-python, and a release build (`swift build -c release --product mica`), or another one's
path in the variable MICA.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import scenes

Image.MAX_IMAGE_PIXELS = None
ROOT = Path(__file__).resolve().parents[2]
MICA = Path(os.environ.get("MICA", ROOT / ".build/release/mica"))
SIDE, MODEL_SIDE = 2048, 256


def save(path, pixels):
    Image.fromarray(pixels).save(path, compress_level=1)


def fitted(folder, picture, layers):
    """The layers as `mica fit` gives them, [n, H, W, 4]."""
    save(folder / "picture.png", picture)
    names = []
    for index, layer in enumerate(layers):
        names.append(folder / f"model{index}.png")
        save(names[-1], layer)
    subprocess.run([MICA, "fit", folder / "picture.png", *names, "-o", folder / "out"], check=True, capture_output=True)
    return read_layers(folder / "out")


def read_layers(folder):
    files = sorted(folder.glob("layer_*.png"), key=lambda file: int(file.stem.split("_")[1]))
    return [np.asarray(Image.open(file).convert("RGBA")) for file in files]


def edges(mask):
    result = np.zeros_like(mask)
    result[:-1] |= mask[:-1] ^ mask[1:]
    result[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    return result


def widened(mask, reach):
    for axis in (0, 1):
        result = mask.copy()
        for offset in range(1, reach + 1):
            result |= np.roll(mask, offset, axis) | np.roll(mask, -offset, axis)
        mask = result
    return mask


def edge_measure(found, true, reach=2):
    """F-measure of the edges at alpha 1/2; None without a true edge."""
    found, true = edges(found > 127), edges(true > 127)
    if not true.any():
        return None
    precision = (found & widened(true, reach)).sum() / max(found.sum(), 1)
    recall = (true & widened(found, reach)).sum() / true.sum()
    return 2 * precision * recall / max(precision + recall, 1e-9)


def composite_difference(layers, picture):
    """The largest difference of a value between the layers over nothing and the picture."""
    largest, rows = 0, 256
    for top in range(0, picture.shape[0], rows):
        flat = np.floor(scenes.flatten([layer[top : top + rows] for layer in layers]) + 0.5)
        wanted = picture[top : top + rows].astype(np.float32)
        difference = np.abs(flat - wanted)
        difference[..., :3] *= wanted[..., 3:] > 0
        largest = max(largest, int(difference.max()))
    return largest


def truth(arguments):
    crops = []
    for kind in ("clean", "vae"):
        errors, usual, measures, usual_measures, largest = [], [], [], [], 0
        for seed in range(arguments.first, arguments.first + arguments.scenes):
            true = scenes.draw(seed, SIDE)
            picture = np.floor(scenes.flatten(true) + 0.5).astype(np.uint8)
            model = scenes.decomposed(true, MODEL_SIDE, kind, seed)
            with tempfile.TemporaryDirectory() as folder:
                results = fitted(Path(folder), picture, model)
            largest = max(largest, composite_difference(results, picture))
            for layer in range(1, len(true)):
                alpha = true[layer][..., 3]
                plain = Image.fromarray(model[layer][..., 3]).resize((SIDE, SIDE), Image.BICUBIC)
                plain, found = np.asarray(plain), results[layer][..., 3]
                errors.append(np.abs(found.astype(int) - alpha).mean() / 255)
                usual.append(np.abs(plain.astype(int) - alpha).mean() / 255)
                measures.append(edge_measure(found, alpha))
                usual_measures.append(edge_measure(plain, alpha))
                if seed < arguments.first + 6 and layer >= 2:
                    crops.append(crop_row(picture, alpha, plain, found, results[layer], kind))
        measures = [m for m in measures if m is not None]
        usual_measures = [m for m in usual_measures if m is not None]
        print(
            f"{kind}: alpha MAE {np.mean(errors):.5f}, bicubic {np.mean(usual):.5f}, ratio"
            f" {np.mean(errors) / np.mean(usual):.3f}; edge F {np.mean(measures):.3f} (least {min(measures):.3f}),"
            f" bicubic {np.mean(usual_measures):.3f}; composite within {largest}", flush=True)
    if arguments.sheet:
        half = len(crops) // 2
        Image.fromarray(np.concatenate(crops[:3] + crops[half : half + 3])).save(arguments.sheet, optimize=True)


def crop_row(picture, true, plain, found, layer, kind, side=160):
    """Picture, true alpha, bicubic's, ours, and the fitted layer on grey, where the true edge is richest."""
    counts = edges(true > 127)[: SIDE // side * side, : SIDE // side * side]
    counts = counts.reshape(SIDE // side, side, SIDE // side, side).sum((1, 3))
    row, column = np.unravel_index(np.argmax(counts), counts.shape)
    box = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
    share = layer[box][..., 3:] / 255
    shown = (layer[box][..., :3] * share + 128 * (1 - share)).astype(np.uint8)
    greys = [np.repeat(alpha[box][..., None], 3, 2) for alpha in (true, plain, found)]
    return np.concatenate([picture[box][..., :3], *greys, shown], axis=1)


# --- pictures of all kinds -------------------------------------------------------------------------------------------

SIZES = [
    (64, 64), (65, 97), (100, 100), (127, 129), (255, 64), (320, 240), (333, 500), (512, 512), (641, 480), (64, 900),
    (800, 801), (1000, 667), (1023, 1025), (1280, 720), (1600, 200), (1920, 1080), (2047, 1365), (2048, 2048),
    (2500, 300), (3000, 2000), (3001, 1999), (4000, 3000), (4096, 512), (5000, 3333), (6000, 4000), (7680, 1200),
    (8000, 2000), (9001, 1501), (12000, 1500), (12000, 4100),
]
KINDS = ["colour", "alpha", "grey", "soft alpha", "noise"]


def drawn_picture(index, width, height):
    """A picture of `KINDS[index % 5]`, RGBA."""
    random = np.random.default_rng(index)
    layers = scenes.draw(index, 512)
    small = np.floor(scenes.flatten(layers) + 0.5).astype(np.uint8)
    picture = np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC)).copy()
    kind = KINDS[index % len(KINDS)]
    if kind == "grey":
        picture[..., :3] = picture[..., :1]
    if kind in ("alpha", "soft alpha"):
        alpha = Image.fromarray((scenes.noise(random, 256, 5) * 255).astype(np.uint8)).resize((width, height), Image.BICUBIC)
        alpha = np.asarray(alpha)
        picture[..., 3] = np.where(alpha > 120, 255, 0) if kind == "alpha" else alpha
    if kind == "noise":
        picture[..., :3] = random.integers(0, 256, picture.shape[:2] + (3,), np.uint8)
    return picture, kind


def pictures(arguments):
    worst = 0
    chosen = range(len(SIZES))[arguments.first : arguments.first + arguments.pictures]
    for index in chosen:
        width, height = SIZES[index]
        picture, kind = drawn_picture(index, width, height)
        scale = max(1, (width * height / 256 ** 2) ** 0.5)
        model_size = max(16, round(width / scale)), max(16, round(height / scale))
        random = np.random.default_rng(index)
        layers = [np.asarray(Image.fromarray(layer).resize(model_size)) for layer in scenes.draw(1000 + index, 256)]
        if index % 3 == 0:
            layers = [random.integers(0, 256, layer.shape, np.uint8) for layer in layers]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            synthetic = composite_difference(fitted(folder, picture, layers), picture)
            command = [MICA, "decompose", folder / "picture.png", "-o", folder / "model", "--seed", "1", "--quiet"]
            subprocess.run(command, check=True, capture_output=True)
            model = composite_difference(read_layers(folder / "model"), picture)
        worst = max(worst, synthetic, model)
        print(f"{width}x{height} {kind}: synthetic layers within {synthetic}, default model within {model}", flush=True)
    print(f"{len(chosen)} pictures: largest difference {worst}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("truth")
    command.add_argument("--scenes", type=int, default=12)
    command.add_argument("--first", type=int, default=500)
    command.add_argument("--sheet")
    command.set_defaults(run=truth)
    command = commands.add_parser("pictures")
    command.add_argument("--first", type=int, default=0)
    command.add_argument("--pictures", type=int, default=len(SIZES))
    command.set_defaults(run=pictures)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
