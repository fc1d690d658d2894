"""The served document, tried out by schemathesis: no 5xx, no undocumented status, no answer against its schema."""

import os
import subprocess
import sys

from mica_service import ROOT

HERE = ROOT / "tools/e2e"


def test_schemathesis(start_service):
    service = start_service(queue_length=1000, client_waiting_limit=1000)
    # Also a request line that is too long is refused.
    (service.folder / "schemathesis.toml").write_text(
        "[checks]\nnegative_data_rejection.expected-statuses = ["
        "400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 414, 415, 417, 422, 428, 429, 431]\n")
    command = [
        ROOT / ".venv/e2e/bin/schemathesis", "run", service.url + "/openapi.yaml", "--max-examples", "25",
        "--max-time", "120", "--generation-deterministic", "--no-color",
        "--request-timeout", "60", "--continue-on-failure", "--phases", "examples,coverage,fuzzing,stateful",
        # Some rules are beyond a schema: no parameter twice, no %00 in a query, a file that is a picture.
        "--exclude-checks", "positive_data_acceptance",
    ]
    done = subprocess.run(
        command, cwd=service.folder, capture_output=True, text=True, timeout=300,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)})
    sys.stdout.write(done.stdout[-20000:])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
