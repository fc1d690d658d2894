"""The page at /, in headless Chromium, against a real service: the one at MICA_URL, else one that is started."""

import io
import json
import os
import re
import zipfile

import numpy
import pytest
from PIL import Image
from page_work import ENDED, download, drawn, over, sheet_pixels, split, wait_for_layers
from playwright.sync_api import expect


def test_from_picture_to_psd(open_page, picture, tmp_path):
    from psd_tools import PSDImage

    page = open_page()
    split(page, picture, layers=3)
    wait_for_layers(page)
    names = page.locator(".layer-name").all_inner_texts()
    assert len(names) == 3 and names[-1] == "background"

    psd = download(page, "PSD, all layers")
    assert psd.suggested_filename == "poster.psd"
    opened = PSDImage.open(psd.path())
    [group] = opened
    assert group.is_group() and [layer.name for layer in group] == names[::-1]
    size = page.evaluate("() => [document.getElementById('canvas').width, document.getElementById('canvas').height]")
    assert [opened.width, opened.height] == size

    archive = download(page, "ZIP of PNGs")
    assert archive.suggested_filename == "poster-layers.zip"
    with zipfile.ZipFile(archive.path()) as files:
        manifest = json.loads(files.read("manifest.json"))
        pictures = [files.read(layer["file"]) for layer in manifest["layers"]]
    assert str(manifest["seed"]) in page.locator("#facts").inner_text()

    page.get_by_role("button", name=re.compile("^background")).click()
    single = download(page, "Save PNG")
    assert single.suggested_filename == "poster-layer-1.png"
    with open(single.path(), "rb") as file:
        assert file.read() == pictures[0]

    blend = numpy.array(Image.open(download(page, "Blend as PNG").path()).convert("RGBA"), float)
    wanted = over([numpy.array(Image.open(io.BytesIO(file)).convert("RGBA"), float) for file in pictures])
    blend[..., :3] *= blend[..., 3:] / 255
    assert numpy.abs(blend - wanted).max() <= 4


def test_layers_are_hidden_moved_and_faded(open_page, picture):
    page = open_page()
    split(page, picture, layers=2)
    wait_for_layers(page)
    drawn(page)
    whole = sheet_pixels(page)
    eye = page.get_by_role("checkbox", name="Show background")
    eye.uncheck()
    drawn(page)
    without = sheet_pixels(page)
    assert without[..., 3].sum() < whole[..., 3].sum()
    assert "1 of 2" in page.locator("#canvas").get_attribute("aria-label")
    eye.check()

    page.get_by_role("button", name=re.compile("^background")).click()
    page.get_by_role("slider", name="Opacity", exact=True).fill("50")
    page.get_by_role("checkbox", name="Show layer 2").uncheck()
    drawn(page)
    assert abs(int(numpy.median(sheet_pixels(page)[..., 3])) - 128) <= 1

    box = page.locator("#canvas").bounding_box()
    factor = box["width"] / whole.shape[1]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 10 * factor, box["y"] + box["height"] / 2 + 4 * factor, steps=4)
    page.mouse.up()
    drawn(page)
    assert page.get_by_role("spinbutton", name="Moved right by pixels").input_value() == "10"
    assert page.get_by_role("spinbutton", name="Moved down by pixels").input_value() == "4"
    moved = sheet_pixels(page)
    assert moved[:4].sum() == 0 and moved[:, :10].sum() == 0 and moved[5:, 11:, 3].all()

    page.click("#reset")
    drawn(page)
    assert (sheet_pixels(page) == whole).all()

    # The background above everything is all there is to see.
    page.get_by_role("button", name="Move above the next layer").click()
    assert page.locator(".layer-name").all_inner_texts()[0] == "background"
    expect(page.get_by_role("button", name="Move below the layer beneath")).to_be_focused()
    drawn(page)
    above = sheet_pixels(page)
    page.get_by_text("One layer", exact=True).click()
    drawn(page)
    alone = sheet_pixels(page)
    covered = alone[..., 3] == 255
    assert covered.any() and (above == alone)[covered].all() and (above != whole).any()
    page.get_by_text("Blend", exact=True).click()

    page.click("#reset")
    drawn(page)
    assert (sheet_pixels(page) == whole).all()
    expect(page.locator("#reset")).to_be_disabled()


