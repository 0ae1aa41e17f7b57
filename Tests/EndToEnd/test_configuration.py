"""Options from the file, the environment and flags: bad ones are refused by name, later sources win."""

import json
import subprocess

import pytest
from harness import commands, paths, rows


@pytest.mark.parametrize(
    "setting, words",
    [
        ("store.durabilty=power", ["store.durabilty", "store.durability"]),
        ("limits.request_bytes=many", ["limits.request_bytes", "many"]),
        ("limits.request_bytes=0", ["limits.request_bytes"]),
        ("limits.header_timeout=-1s", ["limits.header_timeout"]),
        ("store.durability=none", ["store.durability", "power", "process"]),
        ("log.level=loud", ["log.level", "loud"]),
        ("auth.api.tokens=secret", ["auth.api.tokens", "sha256"]),
        ("llm.upstreams.openai.base_url=api.openai.com", ["llm.upstreams.openai.base_url", "https://"]),
        ("llm.upstreams.openai.retires=1", ["llm.upstreams.openai.retires", "llm.upstreams.openai.retries"]),
        ("llm.upstreams.openai.api_key=sk-1", ["llm.upstreams.openai.api_key", "api_key_env"]),
    ],
)
def test_a_bad_setting_is_named_wherever_it_comes_from(tmp_path, setting, words):
    key, _, value = setting.partition("=")
    commands.assert_fails(commands.serve_in_vain(tmp_path, "--set", setting), *words)

    variable = "FULGURITE_" + key.upper().replace(".", "_")
    message = commands.serve_in_vain(tmp_path, environment={variable: value})
    commands.assert_fails(message, variable, *[word for word in words if "." not in word])

    section, _, name = key.rpartition(".")
    file = tmp_path / "fulgurite.yaml"
    indented = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(section.split(".")))
    file.write_text(f"# a comment\n{indented}{'  ' * len(section.split('.'))}{name}: {value}\n")
    line = 2 + len(section.split("."))
    commands.assert_fails(commands.serve_in_vain(tmp_path, "--config", file), f"{file}:{line}", *words)


@pytest.mark.parametrize(
    "option",
    ["auth.api.tokens"]
    + [f"llm.upstreams.openai.{name}" for name in ["api_key", "api_key_env", "api_key_file", "base_url"]],
)
def test_a_secret_in_a_bad_setting_is_not_repeated(tmp_path, option):
    completed = commands.serve_in_vain(tmp_path, "--set", f"{option}=sk-secret-0123456789")
    commands.assert_fails(completed, option)
    assert "sk-secret" not in completed.stderr


def test_the_proxy_needs_an_upstream_and_says_which_it_has(start, tmp_path):
    commands.assert_fails(
        commands.serve_in_vain(tmp_path, "--llm-proxy", "127.0.0.1:0"), "--llm-proxy", "llm.upstreams.NAME.base_url"
    )
    server = start(
        *["--llm-proxy", "127.0.0.1:0", "--set", "llm.upstreams.mine.base_url=http://llm.example:8000/v1"],
        *["--set", "llm.upstreams.mine.api_key_env=MINE_KEY"],
        environment={"MINE_KEY": "sk-secret-0123456789"},
    )
    assert len(server.ready["llm_proxy"]) == 1
    assert "llm.example:8000" in server.log()
    assert "sk-secret" not in server.log()


@pytest.mark.parametrize(
    "text, line",
    [
        ("listen:\n  otlp_http: [1\n", None),
        ("listen:\n\totlp_http: a\n", 2),
        ("unknown_section:\n  a: 1\n", 1),
        ("listen:\n  otlp_htp: localhost:4318\n", 2),
        ("listen: text\n", 1),
        ("- a\n- b\n", 1),
        ("listen: &anchor\n  api: localhost:1\n", None),
        ("limits:\n  headers: 1\nlimits:\n  headers: 2\n", 3),
    ],
    ids=[
        "open list",
        "tab",
        "unknown section",
        "unknown key",
        "text for a section",
        "a list",
        "an anchor",
        "a key twice",
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path, text, line):
    file = tmp_path / "fulgurite.yaml"
    file.write_text(text)
    commands.assert_fails(
        commands.serve_in_vain(tmp_path, "--config", file), str(file) if line is None else f"{file}:{line}"
    )


def test_a_missing_file_is_named(tmp_path):
    commands.assert_fails(commands.serve_in_vain(tmp_path, "--config", tmp_path / "none.yaml"), "none.yaml")


def test_the_documented_configuration_is_valid_as_it_is(start):
    """config/fulgurite.yaml lists every option with its default; the ports and folder are given by flags."""
    server = start("--config", paths.REPOSITORY / "config" / "fulgurite.yaml")
    rows.assert_serves(server)


def test_flags_win_over_the_environment_and_the_environment_over_the_file(start, tmp_path):
    file = tmp_path / "fulgurite.yaml"
    file.write_text("limits:\n  request_bytes: 1KiB\n  connections: 10\n")
    environment = {"FULGURITE_LIMITS_REQUEST_BYTES": "2KiB"}
    body = rows.body_of("precedence", rows.padding(1500))

    def status(name, *arguments, **options):
        return start("--config", file, *arguments, name=name, **options).post(body).status

    assert status("file") == 413
    assert status("environment", environment=environment) == 200
    assert status("flag", "--set", "limits.request_bytes=1KiB", environment=environment) == 413


def test_the_default_data_folder_follows_xdg(tmp_path):
    environment = {"XDG_DATA_HOME": str(tmp_path / "share"), "HOME": str(tmp_path)}
    expected = tmp_path / "share" / "fulgurite"
    run = start_without_data(tmp_path, environment)
    assert run["data"] == str(expected)
    del environment["XDG_DATA_HOME"]
    assert start_without_data(tmp_path, environment)["data"] == str(tmp_path / ".local" / "share" / "fulgurite")


def start_without_data(tmp_path, environment):
    """The ready line of a server that was given no data folder."""
    process = subprocess.Popen(
        [paths.BINARY, "serve", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    try:
        return json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_data_folder_is_private(start):
    server = start()
    assert server.data.stat().st_mode & 0o077 == 0
    for file in server.data.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file
