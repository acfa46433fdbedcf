"""The example of a work queue, as a process against a real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

from annals.testing import Server

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "work_queue.py"


def test_every_job_is_done_although_a_worker_is_killed() -> None:
    with Server("memory") as server:
        ran = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLE)],
            env={**os.environ, "ANNALS_ENDPOINT": server.endpoint},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "killed worker-0" in ran.stdout
    assert re.search(r"^299 jobs done: \{.*'worker-1': \d+, 'worker-2': \d+\}$", ran.stdout, re.MULTILINE)
    assert "parked: {'number': 0, 'pages': 0} because it has 0 pages" in ran.stdout