def test_the_blend_is_compared_with_the_original(open_page, picture):
    page = open_page()
    split(page, picture)
    wait_for_layers(page)
    page.get_by_text("Compare", exact=True).click()
    expect(page.locator("#difference")).to_contain_text("% on average")
    slider = page.get_by_role("slider", name="How much of the original to show")
    slider.fill("20")
    left = page.locator("#divider").bounding_box()["x"] - page.locator("#canvas").bounding_box()["x"]
    assert left / page.locator("#canvas").bounding_box()["width"] == pytest.approx(0.2, abs=0.01)
    box = page.locator("#canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 20)
    assert float(slider.input_value()) == pytest.approx(75, abs=1)

    page.get_by_text("One layer", exact=True).click()
    page.get_by_role("button", name=re.compile("^background")).click()
    drawn(page)
    assert page.locator("#canvas").get_attribute("aria-label") == "background alone"
    expect(page.locator("#original")).to_be_hidden()


def test_settings_out_of_range_are_not_sent(open_page, picture):
    page = open_page()
    page.click("#submit")
    expect(page.locator("#file-error")).to_have_text("Choose a picture first.")
    split(page, picture, layers=17)
    assert page.evaluate("() => document.activeElement.id") == "layers"
    page.fill("#layers", "2")
    page.locator("#advanced summary").click()
    page.fill("#seed", "18446744073709551616")
    page.locator("#advanced summary").click()
    page.click("#submit")
    assert page.evaluate("() => document.activeElement.id") == "seed"
    page.fill("#seed", "18446744073709551615")
    page.click("#submit")
    wait_for_layers(page)
    expect(page.locator("#facts")).to_contain_text("seed 18446744073709551615")


def test_history_another_seed_and_loading_again(open_page, picture):
    page = open_page()
    split(page, picture, layers=2)
    wait_for_layers(page)
    first = page.locator("#facts").inner_text()
    page.get_by_role("button", name="Again with another seed").click()
    expect(page.locator(".run")).to_have_count(2)
    expect(page.locator(".run").first).to_contain_text("2 layers", timeout=ENDED)
    expect(page.locator("#facts")).to_contain_text("seed")
    assert page.locator("#facts").inner_text() != first
    page.locator(".run").last.click()
    expect(page.locator("#facts")).to_have_text(first.replace("\n", ""))
    expect(page.locator(".run").last).to_have_attribute("aria-current", "true")

    page.reload()
    expect(page.locator(".run")).to_have_count(2)
    # A seed that nobody entered stays the page's to draw.
    expect(page.locator("#seed")).to_have_value("")
    page.locator(".run").last.click()
    expect(page.locator("#facts")).to_have_text(first.replace("\n", ""), timeout=ENDED)
    expect(page.locator('input[value="compare"]')).to_be_disabled()


def test_as_many_layers_as_the_picture_has_stays_over_a_reload(open_page, picture):
    page = open_page()
    expect(page.locator("#layers")).not_to_have_value("")
    usual = page.locator("#layers").input_value()
    page.check("#layers-auto")
    split(page, picture)
    wait_for_layers(page)
    page.reload()
    wait_for_layers(page)
    expect(page.locator("#layers-auto")).to_be_checked()
    # A number stays there, to be had back.
    expect(page.locator("#layers")).to_be_disabled()
    expect(page.locator("#layers")).to_have_value(usual)


def test_a_layer_is_split_again(open_page, picture):
    """By the keyboard alone: it becomes a group of the result, in the list and in the files."""
    from psd_tools import PSDImage

    page = open_page()
    split(page, picture, layers=2)
    wait_for_layers(page)
    flat = sheet_pixels(page)
    name = page.locator(".layer-name").first.inner_text()
    page.get_by_role("button", name="Split it again").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".run")).to_have_count(2)
    expect(page.locator(".run strong").first).to_have_text(f"poster.png › {name}")
    expect(page.locator(".group")).to_have_text(name, timeout=ENDED)
    names = page.locator(".layer-name").all_inner_texts()
    assert len(names) == 3 and names[-1] == "background"
    depths = [row.evaluate("row => row.style.getPropertyValue('--depth')") for row in page.locator(".layer").all()]
    assert depths == ["1", "1", "0"]
    # The new layer on top is chosen, and the keyboard is there.
    expect(page.locator(".layer-pick").first).to_be_focused()
    expect(page.locator(".layer").first).to_have_class("layer is-selected")
    drawn(page)
    if os.environ.get("MICA_SCREENSHOT"):
        page.screenshot(path=os.environ["MICA_SCREENSHOT"])
    # The canvas has bytes after each of three layers instead of two.
    assert numpy.abs(sheet_pixels(page) - flat).max() <= 3

    [whole] = PSDImage.open(download(page, "PSD, all layers").path())
    background, group = whole
    assert background.name == "background" and group.is_group() and group.name == name
    assert [layer.name for layer in group] == names[1::-1]
    with zipfile.ZipFile(download(page, "ZIP of PNGs").path()) as files:
        assert sum("/" in file for file in files.namelist()) == 2

    # Once more, after a reload: a group in the group; and another try with a new seed.
    page.reload()
    page.locator(".run").first.click()
    expect(page.locator(".group")).to_have_count(1, timeout=ENDED)
    page.locator(".layer-pick").nth(1).click()
    page.get_by_role("button", name="Split it again").click()
    expect(page.locator(".group")).to_have_count(2, timeout=ENDED)
    expect(page.locator(".layer")).to_have_count(4)
    page.click("#again")
    expect(page.locator(".run")).to_have_count(4)
    expect(page.locator(".group")).to_have_count(2, timeout=ENDED)


def test_drop_and_paste(open_page, picture):
    page = open_page()
    give = """([kind, bytes, others = []]) => {
        const transfer = new DataTransfer();
        for (const name of [kind, ...others]) {
            transfer.items.add(new File([new Uint8Array(bytes)], `${name}.png`, {type: 'image/png'}));
        }
        const options = {bubbles: true, cancelable: true};
        const event = kind === 'paste' ? new ClipboardEvent(kind, {...options, clipboardData: transfer})
            : new DragEvent(kind, {...options, dataTransfer: transfer});
        document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page.evaluate(give, [kind, list(picture.read_bytes())])
        expect(page.locator("#file-name")).to_have_text(f"{kind}.png")
        expect(page.locator("#file-hint")).not_to_contain_text("left out")
    page.evaluate(give, ["drop", list(picture.read_bytes()), ["second", "third"]])
    expect(page.locator("#file-hint")).to_contain_text("One at a time: 2 more are left out")
    page.evaluate(give, ["dragenter", list(picture.read_bytes())])
    expect(page.locator("#curtain")).to_be_visible()
    page.evaluate(give, ["drop", list(picture.read_bytes())])
    expect(page.locator("#curtain")).to_be_hidden()


def test_the_example_needs_no_file(open_page):
    page = open_page()
    page.get_by_role("button", name="Try an example picture").click()
    expect(page.locator("#file-hint")).to_contain_text("converted from SVG")
    page.keyboard.press("Enter")
    wait_for_layers(page)
