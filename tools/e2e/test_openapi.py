"""The served document, tried out by schemathesis: no 5xx, no undocumented status, no answer against its schema."""

import os
import subprocess
import sys

from mica_service import ROOT

HERE = ROOT / "tools/e2e"


def test_schemathesis(start_service):
    service = start_service(queue_length=1000, client_waiting_limit=1000)
    command = [
        ROOT / ".venv/e2e/bin/schemathesis", "run", service.url + "/openapi.yaml", "--max-examples", "25",
        "--max-time", "150", "--generation-deterministic", "--no-color",
        "--request-timeout", "60", "--continue-on-failure", "--phases", "examples,coverage,fuzzing,stateful",
    ]
    done = subprocess.run(
        command, cwd=service.folder, capture_output=True, text=True, timeout=400,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)})
    sys.stdout.write(done.stdout[-20000:])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
