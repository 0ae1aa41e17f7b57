"""The recorded payloads of Tests/Fixtures and what they say."""

import dataclasses
import gzip
import json
import pathlib

from . import otlp, paths

OTLP = paths.FIXTURES / "otlp"
AGL = paths.FIXTURES / "agl"
OPENCLAW = paths.FIXTURES / "openclaw" / "otlp"


@dataclasses.dataclass
class Payload:
    """One recorded export request with its ground truth."""

    name: str
    facts: dict = dataclasses.field(repr=False)

    @property
    def is_grpc(self):
        return self.facts["transport"] == "grpc"

    @property
    def content_type(self):
        return self.facts["content_type"]

    @property
    def body(self):
        return (OTLP / self.facts["file"]).read_bytes()

    @property
    def expected(self):
        """The decoded form of what was sent."""
        if "decoded" in self.facts:
            return self.facts["decoded"]
        return json.loads(gzip.decompress((OTLP / self.facts["decoded_file"]).read_bytes()))

    @property
    def headers(self):
        """The headers as they were sent, without Host and the framing, which depend on the connection."""
        recorded = dict(line.split(": ", 1) for line in self.facts.get("headers", []))
        kept = {
            name: value
            for name, value in recorded.items()
            if name.lower() not in ("host", "content-length", "transfer-encoding", "connection")
        }
        names = {name.lower() for name in kept}
        if "content-type" not in names:
            kept["Content-Type"] = self.content_type
        if self.facts["content_encoding"] and "content-encoding" not in names:
            kept["Content-Encoding"] = self.facts["content_encoding"]
        return kept

    @property
    def was_chunked(self):
        return any(line.lower().startswith("transfer-encoding: chunked") for line in self.facts.get("headers", []))


def load():
    document = json.loads((OTLP / "expected.json").read_bytes())
    return {name: Payload(name, facts) for name, facts in document["payloads"].items()}


PAYLOADS = load()


@dataclasses.dataclass
class Export:
    """A request body without ground truth of its own; Python's protobuf is the oracle."""

    path: pathlib.Path

    @property
    def name(self):
        return f"{self.path.parent.parent.name}-{self.path.name}" if self.path.parent.name == "otlp" else self.path.name

    @property
    def content_type(self):
        return "application/json" if self.path.suffix == ".json" else "application/x-protobuf"

    @property
    def body(self):
        return self.path.read_bytes()

    @property
    def expected(self):
        decode = otlp.decode_json if self.path.suffix == ".json" else otlp.decode_protobuf
        return decode(self.body)


AGL_EXPORTS = [Export(path) for path in sorted(AGL.glob("otlp-*.bin"))]
OPENCLAW_EXPORTS = [
    Export(path) for path in sorted(OPENCLAW.iterdir()) if not path.name.startswith(("metrics-", "logs-"))
]
