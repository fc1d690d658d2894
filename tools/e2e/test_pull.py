"""`mica pull` beside huggingface_hub, over TLS, and through a proxy."""

import os
import pathlib
import subprocess
import urllib.request

import huggingface_hub
import pytest

import hub_server
from mica_service import EXECUTABLE, ROOT

MODEL = ROOT / "Tests/QwenImageTests/Fixtures/golden/checkpoints/tiny"


def mica(folder: pathlib.Path, *arguments, **environment) -> subprocess.CompletedProcess:
    """Runs the command, with what it keeps of models below `folder`."""
    own = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    own |= {"MICA_MODELS": str(folder / "models"), "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": ""}
    return subprocess.run(
        [EXECUTABLE, *map(str, arguments)], env={**own, **environment}, capture_output=True, text=True, timeout=120)


def contents(folder: pathlib.Path) -> dict:
    """All files of a folder but those of its fetchers."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
        if path.is_file() and not str(path.relative_to(folder)).startswith((".mica-pull", ".cache"))}


@pytest.fixture
def hub():
    running = hub_server.Hub(MODEL)
    yield running
    running.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and localhost that nobody else knows, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True)
    return files


def test_the_same_as_huggingface_hub(hub, tmp_path):
    """The same files of the same server, so that the server answers as the hub's own client expects it."""
    theirs = huggingface_hub.snapshot_download(
        hub_server.NAME, endpoint=hub.endpoint, local_dir=tmp_path / "theirs", cache_dir=tmp_path / "cache")
    run = mica(tmp_path, "pull", hub_server.NAME, "--endpoint", hub.endpoint, "--to", tmp_path / "ours")
    assert run.returncode == 0, run.stderr
    assert contents(tmp_path / "ours") == contents(pathlib.Path(theirs)) == hub.files


def test_what_huggingface_hub_has(hub, tmp_path):
    """Models in its cache are found by their names, and asked of nobody."""
    huggingface_hub.snapshot_download(hub_server.NAME, endpoint=hub.endpoint, cache_dir=tmp_path / "hf/hub")
    hub.close()
    models = mica(tmp_path, "models")
    assert hub_server.NAME in models.stdout and str(tmp_path / "hf/hub") in models.stdout
    run = mica(
        tmp_path, "decompose", ROOT / "docs/poster.png", "--model", hub_server.NAME, "--resolution", "64", "--layers", "1",
        "--steps", "1", "--prompt", "a poster", "-o", tmp_path / "layers")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "layers/layer_1.png").exists()


def test_tls(certificate, tmp_path):
    """A certificate counts that the system knows or that is named, and no other."""
    hub = hub_server.Hub(MODEL, tls=certificate)
    arguments = ["pull", hub_server.NAME, "--endpoint", hub.endpoint]
    unknown = mica(tmp_path, *arguments, SSL_CERT_FILE="")
    assert unknown.returncode == 1 and "certificate" in unknown.stderr.lower(), unknown.stderr
    assert not (tmp_path / "models").exists()
    named = mica(tmp_path, *arguments, "--ca-file", certificate[0])
    assert named.returncode == 0, named.stderr
    again = mica(tmp_path, *arguments, "--verify", SSL_CERT_FILE=str(certificate[0]))
    assert again.returncode == 0 and "all was there" in again.stdout, again.stderr
    assert contents(tmp_path / "models" / hub_server.NAME) == hub.files
    hub.close()


def test_no_way_from_tls_to_plain_http(certificate, hub, tmp_path):
    """A hub by HTTPS that sends us on to plain HTTP is not followed."""
    secure = hub_server.Hub(MODEL, tls=certificate, cdn=hub.endpoint)
    run = mica(
        tmp_path, "pull", hub_server.NAME, "--endpoint", secure.endpoint, "--ca-file", certificate[0],
        HF_TOKEN="hf_secret")
    assert run.returncode == 1 and "http" in run.stderr, run.stderr
    assert hub.requests == []
    secure.close()


def test_through_a_proxy(hub, tmp_path):
    """The usual variables name it; it gets whole addresses."""
    class Proxy(hub_server.Hub):
        def answer(self, request):
            self.requests.append(request.path)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request.path) as answer:
                self.send(request, answer.read())

    proxy = Proxy(MODEL)
    run = mica(
        tmp_path, "pull", hub_server.NAME, "--endpoint", hub.endpoint, "--include", "*.json",
        http_proxy=proxy.endpoint, no_proxy="localhost")
    assert run.returncode == 0, run.stderr
    assert proxy.requests and all(target.startswith(hub.endpoint) for target in proxy.requests)
    proxy.close()
