"""What is done to the layers of a result: taken back and done again, by mouse, finger and keyboard, and saved."""

import io
import json
import re
import zipfile

import numpy
import pytest
from kept_job import LAYERS, KeptJob
from mica_service import until
from page_work import download, drawn, sheet_pixels, wait_for_layers
from PIL import Image
from playwright.sync_api import expect

NAMES = [layer[0] for layer in reversed(LAYERS)]


@pytest.fixture
def result(open_page):
    """The page with the layers of a kept job."""

    def open_result(**options):
        page = open_page(prepare=KeptJob().prepare, **options)
        wait_for_layers(page)
        return page

    return open_result


def shown(page):
    """The list as it is, and the picture."""
    drawn(page)
    return page.evaluate("""() => [
        [...document.querySelectorAll('.layer-name')].map((name) => name.textContent),
        [...document.querySelectorAll('.layer-more input')].map((input) => input.value),
        [...document.querySelectorAll('.eye input')].map((input) => [input.checked, input.ariaLabel]),
    ]"""), sheet_pixels(page).tobytes()


def rename(page, old, new):
    page.locator(".layer-name", has_text=old).dblclick()
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    page.keyboard.type(new)
    page.keyboard.press("Enter")


def drag(page, right, down):
    """Drags what is at the blue layer's middle by so many of its pixels."""
    box = page.locator("#canvas").bounding_box()
    factor = box["width"] / 120
    x, y = box["x"] + 65 * factor, box["y"] + 15 * factor
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right * factor, y + down * factor, steps=3)
    page.mouse.up()


def test_edits_are_taken_back_and_done_again(result):
    page = result()
    expect(page.locator("#undo")).to_be_disabled()
    edits = [
        lambda: rename(page, NAMES[0], "sun"),
        lambda: page.get_by_role("checkbox", name="Show base").uncheck(),
        lambda: drag(page, 9, 4),
        lambda: page.get_by_role("slider", name="Opacity", exact=True).fill("40"),
        lambda: page.get_by_role("spinbutton", name="Moved down by pixels").fill("7"),
        lambda: page.get_by_role("button", name="Move below the layer beneath").click(),
        lambda: page.click("#reset"),
    ]
    states = [shown(page)]
    for edit in edits:
        edit()
        # A number is complete when its field is left.
        page.evaluate("() => document.activeElement.blur()")
        states.append(shown(page))
    # The last one is as the first.
    assert len(set(map(str, states))) == len(edits)
    for state in states[-2::-1]:
        page.keyboard.press("Control+z")
        assert shown(page) == state
    expect(page.locator("#undo")).to_be_disabled()
    for state in states[1:]:
        page.click("#redo")
        assert shown(page) == state
    expect(page.locator("#redo")).to_be_disabled()
    # What is done now takes the place of what was taken back.
    page.click("#undo")
    page.get_by_role("checkbox", name="Show background").uncheck()
    expect(page.locator("#redo")).to_be_disabled()


def test_text_is_taken_back_where_it_is_typed(result):
    page = result()
    page.get_by_role("checkbox", name="Show base").uncheck()
    page.locator(".layer-pick").first.focus()
    page.keyboard.press("F2")
    page.keyboard.type("sun")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("checkbox", name="Show base")).not_to_be_checked()
    page.keyboard.type("moon")
    page.keyboard.press("Escape")
    expect(page.locator(".layer-name").first).to_have_text(NAMES[0])
    # No name at all is the one that it was made with.
    rename(page, NAMES[0], " ")
    expect(page.locator(".layer-name").first).to_have_text(NAMES[0])
    expect(page.get_by_role("textbox", name="Name")).to_have_value(NAMES[0])


def test_a_double_click_saves_once(result):
    page = result()
    downloads = []
    page.on("download", lambda download: downloads.append(download))
    for name in ("Save PNG", "Blend as PNG"):
        with page.expect_download():
            page.get_by_role("button", name=name).dblclick()
    page.wait_for_timeout(500)
    assert len(downloads) == 2


def test_a_layers_file_has_the_name_that_it_was_given(result):
    page = result()
    assert download(page, "Save PNG").suggested_filename == "poster-layer-4.png"
    rename(page, NAMES[0], "sun/moon")
    assert download(page, "Save PNG").suggested_filename == "poster-sun moon.png"


