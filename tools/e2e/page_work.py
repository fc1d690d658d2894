"""What a person does with the page, and what the page shows of it."""

import base64

import numpy
from playwright.sync_api import expect

ENDED = 60_000


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
    height, width, text = page.evaluate("""async () => {
        const canvas = document.getElementById('canvas');
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const reader = new FileReader();
        const read = new Promise((done) => reader.addEventListener('load', done));
        reader.readAsDataURL(new Blob([data]));
        await read;
        return [canvas.height, canvas.width, reader.result.split(',')[1]];
    }""")
    return numpy.frombuffer(base64.b64decode(text), numpy.uint8).reshape(height, width, 4).astype(numpy.int16)


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
