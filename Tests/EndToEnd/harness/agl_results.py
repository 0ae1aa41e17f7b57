"""Makes results of two servers comparable: ids and times are the servers' own, everything else must be equal."""

import json
import re
import subprocess
import tempfile

from . import exchanges, paths

# What Fulgurite adds to AGL's models for spans that came as OTLP (docs/wire.md); the client keeps unknown keys.
ADDED_SPAN_KEYS = {
    "kind",
    "instrumentation_scope",
    "trace_state",
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
}

# A program takes up to half a minute, most of it waiting for limits of time that it set.
PROGRAM_SECONDS = 200

# AGL sends the text of every Python object that a span of the SDK holds, locks included.
ADDRESS = re.compile(" at 0x[0-9a-f]+")


def run(program, *arguments, environment=None):
    """Runs a program of this folder in the environment with Agent Lightning; returns the JSON that it prints last."""
    command = list(map(str, [paths.AGL_PYTHON, paths.END_TO_END / program, *arguments]))
    # AgentOps writes a log where it is started.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, env=environment, cwd=folder
        )
    assert done.returncode == 0, done.stderr[-8000:]
    return json.loads(done.stdout.splitlines()[-1])


class Normaliser:
    """Replaces ids by the order in which they first appear, and the server's times by a word."""

    def __init__(self, extra_ids=None):
        self.names = {}
        self.extra_ids = extra_ids

    def __call__(self, value, key=None):
        if isinstance(value, dict):
            if "uptime" in value:
                value = {**exchanges.portable_statistics(value), "uptime": type(value["uptime"]).__name__}
            return {self(name): self(member, name) for name, member in value.items()}
        if isinstance(value, list):
            return [self(member, key) for member in value]
        if isinstance(value, float) and key in {*exchanges.TIME_KEYS, "timestamp"} and value > exchanges.RECORDED_FROM:
            return "a time"
        if isinstance(value, str):
            value = ADDRESS.sub(" at an address", value)
            text = exchanges.ID.sub(lambda match: self.name_of(match[0], match[0][:3]), value)
            return self.extra_ids.sub(lambda match: self.name_of(match[0], "id-"), text) if self.extra_ids else text
        return value

    def name_of(self, identifier, prefix):
        return self.names.setdefault(identifier, f"{prefix}#{len(self.names)}")


def without_additions(value):
    """The same without the keys that Fulgurite adds to spans, events and links."""
    if isinstance(value, list):
        return [without_additions(member) for member in value]
    if not isinstance(value, dict):
        return value
    is_added_to = "span_id" in value or "timestamp" in value or "context" in value
    return {
        key: without_additions(member)
        for key, member in value.items()
        if not (is_added_to and key in ADDED_SPAN_KEYS and not ("is_remote" in value and key == "trace_state"))
    }
