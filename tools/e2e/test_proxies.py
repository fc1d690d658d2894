"""nginx and HAProxy in front of two services, with the configurations of deploy/."""

import http.client
import io
import json
import signal
import socket
import threading
import time
import zipfile

import pytest
import requests
from mica_service import ENDLESS, QUICK, STOP_SECONDS, MicaService, until
from proxies import Proxy


class Pair:
    """Two services and the proxy before them."""

    def __init__(self, name, folder):
        self.name = name
        self.services = [MicaService(folder / f"mica-{index}") for index in (1, 2)]
        self.proxy = Proxy(name, folder, [service.port for service in self.services])
        self.url = self.proxy.url

    def stop(self):
        self.proxy.stop()
        # Those that a test has killed and not started again because it failed are beside the point.
        running = [service for service in self.services if service.process.poll() is None]
        assert [service.stop() for service in running] == [0] * len(running)

    def post(self, path, picture, parameters=QUICK, **more):
        with open(picture, "rb") as file:
            return requests.post(
                self.url + path, files={"image": ("a.png", file, "image/png")}, data=parameters, timeout=60, **more)

    def until_both_are_asked(self):
        """nginx leaves an instance out for a time after a failure (fail_timeout), HAProxy until it has looked again."""
        def asked():
            return [service.metric("mica_http_requests_total", path="/version") for service in self.services]

        before = asked()

        def look():
            requests.get(self.url + "/version", timeout=5)
            return all(now > then for now, then in zip(asked(), before))

        until(look, 60, "requests at both instances")

    def owner(self, job):
        """The service that has a job, and the other one."""
        has = [requests.get(f"{service.url}/v1/jobs/{job}", timeout=5).status_code == 200 for service in self.services]
        assert sorted(has) == [False, True]
        return self.services[has.index(True)], self.services[has.index(False)]


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def pair(request, tmp_path_factory):
    running = Pair(request.param, tmp_path_factory.mktemp(request.param))
    yield running
    running.stop()


def job_id(answer):
    assert answer.status_code == 202, answer.text
    location = answer.headers["Location"]
    assert location == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()["id"]


