"""Checks answers against the schemas of AGL's own OpenAPI document (Tests/Fixtures/agl/openapi.json)."""

import functools
import json
import re

import jsonschema
from jsonschema import ValidationError  # noqa: F401, for those who call `validate`

from . import corpus


@functools.cache
def document():
    return json.loads((corpus.AGL / "openapi.json").read_bytes())


@functools.cache
def routes():
    """(method, pattern of the path, schemas by status), those without a variable part first as FastAPI routes them."""
    found = []
    for path, operations in document()["paths"].items():
        pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path))
        for method, operation in operations.items():
            found.append(("{" in path, method.upper(), pattern, operation["responses"]))
    return sorted(found, key=lambda route: route[0])


def schema_of(method, path, status):
    """The schema of a JSON answer, or None when the document says nothing about it."""
    for _, one, pattern, responses in routes():
        if one == method and pattern.fullmatch(path):
            content = responses.get(str(status), {}).get("content", {})
            return content.get("application/json", {}).get("schema")
    return None


def validate(method, path, status, answer):
    """Raises jsonschema.ValidationError. Returns whether the document had something to say."""
    schema = schema_of(method, path, status)
    if not schema:
        return False
    jsonschema.Draft202012Validator({**schema, "components": document()["components"]}).validate(answer)
    return True
