"""The examples of deploy/examples, each run as its first lines say."""

import functools
import http.server
import os
import signal
import subprocess
import sys
import threading

import pytest
from mica_service import EXECUTABLE, QUICK, ROOT, answers, free_port, until

EXAMPLES = ROOT / "deploy/examples"
PARAMETERS = [f"{name}={value}" for name, value in QUICK.items()]


def run(service, command, folder):
    return subprocess.run(
        command, cwd=folder, env=os.environ | {"MICA_URL": service.url}, capture_output=True, text=True, timeout=120)


def test_all_are_tested():
    names = {path.name for path in EXAMPLES.iterdir()}
    assert names == {"layers.sh", "job.sh", "balanced.sh", "layers.py", "browser.html"}


def test_layers_sh(service, picture, tmp_path):
    done = run(service, [EXAMPLES / "layers.sh", picture, tmp_path / "out", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["layer_1.png", "layer_2.png", "layer_3.png", "manifest.json"]


def test_layers_sh_tells_the_reason(service, picture, tmp_path):
    done = run(service, [EXAMPLES / "layers.sh", picture, tmp_path / "out", "layers=99"], tmp_path)
    assert done.returncode == 1
    assert "layers" in done.stderr


def test_job_sh(service, picture, tmp_path):
    done = run(service, [EXAMPLES / "job.sh", picture, "a.psd", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"succeeded"' in done.stdout
    assert (tmp_path / "a.psd").read_bytes()[:4] == b"8BPS"


def test_layers_py(service, picture, tmp_path):
    done = run(service, [sys.executable, EXAMPLES / "layers.py", picture, "out", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split() == ["1.png", "2.png", "3.png", "layers.psd"]


@pytest.fixture
def origin():
    """deploy/examples as a site of its own."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=EXAMPLES)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_browser(start_service, origin, page, picture):
    """From another origin, the answer taken apart by the browser itself."""
    service = start_service(cors_origins=origin)
    page.goto(f"{origin}/browser.html?url={service.url}")
    page.set_input_files("input[type=file]", str(picture))
    page.click("button")
    page.wait_for_function("document.querySelector('a[download]')", timeout=60_000)
    assert page.locator("img").count() == 3
    sizes = page.evaluate("[...document.images].map(image => image.decode().then(() => image.naturalWidth))[0]")
    assert sizes > 0
    with page.expect_download() as download:
        page.click("a[download]")
    assert download.value.path().read_bytes()[:4] == b"8BPS"


def test_browser_of_a_foreign_origin(start_service, origin, page, picture):
    """A page that the configuration does not name gets nothing."""
    service = start_service(cors_origins="https://elsewhere.example")
    page.goto(f"{origin}/browser.html?url={service.url}")
    page.set_input_files("input[type=file]", str(picture))
    page.click("button")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('fetch')", timeout=30_000)
    assert page.locator("img").count() == 0


def test_balanced_sh(picture, tmp_path):
    """Two instances behind HAProxy, and the curl example through it."""
    port = free_port()
    process = subprocess.Popen(
        [EXAMPLES / "balanced.sh", str(port), tmp_path / "state"], env=os.environ | {"MICA": str(EXECUTABLE)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: process.poll() is not None or answers(url + "/readyz"), 60, "the start")
        assert process.poll() is None, process.stderr.read()
        done = subprocess.run(
            [EXAMPLES / "job.sh", picture, "a.psd", *PARAMETERS], cwd=tmp_path, env=os.environ | {"MICA_URL": url},
            capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert '"succeeded"' in done.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
