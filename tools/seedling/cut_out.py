"""How the product splits pictures with transparent parts: the posters of docs/posters without their background.

python tools/seedling/cut_out.py .build/release/mica"""

import subprocess
import sys
import tempfile

import torch
from PIL import Image

import posters
from evaluate import read_rgba
from measure import Sums
from mixing import over


def cut_out(path):
    """(picture [4, H, W], truth [N, 4, H, W]) in -1..1 at the poster's own size, its background left out."""
    width, height = Image.open(path.replace(".svg", ".png")).size
    truth = posters.load_at(path, width, height, 3)[1][0]
    truth[0, 3] = -1
    alpha = 1 - (1 - (truth[1:, 3] + 1) / 2).prod(0)
    color = over(truth[None])[0] / alpha.clamp_min(1e-3)
    return torch.cat([color.clamp(0, 1), alpha[None]]) * 2 - 1, truth


def main():
    sums = Sums()
    for path in posters.paths():
        picture, truth = cut_out(path)
        with tempfile.TemporaryDirectory() as folder:
            bytes_ = ((picture + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(bytes_).save(f"{folder}/in.png")
            command = [sys.argv[1], "decompose", f"{folder}/in.png", "--layers", "3", "--quiet", "-o", f"{folder}/out"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            got = torch.stack([read_rgba(f"{folder}/out/layer_{k + 1}.png") for k in range(3)])
        sums.add(got[None], truth[None], ((picture[:3] + 1) / 2)[None])
    report = sums.report()
    for layer, name in ((1, "illustrations"), (2, "text")):
        print(f"{name}: IoU {report[f'layer{layer}_iou']:.3f}, alpha MAE {report[f'layer{layer}_alpha_mae']:.3f}")


if __name__ == "__main__":
    main()
