"""What stands between a client of LLMs and its provider in the loads of llm.py, and the clients that ask through it."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from harness import http1, paths, provider, proxy, server

HERE = pathlib.Path(__file__).resolve().parent
# Debian's nginx is not in the PATH of every user.
PROGRAM_FOLDERS = os.environ.get("PATH", "") + ":/usr/sbin"
LITELLM_PYTHON = paths.VENV / "litellm" / "bin" / "python"

KEY = "sk-benchmark"
AUTHORIZATION = f"Bearer {KEY}"
MODEL = "fake"
# LiteLLM imports for many seconds.
LITELLM_READY_SECONDS = 120
READY_SECONDS = 10
# How long calls may take to be recorded after the last one has ended.
RECORDED_SECONDS = 30


def program(name):
    return shutil.which(name, path=PROGRAM_FOLDERS)


def require():
    """Ends the command when a Debian package is missing."""
    for name in ("nginx", "wrk"):
        if not program(name):
            raise SystemExit(f"{name} is not installed: apt-get install nginx-light wrk, or run `make bench`")


def nginx_version():
    done = subprocess.run([program("nginx"), "-v"], capture_output=True, text=True)
    return done.stderr.rpartition("/")[2].strip()


@dataclasses.dataclass
class Relay:
    """One way to the provider."""

    address: tuple
    # The processes whose memory is the relay's.
    pids: list

    @property
    def url(self):
        """Where it is asked for chat completions."""
        return f"http://{self.address[0]}:{self.address[1]}{proxy.CHAT}"

    def resident_bytes(self):
        return sum(resident_bytes(pid) for pid in self.pids)


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise LookupError(pid)


@contextlib.contextmanager
def two_cores():
    """Keeps this process and all that it starts on two cores, however many the machine has."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def fake_provider():
    """The provider; that clients leave at the end of a load, which it would tell of, is no news."""
    errors = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        return provider.FakeProvider(keep=0)
    finally:
        os.dup2(errors, 2)
        os.close(errors)


def direct(upstream):
    return Relay(upstream.address, [])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(is_ready, process, seconds, what):
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start")
        time.sleep(0.02)


def answers(address, path):
    with contextlib.suppress(OSError):
        return http1.request(address, "GET", path).status == 200
    return False


# nginx

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream provider {{
    server {upstream};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(upstream, folder):
    """nginx as the floor: one worker that passes on what comes, and records nothing."""
    folder.mkdir()
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    address = f"{upstream.address[0]}:{upstream.address[1]}"
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder.resolve(), upstream=address, port=port, user=user))
    process = subprocess.Popen(
        [program("nginx"), "-c", file.resolve(), "-p", folder.resolve(), "-e", folder.resolve() / "start.log"],
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(("127.0.0.1", port), "/health"), process, READY_SECONDS, "nginx")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield Relay(("127.0.0.1", port), [int(child) for child in children])
    finally:
        process.terminate()
        process.wait()


# LiteLLM

LITELLM_NEEDS = "that needs a virtual environment `.build/venv/litellm` with `litellm[proxy]`"
LITELLM_START = "from litellm.proxy.proxy_cli import run_server; run_server()"


def litellm_version():
    """The version of LiteLLM with what its proxy needs, or None where it is not installed."""
    if not LITELLM_PYTHON.exists():
        return None
    imports = "import importlib.metadata, litellm.proxy.proxy_server, uvloop"
    script = f"{imports}; print(importlib.metadata.version('litellm'))"
    done = subprocess.run([LITELLM_PYTHON, "-c", script], capture_output=True, text=True)
    return done.stdout.split()[-1] if done.returncode == 0 else None


