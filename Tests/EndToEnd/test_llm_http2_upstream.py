"""A provider that speaks HTTP/2 over TLS: the same calls, the same ends. nginx stands between as the provider's edge."""

import concurrent.futures
import json
import os
import socket
import subprocess
import time

import pytest
from harness import http1, llm_spans, llm_wire, paths, provider, proxy, server

CONFIGURATION = """
{user}worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  log_format protocol '$server_protocol $connection $status';
  access_log {folder}/access.log protocol;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl http2; server_name localhost;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ proxy_pass {upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_read_timeout 60s; }}
  }}
}}
"""
NGINX = paths.TOOLS / "nginx" / "usr" / "sbin" / "nginx"


class Edge:
    """nginx, speaking HTTP/2 to the proxy and HTTP/1.1 to the provider."""

    def __init__(self, folder, upstream):
        folder.mkdir()
        self.folder, self.certificate = folder, folder / "cert.pem"
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        names = ["-addext", "subjectAltName=DNS:localhost"]
        files = ["-out", self.certificate, "-keyout", folder / "key.pem"]
        subprocess.run([*make.split(), *names, *files], check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # The folder is for its owner alone, and root's worker would be somebody else.
        user = "user root;\n" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(folder=folder, port=self.port, upstream=upstream, user=user)
        (folder / "nginx.conf").write_text(text)
        self.process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + server.READY_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None and time.monotonic() < deadline, "nginx did not start"

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def requests(self):
        """Protocol, connection and status of each request that has ended."""
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]

    def close(self):
        self.process.terminate()
        self.process.wait(server.READY_SECONDS)


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def edge(fake, tmp_path_factory):
    running = Edge(tmp_path_factory.mktemp("edge") / "nginx", fake.url)
    yield running
    running.close()


@pytest.fixture(scope="module")
def relay(edge, tmp_path_factory):
    # One loop, so that all calls share a pool of connections.
    arguments = proxy.arguments(edge.url, {"openai": {"ca_file": edge.certificate, "idle_timeout": "2s"}})
    folder = tmp_path_factory.mktemp("http2") / "data"
    with server.Fulgurite(folder, *arguments, "--set", "loops=1") as running:
        yield running


def outcome(relay, parent):
    span = llm_spans.wait_for_one(relay, parent.trace_id)
    return span.status, span.attributes.get("error.type")


@pytest.mark.parametrize("stream", [False, True])
def test_answers_are_the_same(relay, edge, fake, stream):
    parent = llm_spans.new_parent()
    answer = proxy.ask(relay, members=proxy.chat(model="m?chunks=5", stream=stream), headers=parent.header)
    assert answer.status == 200
    direct = http1.request(
        fake.address, "POST", proxy.CHAT, proxy.fields(), json.dumps(proxy.chat("m?chunks=5", stream=stream)).encode()
    )
    # The ids and times of the synthetic answers differ.
    assert len(answer.body) == len(direct.body)
    assert answer.header("content-type") == direct.header("content-type")
    assert outcome(relay, parent) == (llm_spans.UNSET, None)
    assert {protocol for protocol, _, _ in edge.requests()} == {"HTTP/2.0"}


def test_calls_at_once_share_a_connection(relay, edge):
    before = len(edge.requests())
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        members = proxy.chat(model="m?chunks=5&gap=5", stream=True)
        answers = list(pool.map(lambda _: proxy.ask(relay, members=members).status, range(16)))
    assert answers == [200] * 16
    assert len({connection for _, connection, _ in edge.requests()[before:]}) == 1


def test_a_client_that_leaves_ends_its_stream_alone(relay, fake):
    fake.reset()
    other = proxy.begin(relay, members=proxy.chat(model="m?chunks=40&gap=20", stream=True))
    parent = llm_spans.new_parent()
    left = proxy.begin(relay, members=proxy.chat(model="m?chunks=500&gap=20", stream=True), headers=parent.header)
    llm_wire.read_until(left, b"data:")
    left.close()
    fake.wait_for(lambda counters: counters["aborted"] == 1)
    assert outcome(relay, parent) == (llm_spans.ERROR, "client_disconnected")
    with other:
        assert b"[DONE]" in other.read_response().body


@pytest.mark.parametrize("options", ["chunks=20&fault=rst&at=10", "chunks=20&fault=close&at=10"])
def test_a_stream_that_is_cut_is_no_whole_one(relay, options):
    parent = llm_spans.new_parent()
    members = proxy.chat(model=f"m?{options}", stream=True)
    with proxy.begin(relay, members=members, headers=parent.header) as connection:
        with pytest.raises((ConnectionError, EOFError, AssertionError, http1.ProtocolError)):
            connection.read_response()
    assert outcome(relay, parent) == (llm_spans.ERROR, "upstream_truncated")


def test_a_silent_stream_times_out(relay):
    parent = llm_spans.new_parent()
    members = proxy.chat(model="m?chunks=20&fault=hang&at=3", stream=True)
    with proxy.begin(relay, members=members, headers=parent.header) as connection:
        with pytest.raises((ConnectionError, EOFError, AssertionError, http1.ProtocolError)):
            connection.read_response()
    assert outcome(relay, parent) == (llm_spans.ERROR, "timeout")
