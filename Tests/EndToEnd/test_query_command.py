"""`fulgurite query`: every format, with and without a running server."""

import fcntl
import json
import os
import subprocess

import pytest
from harness import commands, corpus, otlp, paths, rows, wire
from harness import server as program


@pytest.fixture
def filled(server):
    for name in [f"otlp-otel-step-{number:02}.bin" for number in range(1, 14)]:
        otlp.assert_success(server.post((corpus.AGL / name).read_bytes()))
    return server


ROLLOUT, ATTEMPT = "ro-e3e1506fc0c5", "at-344efdcd"


def query(server, *arguments):
    completed = program.run("query", "spans", "--data", server.data, *arguments)
    assert completed.returncode == 0, completed
    assert completed.stderr == ""
    return completed.stdout


def expected_spans():
    bodies = [export.expected for export in corpus.AGL_EXPORTS if "otel-step" in export.name]
    return [entry for body in bodies for entry in otlp.flatten(body)]


def test_query_prints_otlp_with_every_field(filled):
    text = query(filled, "--rollout", ROLLOUT, "--format", "otlp")
    assert otlp.flatten(json.loads(text)) == expected_spans()


def test_query_works_while_the_server_runs_and_after_it_ended(filled):
    running = query(filled, "--rollout", ROLLOUT, "--format", "otlp")
    assert filled.stop() == 0
    assert query(filled, "--rollout", ROLLOUT, "--format", "otlp") == running


def test_query_works_after_a_crash(filled):
    running = query(filled, "--rollout", ROLLOUT, "--format", "otlp")
    filled.kill()
    assert query(filled, "--rollout", ROLLOUT, "--format", "otlp") == running


def test_query_by_attempt(filled):
    assert query(filled, "--rollout", ROLLOUT, "--attempt", ATTEMPT, "--format", "otlp") == query(
        filled, "--rollout", ROLLOUT, "--format", "otlp"
    )
    other = query(filled, "--rollout", ROLLOUT, "--attempt", "at-unknown", "--format", "otlp")
    assert otlp.flatten(json.loads(other)) == []


def test_query_prints_a_table_that_a_person_can_read(filled):
    lines = query(filled, "--rollout", ROLLOUT).splitlines()
    assert len(lines) >= 14
    for name in ["openai.chat.completion", "tool.call", "agent.run"]:
        assert any(name in line for line in lines)


@pytest.mark.parametrize(
    "width, columns",
    [
        (80, "SEQ NAME STATUS START DURATION SPAN"),
        (100, "SEQ ATTEMPT NAME STATUS START DURATION SPAN"),
        (160, "SEQ ATTEMPT NAME STATUS START DURATION TRACE SPAN PARENT"),
    ],
)
def test_the_table_fits_the_terminal(filled, width, columns):
    lines = commands.lines_on_a_terminal(width, "query", "spans", "--data", filled.data, "--rollout", ROLLOUT)
    assert all(len(line) <= width for line in lines), lines
    assert lines[0].split() == columns.split()
    for name in ["openai.chat.completion", "tool.call", "agent.run"]:
        assert any(name in line for line in lines), lines
    # A time of the day has 12 characters, one with its date 24.
    start = lines[0].index("START")
    assert all(len(line[start:].split()[0]) == (12 if width < 120 else 24) for line in lines[1:])


def test_query_prints_a_line_of_json_for_each_span(filled):
    """What the index knows of a span, and the span itself in the form of OTLP/JSON."""
    lines = [json.loads(line) for line in query(filled, "--rollout", ROLLOUT, "--format", "json").splitlines()]
    assert [line["arrival"] for line in lines] == list(range(1, 14))
    assert {(line["rolloutId"], line["attemptId"], line["rule"]) for line in lines} == {(ROLLOUT, ATTEMPT, "explicit")}
    for line, expected in zip(lines, expected_spans(), strict=True):
        [entry] = otlp.flatten(
            {"resourceSpans": [{"resource": line["resource"], "scopeSpans": [{"spans": [line["span"]]}]}]}
        )
        assert (entry["resource"], entry["span"]) == (expected["resource"], expected["span"])
        assert line["scope"] == expected["scope"]


def test_query_by_name_and_with_a_limit(filled):
    lines = query(filled, "--rollout", ROLLOUT, "--name", "agentlightning.object", "--format", "json").splitlines()
    assert [json.loads(line)["arrival"] for line in lines] == [8, 9]
    assert len(query(filled, "--rollout", ROLLOUT, "--limit", "3", "--format", "json").splitlines()) == 3


