"""A hub on this machine in the interface of huggingface.co: one repository, files of Git LFS behind a redirect to another host."""

import hashlib
import http.server
import json
import pathlib
import ssl
import threading
import urllib.parse

NAME = "owner/some-model"
COMMIT = "c" * 40


class Hub:
    """Serves a folder as the repository `owner/some-model`; `tls` is a certificate and its key."""

    def __init__(self, folder: pathlib.Path, tls: tuple | None = None, cdn: str | None = None):
        self.files = {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        self.requests = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.answer(self)

            def do_HEAD(self):
                hub.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme, port = "https" if tls else "http", self.server.server_port
        self.endpoint = f"{scheme}://127.0.0.1:{port}"
        self.cdn = cdn or f"{scheme}://localhost:{port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def is_large(path: str) -> bool:
        return path.endswith(".safetensors")

    def entry(self, path: str) -> dict:
        """A file as the hub's list has it."""
        data = self.files[path]
        found = dict(type="file", path=path, size=len(data), oid=self.blob(data))
        if self.is_large(path):
            found["lfs"] = dict(oid=hashlib.sha256(data).hexdigest(), size=len(data), pointerSize=134)
        return found

    @staticmethod
    def blob(data: bytes) -> str:
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def answer(self, request):
        self.requests.append((request.command, request.path, dict(request.headers)))
        target = urllib.parse.urlsplit(request.path)
        path = urllib.parse.unquote(target.path)
        revisions = ("main", COMMIT)
        for revision in revisions:
            if path == f"/api/models/{NAME}/revision/{revision}":
                siblings = [dict(rfilename=name) for name in self.files]
                return self.json(request, dict(id=NAME, sha=COMMIT, siblings=siblings))
            if path == f"/api/models/{NAME}/tree/{revision}":
                return self.json(request, [self.entry(name) for name in self.files])
            start = f"/{NAME}/resolve/{revision}/"
            if path.startswith(start) and path[len(start):] in self.files:
                return self.file(request, path[len(start):])
        if path.startswith("/cdn/"):
            data = next(data for data in self.files.values() if hashlib.sha256(data).hexdigest() == path[5:])
            return self.send(request, data)
        self.send(request, b"", 404, {"X-Error-Code": "RepoNotFound"})

    def file(self, request, path: str):
        data = self.files[path]
        fields = {"X-Repo-Commit": COMMIT}
        if not self.is_large(path):
            return self.send(request, data, 200, {**fields, "ETag": f'"{self.blob(data)}"'})
        digest = hashlib.sha256(data).hexdigest()
        fields |= {
            "Location": f"{self.cdn}/cdn/{digest}", "X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{digest}"'}
        self.send(request, b"", 302, fields)

    def json(self, request, value):
        self.send(request, json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

    @staticmethod
    def send(request, data: bytes, status: int = 200, fields: dict | None = None):
        fields = fields or {}
        wanted = request.headers.get("Range")
        if status == 200 and wanted:
            first = int(wanted.removeprefix("bytes=").split("-")[0])
            fields["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            data, status = data[first:], 206
        request.send_response(status)
        for name, value in fields.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)
