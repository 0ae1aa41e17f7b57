"""`fulgurite rollouts list|show|tail`."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest
from harness import commands, http1, paths
from harness import server as program


def post(started, path, body):
    headers = {"Content-Type": "application/json"}
    response = http1.request(started.api, "POST", "/v1/agl" + path, headers, json.dumps(body).encode())
    assert response.status in (200, 201), response
    return response.json()


def rewarded(started, reward, worker="Worker-0"):
    """A rollout that was done, with a reward as Agent Lightning writes it."""
    made = post(started, "/rollouts", {"input": {"task": "add"}, "mode": "train", "worker_id": worker})
    ids = {"rollout_id": made["rollout_id"], "attempt_id": made["attempt"]["attempt_id"]}
    attributes = {"agentlightning.reward.0.name": "primary", "agentlightning.reward.0.value": reward}
    for number, (name, values) in enumerate([("work", {}), ("agentlightning.annotation", attributes)], 1):
        post(started, "/spans", {
            **ids, "sequence_id": number, "trace_id": "11" * 16, "span_id": f"{number:016x}", "parent_id": None,
            "name": name, "status": {"status_code": "OK"}, "attributes": values, "events": [], "links": [],
            "start_time": 1700000000.0, "end_time": 1700000001.0, "context": None, "parent": None,
            "resource": {"attributes": {}, "schema_url": ""},
        })  # fmt: skip
    post(started, f"/rollouts/{ids['rollout_id']}/attempts/latest", {"status": "succeeded"})
    return ids


def run(started, *arguments):
    return program.run("rollouts", *arguments, "--data", started.data)


def test_list_shows_the_newest_first(server):
    done = rewarded(server, 0.5)
    waiting = post(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": 1}]})[0]["rollout_id"]
    listed = run(server, "list")
    assert listed.returncode == 0, listed.stderr
    head, first, second = listed.stdout.splitlines()
    assert head.split() == "ROLLOUT STATUS MODE TRY ATTEMPT SPANS AGE TOOK HEARTBEAT WORKER REWARD".split()
    assert first.split()[:6] == [waiting, "queuing", "-", "-", "-", "0"]
    assert second.split()[:6] == [done["rollout_id"], "succeeded", "train", "1/1", "succeeded", "2"]
    assert second.split()[-2:] == ["Worker-0", "0.5"]


def test_list_as_json_is_what_the_client_gets_and_more(server):
    done = rewarded(server, 1)
    line = json.loads(run(server, "list", "--format", "json").stdout)
    assert (line.pop("spans"), line.pop("reward")) == (2, 1.0)
    assert line == server.get_json("/v1/agl/rollouts/" + done["rollout_id"])


def test_spans_of_clients_are_counted(server):
    rewarded(server, 1)
    metrics = server.metrics()
    assert metrics['fulgurite_spans_received_total{transport="agl"}'] == 2
    assert metrics["fulgurite_spans_stored_total"] == 2


def test_list_by_status_and_with_a_limit(server):
    made = post(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": n} for n in range(5)]})
    post(server, f"/rollouts/{made[0]['rollout_id']}", {"status": "cancelled"})
    cancelled = run(server, "list", "--status", "cancelled").stdout.splitlines()
    assert [line.split()[0] for line in cancelled[1:]] == [made[0]["rollout_id"]]
    some = run(server, "list", "--limit", "2")
    assert [line.split()[0] for line in some.stdout.splitlines()[1:]] == [one["rollout_id"] for one in made[:2:-1]]
    assert some.stderr == "the newest 2 of 5; --limit shows more\n"


def test_nothing_to_list(server):
    listed = run(server, "list")
    assert listed.returncode == 0
    assert "no rollouts found" in listed.stderr


def test_wrong_arguments(server):
    for arguments in (["list", "--status", "done"], ["list", "--limit", "0"], ["show"], ["show", "a", "b"], ["tail", "--format", "otlp"]):
        assert run(server, *arguments).returncode == 64, arguments


def test_show(server):
    done = rewarded(server, -0.25)
    post(server, f"/rollouts/{done['rollout_id']}/attempts", {"worker_id": "Worker-1"})
    shown = run(server, "show", done["rollout_id"])
    assert shown.returncode == 0, shown.stderr
    fields, _, attempts = shown.stdout.partition("\n\n")
    values = dict(line.split(None, 1) for line in fields.splitlines())
    assert (values["rollout"], values["status"], values["spans"]) == (done["rollout_id"], "preparing", "2")
    assert values["input"] == '{"task": "add"}'
    rows = [line.split() for line in attempts.splitlines()[1:]]
    line = json.loads(run(server, "show", done["rollout_id"], "--format", "json").stdout)
    assert line["attempts"] == server.get_json(f"/v1/agl/rollouts/{done['rollout_id']}/attempts")["items"]
    assert [row[:4] for row in rows] == [["1", done["attempt_id"], "succeeded", "2"], ["2", rows[1][1], "preparing", "0"]]


def test_show_an_unknown_rollout(server):
    shown = run(server, "show", "ro-nobody")
    assert shown.returncode == 1
    assert "there is no rollout ro-nobody" in shown.stderr


def test_tail_prints_changes_as_they_come(server):
    first = post(server, "/rollouts", {"input": 1})["rollout_id"]
    command = [paths.BINARY, "rollouts", "tail", "--format", "json", "--data", server.data]
    environment = program.clean_environment()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as tail:
        assert json.loads(tail.stdout.readline())["rollout_id"] == first
        post(server, f"/rollouts/{first}", {"status": "succeeded"})
        assert json.loads(tail.stdout.readline())["status"] == "succeeded"
        second = post(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": 1}]})[0]["rollout_id"]
        line = json.loads(tail.stdout.readline())
        assert (line["rollout_id"], line["status"]) == (second, "queuing")
        tail.kill()


def test_tail_prints_what_becomes_of_a_rollout_after_its_end(server):
    before = post(server, "/rollouts", {"input": 1})["rollout_id"]
    post(server, f"/rollouts/{before}", {"status": "failed"})
    first = post(server, "/rollouts", {"input": 1})["rollout_id"]
    command = [paths.BINARY, "rollouts", "tail", "--format", "json", "--data", server.data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=program.clean_environment()) as tail:

        def line():
            found = json.loads(tail.stdout.readline())
            return found["rollout_id"], found["status"]

        # Nothing of what had ended before.
        assert line() == (first, "preparing")
        for rollout, status in [(first, "succeeded"), (first, "cancelled"), (before, "succeeded"), (first, "failed"),
                                (first, "queuing"), (first, "cancelled"), (before, "running")]:  # fmt: skip
            post(server, f"/rollouts/{rollout}", {"status": status})
            assert line() == (rollout, status)
        tail.kill()


def test_tail_ends_when_its_reader_is_gone(server):
    command = [paths.BINARY, "rollouts", "tail", "--data", server.data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.clean_environment()) as tail:
        assert tail.stdout.readline().startswith(b"ROLLOUT")
        # Nothing changes, so nothing is written that would tell.
        tail.stdout.close()
        assert tail.wait(timeout=30) == 0
        assert tail.stderr.read() == b""


def test_tail_ends_well_when_its_reader_has_seen_enough(server):
    post(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": number} for number in range(200)]})
    reader, writer = os.pipe()
    # Less than the tail prints at once, so that it still writes when its reader leaves.
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    command = [paths.BINARY, "rollouts", "tail", "--data", server.data]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, env=program.clean_environment()) as tail:
        os.close(writer)
        assert os.read(reader, 7) == b"ROLLOUT"
        os.close(reader)
        assert tail.wait(timeout=30) == 0
        assert tail.stderr.read() == b""


@pytest.mark.parametrize("width", [60, 80, 120, 150])
def test_a_tail_fits_the_terminal(server, width):
    rewarded(server, 1)
    post(server, "/rollouts", {"input": 1, "worker_id": "Worker-" + "x" * 200, "config": {"max_attempts": 10**12}})
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    command = [paths.BINARY, "rollouts", "tail", "--data", server.data]
    with subprocess.Popen(command, stdout=child, env=program.clean_environment()) as tail:
        os.close(child)
        text = b""
        while text.count(b"\n") < 2:
            text += os.read(parent, 1 << 16)
        tail.kill()
    os.close(parent)
    lines = text.decode().splitlines()
    assert all(len(line) <= width for line in lines), lines
    assert lines[0].split()[:2] == ["ROLLOUT", "STATUS"]
    if width >= 80:
        assert lines[0].split()[-1] == "REWARD"


@pytest.mark.parametrize("width", [80, 120, 150])
def test_a_table_fits_the_terminal(server, width):
    rewarded(server, 1, worker="Worker-" + "x" * 200)
    lines = commands.lines_on_a_terminal(width, "rollouts", "list", "--data", server.data)
    assert all(len(line) <= width for line in lines), lines


@pytest.mark.parametrize(
    "reward, shown",
    [(0.1 + 0.2, "0.3"), (-2 / 3, "-0.6667"), (1234567.25, "1234567.0"), (1e-9 / 3, "3.333e-10"), (5e-324, "5e-324")],
)
def test_a_reward_is_printed_shortly(server, reward, shown):
    done = rewarded(server, reward)
    assert run(server, "list").stdout.splitlines()[1].split()[-1] == shown
    # Not where there is room.
    line = json.loads(run(server, "list", "--format", "json").stdout)
    assert (line["rollout_id"], line["reward"]) == (done["rollout_id"], reward)


def test_the_columns_that_matter_fit_in_70(server):
    rewarded(server, 0.1 + 0.2)
    lines = commands.lines_on_a_terminal(70, "rollouts", "list", "--data", server.data)
    assert all(len(line) <= 70 for line in lines), lines
    assert lines[1].split()[-1] == "0.3"
