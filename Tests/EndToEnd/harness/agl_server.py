"""Starts, watches and ends Agent Lightning's own store server, the peer that Fulgurite is compared with."""

import json
import select
import socket
import subprocess

from . import paths, server

READY_SECONDS = 60
STOP_SECONDS = 30
# Another process may take a free port between the moment it was found and the moment the server binds it.
PORT_TRIES = 5


class AgentLightning:
    """AGL 0.3.0's in-memory LightningStoreServer in a process of its own on a free loopback port."""

    def __init__(self, log_path, debounce=0, cors=None):
        """Starts the server and waits until it listens. `debounce` is the watchdog's, in seconds."""
        self.log_path = log_path
        options = json.dumps({"scan_debounce_seconds": debounce, "cors": cors})
        for _ in range(PORT_TRIES):
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.api = probe.getsockname()
            command = [paths.AGL_PYTHON, paths.END_TO_END / "agl_client.py", "serve", str(self.api[1]), options]
            with open(log_path, "ab") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
                )
            if self._is_ready():
                return
            self.kill()
        raise RuntimeError(f"AGL's server did not start:\n{self.log()}")

    def _is_ready(self):
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        return bool(readable) and self.process.stdout.readline() == "ready\n"

    @property
    def root(self):
        return f"http://{self.api[0]}:{self.api[1]}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def cpu_seconds(self):
        """User and system time that the process has used."""
        return server.cpu_seconds_of(self.process.pid)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_SECONDS)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
