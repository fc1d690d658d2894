"""Downloads that break and go on, by the programs that people use, and through proxies."""

import contextlib
import select
import socket
import subprocess
import threading
from urllib.parse import urlsplit

import pytest
import requests
from mica_service import QUICK, MicaService, until
from proxies import Proxy


@pytest.fixture(scope="module", params=["alone", "nginx", "haproxy"])
def place(request, tmp_path_factory):
    """The address of a service, or of a proxy before two."""
    folder = tmp_path_factory.mktemp(request.param)
    services = [MicaService(folder / f"mica-{index}") for index in range(1 if request.param == "alone" else 2)]
    proxy = None if request.param == "alone" else Proxy(request.param, folder, [one.port for one in services])
    yield proxy.url if proxy else services[0].url
    if proxy:
        proxy.stop()
    assert [one.stop() for one in services] == [0] * len(services)


@pytest.fixture(scope="module")
def result(place, picture):
    """The address of a job's result."""
    with open(picture, "rb") as file:
        answer = requests.post(
            place + "/v1/jobs", files={"image": ("a.png", file, "image/png")}, data=QUICK, timeout=60)
    job = f"{place}/v1/jobs/{answer.json()['id']}"
    until(lambda: requests.get(job, timeout=5).json()["state"] == "succeeded", 60, "the job's end")
    return job


def curl(*arguments, ok=True):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *arguments], capture_output=True, timeout=90)
    assert not ok or done.returncode == 0, done.stderr
    return done


class CutLine:
    """Stands before an address and cuts the first connection after so many bytes of the answer."""

    def __init__(self, address, byte_count):
        parts = urlsplit(address)
        self.target = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{parts.path}"
        self.limits = [byte_count]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.carry(self.listener.accept()[0], self.limits.pop(0) if self.limits else None)

    def carry(self, client, limit):
        with client, socket.create_connection(self.target) as server:
            # A request without a body comes in one piece.
            server.sendall(client.recv(65536))
            carried = 0
            while limit is None or carried < limit:
                # Whichever has something to say: of the client that is its end.
                if client in select.select([server, client], [], [], 60)[0]:
                    break
                piece = server.recv(65536 if limit is None else min(65536, limit - carried))
                if not piece:
                    break
                client.sendall(piece)
                carried += len(piece)

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("form", ["layers.psd", "layers.zip", "result", "layers/1.png", "result?format=ora"])
def test_curl_goes_on(result, tmp_path, form):
    """Cut in the middle, then taken up: the same bytes as in one go."""
    whole = requests.get(f"{result}/{form}", timeout=60).content
    path = tmp_path / "file"
    line = CutLine(result, len(whole) // 2)
    url = f"{line.url}/{form}"
    # Partial file.
    assert curl("-o", str(path), url, ok=False).returncode == 18
    had = path.stat().st_size
    assert 0 < had < len(whole) and path.read_bytes() == whole[:had]
    trace = curl("-C", "-", "-o", str(path), "-D", "-", url).stdout.decode()
    assert f"content-range: bytes {had}-{len(whole) - 1}/{len(whole)}" in trace.lower()
    assert path.read_bytes() == whole
    # There already: nothing is to come, and nothing is lost.
    curl("-C", "-", "-o", str(path), url, ok=False)
    assert path.read_bytes() == whole
    line.close()


def test_many_parts_at_once(result, tmp_path):
    """As download managers have it."""
    url = f"{result}/layers.psd"
    whole = requests.get(url, timeout=60)
    size, tag = len(whole.content), whole.headers["ETag"]
    parts = {}

    def fetch(start):
        end = min(start + size // 7, size) - 1
        answer = requests.get(
            url, headers={"Range": f"bytes={start}-{end}", "If-Range": tag}, timeout=60)
        parts[start] = (answer.status_code, answer.content)

    threads = [threading.Thread(target=fetch, args=(start,)) for start in range(0, size, size // 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in parts.values()} == {206}
    assert b"".join(parts[start][1] for start in sorted(parts)) == whole.content


def test_what_one_has_is_not_sent_again(result, tmp_path):
    url, path, tags = f"{result}/layers.psd", tmp_path / "file", tmp_path / "tag"
    curl("--etag-save", str(tags), "-o", str(path), url)
    again = curl("--etag-compare", str(tags), "-o", str(tmp_path / "other"), "-w", "%{http_code}", url)
    assert again.stdout == b"304"
    dated = curl("-z", str(path), "-o", str(tmp_path / "other"), "-w", "%{http_code}", url)
    assert dated.stdout == b"304"
    assert requests.head(url, headers={"Range": "bytes=5-"}, timeout=5).status_code == 200
    behind = requests.get(url, headers={"Range": f"bytes={path.stat().st_size}-"}, timeout=5)
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{path.stat().st_size}")
    assert behind.headers["Content-Type"] == "application/problem+json"


def test_a_restart_between_the_parts(start_service, picture, tmp_path):
    """The result and its tag are as before."""
    service = start_service()
    with open(picture, "rb") as file:
        answer = requests.post(
            service.url + "/v1/jobs", files={"image": ("a.png", file, "image/png")}, data=QUICK, timeout=60)
    job = f"{service.url}/v1/jobs/{answer.json()['id']}"
    until(lambda: requests.get(job, timeout=5).json()["state"] == "succeeded", 60, "the job's end")
    first = requests.get(f"{job}/result", timeout=60)
    service.kill()
    service.start()
    rest = requests.get(
        f"{job}/result", headers={"Range": "bytes=1000-", "If-Range": first.headers["ETag"]}, timeout=60)
    assert rest.status_code == 206 and rest.content == first.content[1000:]
