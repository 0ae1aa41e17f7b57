"""Fixtures: real servers, each with a fresh data folder and free ports, ended when the test ends."""

import os

import pytest
from harness import paths, server

SERVERS = pytest.StashKey[list]()


def pytest_sessionstart(session):
    if not os.access(paths.BINARY, os.X_OK):
        pytest.exit(f"{paths.BINARY} does not exist: run `make build`, or set FULGURITE_BINARY", returncode=4)


@pytest.fixture
def start(request, tmp_path):
    """Starts servers: `start(*arguments, name=..., environment=...)`. The data folder is `tmp_path / name`.

    A server that ended although the test did not stop it makes the test fail.
    """
    servers = request.node.stash.setdefault(SERVERS, [])

    def start_server(*arguments, name="data", **options):
        started = server.Fulgurite(tmp_path / name, *arguments, **options)
        servers.append(started)
        return started

    yield start_server
    died = [one for one in servers if not one.process.stdout.closed and not one.is_running()]
    for one in servers:
        one.kill()
    assert not died, f"the server ended on its own with status {died[0].process.returncode}:\n{died[0].log()}"


@pytest.fixture(name="server")
def running_server(start):
    """A server with default options."""
    return start()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for a whole module, for tests that leave it as they found it."""
    with server.Fulgurite(tmp_path_factory.mktemp("shared") / "data") as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the servers' logs with a failed test."""
    report = yield
    if report.failed:
        for number, started in enumerate(item.stash.get(SERVERS, [])):
            report.sections.append((f"log of server {number}", started.log()[-8000:]))
    return report
