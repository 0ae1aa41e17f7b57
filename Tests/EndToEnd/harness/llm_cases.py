"""The recorded exchanges of Tests/Fixtures/llm."""

import dataclasses
import functools
import json

from . import llm_wire, paths


@dataclasses.dataclass(frozen=True)
class Case:
    name: str

    @property
    def folder(self):
        return paths.LLM / self.name

    @functools.cached_property
    def expected(self):
        return json.loads((self.folder / "expected.json").read_text())

    @functools.cached_property
    def request(self):
        return (self.folder / "request.http").read_bytes()

    @functools.cached_property
    def response(self):
        """What the upstream wrote, as an answer."""
        return llm_wire.parse((self.folder / "response.http").read_bytes())

    @property
    def request_line(self):
        return llm_wire.without_host(self.request)[0].decode()

    @property
    def body(self):
        return llm_wire.without_host(self.request)[2]

    @property
    def is_recorded(self):
        return self.expected["otel"] is not None

    def encode(self, address, headers=None, prefix=""):
        """The recorded request for another host, with more header fields and a prefix before its path."""
        line, fields, body = llm_wire.without_host(self.request)
        method, path, version = line.decode().split(" ")
        more = {"Host": f"{address[0]}:{address[1]}", "x-fake-case": self.name, **(headers or {})}
        added = [f"{name}: {value}".encode() for name, value in more.items()]
        return b"\r\n".join([f"{method} {prefix}{path} {version}".encode(), *added, *fields]) + b"\r\n\r\n" + body


ALL = [Case(folder.parent.name) for folder in sorted(paths.LLM.glob("*/expected.json"))]
BY_NAME = {case.name: case for case in ALL}
