"""Fixtures of the end-to-end tests: services, a browser, a picture."""

import os
import shutil
import subprocess

import pytest
from playwright.sync_api import expect
from mica_service import ROOT, MicaService


# Five seconds, the usual patience, are not enough where other programs use the processors too.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def picture():
    """The path of a picture."""
    return ROOT / "docs/poster.png"


@pytest.fixture(scope="session")
def display():
    """An X server for programs with windows, in DISPLAY.

    The server itself looks for a free number: `xvfb-run -a` of two processes may take the same one. Without -noreset
    it starts over when the last program leaves, and refuses one that comes meanwhile.
    """
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-noreset", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb found no display"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{number}")
        yield
    server.terminate()
    server.wait()


@pytest.fixture
def start_service(tmp_path):
    """Starts services that end with the test: start_service(cors_origins="http://a.example", ...)."""
    services = []

    def start(**options) -> MicaService:
        services.append(MicaService(tmp_path / f"mica-{len(services)}", **options))
        return services[-1]

    yield start
    stop_all(services)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service for the tests of a file."""
    running = MicaService(tmp_path_factory.mktemp("mica"))
    yield running
    stop_all([running])


@pytest.fixture(scope="module")
def url(request):
    """The address of the page."""
    given = os.environ.get("MICA_URL")
    return (given or request.getfixturevalue("service").url).rstrip("/") + "/"


@pytest.fixture
def open_page(browser, url):
    """Opens pages; none of them may complain on its console or ask anybody but the service."""
    contexts, complaints, addresses = [], [], []

    def open_one(address=url, expected_errors=(), is_connected=True, prepare=lambda _: None, **options):
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
        prepare(page)
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


def stop_all(services):
    """Ends services; each that still ran must end well."""
    statuses = [service.stop() for service in services if service.process.poll() is None]
    assert statuses == [0] * len(statuses)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page in a context of its own."""
    context = browser.new_context(accept_downloads=True)
    yield context.new_page()
    context.close()
