"""What schemathesis cannot know: pictures that can be decoded, and sizes that are computed in no time."""

import base64
import io

import schemathesis
import yaml
from hypothesis import strategies
from mica_service import ROOT
from PIL import Image

# Parameters that make a job long, and the schemas that bound them; they get the least that these allow.
LONG = {
    "num_inference_steps": "NumInferenceSteps", "steps": "NumInferenceSteps", "resolution": "Resolution",
    "layers": "Layers", "num_images_per_prompt": "NumImagesPerPrompt", "images": "NumImagesPerPrompt",
    "n": "NumImagesPerPrompt",
}
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())
SCHEMAS = {name: DOCUMENT["components"]["schemas"][schema] for name, schema in LONG.items()}
# The operations whose parameters make a job. The default model's own size takes seconds, and a job waits for all
# that were queued before it, so one that names no size or number of layers gets these in its query.
JOBS = {"/v1/layers", "/v1/images/edits", "/v1/jobs", "/v1/jobs/{id}/layers/{n}/layers"}
UNSAID = {"resolution": ("resolution", "size"), "layers": ("layers",)}
# A deadline that passes is a 504, and rightly: none is short.
DEADLINE = DOCUMENT["components"]["schemas"]["DeadlineSeconds"]
DEADLINE_SECONDS = 600


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 30, 60)).save(file, kind)
    return file.getvalue()


PICTURES = [picture(kind) for kind in ("PNG", "JPEG", "WEBP")]
for media_type in ("image/png", "image/jpeg", "image/webp", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, strategies.sampled_from(PICTURES))


def shrink(values) -> None:
    """Numbers that are valid and make work; others stay, as they are to be refused."""
    if not isinstance(values, dict):
        return
    for name, schema in SCHEMAS.items():
        value = values.get(name)
        if is_within(value, schema) and value == int(value):
            values[name] = schema["minimum"]
    if is_within(values.get("deadline_seconds"), DEADLINE):
        values["deadline_seconds"] = DEADLINE_SECONDS


def is_within(value, schema) -> bool:
    """Whether it is a number that the schema allows."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and schema["minimum"] <= value <= schema["maximum"]


def say(case) -> None:
    """Names the size and the number of layers of a job that leaves them to the model."""
    given = set(case.query or ()) | (set(case.body) if isinstance(case.body, dict) else set())
    for name, names in UNSAID.items():
        if given.isdisjoint(names):
            case.query = {**(case.query or {}), name: SCHEMAS[name]["minimum"]}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Shrinks jobs; gives JSON bodies a real picture where they have one at all."""
    shrink(case.query)
    shrink(case.body)
    if case.method == "POST" and case.path in JOBS:
        say(case)
    is_json = case.media_type == "application/json"
    if is_json and isinstance(case.body, dict) and isinstance(case.body.get("image"), str):
        case.body["image"] = base64.b64encode(PICTURES[0]).decode()