def ended(url):
    """Waits for the end of a job."""
    def look():
        answer = requests.get(url, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.json()["state"] not in ("queued", "running") else None

    return until(look, 60, "the job's end")


def test_layers(pair, picture):
    """A synchronous request, and its form as a ZIP."""
    answer = pair.post("/v1/layers?format=zip", picture)
    assert answer.status_code == 200, answer.text
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert names == ["manifest.json", "layer_1.png", "layer_2.png", "layer_3.png"]


def test_keep_alive(pair):
    """Many requests on one connection of the client."""
    with requests.Session() as session:
        statuses = {session.get(pair.url + "/healthz", timeout=5).status_code for _ in range(200)}
    assert statuses == {200}


def test_jobs_are_found(pair, picture):
    """Whichever instance has a job, its status, events and results come through."""
    jobs = [job_id(pair.post("/v1/jobs", picture)) for _ in range(4)]
    for job in jobs:
        url = f"{pair.url}/v1/jobs/{job}"
        assert ended(url)["state"] == "succeeded"
        for _ in range(3):
            assert requests.get(f"{url}/layers.psd", timeout=5).content[:4] == b"8BPS"
        assert requests.delete(url, timeout=5).status_code == 204
        assert requests.get(url, timeout=5).status_code in (404, 410)


def test_unknown_job(pair):
    """One that no instance has is 404, as the service says it."""
    answer = requests.get(f"{pair.url}/v1/jobs/{'A' * 22}", timeout=5)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_jobs_are_found_after_a_restart_of_the_proxy(pair, picture):
    """What the proxy has learned is lost; it asks everybody."""
    job = job_id(pair.post("/v1/jobs", picture))
    ended(f"{pair.url}/v1/jobs/{job}")
    pair.proxy.stop()
    pair.proxy.start()
    for _ in range(6):
        assert requests.get(f"{pair.url}/v1/jobs/{job}", timeout=5).status_code == 200


def test_split(pair, picture):
    """A layer is split by the instance that has the result, whichever is asked first, and whatever the proxy knows."""
    job = job_id(pair.post("/v1/jobs", picture))
    ended(f"{pair.url}/v1/jobs/{job}")

    def parameters():
        # The body comes a while after the head, as it does from afar.
        time.sleep(0.2)
        yield json.dumps({name: int(value) for name, value in QUICK.items()}).encode()

    for knows in (True, False):
        if not knows:
            pair.proxy.stop()
            pair.proxy.start()
        # Two in a row: proxies that take turns begin with each instance once.
        for _ in range(2):
            answer = requests.post(
                f"{pair.url}/v1/jobs/{job}/layers/1/layers?format=json", data=parameters(),
                headers={"Content-Type": "application/json"}, timeout=60)
            assert answer.status_code == 200, answer.text
            assert answer.json()["layers"]


def test_idempotency_key(pair, picture):
    """The same key meets the same instance, and so the same job."""
    key = {"Idempotency-Key": f"key-{time.time_ns()}"}
    jobs = {job_id(pair.post("/v1/jobs", picture, headers=key)) for _ in range(4)}
    assert len(jobs) == 1


def test_events_come_at_once(pair, picture):
    """Each event when it happens, not at the end of the stream."""
    job = job_id(pair.post("/v1/jobs", picture, ENDLESS))
    url = f"{pair.url}/v1/jobs/{job}"
    names = []
    with requests.get(url + "/events", stream=True, timeout=20, headers={"Accept": "text/event-stream"}) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if not line.startswith("event: "):
                continue
            names.append(line.removeprefix("event: "))
            if names[-1] == "progress" and names.count("progress") == 3:
                # The job runs on for minutes, so these came while it did.
                assert requests.delete(url, timeout=5).status_code == 202
    assert names[-1] == "ended"


def test_client_that_goes_away(pair, picture):
    """A synchronous job is cancelled when its client closes the connection to the proxy."""
    def running():
        return sum(service.metric("mica_jobs_running") for service in pair.services)

    until(lambda: running() == 0, 30, "an idle service")
    body, content_type = requests.models.RequestEncodingMixin._encode_files(
        {"image": ("a.png", picture.read_bytes(), "image/png")}, ENDLESS)
    with socket.create_connection(("127.0.0.1", pair.proxy.port), timeout=10) as connection:
        connection.sendall(
            f"POST /v1/layers HTTP/1.1\r\nHost: mica\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: running() == 1, 20, "the job's start")
    until(lambda: running() == 0, 20, "the job's end")


def test_large_body_is_refused_by_the_service(pair):
    """With its own problem document, not with the proxy's page."""
    answer = requests.post(
        pair.url + "/v1/layers", data=bytes(65 << 20), headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/metrics", "/metrics?a=b", "/%6Detrics", "/%6d%65trics", "/%256Detrics"])
def test_metrics_stay_inside(pair, path):
    """Whatever spelling the service would understand."""
    # As it is: `requests` writes letters that need no escape without one.
    connection = http.client.HTTPConnection("127.0.0.1", pair.proxy.port, timeout=5)
    connection.request("GET", path)
    assert connection.getresponse().status == 404
    connection.close()


def test_job_of_an_instance_that_is_stopping(pair, picture):
    """Nobody else has it, so it is asked although it takes no new work; a layer's split, too."""
    first = job_id(pair.post("/v1/jobs", picture))
    ended(f"{pair.url}/v1/jobs/{first}")
    split = job_id(requests.post(
        f"{pair.url}/v1/jobs/{first}/layers/1/layers", files={name: (None, value) for name, value in ENDLESS.items()},
        headers={"Prefer": "respond-async"}, timeout=60))
    owner, _ = pair.owner(split)
    until(lambda: requests.get(f"{owner.url}/v1/jobs/{split}", timeout=5).json()["state"] == "running", 30, "its start")
    owner.process.send_signal(signal.SIGTERM)
    # Longer than the proxies need to learn of it.
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for job in (first, split):
            assert requests.get(f"{pair.url}/v1/jobs/{job}", timeout=5).status_code == 200
        time.sleep(0.2)
    assert requests.delete(f"{pair.url}/v1/jobs/{split}", timeout=5).status_code == 202
    # Told once: a second signal would end it at once.
    assert owner.process.wait(STOP_SECONDS) == 0
    owner.start()
    pair.until_both_are_asked()


def test_failover_while_one_stops(pair, picture):
    """One instance is told to stop under load: not one request fails."""
    stopping = pair.services[0]
    failures, count = [], [0]
    end = threading.Event()

    def ask():
        while not end.is_set():
            answer = requests.get(pair.url + "/healthz", timeout=5)
            count[0] += 1
            if answer.status_code != 200:
                failures.append(answer.text)

    def until_more_have_asked():
        before = count[0]
        until(lambda: count[0] >= before + 50, 60, "more answers")

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        until_more_have_asked()
        assert stopping.stop() == 0
        until_more_have_asked()
        assert pair.post("/v1/layers?format=psd", picture).status_code == 200
        stopping.start()
        pair.until_both_are_asked()
    finally:
        end.set()
        for asker in askers:
            asker.join()
    assert failures == []


def test_failover_after_a_crash(pair, picture):
    """kill -9: new work goes to the other one at once, and an accepted job is there again after the restart."""
    pair.until_both_are_asked()
    job = job_id(pair.post("/v1/jobs", picture))
    url = f"{pair.url}/v1/jobs/{job}"
    ended(url)
    owner, other = pair.owner(job)
    owner.kill()
    for _ in range(4):
        answer = pair.post("/v1/layers?format=json", picture)
        assert answer.status_code == 200, answer.text
        assert json.loads(answer.text)["layers"]
    # HAProxy knows that it is where nobody answers; nginx says what the last one that it asked said.
    assert requests.get(url, timeout=30).status_code in {"nginx": (404, 502), "haproxy": (503,)}[pair.name]
    assert requests.get(f"{other.url}/livez", timeout=5).status_code == 200
    owner.start()
    assert until(lambda: requests.get(url, timeout=5).status_code == 200, 15, "the job's return")
