"""Where things are, relative to the repository."""

import os
import pathlib

HARNESS = pathlib.Path(__file__).resolve().parent
END_TO_END = HARNESS.parent
REPOSITORY = END_TO_END.parent.parent
FIXTURES = REPOSITORY / "Tests" / "Fixtures"
LLM = FIXTURES / "llm"
BUILD = REPOSITORY / ".build"

# The virtual environments that setup_venv.sh makes, and the load generators that `make tools` builds.
VENV = pathlib.Path(os.environ.get("FULGURITE_VENV", BUILD / "venv"))
TOOLS = pathlib.Path(os.environ.get("FULGURITE_TOOLS", BUILD / "tools"))
OTLPLOAD = TOOLS / "otlpload"
OTLPSINK = TOOLS / "otlpsink"
COMMITFLOOR = TOOLS / "commitfloor"
AGLLOAD = TOOLS / "aglload"
AGL_PYTHON = VENV / "agl" / "bin" / "python"

BINARY = pathlib.Path(os.environ.get("FULGURITE_BINARY", BUILD / "release" / "fulgurite"))


def require(*programs):
    """Ends the command when a program that it needs was not built yet."""
    for program in programs:
        if not os.access(program, os.X_OK):
            raise SystemExit(f"{program} does not exist: run `make build tools venv`, or set FULGURITE_BINARY")