def edit(page):
    """Renames and moves the layer on top, fades and hides the one beneath, and takes that out of its group."""
    rename(page, NAMES[0], "sun")
    page.get_by_role("spinbutton", name="Moved right by pixels").fill("-60")
    page.locator(".layer-pick").nth(1).click()
    page.get_by_role("slider", name="Opacity", exact=True).fill("40")
    page.get_by_role("checkbox", name="Show layer 2.2, left").uncheck()
    page.get_by_role("button", name="Move above the next layer").click()
    assert page.locator(".layer-name").all_inner_texts() == [NAMES[1], "sun", "base", "background"]


def test_a_psd_holds_what_was_edited(result):
    from psd_tools import PSDImage

    page = result()
    edit(page)
    psd = PSDImage.open(download(page, "PSD, all layers").path())
    background, group, sun, alone = psd
    assert [background.name, sun.name] == ["background", "sun"] and (sun.left, sun.top) == (-10, 5)
    assert [(one.name, [layer.name for layer in one]) for one in (group, alone)] == [
        ("layer 2, center", ["base"]), ("layer 2, center", ["layer 2.2, left"])]
    [faded] = alone
    assert faded.opacity == 102 and not faded.visible and group[0].visible and sun.opacity == 255
    assert numpy.abs(numpy.array(psd.composite().convert("RGB"), int) - sheet_pixels(page)[..., :3]).max() <= 2


def test_every_other_form_is_offered(result, tmp_path):
    page = result()
    archive = download(page, "ZIP of PNGs")
    with open(archive.path(), "rb") as file:
        assert file.read() == b"as made"
    forms = page.locator("#other-form option").evaluate_all("(options) => options.map((option) => option.value)")
    assert set(forms) == {"ora", "psb", "pptx", "sheet"}

    def saved(form):
        page.select_option("#other-form", form)
        with page.expect_download() as waiting:
            page.click("#save-other")
        with open(waiting.value.path(), "rb") as file:
            return waiting.value.suggested_filename, file.read()

    # What nobody edited is there already.
    for form in forms:
        assert saved(form)[1] == b"as made"
    edit(page)
    files = dict(saved(form) for form in forms)
    assert set(files) == {"poster.ora", "poster.psb", "poster.pptx", "poster-sheet.png"}
    with zipfile.ZipFile(io.BytesIO(files["poster.ora"])) as ora:
        stack = ora.read("stack.xml").decode()
        merged = numpy.array(Image.open(io.BytesIO(ora.read("mergedimage.png"))).convert("RGB"), int)
    assert re.findall(r'name="([^"]*)"', stack)[-4:] == ["sun", "layer 2, center", "base", "background"]
    assert numpy.abs(merged - sheet_pixels(page)[..., :3]).max() <= 2
    assert files["poster.psb"][:6] == b"8BPS\0\2" and files["poster.pptx"][:2] == b"PK"
    assert Image.open(io.BytesIO(files["poster-sheet.png"])).width > 120


def test_a_zip_holds_what_was_edited(result):
    page = result()
    edit(page)
    archive = download(page, "ZIP of PNGs")
    assert archive.suggested_filename == "poster-layers.zip"
    with zipfile.ZipFile(archive.path()) as files:
        said = json.loads(files.read("manifest.json"))
        assert {"manifest.json", *(layer["file"] for layer in said["layers"])} == set(files.namelist())
    background, base, sun, faded = said["layers"]
    assert [background["name"], base["name"], sun["name"], sun["x"]] == ["background", "base", "sun", -60]
    assert faded["name"] == NAMES[1] and not faded["visible"] and faded["opacity"] == 0.4


def test_zooming_keeps_what_is_looked_at(result):
    page = result()
    middle = """() => {
        const [sheet, frame] = ['sheet', 'frame'].map((id) => document.getElementById(id).getBoundingClientRect());
        return [(frame.left + frame.width / 2 - sheet.left) / sheet.width,
            (frame.top + frame.height / 2 - sheet.top) / sheet.height, sheet.width > frame.width];
    }"""
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    across, down, is_larger = page.evaluate(middle)
    assert is_larger and across == pytest.approx(0.5, abs=0.02) and down == pytest.approx(0.5, abs=0.02)
    # By the wheel it is what the pointer is on.
    box = page.locator("#frame").bounding_box()
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.7
    place = f"""() => {{
        const sheet = document.getElementById('sheet').getBoundingClientRect();
        return [({x} - sheet.left) / sheet.width, ({y} - sheet.top) / sheet.height];
    }}"""
    page.mouse.move(x, y)
    before = page.evaluate(place)
    text = page.locator("#zoom-text").inner_text()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    expect(page.locator("#zoom-text")).not_to_have_text(text)
    assert page.evaluate(place) == pytest.approx(before, abs=0.02)


