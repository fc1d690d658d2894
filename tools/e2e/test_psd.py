"""A PSD of the service, opened by programs that designers use: names, places, pixels, and what is seen over white."""

import io
import json
import os
import shutil
import subprocess
import zipfile
from xml.etree import ElementTree

import numpy
import pytest
import requests
from mica_service import QUICK
from PIL import Image
from psd_tools import PSDImage

# How far a program's composite may be from ours, of 255: they round differently.
MERGE_TOLERANCE = 2

pytestmark = pytest.mark.usefixtures("display")


class Result:
    """The layers as PNG, and the PSD, of one job."""

    def __init__(self, service, picture, folder):
        with open(picture, "rb") as file:
            answer = requests.post(
                service.url + "/v1/layers", files={"image": file}, data=QUICK | {"layers": "4"}, timeout=120,
                headers={"Accept": "application/zip"})
        assert answer.status_code == 200, answer.text
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        self.manifest = json.loads(archive.read("manifest.json"))
        self.names = [layer["name"] for layer in self.manifest["layers"]]
        self.boxes = [layer.get("box") for layer in self.manifest["layers"]]
        self.layers = [rgba(archive.read(layer["file"])) for layer in self.manifest["layers"]]
        for form in ("psd", "psb"):
            with open(picture, "rb") as file:
                answer = requests.post(
                    service.url + f"/v1/layers?format={form}", files={"image": file}, data=QUICK | {"layers": "4"},
                    timeout=120)
            (folder / f"layers.{form}").write_bytes(answer.content)
        self.psd = folder / "layers.psd"
        self.over_white = over_white(self.layers)

    def check_layer(self, index, name, x, y, pixels):
        """One layer as a program sees it: its box lies where ours does, with the same pixels."""
        assert name == self.names[index]
        height, width = pixels.shape[:2]
        box = self.boxes[index]
        if box is None:
            assert not pixels[..., 3].any()
            return
        assert x <= box["x"] and y <= box["y"]
        assert x + width >= box["x"] + box["width"] and y + height >= box["y"] + box["height"]
        numpy.testing.assert_array_equal(pixels, self.layers[index][y:y + height, x:x + width])

    def check_merged(self, image):
        """The picture as a whole, over white."""
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        merged = numpy.asarray(Image.alpha_composite(white, image).convert("RGB")).astype(float)
        assert merged.shape == self.over_white.shape
        assert numpy.abs(merged - self.over_white).max() <= MERGE_TOLERANCE


def rgba(data):
    return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def over_white(layers):
    """The layers blended in floating point."""
    color = numpy.full((*layers[0].shape[:2], 3), 255.0)
    for layer in layers:
        alpha = layer[..., 3:].astype(float) / 255
        color = layer[..., :3] * alpha + color * (1 - alpha)
    return color


