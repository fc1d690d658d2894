"""What is chosen and typed on the page, before anything runs."""

import io
import json
import re
import zipfile

import pytest
import requests
from mica_service import until
from page_work import sheet_pixels, split
from PIL import Image
from playwright.sync_api import expect


def solid(width, height):
    """A file of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return {"name": "solid.png", "mimeType": "image/png", "buffer": file.getvalue()}


def refuse(page, detail):
    """Has the service refuse every job; gives the list of what it was sent."""
    sent = []

    def answer(route):
        sent.append(route.request.post_data_buffer)
        problem = {
            "type": "urn:mica:problem:parameter-out-of-range", "title": "A parameter's value is not accepted",
            "status": 422, "detail": detail}
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/v1/jobs", answer)
    return sent


def test_a_refused_parameter_is_what_is_to_be_changed(open_page, picture):
    page = open_page(expected_errors=["status of 422"])
    sent = refuse(page, "true_cfg_scale is '100', but must be less")
    split(page, picture, steps="1e3")
    expect(page.locator("#problem-detail")).to_contain_text("true_cfg_scale")
    expect(page.locator("#problem-actions button")).to_have_text(["Change the settings"])
    page.get_by_role("button", name="Change the settings").click()
    expect(page.locator("#guidance")).to_be_focused()
    # A number is sent as the service reads it, however it was typed.
    assert b'name="num_inference_steps"\r\n\r\n1000\r\n' in sent[0]


def test_a_job_that_does_not_fit_is_offered_as_one_that_does(open_page, picture):
    page = open_page(expected_errors=["status of 422"])
    sent = []

    def answer(route):
        sent.append(route.request.post_data_buffer)
        fitting = {"resolution": 512, "layers": 1} if len(sent) == 1 else {}
        problem = {
            "type": "urn:mica:problem:does-not-fit", "title": "The job does not fit", "status": 422,
            "detail": "the job needs 5 GiB on cpu:0, which has 2 GiB", **({"fitting": fitting} if fitting else {})}
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/v1/jobs", answer)
    split(page, picture, layers=3, prompt="a market")
    actions = page.locator("#problem-actions button")
    expect(actions).to_have_text(["Use 512 pixels and 1 layer", "Change the settings"])
    actions.first.click()
    expect(actions).to_have_text(["Change the settings"])
    for name, value in ((b"resolution", b"512"), (b"layers", b"1"), (b"prompt", b"a market")):
        assert b'name="%s"\r\n\r\n%s\r\n' % (name, value) in sent[1]
    expect(page.locator("#layers")).to_have_value("1")
    expect(page.locator("#resolution")).to_have_value("512")


@pytest.mark.parametrize("size, smaller", [((17000, 1), None), ((17000, 425), "4096 × 102")])
def test_a_picture_that_is_too_long_is_made_smaller_where_that_helps(open_page, size, smaller):
    page = open_page(expected_errors=["status of 422"])
    refuse(page, "enough")
    split(page, solid(*size))
    expect(page.locator("#problem-title")).to_have_text("A side of the picture is too long")
    expect(page.locator("#problem-detail")).to_contain_text("up to 16384 on a side")
    button = page.get_by_role("button", name="Make it smaller")
    expect(button).to_have_count(1 if smaller else 0)
    if smaller:
        button.click()
        expect(page.locator("#file-hint")).to_contain_text(smaller)
        expect(page.locator("#problem-detail")).to_have_text("enough")


def test_a_file_of_layers_is_made_one_picture(open_page):
    from psd_tools import PSDImage

    page = open_page(expected_errors=["status of 415"])
    psd = io.BytesIO()
    PSDImage.frompil(Image.new("RGB", (30, 20), "red")).save(psd)
    page.set_input_files("#file", {"name": "a.psd", "mimeType": "", "buffer": psd.getvalue()})
    expect(page.locator("#file-hint")).to_have_text("30 × 20, 1 kB, converted from PSD")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("notes.txt", "no layers")
    page.set_input_files("#file", {"name": "b.zip", "mimeType": "", "buffer": archive.getvalue()})
    expect(page.locator("#file-error")).to_be_visible()
    expect(page.locator("#drop")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#file-name")).to_have_text("a.psd")


def test_what_a_job_takes_is_said_before_it_is_sent(open_page, picture):
    page = open_page()
    asked = []
    page.on("request", lambda request: request.url.endswith("/v1/plan") and asked.append(request.post_data))
    line = page.locator("#estimate")
    page.set_input_files("#file", picture)
    expect(line).to_contain_text("Takes about")
    assert sent(asked[-1], "width") == sent(asked[-1], "height") == "640" and "seed" not in asked[-1]
    page.route("**/v1/plan", lambda route: route.fulfill(json={"fits": True, "seconds": 192.4}))
    page.get_by_text("1024", exact=True).click()
    expect(line).to_have_text("Takes about 3 min 12 s once it begins.")
    assert sent(asked[-1], "resolution") == "1024"
    page.route("**/v1/plan", lambda route: route.fulfill(json={"fits": False, "seconds": 200}))
    page.get_by_role("button", name="More steps").click()
    expect(line).to_contain_text("more memory than the service has")
    # A prompt longer than an address may be.
    page.unroute("**/v1/plan")
    page.fill("#prompt", "a poster " * 2000)
    expect(line).to_contain_text("Takes about")
    assert sent(asked[-1], "prompt").startswith("a poster a poster")
    # Nothing is asked about what could not be sent.
    page.fill("#layers", "99")
    expect(line).to_be_hidden()


def sent(form, name):
    """A field of a multipart body."""
    return re.search(rf'name="{name}"\r\n\r\n(.*?)\r\n--', form, re.DOTALL)[1]


def test_reuse_between_steps_is_offered_where_there_are_several(open_page, url, picture):
    page = open_page()
    page.set_input_files("#file", picture)
    page.click("#advanced summary")
    # The built-in model has one step.
    field = page.get_by_role("spinbutton", name="Reuse between steps")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="More steps").click()
    expect(field).to_be_visible()
    assert field.get_attribute("placeholder") == "off"
    page.fill("#steps", "6")
    field.fill("0.9")
    page.click("#submit")
    expect(page.locator("#facts")).to_contain_text(re.compile(r"6 steps, [0-9.]+ s, [1-5] pass(es)? reused, seed"),
                                                   timeout=60_000)
    # What is hidden is not sent.
    page.fill("#steps", "1")
    expect(field).to_be_hidden()
    page.click("#submit")
    expect(page.locator("#facts")).to_contain_text(re.compile(r"1 step, [0-9.]+ s, seed"), timeout=60_000)
    jobs = requests.get(f"{url}v1/jobs", timeout=5).json()["jobs"][:2]
    used = [requests.get(f"{url}v1/jobs/{job['id']}/manifest", timeout=5).json()["parameters"] for job in jobs]
    assert [each.get("first_block_cache") for each in used] == [None, 0.9]
    # The settings of a run of before come back with it.
    page.locator("#runs .run").last.click()
    expect(field).to_have_value("0.9")
    expect(field).to_be_visible()


@pytest.mark.parametrize("kind", ["PNG", "WebP", "GIF"])
def test_of_an_animation_the_first_picture_is_taken(open_page, kind):
    frames = [Image.new("RGB", (64, 48), colour) for colour in ((200, 40, 40), (40, 40, 200))]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    page = open_page()
    split(page, {"name": f"cat \U0001f431.{kind.lower()}", "mimeType": f"image/{kind.lower()}",
                 "buffer": file.getvalue()}, steps=1)
    said = "converted from GIF" if kind == "GIF" else "the first picture of an animation"
    expect(page.locator("#file-hint")).to_contain_text(said)
    expect(page.locator("#facts")).to_contain_text("64 × 48", timeout=60_000)
    assert sheet_pixels(page)[20, 30, 0] > 150
    # One picture alone is sent as it is.
    still = io.BytesIO()
    frames[0].save(still, "PNG" if kind == "GIF" else kind)
    page.set_input_files("#file", {"name": "one.png", "mimeType": "image/png", "buffer": still.getvalue()})
    expect(page.locator("#file-name")).to_have_text("one.png")
    expect(page.locator("#file-hint")).to_have_text("64 × 48, 1 kB")


def test_an_empty_file_is_said_to_be_empty(open_page):
    page = open_page()
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b""})
    expect(page.locator("#file-error")).to_have_text("The file is empty. “x.png” has no bytes.")


def test_the_picture_chosen_last_is_taken(open_page, picture, tmp_path):
    page = open_page()
    held = []
    page.route("**/v1/recompose*", lambda route: held.append(route))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("layer_1.png", picture.read_bytes())
    page.set_input_files("#file", {"name": "first.zip", "mimeType": "", "buffer": archive.getvalue()})
    until(lambda: held or page.wait_for_timeout(50), 10, "the file of layers is sent")
    page.set_input_files("#file", picture)
    expect(page.locator("#file-name")).to_have_text(picture.name)
    with page.expect_response("**/v1/recompose*"):
        held[0].fulfill(body=picture.read_bytes(), content_type="image/png")
    page.wait_for_timeout(500)
    expect(page.locator("#file-name")).to_have_text(picture.name)


def test_without_scripts_the_command_can_be_copied(open_page):
    page = open_page(java_script_enabled=False, is_connected=False)
    words = page.locator("noscript").inner_text()
    assert "curl -F image=@photo.jpg 'ADDRESS/v1/layers?format=zip' -o layers.zip" in words and "…" not in words
