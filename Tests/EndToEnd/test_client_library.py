"""libcurl: loaded where something is sent, and a clear error where it cannot be."""

import pathlib

import pytest
from harness import commands, otlp, rows, server as servers

UPSTREAM = ["--llm-proxy", "127.0.0.1:0", "--set", "llm.upstreams.one.base_url=http://127.0.0.1:9"]
TARGET = ["--set", "forward.targets.one.endpoint=http://127.0.0.1:9"]


def has_loaded_libcurl(server):
    return "libcurl" in pathlib.Path(f"/proc/{server.pid}/maps").read_text()


def test_a_server_that_sends_nothing_leaves_it(server):
    assert not has_loaded_libcurl(server)


@pytest.mark.parametrize("arguments", [UPSTREAM, TARGET], ids=["upstream", "target"])
def test_a_server_that_sends_loads_it_at_start(start, arguments):
    assert has_loaded_libcurl(start(*arguments))


@pytest.mark.parametrize("arguments", [UPSTREAM, TARGET], ids=["upstream", "target"])
def test_a_library_that_cannot_be_loaded_is_a_clear_error(tmp_path, arguments):
    """The loader looks here first, and stops at what it finds."""
    (tmp_path / "libcurl.so.4").write_text("no library")
    completed = commands.serve_in_vain(tmp_path, *arguments, environment={"LD_LIBRARY_PATH": str(tmp_path)})
    commands.assert_fails(completed, "libcurl.so.4", "HTTP client")


def test_a_replay_without_it_is_a_clear_error(server, tmp_path):
    otlp.assert_success(server.post(rows.GOOD_BODY))
    (tmp_path / "libcurl.so.4").write_text("no library")
    arguments = ["--data", server.data, "--from", 1, "--to", "http://127.0.0.1:9"]
    completed = servers.run("forward", *arguments, environment={"LD_LIBRARY_PATH": str(tmp_path)})
    commands.assert_fails(completed, "libcurl.so.4", "HTTP client")


def test_a_server_that_sends_nothing_starts_without_it(start, tmp_path):
    (tmp_path / "libcurl.so.4").write_text("no library")
    start(environment={"LD_LIBRARY_PATH": str(tmp_path)})
