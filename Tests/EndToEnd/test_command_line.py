"""Help and wrong usage."""

import json
import os
import re
import subprocess

import pytest
from harness import commands, http1, paths
from harness import server as program


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["serve", "--help"], ["query", "--help"], ["query", "spans", "--help"]]
)
def test_help_goes_to_standard_output_and_fits_a_terminal(arguments):
    completed = program.run(*arguments)
    assert completed.returncode == 0
    assert completed.stderr == ""
    assert "fulgurite" in completed.stdout
    assert max(map(len, completed.stdout.splitlines())) <= 80


def test_help_of_serve_names_every_common_option():
    text = program.run("serve", "--help").stdout
    for option in ["--config", "--data", "--otlp-http", "--otlp-grpc", "--api", "--set", "--insecure-listen"]:
        assert option in text


SERVING = ["--otlp-http", "--otlp-grpc", "--api", "--llm-proxy", "--insecure-listen", "--log-level"]


@pytest.mark.parametrize(
    "command", ["query spans", "query rollouts", "rollouts list", "rollouts show", "rollouts tail", "doctor", "retention", "forward"]
)
def test_help_names_only_what_the_command_uses(command):
    text = program.run(*command.split(), "--help").stdout
    for flag in ["--config", "--data", "--set"]:
        assert flag in text
    for flag in SERVING:
        assert flag not in text


def test_the_flags_of_the_server_are_taken_by_other_commands(shared_server):
    """So that the same ones can be given to each."""
    flags = ["--otlp-http", "localhost:1", "--otlp-grpc", "localhost:2", "--api=localhost:3", "--insecure-listen", "--log-level", "error"]
    completed = program.run("query", "rollouts", "--data", shared_server.data, *flags)
    assert completed.returncode == 0, completed.stderr


# The version


@pytest.mark.parametrize("arguments", [["--version"], ["version"], ["--version", "serve", "--nonsense"]])
def test_the_version_is_printed(arguments):
    completed = program.run(*arguments)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert re.fullmatch(r"fulgurite \d+\.\d+\.\d+\n", completed.stdout)


def test_the_version_is_in_the_log_and_in_the_metrics(shared_server):
    version = program.run("--version").stdout.split()[1]
    assert f"version={version}" in shared_server.log().splitlines()[0]
    assert shared_server.metrics()[f'fulgurite_build_info{{version="{version}"}}'] == 1


# Wrong usage


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], ["fulgurite: a command is needed: serve, query", "see 'fulgurite --help'"]),
        (["help"], ['fulgurite: unknown command "help"', "see 'fulgurite --help'"]),
        (["rollouts", "show"], ["fulgurite: ID is needed", "see 'fulgurite rollouts show --help'"]),
        (["sevre"], ["sevre", "serve"]),
        (["serve", "--dta", "x"], ["--dta", "--data"]),
        (["serve", "--data"], ["--data"]),
        (["serve", "extra"], ["extra"]),
        (["query"], ["fulgurite: a command is needed: spans", "see 'fulgurite query --help'"]),
        (["serve", "--api", "localhost:1", "--api", "localhost:2"], ["--api"]),
        (["serve", "--set", "novalue"], ["--set", "OPTION=VALUE"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_usage_is_explained(tmp_path, arguments, words):
    commands.assert_fails(program.run(*arguments, cwd=tmp_path), *words)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], ["--rollout"]),
        (["--rollout", "r", "--format", "xml"], ["--format", "table", "json", "otlp"]),
        (["--rollout", "r", "--limit", "none"], ["--limit"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_usage_of_query_is_explained(shared_server, arguments, words):
    commands.assert_fails(program.run("query", "spans", "--data", shared_server.data, *arguments), *words)


# Output that is lost


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A data folder with a rollout that has a span."""
    with program.Fulgurite(tmp_path_factory.mktemp("output") / "data") as started:
        body = json.dumps({"input": 1}).encode()
        made = http1.request(started.api, "POST", "/v1/agl/rollouts", {"Content-Type": "application/json"}, body).json()
        started.rollout = made["rollout_id"]
        yield started


COMMANDS = [
    ["rollouts", "list"],
    ["rollouts", "list", "--format", "json"],
    ["rollouts", "show", "ROLLOUT"],
    ["rollouts", "tail"],
    ["query", "rollouts"],
    ["query", "spans", "--rollout", "ROLLOUT"],
    ["query", "spans", "--rollout", "ROLLOUT", "--format", "otlp"],
    ["doctor", "--rollout", "ROLLOUT"],
    ["retention", "--dry-run", "--set", "retention.max_age=1h"],
    ["version"],
    ["--help"],
]


def run_in_shell(filled, arguments, script, **options):
    """Runs the program from a line of shell, as `"$@"`."""
    words = [filled.rollout if word == "ROLLOUT" else word for word in arguments]
    if words[0] not in ("version", "--help"):
        words += ["--data", filled.data]
    command = ["sh", "-c", script, "sh", paths.BINARY, *map(str, words)]
    return subprocess.run(command, env=program.clean_environment(), text=True, stderr=subprocess.PIPE, timeout=60, **options)


@pytest.mark.parametrize(("redirection", "reason"), [("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_output_that_is_lost_is_a_failure(filled, arguments, redirection, reason):
    completed = run_in_shell(filled, arguments, f'exec "$@" {redirection}')
    assert completed.returncode == 1
    assert completed.stderr.endswith(f"fulgurite: cannot write to standard output: {reason}\n"), completed.stderr


def test_a_command_that_has_failed_anyway_says_only_why(filled):
    completed = run_in_shell(filled, ["rollouts", "show", "ro-nobody"], 'exec "$@" >&-')
    assert completed.returncode == 1
    assert "there is no rollout ro-nobody" in completed.stderr
    assert "standard output" not in completed.stderr


@pytest.mark.parametrize("handling", ["", "trap '' PIPE; "], ids=["by default", "ignored"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_no_failure(filled, arguments, handling):
    """Whatever the parent has left the signal of a broken pipe at."""
    reader, writer = os.pipe()
    os.close(reader)
    completed = run_in_shell(filled, arguments, handling + 'exec "$@"', stdout=writer)
    os.close(writer)
    assert completed.returncode == 0, completed.stderr
    assert "standard output" not in completed.stderr


def test_a_server_does_not_need_standard_output(tmp_path):
    """It says where it is on it, but that is not its work."""
    words = ["serve", "--data", tmp_path / "data", *program.with_free_ports([])]
    command = ["sh", "-c", 'exec "$@" >&-', "sh", paths.BINARY, *map(str, words)]
    with subprocess.Popen(command, env=program.clean_environment(), text=True, stderr=subprocess.PIPE) as started:
        for line in started.stderr:
            if "LightningStoreClient(" in line:
                break
        started.terminate()
        rest = started.stderr.read()
        assert started.wait(timeout=60) == 0, rest
