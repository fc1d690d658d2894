"""The page at /, in headless Chromium, against a real service: the one at MICA_URL, else one that is started."""

import hashlib
import io
import json
import os
import re
import zipfile

import numpy
import pytest
from PIL import Image
from playwright.sync_api import expect

ENDED = 60_000


@pytest.fixture(scope="module")
def url(request):
    """The address of the page."""
    given = os.environ.get("MICA_URL")
    return (given or request.getfixturevalue("service").url).rstrip("/") + "/"


@pytest.fixture
def open_page(browser, url):
    """Opens pages; none of them may complain on its console or ask anybody but the service."""
    contexts, complaints, addresses = [], [], []

    def open_one(address=url, expected_errors=(), is_connected=True, **options):
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)

        def hear(message):
            if message.type in ("error", "warning") and not any(known in message.text for known in expected_errors):
                complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: addresses.append((request.url, address)))
        page.goto(address)
        if is_connected:
            expect(page.locator("#service-text")).not_to_have_text("Connecting")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
    outside = [asked for asked, own in addresses if not asked.startswith((own, "blob:", "data:"))]
    assert outside == []


def split(page, picture, **settings):
    """Chooses a picture and sends it."""
    page.set_input_files("#file", picture)
    for name, value in settings.items():
        page.fill(f"#{name}", str(value))
    page.click("#submit")


def wait_for_layers(page):
    expect(page.locator("#results")).to_be_visible(timeout=ENDED)


def sheet_pixels(page):
    """What the canvas shows, as [height, width, 4]."""
    shape = page.evaluate("""() => {
        const canvas = document.getElementById('canvas');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return [canvas.height, canvas.width, Array.from(data)];
    }""")
    return numpy.array(shape[2], numpy.int16).reshape(shape[0], shape[1], 4)


