"""nginx and HAProxy with the configurations under deploy/, of which only addresses are replaced."""

import os
import pathlib
import subprocess

import requests
from mica_service import ROOT, free_port, until


class Proxy:
    """A proxy in front of two services."""

    def __init__(self, name: str, folder: pathlib.Path, ports: list[int]):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ports = ports
        self.command = getattr(self, name)()
        self.process = None
        self.start()

    def adapted(self, path: str, listen: tuple[str, str]) -> str:
        """A configuration with this test's addresses."""
        text = (ROOT / path).read_text()
        for documented, port in zip(("10.0.0.11:8080", "10.0.0.12:8080"), self.ports):
            assert documented in text
            text = text.replace(documented, f"127.0.0.1:{port}")
        line, replacement = listen
        assert text.count(line) == 1
        return text.replace(line, replacement)

    def nginx(self) -> list[str]:
        listen = ("listen 80;", f"listen 127.0.0.1:{self.port};")
        (self.folder / "mica.conf").write_text(self.adapted("deploy/nginx/mica.conf", listen))
        temporary = "\n".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # Workers of a master that is root would otherwise be nobody, who may not write here.
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1;\n"
            f"pid {self.folder}/nginx.pid; error_log {self.folder}/error.log notice;\n"
            f"events {{ worker_connections 2048; }}\n"
            f"http {{ access_log {self.folder}/access.log; {temporary} include {self.folder}/mica.conf; }}\n")
        return ["nginx", "-p", str(self.folder), "-e", "error.log", "-c", str(self.folder / "nginx.conf")]

    def haproxy(self) -> list[str]:
        listen = ("bind :80\n", f"bind 127.0.0.1:{self.port}\n")
        (self.folder / "haproxy.cfg").write_text(self.adapted("deploy/haproxy/haproxy.cfg", listen))
        return ["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")]

    def start(self) -> None:
        with open(self.folder / "proxy.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: self.process.poll() is not None or self.is_ready(), 15, "the proxy's start")
        assert self.process.poll() is None, (self.folder / "proxy.log").read_text()

    def is_ready(self) -> bool:
        try:
            return requests.get(self.url + "/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