def run(command, folder, seconds=120):
    environment = os.environ | {"HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def result(service, picture, tmp_path_factory):
    """Several layers, one of which is smaller than the picture at least."""
    made = Result(service, picture, tmp_path_factory.mktemp("psd"))
    assert any(box and box["width"] < made.manifest["width"] for box in made.boxes)
    return made


def test_psd_tools(result):
    psd = PSDImage.open(result.psd)
    assert psd.size == (result.manifest["width"], result.manifest["height"])
    # One group, which a single click hides.
    assert [(layer.kind, layer.name) for layer in psd] == [("group", "layers")]
    assert [layer.name for layer in psd[0]] == result.names
    for index, layer in enumerate(psd[0]):
        if layer.width and layer.height:
            result.check_layer(index, layer.name, layer.left, layer.top, numpy.asarray(layer.topil().convert("RGBA")))
        else:
            assert result.boxes[index] is None
    result.check_merged(psd.topil())
    result.check_merged(psd.composite(force=True))


def test_imagemagick(result, tmp_path):
    shutil.copy(result.psd, tmp_path / "a.psd")
    lines = run(["identify-im6.q16", "-format", "%l|%X|%Y|%wx%h\n", "a.psd"], tmp_path).strip().splitlines()
    # The first is the merged picture; ImageMagick does not show empty layers.
    entries = [line.split("|") for line in lines[1:]]
    shown = [index for index, box in enumerate(result.boxes) if box is not None]
    assert [entry[0] for entry in entries] == [result.names[index] for index in shown]
    for frame, (index, (name, x, y, size)) in enumerate(zip(shown, entries), start=1):
        box = result.boxes[index]
        assert (int(x), int(y), size) == (box["x"], box["y"], f"{box['width']}x{box['height']}")
        run(["convert-im6.q16", f"a.psd[{frame}]", "+repage", "-depth", "8", f"PNG32:{index}.png"], tmp_path)
        result.check_layer(index, name, int(x), int(y), rgba((tmp_path / f"{index}.png").read_bytes()))
    run(["convert-im6.q16", "a.psd[0]", "+repage", "-depth", "8", "PNG32:merged.png"], tmp_path)
    result.check_merged(Image.open(tmp_path / "merged.png"))


GIMP_SCRIPT = """
(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE "a.psd" "a.psd")))
       (group (vector-ref (cadr (gimp-image-get-layers image)) 0))
       (layers (gimp-item-get-children group))
       (count (car layers))
       (ids (cadr layers)))
  (gimp-message (string-append "GROUP|" (car (gimp-item-get-name group))))
  (let loop ((index 0))
    (if (< index count)
      (let* ((layer (vector-ref ids index))
             (name (number->string (- count index 1))))
        (gimp-message (string-append "LAYER|" name "|" (car (gimp-item-get-name layer)) "|"
          (number->string (car (gimp-drawable-offsets layer))) "|"
          (number->string (cadr (gimp-drawable-offsets layer)))))
        (file-png-save2 RUN-NONINTERACTIVE image layer (string-append name ".png") "a.png" 0 6 0 0 0 0 0 0 1)
        (loop (+ index 1)))))
  (let ((merged (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))))
    (file-png-save RUN-NONINTERACTIVE image merged "merged.png" "a.png" 0 6 0 0 0 0 0))
  (gimp-quit 0))
"""


def test_gimp(result, tmp_path):
    shutil.copy(result.psd, tmp_path / "a.psd")
    script = GIMP_SCRIPT.replace("RUN-NONINTERACTIVE", "1").replace("CLIP-TO-IMAGE", "1")
    command = ["gimp-console", "-idfs", "-c", "--batch", script]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}, capture_output=True,
        text=True, timeout=180)
    # Newest at the top: GIMP lists from the top, the manifest from the bottom.
    assert "GROUP|layers" in done.stdout + done.stderr
    lines = [line[line.index("LAYER|"):] for line in (done.stdout + done.stderr).splitlines() if "LAYER|" in line]
    assert len(lines) == len(result.names), done.stdout + done.stderr
    for line in lines:
        _, index, name, x, y = line.split("|")
        pixels = rgba((tmp_path / f"{index}.png").read_bytes())
        result.check_layer(int(index), name, round(float(x)), round(float(y)), pixels)
    result.check_merged(Image.open(tmp_path / "merged.png"))


@pytest.mark.parametrize("form", ["psd", "psb"])
def test_krita(result, form, tmp_path):
    """By way of OpenRaster, which holds names, places and PNGs of the layers."""
    shutil.copy(result.psd.with_suffix(f".{form}"), tmp_path / f"a.{form}")
    run(["krita", "--nosplash", "--export", "--export-filename", "a.ora", f"a.{form}"], tmp_path, 300)
    archive = zipfile.ZipFile(tmp_path / "a.ora")
    stack = ElementTree.fromstring(archive.read("stack.xml"))
    assert [group.get("name") for group in stack.iter("stack")][1:] == ["layers"]
    layers = list(reversed(list(stack.iter("layer"))))
    assert [layer.get("name") for layer in layers] == result.names
    for index, layer in enumerate(layers):
        pixels = rgba(archive.read(layer.get("src")))
        result.check_layer(index, layer.get("name"), int(layer.get("x", 0)), int(layer.get("y", 0)), pixels)
    result.check_merged(Image.open(io.BytesIO(archive.read("mergedimage.png"))))
