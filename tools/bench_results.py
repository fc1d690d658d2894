"""The files of a result: mica against Pillow and psd-tools, in one run on the same layers.

    python3 tools/bench_results.py [--mica .build/release/mica] [--check]

Eight layers of 1024 x 1024 to PNGs, to a PSD, and to a multipart form with both (Python: Pillow, psd-tools, urllib3).
Each measurement is a process of its own, the sides by turns; the figures are medians. Needs what
tools/e2e/requirements.txt names: .venv/e2e/bin/python tools/bench_results.py
"""

import argparse
import io
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy
from PIL import Image
from psd_tools import PSDImage
from psd_tools.api.layers import PixelLayer
from urllib3.filepost import encode_multipart_formdata

TOOLS = pathlib.Path(__file__).resolve().parent
FORMATS = ("png", "psd", "multipart")
# The most of the others' time that ours may take.
BAR = 0.25


def drawn(layers: int, size: int) -> list:
    """Pictures for Pillow; `mica bench encode` draws the same."""
    y, x = numpy.mgrid[0:size, 0:size].astype(numpy.int64)
    pictures = []
    for layer in range(layers):
        centre = size * (layer + 1) // (layers + 1)
        inside = (x - centre) ** 2 + (y - size // 2) ** 2 < (size // 3) ** 2
        grain = ((x * 73856093) ^ (y * 19349663) ^ (layer * 83492791)) >> 4 & 7
        planes = (x * 255 // size + grain, y * 255 // size + grain, (x + y) * 127 // size + layer * 8 + grain)
        pixels = numpy.stack([plane & 255 for plane in planes] + [numpy.full_like(x, 255)], axis=-1)
        pictures.append(Image.fromarray(numpy.where(inside[..., None], pixels, 0).astype(numpy.uint8)))
    return pictures


def pngs(pictures: list) -> list[bytes]:
    files = []
    for picture in pictures:
        file = io.BytesIO()
        picture.save(file, "PNG")
        files.append(file.getvalue())
    return files


def psd(pictures: list) -> bytes:
    document = PSDImage.new("RGBA", pictures[0].size)
    for index, picture in enumerate(pictures, start=1):
        document.append(PixelLayer.frompil(picture, document, f"layer {index}"))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def form(pictures: list) -> bytes:
    fields = [("result", json.dumps({"layers": len(pictures)}))]
    for index, png in enumerate(pngs(pictures), start=1):
        fields.append((f"layer_{index}", (f"layer_{index}.png", png, "image/png")))
    fields.append(("psd", ("layers.psd", psd(pictures), "image/vnd.adobe.photoshop")))
    return encode_multipart_formdata(fields)[0]


def measure_reference(options) -> None:
    """Prints the seconds of each run; in a process of its own."""
    work = {"png": pngs, "psd": psd, "multipart": form}[options.reference]
    pictures = drawn(options.layers, options.size)
    work(pictures)
    seconds = []
    for _ in range(options.repetitions):
        begin = time.perf_counter()
        work(pictures)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": seconds}))


def seconds(command: list) -> list[float]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["seconds"]


def compare(options) -> bool:
    """Prints a table; whether every ratio is within the bar."""
    shared = ["--layers", options.layers, "--size", options.size, "--repetitions", options.repetitions]
    print(f"| {options.layers} layers of {options.size} x {options.size} to | mica | Python | ratio | bar |")
    print("|---|---|---|---|---|")
    is_good = True
    for kind in FORMATS:
        ours, theirs = [], []
        for _ in range(options.rounds):
            theirs += seconds([sys.executable, __file__, "--reference", kind, *shared])
            ours += seconds([options.mica, "bench", "encode", "--format", kind, *shared, "--json"])
        ratio = statistics.median(ours) / statistics.median(theirs)
        is_good = is_good and ratio <= BAR
        print(f"| {kind} | {statistics.median(ours):.4f} s | {statistics.median(theirs):.4f} s "
              f"| {ratio:.3f} | {BAR} |")
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mica", default=TOOLS.parent / ".build/release/mica", help="the command to measure")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--reference", choices=FORMATS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reference:
        measure_reference(options)
    elif not compare(options) and options.check:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
