"""Starts and ends the service that agents call, a process of its own: agent_service.py."""

import contextlib
import os
import select
import subprocess
import sys

from . import paths

READY_SECONDS = 60
STOP_SECONDS = 30


@contextlib.contextmanager
def agent_service(export_url, log_path):
    """The URL of a running service. When it ends, it has exported all of its spans."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    with open(log_path, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, paths.END_TO_END / "agent_service.py", export_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
    try:
        readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
        url = process.stdout.readline().strip() if readable else ""
        assert url, f"the service did not start:\n{log_path.read_text(errors='replace')}"
        yield url
        process.stdin.close()
        assert process.wait(STOP_SECONDS) == 0, log_path.read_text(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_SECONDS)
        process.stdin.close()
        process.stdout.close()
