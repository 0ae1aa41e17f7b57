#!/bin/sh
# Makes the two virtual environments of the end-to-end tests below DIR: `tests` (pytest, the SDKs of OpenTelemetry, OpenAI
# and Anthropic) and `agl` (Agent Lightning 0.3.0). Does nothing when they match the requirement files already.
#
#   setup_venv.sh DIR
set -eu

if [ $# -ne 1 ]; then
  echo "usage: $0 DIR" >&2
  exit 64
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

# environment NAME REQUIREMENTS: (re)creates it unless the copy of the requirements inside is equal. The copy is written
# last, so that an interrupted run is repeated.
environment() {
  stamp="$target/$1/requirements.installed"
  if cmp -s "$here/$2" "$stamp"; then
    return
  fi
  echo "setting up $target/$1" >&2
  rm -rf "${target:?}/$1"
  /usr/bin/python3 -m venv "$target/$1"
  # The lists are complete, so nothing has to be resolved; a missing entry shows as a failed import below.
  "$target/$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/$2"
  cp "$here/$2" "$stamp"
}

environment tests requirements.txt
environment agl requirements-agl.txt
"$target/tests/bin/python" -c 'import pytest, pytest_timeout, xdist, hpack, hyperframe, grpc, zstandard, yaml, jsonschema
import opentelemetry.exporter.otlp.proto.http.trace_exporter, opentelemetry.exporter.otlp.proto.grpc.trace_exporter
import opentelemetry.instrumentation.wsgi, openai, anthropic'
"$target/agl/bin/python" "$here/agl_client.py" --check
