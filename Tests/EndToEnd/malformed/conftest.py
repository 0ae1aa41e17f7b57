"""The server of the malformed corpus, and the survival check after every row."""

import pytest
from harness import rows, server

# Small, so that rows about size stay quick; far above every other row.
REQUEST_LIMIT = 1 << 20

# What a module's rows may add to the server's memory, each sent once: buffers and caches reach their working size.
# test_memory.py sends each row many times.
WORKING_SET_BYTES = 64 << 20


@pytest.fixture(scope="module")
def request_limit():
    """The largest request body that the `hostile` server takes, in bytes."""
    return REQUEST_LIMIT


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, request_limit):
    """One server for all rows of a module; after the last it is as healthy as before the first."""
    data = tmp_path_factory.mktemp("malformed") / "data"
    with server.Fulgurite(data, "--set", f"limits.request_bytes={request_limit}") as started:
        rows.assert_serves(started)
        before = started.resident_bytes()
        yield started
        assert started.resident_bytes() - before < WORKING_SET_BYTES
        assert started.stop() == 0, started.log()


@pytest.fixture(autouse=True)
def survival(request):
    """After every row the server takes good requests."""
    yield
    if "hostile" in request.fixturenames:
        rows.assert_serves(request.getfixturevalue("hostile"))
