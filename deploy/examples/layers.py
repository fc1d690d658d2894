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

URL = os.environ.get("MICA_URL", "http://127.0.0.1:8080")
UNFINISHED = ("queued", "running")


def submit(session: requests.Session, picture: pathlib.Path, parameters: dict[str, str]) -> str:
    """Sends the picture; the job's address. Sent again after a failure, the key makes it the same job."""
    key = str(uuid.uuid4())
    for attempt in range(5):
        with picture.open("rb") as file:
            try:
                answer = session.post(
                    f"{URL}/v1/jobs", files={"image": file}, data=parameters, headers={"Idempotency-Key": key},
                    timeout=60)
            except requests.ConnectionError:
                time.sleep(2**attempt)
                continue
        # Too much at once: the service says when to come back.
        if answer.status_code not in (429, 503):
            check(answer)
            return URL + answer.headers["Location"]
        time.sleep(int(answer.headers.get("Retry-After", "5")))
    raise SystemExit("the service has no room for this job")


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


def check(answer: requests.Response) -> None:
    """Ends with the service's own words if it refused (application/problem+json)."""
    if not answer.ok:
        raise SystemExit(f"{answer.status_code}: {answer.json()['detail']}")


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    picture = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "layers")
    parameters = dict(argument.split("=", 1) for argument in sys.argv[3:])
    with requests.Session() as session:
        if "MICA_KEY" in os.environ:
            session.headers["Authorization"] = f"Bearer {os.environ['MICA_KEY']}"
        job = submit(session, picture, parameters)
        state = wait(session, job)
        if state["state"] != "succeeded":
            raise SystemExit(f"the job {state['state']}: {state.get('failure', {}).get('detail', '')}")
        folder.mkdir(parents=True, exist_ok=True)
        links = state["links"]
        for link in [links["psd"], *links["layers"]]:
            answer = session.get(URL + link, timeout=60)
            check(answer)
            (folder / link.rsplit("/", 1)[1].split("?")[0]).write_bytes(answer.content)
        session.delete(job, timeout=30)
    print(*sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main()