def test_query_rollouts(filled):
    completed = program.run("query", "rollouts", "--data", filled.data, "--format", "json")
    [rollout] = [json.loads(line) for line in completed.stdout.splitlines()]
    assert (rollout["rolloutId"], rollout["attemptId"], rollout["spans"]) == (ROLLOUT, ATTEMPT, 13)
    assert ROLLOUT in program.run("query", "rollouts", "--data", filled.data).stdout


def test_query_keeps_control_characters_from_the_terminal(server):
    """Span names are the sender's input: an escape sequence in one must not reach the terminal."""
    span = wire.span(rows.trace_of("escape"), rows.SPAN_ID, "\x1b]0;owned\x07\x1b[31m\r\n")
    otlp.assert_success(server.post(wire.request(span, resource=wire.rollout_resource("ro-1", "at-1"))))
    table = query(server, "--rollout", "ro-1")
    assert "\x1b" not in table
    assert "\x07" not in table
    assert "\r" not in table
    for format_name in ("json", "otlp"):
        assert "\x1b" not in query(server, "--rollout", "ro-1", "--format", format_name)


def test_query_ends_quietly_when_its_reader_leaves(filled):
    command = [paths.BINARY, "query", "spans", "--data", filled.data, "--rollout", ROLLOUT, "--format", "otlp"]
    reader, writer = os.pipe()
    # Less than the command prints, so that it still writes when its reader leaves.
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    assert len(query(filled, *command[5:])) > 2 * 4096
    process = subprocess.Popen(list(map(str, command)), stdout=writer, stderr=subprocess.PIPE, env=program.clean_environment())
    os.close(writer)
    assert os.read(reader, 1) == b"{"
    os.close(reader)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0


def test_a_rollout_without_spans_has_a_next_step(filled):
    completed = program.run("query", "spans", "--data", filled.data, "--rollout", "nope")
    assert completed.returncode == 0
    assert completed.stderr.startswith("no spans found; ")
    assert "'fulgurite query rollouts'" in completed.stderr
    assert "'fulgurite doctor --rollout nope'" in completed.stderr


def test_query_of_a_folder_without_a_store_says_so(tmp_path):
    commands.assert_fails(program.run("query", "spans", "--data", tmp_path / "none", "--rollout", "r"), "none")
    assert not (tmp_path / "none").exists()


NO_NAMESPACES = subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def run_read_only(folder, *arguments):
    """Runs a command on a data folder that cannot be written."""
    command = ["unshare", "-rm", "sh", "-c", READ_ONLY, folder, paths.BINARY, *arguments, "--data", folder]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, env=program.clean_environment())


@pytest.mark.skipif(NO_NAMESPACES, reason="needs user and mount namespaces")
def test_a_backup_on_read_only_media_can_be_queried(filled, tmp_path):
    expected = query(filled, "--rollout", ROLLOUT, "--format", "otlp")
    assert filled.stop() == 0
    backup = tmp_path / "a 100% backup? #1"
    backup.mkdir()
    (backup / "fulgurite.db").write_bytes((filled.data / "fulgurite.db").read_bytes())
    completed = run_read_only(backup, "query", "spans", "--rollout", ROLLOUT, "--format", "otlp")
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout == expected
    assert [file.name for file in backup.iterdir()] == ["fulgurite.db"]


@pytest.mark.skipif(NO_NAMESPACES, reason="needs user and mount namespaces")
def test_a_dry_run_on_read_only_media(filled, tmp_path):
    assert filled.stop() == 0
    backup = tmp_path / "backup"
    backup.mkdir()
    (backup / "fulgurite.db").write_bytes((filled.data / "fulgurite.db").read_bytes())
    options = ["retention", "--dry-run", "--set", "retention.max_spans_per_rollout=1", "--format", "json"]
    expected = program.run(*options, "--data", filled.data)
    completed = run_read_only(backup, *options)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert json.loads(completed.stdout)["spans"] == json.loads(expected.stdout)["spans"] != {}
    # With a log beside it SQLite needs what cannot be made there.
    (backup / "fulgurite.db-wal").write_bytes(b"")
    for command in (options, ["query", "rollouts"]):
        completed = run_read_only(backup, *command)
        commands.assert_fails(completed, f"cannot read {backup}/fulgurite.db: ", "copy the folder")


@pytest.mark.parametrize("content", [b"no database " * 1000, None])
def test_query_of_a_damaged_file_names_it_and_says_what_to_do(filled, content):
    assert filled.stop() == 0
    file = filled.data / "fulgurite.db"
    if content is None:
        sound = file.read_bytes()
        content = sound[:4096] + b"\xff" * (len(sound) - 4096)
    file.write_bytes(content)
    completed = program.run("query", "spans", "--data", filled.data, "--rollout", ROLLOUT)
    commands.assert_fails(completed, str(file), "backup")
