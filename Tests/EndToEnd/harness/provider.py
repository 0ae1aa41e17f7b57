"""A provider of LLMs on loopback that answers as it is told: `fake_provider.py` in a process of its own."""

import base64
import dataclasses
import select
import subprocess
import sys
import time
import urllib.parse

from . import http1, paths

READY_SECONDS = 30
STOP_SECONDS = 30


@dataclasses.dataclass
class Received:
    """A request as it reached the provider."""

    method: str
    target: str
    fields: list
    body: bytes

    def all(self, name):
        """The values of all header fields of that name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def header(self, name):
        """The value of the only header field of that name, or None."""
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    @property
    def names(self):
        return {name.lower() for name, _ in self.fields}


class FakeProvider:
    """One running provider; `options` are those of `fake_provider.py`, which a request can change for itself."""

    def __init__(self, **options):
        words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), str(value))]
        self.process = subprocess.Popen(
            [sys.executable, paths.HARNESS / "fake_provider.py", "--port", "0", "--fixtures", paths.LLM, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        line = self.process.stdout.readline() if readable else ""
        if "listening on" not in line:
            self.close()
            raise RuntimeError(f"the provider did not start: {line!r}")
        self.url = line.split()[-1]
        parts = urllib.parse.urlsplit(self.url)
        self.address = parts.hostname, parts.port

    # What it saw

    def _ask(self, method, path):
        response = http1.request(self.address, method, path)
        assert response.status == 200, response
        return response.json()

    def counters(self):
        """The counters of `/__fake/stats`, and `in_flight`; a counter that is not there is 0."""
        stats = self._ask("GET", "/__fake/stats")
        return {"aborted": 0, "requests": 0, "connections": 0, **stats["counters"], "in_flight": stats["in_flight"]}

    def requests(self, count=20):
        """The last requests, oldest first."""
        return [
            Received(entry["method"], entry["target"], entry["headers"], base64.b64decode(entry["body"]))
            for entry in self._ask("GET", f"/__fake/requests?n={count}")
        ]

    def last(self):
        """The last request."""
        return self.requests(1)[-1]

    def reset(self):
        """Forgets all requests and counts from 0 again."""
        self._ask("POST", "/__fake/reset")

    def wait_for(self, condition, seconds=READY_SECONDS):
        """Asks until the counters meet the condition; returns them and how many seconds that took."""
        begin = time.monotonic()
        while not condition(counters := self.counters()):
            assert time.monotonic() - begin < seconds, f"after {seconds} s: {counters}"
        return counters, time.monotonic() - begin

    # The end

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(STOP_SECONDS)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
