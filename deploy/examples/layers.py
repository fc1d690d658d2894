"""Has a service split a picture, follows the job, and saves PSD and PNGs. Needs `requests`.

    python3 deploy/examples/layers.py PICTURE [FOLDER] [name=value ...]
    MICA_URL=https://mica.example.com MICA_KEY=... python3 deploy/examples/layers.py photo.jpg layers layers=4 seed=7
"""

import os
import pathlib
import sys
import time
import uuid

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

URL = os.environ.get("MICA_URL", "http://127.0.0.1:8080").rstrip("/")
UNFINISHED = ("queued", "running")


def connect() -> requests.Session:
    """A session that asks again where nobody answered, there was too much at once, or an instance is started anew."""
    # Any method: a POST that is sent again is the same job, by its key.
    retries = Retry(total=8, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods=None,
                    raise_on_status=False)
    session = requests.Session()
    # It waits as long as `Retry-After` says.
    session.mount(URL, HTTPAdapter(max_retries=retries))
    if "MICA_KEY" in os.environ:
        session.headers["Authorization"] = f"Bearer {os.environ['MICA_KEY']}"
    return session


def submit(session: requests.Session, picture: pathlib.Path, parameters: dict[str, str]) -> str:
    """Sends the picture; the job's address."""
    answer = session.post(
        f"{URL}/v1/jobs", files={"image": (picture.name, picture.read_bytes())}, data=parameters,
        headers={"Idempotency-Key": str(uuid.uuid4())}, timeout=60)
    check(answer)
    return URL + answer.headers["Location"]


def wait(session: requests.Session, job: str) -> dict:
    """Asks until the job has ended."""
    while True:
        answer = session.get(job, timeout=30)
        check(answer)
        state = answer.json()
        if state["state"] not in UNFINISHED:
            return state
        print(state["state"], state.get("position", ""), state.get("progress", {}).get("fraction", ""))
        time.sleep(int(answer.headers.get("Retry-After", "1")))


def results(state: dict) -> dict[str, str]:
    """The paths of all layers and PSDs, by the names that the service gives their files."""
    links = state["links"]
    names = [file["name"] for file in state["files"]]
    paths = dict(zip((name for name in names if name.endswith(".png")), links["layers"]))
    # A PSD for each picture that was asked for with images=N.
    for image, name in enumerate((name for name in names if name.endswith(".psd")), start=1):
        paths[name] = f"{links['psd']}?image={image}"
    return paths


def check(answer: requests.Response) -> None:
    """Ends with the service's own words if it refused (application/problem+json)."""
    if not answer.ok:
        is_problem = answer.headers.get("Content-Type") == "application/problem+json"
        raise SystemExit(f"{answer.status_code}: {answer.json()['detail'] if is_problem else answer.reason}")


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    picture = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "layers")
    parameters = dict(argument.split("=", 1) for argument in sys.argv[3:])
    with connect() as session:
        job = submit(session, picture, parameters)
        state = wait(session, job)
        if state["state"] != "succeeded":
            raise SystemExit(f"the job {state['state']}: {state.get('failure', {}).get('detail', '')}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in results(state).items():
            answer = session.get(URL + path, timeout=60)
            check(answer)
            (folder / name).write_bytes(answer.content)
        session.delete(job, timeout=30)
    print(*sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main()
