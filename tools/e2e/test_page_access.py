"""The page with the keyboard alone, for screen readers, in dark, and on small screens."""

import re

import pytest
from page_work import ENDED, split, wait_for_layers
from playwright.sync_api import expect


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


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (900, 500), (844, 390), (390, 844)])
def test_the_button_is_in_sight(open_page, picture, width, height):
    """Whole, and without scrolling, before and after a picture is chosen."""
    page = open_page(viewport={"width": width, "height": height})
    expect(page.locator("#submit")).to_be_in_viewport(ratio=1)
    page.set_input_files("#file", picture)
    expect(page.locator("#estimate")).to_be_visible()
    expect(page.locator("#submit")).to_be_in_viewport(ratio=1)
