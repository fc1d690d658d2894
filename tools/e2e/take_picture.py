"""Takes docs/page.png anew: the page with the poster's layers, as the model that comes with Mica makes them.

    make page-picture                        # MICA names the command, .build/release/mica if not given
    .venv/e2e/bin/python tools/e2e/take_picture.py --layers 3 --seed 1 --select 2 --scheme dark out.png
"""

import argparse
import pathlib
import shutil
import tempfile

from mica_service import ROOT, MicaService
from playwright.sync_api import expect, sync_playwright

# A build for debugging on a busy machine takes its time, in milliseconds.
PATIENCE = 300_000
SIZE = {"width": 1280, "height": 800}


def take(url: str, options) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme=options.scheme)
        page.goto(url)
        page.set_input_files("#file", options.picture)
        page.locator("#advanced summary").click()
        page.fill("#seed", str(options.seed))
        page.locator("#advanced summary").click()
        if options.layers:
            page.fill("#layers", str(options.layers))
        page.click("#submit")
        expect(page.locator("#results")).to_be_visible(timeout=PATIENCE)
        # The list has the top layer first.
        page.locator(".layer-name").nth(-options.select).click()
        page.get_by_text("One layer", exact=True).click()
        page.wait_for_timeout(500)
        page.screenshot(path=options.output)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", default=ROOT / "docs/page.png", type=pathlib.Path)
    parser.add_argument("--picture", default=ROOT / "docs/poster.png", type=pathlib.Path)
    parser.add_argument("--layers", type=int, help="the model's default if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--select", type=int, default=2, help="the layer to show, 1 for the bottom one")
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = MicaService(pathlib.Path(folder) / "mica")
        try:
            take(service.url, options)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
