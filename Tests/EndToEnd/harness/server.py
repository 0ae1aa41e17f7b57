"""Starts, watches and ends one `fulgurite serve` process."""

import json
import os
import re
import select
import signal
import subprocess
import time

from . import http1, paths

# A start takes tens of milliseconds. The deadline only bounds a test that would otherwise hang on a busy machine.
READY_SECONDS = 30
STOP_SECONDS = 30

LISTENERS = ("--otlp-http", "--otlp-grpc", "--api")


class StartFailure(Exception):
    """The program ended before it said that it was ready."""

    def __init__(self, code, log):
        super().__init__(f"fulgurite ended with status {code} before it was ready:\n{log}")
        self.code = code
        self.log = log


def run(*arguments, environment=None, **options):
    """Runs the program to its end and returns the completed process, with text output."""
    return subprocess.run(
        [paths.BINARY, *map(str, arguments)],
        env=clean_environment(environment),
        text=True,
        capture_output=True,
        timeout=60,
        **options,
    )


def clean_environment(additions=None):
    """This process's environment without Fulgurite's own variables, plus `additions`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FULGURITE_")}
    # A sanitizer build is not to run its symbolizer on the expected deaths of the tests.
    return {**inherited, "SWIFT_BACKTRACE": "enable=no", **(additions or {})}


def with_free_ports(arguments):
    """The arguments of `serve`, and a free loopback port for each listener that they do not name."""
    missing = [option for option in LISTENERS if option not in arguments]
    return [*arguments, *[word for option in missing for word in (option, "127.0.0.1:0")]]


class Fulgurite:
    """One running server on free loopback ports. `stop` or `kill` ends it; both may be called again."""

    def __init__(self, data, *arguments, environment=None, prefix=(), log=None):
        """Starts the server and waits for its ready line.

        A listener that `arguments` do not name gets a free port. `prefix` is a command to run the server under. Raises
        StartFailure when the program ends instead of getting ready.
        """
        self.data = data
        self.log_path = log or data.with_name(data.name + ".log")
        command = [*prefix, paths.BINARY, "serve", "--data", data, *with_free_ports(arguments)]
        with open(self.log_path, "ab") as log_file:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_file,
                env=clean_environment(environment),
            )
        try:
            self.ready = json.loads(self._ready_line())
        except BaseException:
            self.kill()
            raise
        self.otlp_http = parse_address(self.ready["otlp_http"])
        self.otlp_grpc = parse_address(self.ready["otlp_grpc"])
        self.api = parse_address(self.ready["api"])
        # None without an upstream.
        self.llm_proxy = parse_address(self.ready.get("llm_proxy"))

    def _ready_line(self):
        deadline = time.monotonic() + READY_SECONDS
        stdout = self.process.stdout.fileno()
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([stdout], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError(f"no ready line within {READY_SECONDS} s:\n{self.log()}")
            piece = os.read(stdout, 4096)
            if not piece:
                raise StartFailure(self.process.wait(), self.log())
            line += piece
        return line

    # How it runs

    @property
    def pid(self):
        """The server's own process id, also when it was started through a wrapper."""
        return self.ready["pid"]

    def log(self):
        """Everything that was written to standard error so far."""
        return self.log_path.read_text(errors="replace")

    def resident_bytes(self):
        """The memory that the process has resident now."""
        return self._status_bytes("VmRSS")

    def peak_resident_bytes(self):
        """The most memory that the process ever had resident."""
        return self._status_bytes("VmHWM")

    def _status_bytes(self, field):
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise LookupError(field)

    def cpu_seconds(self):
        """User and system time that the process has used."""
        return cpu_seconds_of(self.pid)

    def is_running(self):
        return self.process.poll() is None

    # Requests

    def post(self, body, path="/v1/traces", headers=None, **options):
        """POSTs an OTLP body to the OTLP/HTTP listener, on a connection of its own."""
        headers = {"Content-Type": "application/x-protobuf", **(headers or {})}
        return http1.request(self.otlp_http, "POST", path, headers, body, **options)

    def get(self, path, headers=None, **options):
        """GETs from the API listener, on a connection of its own."""
        return http1.request(self.api, "GET", path, headers, **options)

    def get_json(self, path):
        response = self.get(path)
        assert response.status == 200, (path, response)
        return response.json()

    def metrics(self):
        """The samples of /metrics: `{'name' or 'name{labels}': value}`."""
        response = self.get("/metrics")
        assert response.status == 200, response
        return parse_metrics(response.body.decode())

    def metric(self, name):
        """The sum over all label sets of one metric; 0 when it has no sample yet."""
        return sum(value for key, value in self.metrics().items() if key == name or key.startswith(name + "{"))

    def wait_for_metric(self, name, condition):
        """Asks for a metric until its value meets the condition; returns the value."""
        deadline = time.monotonic() + READY_SECONDS
        while not condition(value := self.metric(name)):
            assert time.monotonic() < deadline, f"{name} stays at {value}"
        return value

    def wait_for_log(self, text, count=1):
        """Waits until the log has a text so many times."""
        deadline = time.monotonic() + READY_SECONDS
        while self.log().count(text) < count:
            assert self.is_running() and time.monotonic() < deadline, f"the log has no {text!r}:\n{self.log()}"

    # The end

    def stop(self, signal_number=signal.SIGTERM):
        """Asks the server to end, waits for it, and returns its exit status."""
        if self.process.poll() is None:
            os.kill(self.pid, signal_number)
        return self.wait()

    def wait(self):
        """Waits for a server that was told to end, and returns its exit status."""
        code = self.process.wait(STOP_SECONDS)
        self.process.stdout.close()
        return code

    def kill(self):
        """Ends the server at once, as a crash would."""
        if self.process.poll() is None:
            # Under a wrapper the process that was started is not the server; ending the server ends both.
            os.kill(getattr(self, "ready", {}).get("pid", self.process.pid), signal.SIGKILL)
        self.process.wait(STOP_SECONDS)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def cpu_seconds_of(pid):
    """User and system time that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        # The command name may hold spaces; the fields after its closing parenthesis do not.
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def parse_address(addresses):
    """The first address of a ready line's list as a `(host, port)` pair, or None."""
    if not addresses:
        return None
    host, _, port = addresses[0].rpartition(":")
    return host.strip("[]"), int(port)


SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)(?: \d+)?")


def parse_metrics(text):
    """Reads the Prometheus text format strictly: a line that is neither a comment nor a sample is an error."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        if not match:
            raise ValueError(f"not a Prometheus sample: {line!r}")
        samples[match[1]] = float(match[2])
    return samples
