"""deploy/healthcheck.sh, which the image's HEALTHCHECK runs: it finds the service wherever its options put it."""

import contextlib
import os
import signal
import subprocess

import pytest
from mica_service import EXECUTABLE, ROOT, START_SECONDS, free_port, until

SCRIPT = ROOT / "deploy/healthcheck.sh"


def certificate(folder):
    """A certificate that names another host, as in front of a container."""
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=mica.example.com", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True)
    return {"MICA_TLS_CERTIFICATE": str(files[0]), "MICA_TLS_KEY": str(files[1])}


def configuration(folder, text):
    (folder / "mica.yaml").write_text(text)
    return str(folder / "mica.yaml")


# What the service is told, by the environment and the command line.
CASES = {
    "environment": lambda folder, port: ({"MICA_PORT": port, "MICA_HOST": "0.0.0.0"}, []),
    "TLS": lambda folder, port: ({"MICA_PORT": port, **certificate(folder)}, []),
    "socket": lambda folder, port: ({"MICA_UNIX_SOCKET": str(folder / "mica.sock")}, []),
    "TLS on a socket": lambda folder, port: (certificate(folder), [f"--unix-socket={folder}/mica.sock"]),
    "file": lambda folder, port: (
        {"MICA_CONFIG": configuration(folder, f"tls_key:\nhost: '127.0.0.2' # of this machine\nport: \"{port}\"\n")},
        []),
    "environment over the file": lambda folder, port: (
        {"MICA_CONFIG": configuration(folder, "host: 127.0.0.2\nport: 1\n"), "MICA_PORT": port, "MICA_HOST": ""}, []),
    "command line": lambda folder, port: (
        {"MICA_PORT": "1"},
        ["--port", port, "--host=localhost", "--config", configuration(folder, "host: ~\nport: 2\n")]),
    "proxy": lambda folder, port: ({"MICA_PORT": port, "http_proxy": "http://127.0.0.1:9"}, []),
}


@contextlib.contextmanager
def healthy(folder, variables, words):
    """A service that the script has found to live; gives the process, and the script's exit status when called."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MICA")} | variables
    log = folder / "log.txt"
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [EXECUTABLE, "serve", "--state-folder", "none", *words], cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file)

    def check():
        command = [SCRIPT, str(process.pid)]
        return subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=20).returncode

    try:
        until(lambda: process.poll() is not None or check() == 0, START_SECONDS, "a healthy service")
        assert process.poll() is None, log.read_text()
        yield process, check
        # It was this one that was asked.
        assert "/livez" in log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("case", CASES)
def test_lives(case, tmp_path):
    with healthy(tmp_path, *CASES[case](tmp_path, str(free_port()))) as (_, check):
        assert check() == 0


def test_hangs(tmp_path):
    """The system still takes connections then."""
    with healthy(tmp_path, {"MICA_PORT": str(free_port())}, []) as (process, check):
        process.send_signal(signal.SIGSTOP)
        assert check() != 0
        process.send_signal(signal.SIGCONT)
        assert check() == 0


def test_is_in_the_image():
    path = "/usr/libexec/mica/healthcheck"
    text = (ROOT / "Dockerfile").read_text()
    assert f'CMD ["{path}"]\n' in text and f"COPY deploy/healthcheck.sh {path}\n" in text
    # What it runs besides bash and what is in every Debian.
    assert "curl" in text.split("FROM debian")[1].split()
    assert os.access(SCRIPT, os.X_OK)