def drawn(page):
    """Waits until what was asked for is on the canvas."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def download(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value


def over(layers):
    """The blend of layers, bottom first, premultiplied by its alpha."""
    below = numpy.zeros(layers[0].shape)
    for layer in layers:
        above = layer / 255.0
        above[..., :3] *= above[..., 3:]
        below = above + below * (1 - above[..., 3:])
    return below * 255


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
    page.get_by_role("slider", name="Opacity").fill("50")
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


def test_an_error_is_shown_well(open_page, picture):
    page = open_page(expected_errors=["status of 4"])
    whole = picture.read_bytes()
    with page.expect_response("**/v1/jobs", timeout=ENDED) as answer:
        split(page, {"name": "broken.png", "mimeType": "image/png", "buffer": whole[: len(whole) // 8]})
    card = page.get_by_role("alert").filter(has=page.locator("#problem-title"))
    expect(card).to_be_visible(timeout=ENDED)
    expect(card).to_be_focused()
    assert card.locator("h3").inner_text().strip() and card.locator("#problem-detail").inner_text().strip()
    if answer.value.status >= 400:
        said = answer.value.json()
        assert [card.locator("h3").inner_text(), card.locator("#problem-detail").inner_text()] == [
            said["title"], said["detail"]]
    assert "{" not in card.inner_text() and "undefined" not in card.inner_text()

    # What is no picture at all is not even sent.
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(page.locator("#file-error")).to_contain_text("notes.txt")
    split(page, picture)
    wait_for_layers(page)
    expect(page.locator("#file-error")).to_be_hidden()
    expect(card).to_be_hidden()


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


def test_a_key_is_asked_for_and_stays_in_the_tab(open_page, start_service, picture):
    key = "mica_" + "k" * 43
    locked = start_service(api_key_hashes=f"tester sha256:{hashlib.sha256(key.encode()).hexdigest()}")
    page = open_page(f"{locked.url}/", expected_errors=["status of 401"], is_connected=False)
    dialog = page.get_by_role("dialog", name="Access key")
    expect(dialog).to_be_visible()
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#service-text")).to_have_text("Needs an access key")

    # Without it, the refusal is explained, and asked about again.
    split(page, picture)
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_have_text("The key that was used is not accepted.")
    page.fill("#key", key)
    page.keyboard.press("Enter")
    wait_for_layers(page)
    expect(dialog).to_be_hidden()
    assert download(page, "PSD, all layers").suggested_filename == "poster.psd"
    expect(page.locator("#service-text")).not_to_have_text("Needs an access key")
    kept = page.evaluate("() => [JSON.stringify(localStorage), document.cookie, Object.values({...sessionStorage})]")
    assert kept[0] == "{}" and kept[1] == "" and key in kept[2]
    assert key not in page.url + page.content()

    page.get_by_role("button", name="Access key").click()
    page.get_by_role("button", name="Forget it").click()
    assert key not in page.evaluate("() => JSON.stringify(sessionStorage)")


def test_progress_and_cancelling(open_page, picture):
    page = open_page()
    split(page, picture, steps=1000)
    bar = page.get_by_role("progressbar")
    expect(bar).to_be_visible()
    expect(page.locator("#progress-detail")).to_contain_text(re.compile(r"Step \d+ of 1000"), timeout=ENDED)
    assert 0 <= float(bar.get_attribute("value")) < 1
    expect(page.locator("#live")).to_contain_text("Making the layers")
    # A preview takes the place of the dimmed picture.
    expect(page.locator("#sheet")).not_to_have_class(re.compile("is-waiting"), timeout=ENDED)
    assert sheet_pixels(page)[..., 3].any()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#problem-title")).to_have_text("Cancelled", timeout=ENDED)
    page.fill("#steps", "2")
    page.click("#submit")
    wait_for_layers(page)


def test_without_a_stream_the_job_is_asked_for(open_page, picture):
    page = open_page(expected_errors=["Failed to load resource"])
    page.route("**/events", lambda route: route.abort())
    split(page, picture)
    wait_for_layers(page)


def test_offline_is_said_and_got_over(open_page, picture):
    page = open_page(expected_errors=["ERR_INTERNET_DISCONNECTED", "Failed to load resource"])
    page.set_input_files("#file", picture)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("You are offline")
    page.click("#submit")
    expect(page.locator("#problem-title")).to_have_text("You are offline")
    page.context.set_offline(False)
    wait_for_layers(page)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_full_service_is_asked_again(open_page, picture):
    page = open_page(expected_errors=["status of 503"])
    keys = []

    def refuse_once(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        problem = {"type": "urn:mica:problem:busy", "title": "The line is full", "status": 503, "detail": "Later."}
        return route.fulfill(
            status=503, content_type="application/problem+json", headers={"Retry-After": "2"},
            body=json.dumps(problem))

    page.route("**/v1/jobs", refuse_once)
    split(page, picture)
    expect(page.locator("#problem-title")).to_have_text("The line is full")
    expect(page.locator("#problem-advice")).to_contain_text(re.compile(r"tried again in \d s"))
    wait_for_layers(page)
    # One job, however often it is sent.
    assert len(keys) == 2 and keys[0] == keys[1]


def test_a_result_that_is_gone_is_explained(open_page, picture):
    page = open_page(expected_errors=["status of 410"])
    split(page, picture)
    wait_for_layers(page)
    problem = {"type": "urn:mica:problem:gone", "title": "The result is gone", "status": 410, "detail": "It expired."}
    page.route("**/layers.psd", lambda route: route.fulfill(
        status=410, content_type="application/problem+json", body=json.dumps(problem)))
    page.click("#save-psd")
    expect(page.locator("#save-error")).to_contain_text("The result is gone. It expired. Results are kept for a time")
    expect(page.locator("#save-psd")).not_to_have_attribute("aria-busy", "true")


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
    page.locator(".run").last.click()
    expect(page.locator("#facts")).to_have_text(first.replace("\n", ""), timeout=ENDED)
    expect(page.locator('input[value="compare"]')).to_be_disabled()


def test_a_layer_is_split_again(open_page, picture):
    page = open_page()
    split(page, picture, layers=2)
    wait_for_layers(page)
    page.get_by_role("button", name="Split it again").click()
    expect(page.locator("#file-name")).to_have_text("poster-layer-2.png")
    page.click("#submit")
    wait_for_layers(page)
    expect(page.locator(".run")).to_have_count(2)


def test_drop_and_paste(open_page, picture):
    page = open_page()
    give = """([kind, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: 'image/png'}));
        const options = {bubbles: true, cancelable: true};
        const event = kind === 'paste' ? new ClipboardEvent(kind, {...options, clipboardData: transfer})
            : new DragEvent(kind, {...options, dataTransfer: transfer});
        document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page.evaluate(give, [kind, list(picture.read_bytes())])
        expect(page.locator("#file-name")).to_have_text(f"{kind}.png")
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


