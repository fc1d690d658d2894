"""Writes the inputs that a fuzzer starts from: python3 tools/fuzz/make_seeds.py TARGET FOLDER

Pictures, safetensors and GGUF files are the tests' fixtures; requests and forms are made here. What once failed is kept under
regressions/.
"""

import base64
import io
import json
import pathlib
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "Tests/ImageCodecsTests/Fixtures/decode"
LAYERED = ROOT / "Tests/ImageCodecsTests/Fixtures/layered"
# Inputs that once failed, by target.
REGRESSIONS = ROOT / "tools/fuzz/regressions"
# Larger files make each try slow.
LARGEST = 16 * 1024


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def form(boundary: str, parts: list[tuple[str, str, bytes]]) -> bytes:
    lines = b""
    for name, extra, content in parts:
        lines += crlf(f'--{boundary}\nContent-Disposition: form-data; name="{name}"{extra}\n\n') + content + b"\r\n"
    return lines + f"--{boundary}--\r\n".encode()


def picture() -> bytes:
    return (PICTURES / "one.png").read_bytes()


def forms() -> list[tuple[str, bytes]]:
    """Boundary and body."""
    file = '; filename="a b.png"\nContent-Type: image/png'
    return [
        ("x", form("x", [("image", file, picture()), ("layers", "", b"4")])),
        ("----WebKitFormBoundary7MA4YWxk", form("----WebKitFormBoundary7MA4YWxk", [("image", file, b"")])),
        ("a'b", b"preamble\r\n" + form("a'b", [("prompt", "", "ein Hügel".encode())]) + b"epilogue"),
        ("y", form("y", [("image", "; filename*=UTF-8''%e2%82%ac.png", picture())])),
        ("z", form("z", [("prompt", "\nContent-Type: text/plain; charset=utf-8", b"\r\n--z-\r\n")])),
    ]


def requests() -> list[bytes]:
    get = [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET http://a:80/v1/jobs?limit=2&state=queued HTTP/1.1\nHost: a:80\nAccept: text/html;q=0.5, */*\n\n",
        "OPTIONS * HTTP/1.1\nHost: [::1]:8080\nConnection: close\n\n",
        "HEAD /healthz HTTP/1.0\n\n",
        "GET /a%2Fb/%C3%BC?x=%F0%9F%98%80+y&z HTTP/1.1\nHost: a\nX-Request-Id: 1\nTraceparent: 00-1-2-01\n\n"
        "GET / HTTP/1.1\nHost: a\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5;a=\"b\"\nhello\n0\nX: y\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nExpect: 100-continue\nConnection: keep-alive\n\nhello",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n",
    ]
    return [crlf(text) for text in get]


def layer_requests() -> list[bytes]:
    made = []
    query = "?format=zip&layers=3&seed=18446744073709551615&true_cfg_scale=4.5&prompt=a%20b"

    def post(target: str, media_type: str, body: bytes) -> None:
        head = crlf(f"POST {target} HTTP/1.1\nHost: a\nContent-Type: {media_type}\nContent-Length: {len(body)}\n\n")
        made.append(head + body)

    for boundary, body in forms():
        quoted = f'"{boundary}"' if "'" in boundary else boundary
        post("/v1/layers", f"multipart/form-data; boundary={quoted}", body)
    post("/v1/layers" + query, "image/png", picture())
    text = base64.b64encode(picture()).decode()
    for members in (
        {"image": text, "layers": 4, "seed": 7, "prompt": "caf\u00e9 \U0001f600"},
        {"image": "data:image/png;base64," + text, "true_cfg_scale": 1.5e1, "cfg_normalize": True, "prompt": None},
        {"image": text, "num_inference_steps": 2, "resolution": 640, "deadline_seconds": 0.5, "priority": "high"},
    ):
        post("/v1/jobs", "application/json", json.dumps(members).encode())
        post("/v1/images/edits", "application/json", json.dumps(members, indent=1, ensure_ascii=False).encode())
    return made


def safetensors() -> list[bytes]:
    folder = ROOT / "Tests/WeightsTests/Fixtures"
    made = [path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))]
    for header, data in (
        ({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {"format": "pt"}}, 16),
        ({"a": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]}, "b": {"dtype": "U8", "shape": [0, 3],
          "data_offsets": [2, 2]}}, 2),
    ):
        text = json.dumps(header).encode()
        made.append(struct.pack("<Q", len(text)) + text + bytes(data))
    return made


def layered(*endings: str) -> list[bytes]:
    """Files of layers that other programs wrote."""
    files = sorted(path for path in LAYERED.iterdir() if path.suffix in endings)
    return [path.read_bytes() for path in files if path.stat().st_size <= LARGEST]


def stacks() -> list[bytes]:
    """The text of OpenRaster files."""
    made = [
        b"<image w='4' h='3'><stack><layer src='data/a.png' x='1' opacity='0.5'/></stack></image>",
        b"<?xml version='1.0'?><image w='9' h='3'><stack><stack isolation='auto' name='a &amp; b'><layer src='data/a.png'"
        b" composite-op='svg:multiply' visibility='hidden'/></stack><!-- c --></stack></image>",
    ]
    for file in sorted(LAYERED.glob("*.ora")):
        made.append(zipfile.ZipFile(file).read("stack.xml"))
    return made


def archives() -> list[bytes]:
    manifest = json.dumps({
        "width": 5, "height": 4, "groups": [{"id": 1, "name": "g", "blend_mode": "screen", "opacity": 0.5}],
        "layers": [{"file": "a.png"}, {"file": "a.png", "x": -1, "blend_mode": "multiply", "group": 1, "clipped": True}],
    })
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("manifest.json", manifest)
            archive.writestr("a.png", picture())
        made.append(file.getvalue())
    return made + [manifest.encode()] + layered(".ora", ".zip")


def seeds(target: str) -> list[bytes]:
    if target == "HTTPFuzzer":
        return [bytes([size]) + text for text in requests() + layer_requests() for size in (0, 1, 7)]
    if target == "MultipartFuzzer":
        return [f'multipart/form-data; boundary="{name}"\n\n'.encode() + body for name, body in forms()]
    if target == "PictureFuzzer":
        files = sorted(path for path in PICTURES.iterdir() if path.suffix in (".png", ".jpg", ".webp"))
        return [path.read_bytes() for path in files if path.stat().st_size <= LARGEST]
    if target == "PSDFuzzer":
        return layered(".psd", ".psb")
    if target == "OpenRasterFuzzer":
        return stacks()
    if target == "ArchiveFuzzer":
        return archives()
    if target == "RequestFuzzer":
        return layer_requests()
    if target == "SafetensorsFuzzer":
        return [seed for seed in safetensors() if len(seed) <= LARGEST]
    if target == "GGUFFuzzer":
        return [(ROOT / "Tests/WeightsTests/Fixtures/gguf/types.gguf").read_bytes()]
    raise SystemExit(f"make_seeds: no fuzzer {target}")


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    past = [path.read_bytes() for path in sorted((REGRESSIONS / sys.argv[1]).glob("*"))]
    for index, seed in enumerate(seeds(sys.argv[1]) + past):
        (folder / f"seed-{index:03d}").write_bytes(seed)


if __name__ == "__main__":
    main()
