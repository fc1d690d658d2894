"""A job of before the page was loaded, as the service would tell of it: the page shows it without any model."""

import io
import json

import numpy
from PIL import Image

WIDTH, HEIGHT = 120, 80
# Bottom first: name, the groups around it, the box of what can be seen, the colour.
LAYERS = [
    ("background", [], (0, 0, 120, 80), (240, 240, 240)),
    ("base", ["layer 2, center"], (30, 20, 60, 40), (200, 40, 40)),
    ("layer 2.2, left", ["layer 2, center"], (40, 30, 20, 20), (40, 160, 40)),
    ("layer 3, top", [], (50, 5, 30, 20), (40, 40, 200)),
]


def png(box, colour):
    x, y, width, height = box
    pixels = numpy.zeros((HEIGHT, WIDTH, 4), numpy.uint8)
    pixels[y : y + height, x : x + width] = (*colour, 255)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def manifest(described):
    layers = []
    for index, (name, groups, (x, y, width, height), _) in enumerate(described, 1):
        box = {"x": x, "y": y, "width": width, "height": height}
        layer = {"image": 1, "index": index, "name": name, "part": f"layer_{index}", "file": f"layer_{index}.png"}
        layers.append({**layer, "box": box, **({"groups": groups} if groups else {})})
    return {"width": WIDTH, "height": HEIGHT, "seed": 7, "layers": layers, "parameters": {"num_inference_steps": 2}}


class KeptJob:
    """`prepare` is what `open_page` takes; `description` is what the job is said to be, and may be changed."""

    def __init__(self, layers=len(LAYERS), described=LAYERS, job="kept", **description):
        self.layers = described[:layers]
        self.job = job
        self.description = {"id": job, "state": "succeeded", "timings": {}, **description}
        self.is_reachable = True
        self.thumb = ""
        self.removals = 0

    def prepare(self, page):
        runs = [{"name": "poster.png", "thumb": self.thumb, "settings": {"seed": "7"}, "jobId": "kept", "source": None}]
        # What the page keeps itself stays over a reload.
        text = json.dumps(json.dumps(runs))
        page.add_init_script(
            f"sessionStorage.getItem('mica-runs') ?? sessionStorage.setItem('mica-runs', {text})")
        page.route("**/v1/jobs/kept**", self.answer)

    def answer(self, route):
        path = route.request.url.split(f"/v1/jobs/{self.job}")[1]
        if not self.is_reachable:
            route.abort()
        elif route.request.method == "DELETE":
            self.removals += 1
            route.fulfill(status=204)
        elif path.startswith("/layers/"):
            index = int(path.removeprefix("/layers/").removesuffix(".png"))
            route.fulfill(content_type="image/png", body=png(*self.layers[index - 1][2:]))
        elif path == "/events":
            # A stream that ends at once: the job is asked for now and then.
            route.fulfill(content_type="text/event-stream", body="")
        elif path.startswith("/result") or path == "/layers.zip":
            route.fulfill(content_type="application/octet-stream", body=b"as made")
        else:
            route.fulfill(json=manifest(self.layers) if path == "/manifest" else self.description)
