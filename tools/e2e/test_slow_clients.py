"""Many clients that are slow on purpose: the service stays available, and nothing is left of them."""

import io
import os
import random
import resource
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
import requests
from mica_service import QUICK, MicaService, until
from PIL import Image

# `make test-e2e` is to be short; SLOW_CLIENTS=1000 SLOW_SECONDS=120 is the long test.
CLIENTS = int(os.environ.get("SLOW_CLIENTS", "300"))
SECONDS = int(os.environ.get("SLOW_SECONDS", "15"))

KINDS = {
    "headers": ["/healthz", "-H", "-i", "3"],
    "bodies": ["/v1/layers", "-B", "-i", "3", "-s", "100000", "-t", "POST", "-f", "image/png"],
    "readers": ["/openapi.yaml", "-X", "-w", "10", "-y", "20", "-n", "3", "-z", "32", "-k", "3"],
}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    running = MicaService(
        tmp_path_factory.mktemp("mica"), connection_limit=2 * CLIENTS + 100, connections_per_address=2 * CLIENTS + 100)
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_slow(crowded, kind):
    def rest():
        return crowded.descriptors(), crowded.threads()

    requests.get(crowded.url + "/healthz", timeout=5)
    time.sleep(0.2)
    descriptors, threads = rest()
    times = []
    end = threading.Event()

    def ask():
        while not end.wait(0.2):
            begin = time.monotonic()
            # A connection of its own each time.
            assert requests.get(crowded.url + "/healthz", timeout=10).status_code == 200
            times.append(time.monotonic() - begin)

    asker = threading.Thread(target=ask)
    asker.start()
    path, options = KINDS[kind][0], KINDS[kind][1:]
    command = ["slowhttptest", *options, "-u", crowded.url + path, "-c", str(CLIENTS), "-r", "200"]
    command += ["-l", str(SECONDS), "-p", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 60)
    end.set()
    asker.join()
    text = done.stdout + done.stderr
    assert "service available" in text, text
    assert [line for line in text.splitlines() if "service available" in line and "NO" in line] == []
    assert len(times) >= SECONDS
    assert max(times) < 5
    until(lambda: rest()[0] <= descriptors + 2 and rest()[1] <= threads + 2, 20, f"{rest()} to {descriptors, threads}")


def test_an_answered_request_is_not_kept_for_as_long_as_it_would_have_waited(start_service):
    service = start_service()
    file = io.BytesIO()
    # What cannot be compressed, so that the file is large.
    Image.frombytes("RGB", (2000, 2000), random.Random(1).randbytes(2000 * 2000 * 3)).save(file, "PNG")

    def ask():
        answer = requests.post(
            service.url + "/v1/layers?resolution=64&layers=1&steps=1&seed=1&fit=model", data=file.getvalue(), timeout=60,
            headers={"Content-Type": "image/png", "Idempotency-Key": "one", "Prefer": "wait=3600"})
        assert answer.status_code == 200, answer.text

    ask()
    before = service.own_memory()
    for _ in range(6):
        ask()
    # Each of the six is 11 MiB.
    assert service.own_memory() - before < 30 << 20


def test_layers_are_not_put_together_for_a_client_that_has_gone(start_service, picture):
    service = start_service()
    layers = requests.post(service.url + "/v1/layers?format=zip&" + urllib.parse.urlencode(QUICK), timeout=60,
                           data=picture.read_bytes(), headers={"Content-Type": "image/png"})
    assert layers.status_code == 200, layers.text
    head = (f"POST /v1/recompose HTTP/1.1\r\nHost: a\r\nContent-Type: application/zip\r\n"
            f"Content-Length: {len(layers.content)}\r\n\r\n")
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(head.encode() + layers.content)
    until(lambda: "/v1/recompose" in service.log(), 20, "the request's line in the log")
    line = next(line for line in service.log().splitlines() if "/v1/recompose" in line)
    assert "client gone" in line
