"""Makes Tests/ImageCodecsTests/Fixtures/layered: one small stack, saved by psd-tools, GIMP and Krita, and what each of
them shows of its own file; and random colours of random alpha in every blend mode, with what Krita makes of them. Needs
psd-tools, Pillow, numpy, gimp, krita and xvfb-run.

    python3 tools/make_layered_fixtures.py
"""

import os
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import BlendMode

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Tests/ImageCodecsTests/Fixtures/layered"

MODES = [
    BlendMode.NORMAL, BlendMode.MULTIPLY, BlendMode.SCREEN, BlendMode.OVERLAY, BlendMode.DARKEN, BlendMode.LIGHTEN,
    BlendMode.COLOR_DODGE, BlendMode.COLOR_BURN, BlendMode.HARD_LIGHT, BlendMode.SOFT_LIGHT, BlendMode.DIFFERENCE,
    BlendMode.EXCLUSION, BlendMode.LINEAR_DODGE, BlendMode.LINEAR_BURN, BlendMode.HUE, BlendMode.SATURATION,
    BlendMode.COLOR, BlendMode.LUMINOSITY,
]

SAVE = """(let* ((image (car (gimp-file-load 1 "psdtools.psd" "psdtools.psd"))))
  (file-psd-save 1 image (car (gimp-image-get-active-drawable image)) "gimp.psd" "gimp.psd" 0 0)
  (gimp-quit 0))"""
FLATTEN = """(let* ((image (car (gimp-file-load 1 "gimp.psd" "gimp.psd")))
       (merged (car (gimp-image-merge-visible-layers image 1))))
  (file-png-save 1 image merged "gimp.png" "gimp.png" 0 6 0 0 0 0 0)
  (gimp-quit 0))"""


def patch(width, height, seed, opaque=False):
    """Stripes of colour under a soft spot of alpha."""
    y, x = numpy.mgrid[0:height, 0:width]
    draw = numpy.random.default_rng(seed).integers
    red = (x * draw(3, 9) + y * draw(1, 9)) % 256
    green = (x * draw(3, 9) + 40) % 256
    blue = (y * draw(5, 13) + x) % 256
    spot = numpy.clip(255 - ((x - width / 2) ** 2 + (y - height / 2) ** 2) * 5, 0, 255)
    alpha = numpy.full_like(spot, 255) if opaque else spot
    return Image.fromarray(numpy.stack([red, green, blue, alpha], -1).astype(numpy.uint8), "RGBA")


def stack():
    """A background, a group of two, and three layers above it, one of them hidden."""
    psd = PSDImage.new("RGB", (24, 18))
    psd.create_pixel_layer(patch(24, 18, 1, True), name="background", top=0, left=0)
    group = psd.create_group(name="Gruppe 群")
    psd.create_pixel_layer(
        patch(12, 9, 2), name="mul", top=2, left=3, opacity=200, blend_mode=BlendMode.MULTIPLY).move_to_group(group)
    psd.create_pixel_layer(
        patch(10, 11, 3), name="screen", top=5, left=10, blend_mode=BlendMode.SCREEN).move_to_group(group)
    group.blend_mode = BlendMode.NORMAL
    psd.create_pixel_layer(patch(11, 11, 4), name="overlay", top=4, left=-2, blend_mode=BlendMode.OVERLAY)
    psd.create_pixel_layer(patch(5, 5, 5), name="hidden", top=1, left=1).visible = False
    psd.create_pixel_layer(
        patch(8, 8, 6), name="diff", top=9, left=13, opacity=128, blend_mode=BlendMode.DIFFERENCE)
    return psd


def modes(width=24, height=8):
    """Noise over noise, a strip for each mode; the left half of every strip is opaque below, every second layer faint."""
    draw = numpy.random.default_rng(9).integers
    below = draw(0, 256, (height * len(MODES), width, 4), numpy.uint8)
    below[:, : width // 2, 3] = 255
    psd = PSDImage.new("RGB", (width, height * len(MODES)))
    psd.create_pixel_layer(Image.fromarray(below), name="below", top=0, left=0)
    for index, mode in enumerate(MODES):
        above = Image.fromarray(draw(0, 256, (height, width, 4), numpy.uint8))
        psd.create_pixel_layer(
            above, name=mode.name, top=index * height, left=0, opacity=255 - index % 2 * 75, blend_mode=mode)
    return psd


def run(*command):
    environment = os.environ | {"HOME": os.getcwd(), "LC_ALL": "C.UTF-8"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def keep(name, picture):
    """A picture without what the program wrote beside the pixels."""
    picture = picture.convert("RGBA")
    Image.frombytes("RGBA", picture.size, picture.tobytes()).save(FIXTURES / name, optimize=True)


def main():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        stack().save("psdtools.psd", encoding="utf-8")
        keep("psdtools.png", PSDImage.open("psdtools.psd").composite(force=True))
        for script in (SAVE, FLATTEN):
            run("gimp-console", "-idfs", "-c", "--batch", script)
        modes().save("modes.psd", encoding="utf-8")
        for target, source in (
            ("krita.psd", "psdtools.psd"), ("krita.ora", "psdtools.psd"), ("krita.png", "krita.psd"),
            ("krita-modes.psd", "modes.psd"), ("krita-modes.png", "krita-modes.psd"),
        ):
            run("xvfb-run", "-a", "krita", "--nosplash", "--export", "--export-filename", target, source)
        for name in ("gimp.png", "krita.png", "krita-modes.png"):
            keep(name, Image.open(name))
        for name in ("psdtools.psd", "gimp.psd", "krita.psd", "krita.ora", "krita-modes.psd"):
            (FIXTURES / name).write_bytes(pathlib.Path(name).read_bytes())


if __name__ == "__main__":
    main()
