"""Answers of every kind, looked at by httplint: nothing BAD."""

import http.client
import io
import subprocess

import pytest
import requests
from mica_service import QUICK, ROOT, until

GETS = [
    ("/", "text/html"), ("/", "*/*"), ("/page.js", "*/*"), ("/healthz", "*/*"), ("/livez", "*/*"), ("/readyz", "*/*"),
    ("/version", "*/*"), ("/metrics", "*/*"), ("/openapi.yaml", "*/*"), ("/v1/models", "*/*"), ("/v1/jobs", "*/*"),
    ("/nowhere", "*/*"), ("/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA", "*/*"),
]


def message(service, method, path, body=None, headers=None) -> bytes:
    """The answer as it came, framing undone."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read()
    text = io.BytesIO()
    text.write(f"HTTP/1.1 {answer.status} {answer.reason}\r\n".encode())
    for name, value in answer.getheaders():
        if name.lower() != "transfer-encoding":
            text.write(f"{name}: {value}\r\n".encode())
    connection.close()
    return text.getvalue() + b"\r\n" + content


def bad(answer: bytes) -> list[str]:
    done = subprocess.run(
        [ROOT / ".venv/e2e/bin/httplint", "--now"], input=answer, capture_output=True, timeout=60, check=True)
    return [line for line in done.stdout.decode().splitlines() if "[BAD]" in line]


@pytest.mark.parametrize(("path", "accept"), GETS)
def test_get(service, path, accept):
    assert bad(message(service, "GET", path, headers={"Accept": accept})) == []


@pytest.mark.parametrize("form", ["multipart", "mixed", "zip", "psd", "json"])
def test_result(service, picture, form):
    parameters = "&".join(f"{name}={value}" for name, value in QUICK.items())
    answer = message(
        service, "POST", f"/v1/layers?format={form}&{parameters}", picture.read_bytes(), {"Content-Type": "image/png"})
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert bad(answer) == []


def test_job(service, picture):
    answer = message(service, "POST", "/v1/jobs?num_inference_steps=1&resolution=64", picture.read_bytes(),
                     {"Content-Type": "image/png"})
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert bad(answer) == []
    job = requests.get(service.url + "/v1/jobs", timeout=5).json()["jobs"][0]["id"]
    assert bad(message(service, "GET", f"/v1/jobs/{job}")) == []
    assert bad(message(service, "GET", f"/v1/jobs/{job}/events")) == []
    assert bad(message(service, "GET", f"/v1/jobs/{job}/layers.psd")) == []


def test_problems(service):
    for method, path, body, headers in (
        ("POST", "/v1/layers", b"", {}), ("POST", "/v1/layers", b"x", {"Content-Type": "text/plain"}),
        ("PUT", "/v1/layers", b"", {}), ("POST", "/v1/layers?layers=0", b"x", {}), ("DELETE", "/healthz", None, {}),
    ):
        assert bad(message(service, method, path, body, headers)) == []


def test_parts_and_conditions(service, picture):
    message(service, "POST", "/v1/jobs?num_inference_steps=1&resolution=64", picture.read_bytes(),
            {"Content-Type": "image/png"})
    job = requests.get(service.url + "/v1/jobs", timeout=5).json()["jobs"][0]["id"]
    until(lambda: requests.get(f"{service.url}/v1/jobs/{job}", timeout=5).json()["state"] == "succeeded", 60, "its end")
    for path, fields, status in [
        ("layers.psd", {}, 200), ("layers.psd", {"Range": "bytes=5-9"}, 206), ("result", {"Range": "bytes=5-"}, 206),
        ("layers.psd", {"Range": "bytes=999999999-"}, 416), ("layers.psd", {"If-None-Match": "*"}, 304),
        ("layers.psd", {"If-Match": '"x"'}, 412),
    ]:
        answer = message(service, "GET", f"/v1/jobs/{job}/{path}", headers=fields)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert bad(answer) == [], (path, fields)
