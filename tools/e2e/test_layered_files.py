"""Results as OpenRaster, slides, ZIP, WebP and contact sheet in programs of others; and layers that those programs saved,
put back together by the service and by the command."""

import io
import json
import os
import shutil
import subprocess
import zipfile

import numpy
import pytest
import requests
from make_layered_fixtures import MODES, patch, stack
from mica_service import EXECUTABLE, QUICK, ROOT
from PIL import Image
from pptx import Presentation
from psd_tools import PSDImage

EMU_PER_PIXEL = 9_525

pytestmark = pytest.mark.usefixtures("display")


def program(command, folder, seconds=180):
    environment = os.environ | {"HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr


def rgba(data):
    return numpy.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def over_white(pixels):
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)


@pytest.fixture(scope="module")
def job(service, picture):
    """A finished job's address."""
    with open(picture, "rb") as file:
        answer = requests.post(
            service.url + "/v1/jobs", files={"image": file}, data=QUICK, timeout=60)
    assert answer.status_code == 202, answer.text
    job = service.url + "/v1/jobs/" + answer.json()["id"]
    requests.get(job + "/events", timeout=120)
    assert requests.get(job, timeout=10).json()["state"] == "succeeded"
    return job


@pytest.fixture(scope="module")
def form(job):
    """Gives the job's result in a form."""
    def get(name, **options):
        answer = requests.get(job + "/result", params={"format": name} | options, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.content
    return get


@pytest.fixture(scope="module")
def flat(service, form):
    """Puts layers together by the service."""
    def put(data):
        answer = requests.post(
            service.url + "/v1/recompose", data=data, headers={"Content-Type": "application/octet-stream"}, timeout=120)
        assert answer.status_code == 200, answer.text
        return rgba(answer.content)
    return put


@pytest.fixture(scope="module")
def names(form):
    return [layer["name"] for layer in json.loads(form("json"))["layers"]]


def test_every_form_is_the_same_picture(form, flat):
    expected = flat(form("psd"))
    for name, options in (
        ("psb", {}), ("ora", {}), ("zip", {}), ("psd", {"group": "false"}), ("zip", {"trim": "true"}),
        ("zip", {"trim": "true", "layer_format": "webp"}), ("ora", {"group": "false", "metadata": "false"}),
    ):
        numpy.testing.assert_array_equal(flat(form(name, **options)), expected, err_msg=f"{name} {options}")


def test_zip_is_the_same_twice(form):
    for options in ({}, {"trim": "true", "layer_format": "webp"}):
        assert form("zip", **options) == form("zip", **options)


def test_parameters_are_inside_unless_not_wanted(form):
    for options, expected in (({}, True), ({"metadata": "false"}, False)):
        archive = zipfile.ZipFile(io.BytesIO(form("zip", **options)))
        texts = Image.open(io.BytesIO(archive.read("layer_1.png"))).text
        assert ("Seed: 7" in texts.get("parameters", "")) == expected
        assert (json.loads(texts["mica"])["seed"] == 7 if expected else "mica" not in texts)
        assert (b"urn:mica:parameters" in form("psd", **options)) == expected


def test_psb_in_psd_tools(form, names):
    psd = PSDImage.open(io.BytesIO(form("psb")))
    assert psd.version == 2
    assert [layer.name for layer in psd[0]] == names


def test_sheet(form):
    sheet = Image.open(io.BytesIO(form("sheet")))
    assert sheet.mode == "RGB" and min(sheet.size) > 200


def test_slides(form, names, tmp_path):
    data = form("pptx")
    slides = Presentation(io.BytesIO(data))
    manifest = json.loads(form("json"))
    shapes = list(slides.slides[0].shapes)
    shown = [layer for layer in manifest["layers"] if layer.get("box")]
    assert [shape.name for shape in shapes] == [layer["name"] for layer in shown]
    for shape, layer in zip(shapes, shown):
        box = [layer["box"][key] * EMU_PER_PIXEL for key in ("x", "y", "width", "height")]
        assert [shape.left, shape.top, shape.width, shape.height] == box
        pixels = rgba(shape.image.blob)
        assert pixels.shape[:2] == (layer["box"]["height"], layer["box"]["width"])
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice is not installed: the slide is not rendered")
    (tmp_path / "a.pptx").write_bytes(data)
    program(["soffice", "--headless", "--convert-to", "png", "a.pptx"], tmp_path)
    rendered = Image.open(tmp_path / "a.png").convert("RGB")
    picture = Image.open(ROOT / "docs/poster.png").convert("RGB").resize(rendered.size)
    difference = numpy.abs(numpy.asarray(rendered).astype(int) - numpy.asarray(picture))
    # It scales in its own way, so that edges differ; the rest must not.
    assert difference.mean() < 6


def saved_by(program_name, psd, folder):
    """A file of layers, saved again by a program, and that program's flat picture of it."""
    (folder / "a.psd").write_bytes(psd)
    if program_name == "gimp":
        for script in (
            '(let* ((i (car (gimp-file-load 1 "a.psd" "a.psd")))) '
            '(file-psd-save 1 i (car (gimp-image-get-active-drawable i)) "b.psd" "b.psd" 0 0) (gimp-quit 0))',
            '(let* ((i (car (gimp-file-load 1 "b.psd" "b.psd"))) (m (car (gimp-image-merge-visible-layers i 1)))) '
            '(file-png-save 1 i m "b.png" "b.png" 0 6 0 0 0 0 0) (gimp-quit 0))',
        ):
            program(["gimp-console", "-idfs", "-c", "--batch", script], folder)
    elif program_name == "psd-tools":
        image = PSDImage.open(folder / "a.psd")
        [layer for layer in image.descendants() if not layer.is_group()][1].visible = False
        image.save(folder / "b.psd", encoding="utf-8")
        PSDImage.open(folder / "b.psd").composite(force=True).save(folder / "b.png")
    else:
        ending = program_name.split("-")[1]
        script = (
            f"krita --nosplash --export --export-filename b.{ending} a.psd && "
            f"krita --nosplash --export --export-filename b.png b.{ending}")
        program(["bash", "-c", script], folder, 300)
    file = next(path for path in folder.iterdir() if path.name in ("b.psd", "b.ora"))
    return file.read_bytes(), rgba((folder / "b.png").read_bytes())


def check_within_one(pixels, expected):
    assert pixels.shape == expected.shape
    assert numpy.abs(over_white(pixels) - over_white(expected)).max() <= 1.01
    assert numpy.abs(pixels[..., 3] - expected[..., 3]).max() <= 1


PROGRAMS = ["psd-tools", "gimp", "krita-psd", "krita-ora"]


@pytest.mark.parametrize("program_name", PROGRAMS)
def test_what_programs_save_comes_back(form, flat, tmp_path, program_name):
    data, expected = saved_by(program_name, form("psd"), tmp_path)
    check_within_one(flat(data), expected)


@pytest.mark.parametrize("program_name", PROGRAMS)
def test_stacks_of_blend_modes_come_back(service, tmp_path, program_name):
    """Programs round at different times, which multiplies in such a stack."""
    stack().save(tmp_path / "stack.psd", encoding="utf-8")
    data, expected = saved_by(program_name, (tmp_path / "stack.psd").read_bytes(), tmp_path)
    answer = requests.post(
        service.url + "/v1/recompose", data=data, headers={"Content-Type": "application/octet-stream"}, timeout=60)
    assert answer.headers["Mica-Rounding"] == ("each-layer" if "krita" in program_name else "once")
    check_within_one(rgba(answer.content), expected)


@pytest.mark.parametrize("seed", range(3))
def test_every_blend_mode_comes_back_from_krita(flat, tmp_path, seed):
    """Soft patches of every mode over one another, on an opaque picture."""
    random = numpy.random.default_rng(seed)
    psd = PSDImage.new("RGB", (96, 72))
    psd.create_pixel_layer(patch(96, 72, seed, True), name="background", top=0, left=0)
    for index, mode in enumerate(random.permutation(len(MODES))):
        left, top = random.integers(-8, 50), random.integers(-8, 40)
        psd.create_pixel_layer(
            patch(44, 40, 10 * seed + index), name=MODES[mode].name, top=int(top), left=int(left),
            opacity=int(random.choice([255, 200, 90])), blend_mode=MODES[mode])
    psd.save(tmp_path / "stack.psd", encoding="utf-8")
    data, expected = saved_by("krita-psd", (tmp_path / "stack.psd").read_bytes(), tmp_path)
    check_within_one(flat(data), expected)


def test_openraster_in_krita(form, flat, tmp_path):
    (tmp_path / "a.ora").write_bytes(form("ora"))
    program(["krita", "--nosplash", "--export", "--export-filename", "a.png", "a.ora"], tmp_path, 300)
    expected = rgba((tmp_path / "a.png").read_bytes())
    assert numpy.abs(over_white(flat(form("ora"))) - over_white(expected)).max() <= 1.01


def test_layers_of_ones_own(service, tmp_path):
    """A manifest and pictures, by the service and by the command."""
    for name, color in (("a", (200, 10, 10, 255)), ("b", (0, 100, 200, 128))):
        Image.new("RGBA", (8, 6), color).save(tmp_path / f"{name}.png")
    manifest = {"layers": [{"file": "a.png"}, {"file": "b.png", "x": 3, "y": -1, "blend_mode": "screen", "opacity": 0.5}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with open(tmp_path / "a.png", "rb") as a, open(tmp_path / "b.png", "rb") as b:
        answer = requests.post(
            service.url + "/v1/recompose?format=webp", timeout=60,
            files=[("manifest", (None, json.dumps(manifest), "application/json")), ("layers", ("a.png", a)),
                   ("layers", ("b.png", b))])
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/webp", answer.text
    program([str(EXECUTABLE), "recompose", str(tmp_path), "-o", str(tmp_path / "flat.png")], tmp_path)
    numpy.testing.assert_array_equal(rgba(answer.content), rgba((tmp_path / "flat.png").read_bytes()))


def archive(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return file.getvalue()


def test_bad_layers_are_refused_in_one_line(service, form, tmp_path):
    psd, ora = form("psd"), form("ora")
    outside = archive({"manifest.json": '{"layers": [{"file": "../../a.png"}]}', "../../a.png": "x"})
    bomb = archive({"manifest.json": '{"layers": [{"file": "a.png"}]}', "a.png": bytes(300 << 20)})
    entity = archive({"mimetype": "image/openraster", "stack.xml": '<!DOCTYPE x [<!ENTITY a "aa">]><image>&a;</image>'})
    huge = psd[:14] + bytes([0, 0, 0x75, 0x2F] * 2) + psd[22:]
    # The last entry says that it holds 2 GB.
    entry = ora.rindex(b"PK\x01\x02")
    lying = ora[:entry + 24] + b"\xff\xff\xff\x7f" + ora[entry + 28:]
    for body, status in (
        (b"", 400), (b"hello", 415), (psd[:1000], 422), (form("zip")[:-1], 422), (b"8BPS" + bytes(30), 415),
        (outside, 422), (bomb, 413), (entity, 422), (huge, 422), (lying, 422), (psd[:len(psd) // 2], 422),
    ):
        (tmp_path / "bad").write_bytes(body)
        done = subprocess.run(
            [EXECUTABLE, "recompose", tmp_path / "bad", "-o", tmp_path / "a.png"], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("mica: ") and done.stderr.count("\n") == 1, done.stderr
        answer = requests.post(
            service.url + "/v1/recompose", data=body, headers={"Content-Type": "application/octet-stream"}, timeout=60)
        assert answer.status_code == status, answer.text
        assert "\n" not in answer.json()["detail"]