def test_what_is_hidden_can_be_read(result):
    page = result()
    page.get_by_role("checkbox", name="Show base").uncheck()
    colours = page.evaluate("""() => {
        const hidden = document.querySelector('.layer.is-hidden');
        return ['.layer-words', '.layer-name', '.hint'].map((part) => getComputedStyle(hidden.querySelector(part)))
            .map((style) => [style.color, style.opacity]).concat([[getComputedStyle(hidden).color, '1']]);
    }""")
    assert [opacity for _, opacity in colours] == ["1"] * 4
    assert colours[1][0] == colours[2][0] != colours[3][0]


def test_layers_that_are_too_large_to_send_are_explained(result):
    page = result(expected_errors=["status of 413"])
    page.route("**/v1/recompose?*", lambda route: route.fulfill(
        status=413, content_type="application/problem+json",
        json={"type": "urn:mica:problem:body-too-large", "title": "The body is too large", "status": 413}))
    page.get_by_role("checkbox", name="Show base").uncheck()
    page.click("#save-psd")
    expect(page.locator("#save-error")).to_contain_text("The body is too large. Reset saves the layers as they were")


def test_a_finger_scrolls_and_moves_what_it_rests_on(result):
    page = result(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)
    moved = page.get_by_role("spinbutton", name="Moved down by pixels")

    def swipe(x, y, *places):
        for kind, by in (("touchStart", 0), *(("touchMove", place) for place in places), ("touchEnd", None)):
            points = [] if by is None else [{"x": x, "y": y + by}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            if by == 0 and len(places) < 4:
                expect(page.locator("#sheet")).to_have_class(re.compile("is-held"))

    def middle():
        """Where the blue layer is, which is selected."""
        page.locator("#canvas").scroll_into_view_if_needed()
        box = page.locator("#outline").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def offset():
        return page.evaluate("() => scrollY")

    page.clock.install()
    for _ in range(2):
        x, y = middle()
        before = offset()
        # However long the swipe takes on a busy machine, it is no rest.
        page.clock.pause_at(page.evaluate("() => Date.now() / 1000 + 1"))
        swipe(x, y, 15, 30, 45, 60, 75, 90)
        until(lambda: offset() < before - 30, 20, "a page that scrolls")
        page.clock.resume()
        expect(moved).to_have_value("0")

    x, y = middle()
    before = offset()
    swipe(x, y, 10, 20, 30)
    expect(page.locator("#sheet")).not_to_have_class(re.compile("is-held"))
    assert int(moved.input_value()) > 0 and offset() == before
    page.click("#undo")
    expect(moved).to_have_value("0")

    # A tap selects.
    middle()
    box = page.locator("#canvas").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.04, box["y"] + box["height"] * 0.9)
    expect(page.locator(".layer.is-selected .layer-name")).to_have_text("background")


