"""Help and wrong usage."""

import re

import pytest
from harness import commands
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
        ([], ["serve", "query", "--help"]),
        (["sevre"], ["sevre", "serve"]),
        (["serve", "--dta", "x"], ["--dta", "--data"]),
        (["serve", "--data"], ["--data"]),
        (["serve", "extra"], ["extra"]),
        (["query"], ["spans"]),
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
