"""`mica serve` as a process of its own."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What `make test` has built; MICA names another one.
EXECUTABLE = pathlib.Path(os.environ.get("MICA", ROOT / ".build/debug/mica"))
START_SECONDS = 60
STOP_SECONDS = 40

# A job that takes well under a second with the model that comes with Mica.
QUICK = {"num_inference_steps": "2", "resolution": "128", "layers": "3", "seed": "7"}
# One that runs until it is cancelled.
ENDLESS = {"num_inference_steps": "1000", "resolution": "512", "layers": "4", "seed": "7"}


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def free_ports(count: int) -> int:
    """The first of so many TCP ports in a row that nobody listens on."""
    for _ in range(100):
        first = free_port()
        with contextlib.ExitStack() as listeners:
            try:
                for port in range(first + 1, first + count):
                    listeners.enter_context(socket.create_server(("127.0.0.1", port)))
            except (OSError, OverflowError):
                continue
        return first
    raise AssertionError(f"no {count} free ports in a row")


def until(condition, seconds: float, what: str):
    """Waits until `condition()` is true and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def answers(url: str, status: int = 200, timeout: float = 2) -> bool:
    """Whether a GET is answered with this status."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status == status
    except urllib.error.HTTPError as error:
        return error.code == status
    except OSError:
        return False


class MicaService:
    """A running `mica serve`; options are those of config/mica.yaml, given by the environment."""

    def __init__(self, folder: pathlib.Path, **options):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.options = {"port": free_port(), "state_folder": folder / "state", **options}
        self.port = int(self.options["port"])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self) -> None:
        """Starts it, also again after it was stopped, and waits until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MICA")}
        environment |= {f"MICA_{name.upper()}": str(value) for name, value in self.options.items()}
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [EXECUTABLE, "serve"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log)
        until(lambda: answers(self.url + "/readyz") or self.process.poll() is not None, START_SECONDS, "start")
        assert self.process.poll() is None, self.log()

    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def stop(self) -> int:
        """Asks it to end, and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def descriptors(self) -> int:
        """Open file descriptors."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def own_memory(self) -> int:
        """Bytes of memory that is no file's."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("RssAnon"))

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over its labels, or over those among them that have these values."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        values = [line.rsplit(" ", 1) for line in lines if line.split("{")[0].split(" ")[0] == name]
        assert values, f"no metric {name}"
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(value) for line, value in values if all(pair in line for pair in wanted))