def tab_to(page, selector):
    """Goes to an element with the tabulator key alone; it must be seen where one is."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            outlined = page.evaluate("""() => {
                const here = document.activeElement;
                const seen = [here, here.nextElementSibling].filter(Boolean).map((one) => getComputedStyle(one));
                return seen.some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
            }""")
            assert outlined, f"no outline on {selector}"
            return
    raise AssertionError(f"not reached with the keyboard: {selector}")


def test_with_the_keyboard_alone(open_page, picture):
    page = open_page()
    # Playwright begins to catch choosers with the first listener, and does not wait until it does.
    page.on("filechooser", lambda _: None)
    tab_to(page, ".skip")
    tab_to(page, "#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture)
    expect(page.locator("#file-name")).to_have_text("poster.png")
    tab_to(page, "#layers")
    page.keyboard.type("2")
    tab_to(page, "input[name=size]")
    tab_to(page, "#submit")
    page.keyboard.press("Enter")
    wait_for_layers(page)
    tab_to(page, "input[name=view]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#compare")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    tab_to(page, "#canvas")
    for key in ("ArrowRight", "Shift+ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.get_by_role("spinbutton", name="Moved right by pixels")).to_have_value("-1")
    expect(page.get_by_role("spinbutton", name="Moved down by pixels")).to_have_value("10")
    tab_to(page, ".eye input")
    page.keyboard.press("Space")
    expect(page.locator(".layer").first).to_have_class(re.compile("is-hidden"))
    tab_to(page, ".layer-more input[type=range]")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".layer-more output").first).to_have_text("99 %")
    tab_to(page, "#save-psd")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "poster.psd"


# Every element with words of its own, and how it differs from what lies behind it (WCAG 2.2, contrast ratio).
CONTRASTS = """() => {
    const parse = (text) => {
        const numbers = text.match(/[\\d.]+/g).map(Number);
        return [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
    };
    const light = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = parse(getComputedStyle(one).backgroundColor);
            if (colour[3] === 1) return colour;
        }
        return [255, 255, 255, 1];
    };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
        const isShown = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
        if (!words.length || !isShown || element.closest('svg, :disabled, .unseen, input:disabled + span')) continue;
        const values = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
        const ratio = (values[0] + 0.05) / (values[1] + 0.05);
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`);
    }
    return found;
}"""

# Controls that a screen reader could not name, and identifiers that occur twice.
NAMELESS = """() => {
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    const doubled = ids.filter((id, index) => ids.indexOf(id) !== index);
    const nameless = [...document.querySelectorAll('button, input, select, textarea, progress, canvas[tabindex], img')]
        .filter((element) => element.checkVisibility())
        .filter((element) => !(element.ariaLabel || element.textContent.trim() && element.matches('button')
            || element.hasAttribute('aria-labelledby') || element.hasAttribute('alt')
            || [...(element.labels ?? [])].some((label) => label.textContent.trim())))
        .map((element) => element.outerHTML.slice(0, 120));
    return [...doubled, ...nameless];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_and_names(open_page, picture, scheme):
    page = open_page(color_scheme=scheme, reduced_motion="reduce", expected_errors=["status of 4"])

    def check():
        assert page.evaluate(CONTRASTS) == []
        assert page.evaluate(NAMELESS) == []

    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    level = sum(int(number) for number in re.findall(r"\d+", ground)[:3]) / 3
    assert level < 64 if scheme == "dark" else level > 192
    check()
    page.locator("#advanced summary").click()
    check()
    split(page, picture, steps=1000)
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert page.evaluate("() => document.getAnimations().length") == 0
    check()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#problem")).to_be_visible(timeout=ENDED)
    check()
    page.fill("#steps", "2")
    page.click("#submit")
    wait_for_layers(page)
    check()
    page.get_by_text("Compare", exact=True).click()
    check()
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("width", [320, 390, 820, 1100])
def test_narrow_screens(open_page, picture, width):
    page = open_page(viewport={"width": width, "height": 760}, has_touch=width < 700)

    def fits():
        return page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

    assert fits()
    page.locator("#advanced summary").click()
    assert fits()
    split(page, picture)
    wait_for_layers(page)
    assert fits()
    page.get_by_text("Compare", exact=True).click()
    assert fits()
    sheet = page.locator("#sheet").bounding_box()
    assert sheet["width"] >= width * 0.3 and sheet["x"] >= 0 and sheet["x"] + sheet["width"] <= width
    if width < 700:
        small = page.evaluate("""() => [...document.querySelectorAll('main button')]
            .filter((button) => button.checkVisibility() && button.getBoundingClientRect().height < 36
                && !button.closest('.facts')).map((button) => button.textContent)""")
        assert small == []