@contextlib.contextmanager
def litellm(upstream, folder, models):
    """LiteLLM's proxy with one worker, which records nothing."""
    folder.mkdir()
    port = free_port()
    parameters = {"api_base": f"{upstream.url}/v1", "api_key": KEY}
    configuration = {
        "model_list": [
            {"model_name": model, "litellm_params": {"model": f"openai/{model}", **parameters}} for model in models
        ],
        "litellm_settings": {"num_retries": 0},
        "general_settings": {"master_key": KEY},
    }
    # JSON is YAML.
    file = folder / "litellm.yaml"
    file.write_text(json.dumps(configuration))
    arguments = ["--config", file.resolve(), "--host", "127.0.0.1", "--port", port, "--num_workers", 1]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [LITELLM_PYTHON, "-c", LITELLM_START, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        address = ("127.0.0.1", port)
        wait_until(lambda: answers(address, "/health/liveliness"), process, LITELLM_READY_SECONDS, "LiteLLM")
        yield Relay(address, [process.pid])
    finally:
        process.kill()
        process.wait()


# Fulgurite


@dataclasses.dataclass
class Account:
    """What became of the calls of a load, by the provider's counters and the proxy's metrics."""

    # What the proxy took on.
    calls: int
    # What the provider was asked. A client that leaves while its call goes out can make it one less.
    asked: int
    # Calls whose client left.
    left: int
    recorded: int
    dropped: int
    # Answers that the proxy gave up although their client had not left.
    aborted: int
    cpu_microseconds: float


class Fulgurite:
    """A server whose proxy records full contents, and its account since the last `begin`."""

    def __init__(self, upstream, data, *arguments):
        self.upstream = upstream
        self.server = server.Fulgurite(data, *proxy.arguments(upstream.url, {"openai": {}}), *arguments)
        self.relay = Relay(self.server.llm_proxy, [self.server.pid])

    def begin(self):
        self.counted = self._count()

    def account(self):
        """Waits until all calls are recorded."""
        self.upstream.wait_for(lambda counters: counters["in_flight"] == 0)
        deadline = time.monotonic() + RECORDED_SECONDS
        while not self._is_recorded(now := self._count()) and time.monotonic() < deadline:
            time.sleep(0.05)
        since = {name: now[name] - self.counted[name] for name in now}
        return Account(
            calls=since["calls"],
            asked=since["asked"],
            left=since["disconnects"],
            recorded=since["recorded"],
            dropped=since["dropped"],
            aborted=max(0, since["aborted"] - since["disconnects"]),
            cpu_microseconds=since["cpu"] * 1e6 / max(1, since["calls"]),
        )

    def _is_recorded(self, now):
        since = {name: now[name] - self.counted[name] for name in ("calls", "recorded", "dropped")}
        return since["recorded"] + since["dropped"] >= since["calls"]

    def _count(self):
        counters = self.upstream.counters()
        metrics = self.server.metrics()
        return {
            "asked": counters["requests"],
            "calls": metrics.get('fulgurite_llm_requests_total{upstream="openai"}', 0),
            "aborted": counters["aborted"],
            "recorded": metrics.get("fulgurite_llm_recorded_calls_total", 0),
            "dropped": metrics.get("fulgurite_llm_dropped_calls_total", 0),
            "disconnects": metrics.get("fulgurite_llm_client_disconnects_total", 0),
            "cpu": self.server.cpu_seconds(),
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.kill()


# Clients


def chat(model=MODEL, **members):
    """The request of every load."""
    return {"model": model, "messages": [{"role": "user", "content": "x" * 60}], **members}


def timed(relay, connections, seconds, *arguments, model=MODEL):
    """The provider's own client: percentiles in milliseconds."""
    command = [sys.executable, paths.HARNESS / "fake_provider.py", "--bench", relay.url, "--conc", connections]
    command += ["--seconds", seconds, "--warmup", warm_up(seconds), "--model", model]
    command += ["-H", f"authorization: {AUTHORIZATION}", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the client ended with {done.returncode}: {done.stderr}")
    result = json.loads(done.stdout)
    if result["errors"] or not result["requests"]:
        raise RuntimeError(f"calls failed: {done.stdout}")
    return result


def rate(relay, connections, seconds, body):
    """Answers a second by wrk, with one thread."""
    if warm_up(seconds) >= 1:
        ask(relay, connections, warm_up(seconds), body)
    result = ask(relay, connections, seconds, body)
    if not result["requests"]:
        raise RuntimeError(f"no call ended within {seconds} s")
    return result["requests"] / result["seconds"]


def ask(relay, connections, seconds, body):
    """One run of wrk, which counts whole seconds."""
    command = [program("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    command += ["-s", HERE / "chat.lua", relay.url, "--", json.dumps(body), AUTHORIZATION]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}")
    result = json.loads(lines[0].removeprefix("RESULT "))
    if result["failed"]:
        raise RuntimeError(f"calls failed: {done.stdout}")
    return result


def warm_up(seconds):
    return min(2, seconds / 2)


def begin(relay, body):
    """Sends a request and returns the connection."""
    connection = http1.Connection(relay.address, timeout=60)
    fields = {"Content-Type": "application/json", "Authorization": AUTHORIZATION}
    connection.send_request("POST", proxy.CHAT, fields, json.dumps(body).encode())
    return connection


def receive(connection):
    """Reads an answer with a length to its end without keeping it; returns the length."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive_some(connection)
    head, _, rest = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"a call failed: {head}")
    [length] = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    count = len(rest)
    buffer = bytearray(1 << 20)
    while count < length and (got := connection.socket.recv_into(buffer)):
        count += got
    if count != length:
        raise RuntimeError(f"{count} of {length} bytes came")
    return length


def receive_some(connection):
    if not (piece := connection.socket.recv(65_536)):
        raise RuntimeError("the connection was closed")
    return piece