@pytest.mark.parametrize("width", [320, 701, 720, 800, 860, 950, 951, 1000, 1250, 1280])
def test_the_panel_has_room_at_every_width(result, width):
    page = result(viewport={"width": width, "height": 900})
    narrow = page.locator(".layer-more input:not([type=range])").evaluate_all(
        "(fields) => fields.filter((one) => one.checkVisibility() && one.clientWidth < 40).map((one) => one.outerHTML)")
    assert narrow == []
    cut = page.locator(".layer-name").evaluate_all(
        "(names) => names.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)")
    assert cut == []
    right = page.locator(".layer-more").evaluate_all("""(parts) => Math.max(...parts
        .flatMap((part) => [...part.querySelectorAll('*')]).map((one) => one.getBoundingClientRect().right))""")
    save, layers = page.locator(".save").bounding_box(), page.locator("#layer-list").bounding_box()
    assert right <= layers["x"] + layers["width"]
    assert save["x"] >= right or save["y"] >= layers["y"] + layers["height"]
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_faded_layer_looks_the_same_once_it_is_split(result):
    """Its group is what is faded: one part does not show through the other."""
    page = result()
    page.locator(".layer-pick").nth(2).click()
    page.get_by_role("slider", name="Opacity", exact=True).fill("50")
    drawn(page)
    before = sheet_pixels(page)
    # Two parts, the lower of which goes on below the upper one.
    base, group = LAYERS[1], "Opacity of the group base"
    made = [(name, [*base[1], base[0]], box, base[3]) for name, box in (("low", base[2]), ("high", (50, 30, 30, 20)))]
    page.route("**/v1/jobs/split**", KeptJob(5, [LAYERS[0], *made, *LAYERS[2:]], "split").answer)
    page.route("**/v1/jobs/kept/layers/2/layers", lambda route: route.fulfill(
        status=202, json={"id": "split", "state": "succeeded", "timings": {}}))
    page.get_by_role("button", name="Split it again").click()
    fade = page.get_by_role("slider", name=group)
    expect(fade).to_have_value("50")
    drawn(page)
    assert numpy.abs(sheet_pixels(page) - before).max() <= 1
    with zipfile.ZipFile(download(page, "ZIP of PNGs").path()) as files:
        said = json.loads(files.read("manifest.json"))
    assert [(one["name"], one.get("opacity", 1)) for one in said["groups"]] == [
        ("layer 2, center", 1), ("base", pytest.approx(0.5, abs=0.003))]
    assert all(layer.get("opacity", 1) == 1 for layer in said["layers"])

    # The group has its own slider, undo and the keyboard know it.
    fade.focus()
    page.keyboard.press("End")
    drawn(page)
    assert (sheet_pixels(page) != before).any()
    page.keyboard.press("Control+z")
    expect(fade).to_have_value("50")
    expect(fade).to_be_focused()
    page.reload()
    wait_for_layers(page)
    page.click("#reset")
    expect(page.get_by_role("slider", name=group)).to_have_value("100")


def test_edits_stay_over_a_reload(result):
    page = result()
    edit(page)
    before = shown(page)
    page.reload()
    wait_for_layers(page)
    assert shown(page) == before
    page.click("#reset")
    page.reload()
    wait_for_layers(page)
    assert shown(page) != before
    expect(page.locator("#reset")).to_be_disabled()


@pytest.mark.parametrize("text", ["", "1e9", "2.5"])
def test_a_field_shows_the_place_that_applies(result, text):
    page = result()
    field = page.get_by_role("spinbutton", name="Moved right by pixels")
    field.fill("4")
    field.fill(text)
    page.locator(".layer-pick").nth(1).click()
    page.locator(".layer-pick").nth(0).click()
    expect(field).to_have_value({"": "4", "1e9": "10000", "2.5": "3"}[text])


def test_undo_keeps_the_keyboard(result):
    page = result()
    page.get_by_role("checkbox", name="Show base").uncheck()
    page.locator("#undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#redo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_be_focused()
    page.locator("#reset").focus()
    page.keyboard.press("Control+z")
    expect(page.locator(".layer-pick").first).to_be_focused()


def test_a_split_keeps_what_was_done_to_the_other_layers(result):
    """The layer that is split is the second of four; three are made of it."""
    page = result()
    page.get_by_role("checkbox", name="Show background").uncheck()
    rename(page, NAMES[0], "sun")
    page.get_by_role("spinbutton", name="Moved right by pixels").fill("-9")
    page.locator(".layer-pick").nth(2).click()
    page.get_by_role("spinbutton", name="Moved down by pixels").fill("5")
    base = LAYERS[1]
    made = [(f"part {part}", [*base[1], base[0]], *base[2:]) for part in (1, 2, 3)]
    described = [LAYERS[0], *made, *LAYERS[2:]]
    page.route("**/v1/jobs/split**", KeptJob(len(described), described, "split").answer)
    page.route("**/v1/jobs/kept/layers/2/layers", lambda route: route.fulfill(
        status=202, json={"id": "split", "state": "succeeded", "timings": {}}))
    page.get_by_role("button", name="Split it again").click()
    expect(page.locator(".layer")).to_have_count(6)
    names, _, eyes = shown(page)[0]
    assert names == ["sun", NAMES[1], "part 3", "part 2", "part 1", "background"]
    assert [checked for checked, _ in eyes] == [True] * 5 + [False]

    def moved(axis):
        fields = page.locator(f'[aria-label="Moved {axis} by pixels"]')
        return fields.evaluate_all("(fields) => fields.map((field) => field.value)")

    assert moved("right") == ["-9", "0", "0", "0", "0", "0"] and moved("down") == ["0", "0", "5", "5", "5", "0"]
