"""Addresses, ports, the ready line, and what the log tells a person."""

import socket

import pytest
from harness import commands, otlp, proxy, rows


def test_the_ready_line_says_what_is_needed(server):
    assert server.ready["event"] == "ready"
    assert server.ready["pid"] == server.process.pid
    assert server.ready["data"] == str(server.data)
    for listener in ("otlp_http", "otlp_grpc", "api"):
        [address] = server.ready[listener]
        assert address.startswith("127.0.0.1:")
        assert not address.endswith(":0")


def test_the_log_says_where_to_send(server):
    """The two lines of environment that a sender needs."""
    assert server.stop() == 0
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{server.otlp_http[1]}" in server.log()
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=" in server.log()


@pytest.mark.parametrize(
    "upstreams, variables",
    [
        ({"mine": {}}, ["OPENAI_BASE_URL=http://{}/v1"]),
        ({"claude": {"api": "anthropic"}}, ["ANTHROPIC_BASE_URL=http://{}"]),
        ({"mine": {}, "claude": {"api": "anthropic"}}, ["OPENAI_BASE_URL=http://{}/v1", "ANTHROPIC_BASE_URL=http://{}"]),
        ({"gemini": {"api": "gemini"}}, []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_the_log_says_where_to_ask_language_models(start, upstreams, variables):
    """Of the APIs that there are upstreams for."""
    server = start(*proxy.arguments("http://localhost:9", upstreams))
    assert server.stop() == 0
    lines = [line.strip() for line in server.log().splitlines()]
    address = f"127.0.0.1:{server.llm_proxy[1]}"
    assert [line for line in lines if "_BASE_URL" in line] == ["export " + variable.format(address) for variable in variables]


def test_the_log_speaks_only_of_what_listens(start):
    server = start("--otlp-http", "")
    assert server.stop() == 0
    assert f"http://127.0.0.1:{server.api[1]}/api/v1/rollouts" in server.log()
    for absent in ("OTEL_EXPORTER", "_BASE_URL"):
        assert absent not in server.log()


def test_localhost_is_both_loopback_addresses_on_one_port(start):
    server = start("--otlp-http", "localhost:0", "--otlp-grpc", "localhost:0", "--api", "localhost:0")
    for listener in ("otlp_http", "otlp_grpc", "api"):
        addresses = server.ready[listener]
        assert addresses[0].startswith("127.0.0.1:")
        if socket.has_ipv6 and len(addresses) == 2:
            port = addresses[0].rpartition(":")[2]
            assert addresses[1] == f"[::1]:{port}"
            socket.create_connection(("::1", int(port)), 5).close()


def test_a_server_that_nobody_could_reach_does_not_start(tmp_path):
    off = [word for option in ("--otlp-http", "--otlp-grpc", "--api") for word in (option, "")]
    commands.assert_fails(commands.serve_in_vain(tmp_path, *off), "every listener is off", "listen.api")
    assert not (tmp_path / "data").exists()


def test_a_listener_may_be_switched_off(start):
    server = start("--otlp-grpc", "")
    assert server.ready.get("otlp_grpc", []) == []
    otlp.assert_success(server.post(rows.GOOD_BODY))


@pytest.mark.parametrize("option, key", [("--otlp-http", "otlp_http"), ("--otlp-grpc", "otlp_grpc"), ("--api", "api")])
def test_a_taken_port_is_a_clear_error(tmp_path, option, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        completed = commands.serve_in_vain(tmp_path, option, address)
    advice = f"another program has it, choose another with {option} HOST:PORT"
    commands.assert_fails(completed, f"listen.{key}: cannot listen on {address}: Address already in use; {advice}")
    assert completed.stderr.count(address) == 1


def test_an_address_of_another_machine_is_a_clear_error(tmp_path):
    completed = commands.serve_in_vain(tmp_path, "--api", "192.0.2.1:1", "--insecure-listen")
    reason = "listen.api: cannot listen on 192.0.2.1:1: Cannot assign requested address"
    commands.assert_fails(completed, f"{reason}; choose another with --api HOST:PORT")


def test_two_servers_do_not_share_a_port(start, tmp_path):
    first = start(name="first")
    completed = commands.serve_in_vain(tmp_path, "--otlp-http", f"127.0.0.1:{first.otlp_http[1]}")
    commands.assert_fails(completed, "in use")
    rows.assert_serves(first)


@pytest.mark.parametrize("address", ["localhost", "localhost:x", "localhost:99999", ":::", "no such host:1"])
def test_a_bad_address_is_named(tmp_path, address):
    commands.assert_fails(commands.serve_in_vain(tmp_path, "--api", address), address)
