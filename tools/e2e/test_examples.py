"""The examples of deploy/examples, each run as its first lines say."""

import functools
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from mica_service import ENDLESS, EXECUTABLE, QUICK, ROOT, MicaService, answers, free_ports, until

EXAMPLES = ROOT / "deploy/examples"
PARAMETERS = [f"{name}={value}" for name, value in QUICK.items()]
ENDLESS_PARAMETERS = [f"{name}={value}" for name, value in ENDLESS.items()]


@pytest.fixture(scope="module")
def key():
    """A key and its line for the service."""
    done = subprocess.run([EXECUTABLE, "key", "anna"], capture_output=True, text=True, check=True)
    return dict(line.split(": ", 1) for line in done.stdout.replace("  ", " ").splitlines())


@pytest.fixture(scope="module", params=["open", "keys"])
def asked(request, key, tmp_path_factory):
    """A service, and the environment of its clients: without keys, and with one."""
    options = {"open": {}, "keys": {"api_key_hashes": key["line"]}}[request.param]
    running = MicaService(tmp_path_factory.mktemp("mica"), **options)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MICA")}
    environment |= {"MICA_URL": running.url} | ({"MICA_KEY": key["key"]} if options else {})
    yield running, environment
    assert running.stop() == 0


def run(asked, command, folder, **variables):
    return subprocess.run(
        command, cwd=folder, env=asked[1] | variables, capture_output=True, text=True, timeout=120)


def test_all_are_tested():
    names = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert names == {"layers.sh", "job.sh", "balanced.sh", "layers.py", "browser.html"}


def test_layers_sh(asked, picture, tmp_path):
    done = run(asked, [EXAMPLES / "layers.sh", picture, tmp_path / "out", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["layer_1.png", "layer_2.png", "layer_3.png", "manifest.json"]


def test_job_sh(asked, picture, tmp_path):
    done = run(asked, [EXAMPLES / "job.sh", picture, "a.psd", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"succeeded"' in done.stdout
    assert (tmp_path / "a.psd").read_bytes()[:4] == b"8BPS"


def test_layers_py(asked, picture, tmp_path):
    done = run(asked, [sys.executable, EXAMPLES / "layers.py", picture, "out", *PARAMETERS], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split() == ["layer_1.png", "layer_2.png", "layer_3.png", "layers.psd"]


def test_layers_py_of_several_images(asked, picture, tmp_path):
    """Nothing overwrites another image's layers."""
    command = [sys.executable, EXAMPLES / "layers.py", picture, "out", *PARAMETERS, "layers=2", "images=2"]
    done = run(asked, command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert sorted(files) == [
        "image_1.psd", "image_1_layer_1.png", "image_1_layer_2.png",
        "image_2.psd", "image_2_layer_1.png", "image_2_layer_2.png",
    ]
    assert len(set(files.values())) == len(files)


def test_layers_py_through_a_restart(start_service, picture, tmp_path):
    """A service that is killed has the job again when it is back, and the client waits for that."""
    service = start_service()
    process = subprocess.Popen(
        [sys.executable, EXAMPLES / "layers.py", picture, "out", *PARAMETERS, "num_inference_steps=8"], cwd=tmp_path,
        env=os.environ | {"MICA_URL": service.url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # It says what it waits for, from then on every second.
    assert process.stdout.readline()
    service.kill()
    # It asks meanwhile, and nobody answers.
    with socket.create_server(("127.0.0.1", service.port)) as listener:
        listener.settimeout(60)
        listener.accept()[0].close()
    service.start()
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output.splitlines()[-1].split() == ["layer_1.png", "layer_2.png", "layer_3.png", "layers.psd"]


@pytest.mark.parametrize("example", ["layers.sh", "job.sh", "layers.py"])
def test_reason_of_a_refusal(asked, example, picture, tmp_path):
    """The service's own words, and no file that looks like a result."""
    command = [*([sys.executable] if example.endswith(".py") else []), EXAMPLES / example, picture, "out", "layers=99"]
    done = run(asked, command, tmp_path)
    assert done.returncode == 1
    assert "layers" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", ["keys"], indirect=True)
@pytest.mark.parametrize("example", ["layers.sh", "job.sh", "layers.py"])
def test_wrong_key(asked, key, example, picture, tmp_path):
    command = [*([sys.executable] if example.endswith(".py") else []), EXAMPLES / example, picture, "out"]
    done = run(asked, command, tmp_path, MICA_KEY=key["key"].swapcase())
    assert done.returncode == 1
    assert "key" in done.stderr


def test_failure_of_a_job(asked, picture, tmp_path):
    """A job that does not succeed leaves no PSD."""
    done = run(asked, [EXAMPLES / "job.sh", picture, "a.psd", *ENDLESS_PARAMETERS, "deadline_seconds=1"], tmp_path)
    assert done.returncode == 1
    assert '"failed"' in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def origin():
    """deploy/examples as a site of its own."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=EXAMPLES)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("has_key", [False, True], ids=["open", "keys"])
def test_browser(start_service, origin, page, picture, key, has_key):
    """From another origin, the answer taken apart by the browser itself."""
    service = start_service(cors_origins=origin, **({"api_key_hashes": key["line"]} if has_key else {}))
    page.goto(f"{origin}/browser.html?url={service.url}")
    if has_key:
        page.fill("#key", key["key"])
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
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{origin}/browser.html?url={service.url}")
    page.set_input_files("input[type=file]", str(picture))
    page.click("button")
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('fetch')", timeout=30_000)
    assert page.locator("img").count() == 0
    # For this reason, and not because nobody answered.
    assert [text for text in complaints if service.url in text and "blocked by CORS policy" in text]
    until(lambda: "/v1/layers" in service.log(), 20, "the request's line in the log")


def test_balanced_sh(picture, tmp_path):
    """Two instances behind HAProxy, and the curl example through it."""
    # The proxy's, and one for each instance behind it.
    port = free_ports(3)
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
