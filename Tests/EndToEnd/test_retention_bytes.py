"""retention.max_bytes, the size of the files, and a disk that is full while spans are deleted."""

import json
import os
import pathlib
import signal
import threading
import time

import pytest
from harness import database, otlp, retention, rows, sending, wire
from harness import server as program
from test_unavailable_store import copy_of, fill, needs_namespaces

LIMIT = 64 << 20
# How many times the limit is sent. RETENTION_FILLS=10 for the long run.
FILLS = float(os.environ.get("RETENTION_FILLS", 1.5))
# Bytes of a span that stay bytes on the disk.
TEXT = 8_000


class Watch:
    """Notes the largest size of the files while something else goes on."""

    def __init__(self, data):
        self.data = data
        self.largest = self.largest_database = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        path = database.find(self.data)
        while not self.ended.wait(0.01):
            self.largest = max(self.largest, retention.file_bytes(self.data))
            self.largest_database = max(self.largest_database, path.stat().st_size)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def random_body(rollout, spans, attempt="a"):
    """A request that does not compress."""
    trace = os.urandom(16)
    # bytes_value of AnyValue
    noise = [wire.attribute("noise", wire.blob(7, os.urandom(TEXT))) for _ in range(spans)]
    made = [retention.llm_span(trace, number, "", "", one) for number, one in enumerate(noise, 1)]
    return retention.request(rollout, *made, attempt=attempt)


def send_until(server, size, prefix):
    """Sends rollouts that take so many bytes, one after the other; returns the last of them."""
    sent, number = 0, 0
    while sent < size:
        number += 1
        body = random_body(f"{prefix} {number}", 25)
        otlp.assert_success(server.post(body))
        sent += 25 * TEXT
    return f"{prefix} {number}", body


@pytest.mark.parametrize("shape", ["rollouts that end", "rollouts that go on"])
def test_the_file_stays_within_its_limit_while_spans_come(start, shape):
    # Packing and stripping go on meanwhile, and must not keep the oldest from going.
    server = start(*retention.options(max_bytes=LIMIT, pack_after="200ms", payload_after="1h"))
    pinned = random_body("pinned", 30)
    otlp.assert_success(server.post(pinned))
    assert retention.pin(server, "pinned").status == 200
    running, attempt = retention.start_rollout(server)
    work = random_body(running, 30, attempt)
    otlp.assert_success(server.post(work))
    with Watch(server.data) as watch:
        if shape == "rollouts that end":
            last, body = send_until(server, FILLS * LIMIT, "r")
        else:
            for number in range(int(FILLS * LIMIT / (25 * TEXT))):
                body = random_body(last := f"endless {number % 10}", 25)
                otlp.assert_success(server.post(body))
        assert server.metric("fulgurite_retention_over_limit") == 0
    print(f"largest: {watch.largest_database / LIMIT:.3f} of the limit, with its log {watch.largest / LIMIT:.3f}")
    assert watch.largest_database <= 1.1 * LIMIT
    assert watch.largest <= 1.25 * LIMIT
    # It does not delete more than it has to.
    with database.open_database(server.data) as connection:
        free, pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    assert (pages - free) * 4096 > 0.6 * LIMIT
    assert retention.stored(server, "pinned") == retention.sent(pinned)
    assert retention.stored(server, running) == retention.sent(work)
    newest = retention.contents(retention.stored(server, last))
    assert set(retention.contents(retention.sent(body))) <= set(newest)
    assert server.stop() == 0
    assert retention.file_bytes(server.data) <= 1.1 * LIMIT
    retention.check_tables(server.data)


def test_it_says_so_when_what_may_not_go_is_too_large(start):
    server = start(*retention.options(max_bytes=LIMIT))
    running, attempt = retention.start_rollout(server)
    sent = []
    while sum(map(len, sent)) < 1.05 * LIMIT:
        sent.append(random_body(running, 50, attempt))
        otlp.assert_success(server.post(sent[-1]))
    server.wait_for_metric("fulgurite_retention_over_limit", lambda value: value == 1)
    server.wait_for_log("larger than retention.max_bytes")
    assert len(retention.stored(server, running)) == 50 * len(sent)
    # Spans are taken all the same, and others go meanwhile.
    otlp.assert_success(server.post(random_body("other", 1)))
    retention.agl(server, f"/rollouts/{running}/attempts/{attempt}", {"status": "succeeded"})
    server.wait_for_metric("fulgurite_retention_over_limit", lambda value: value == 0)
    server.wait_for_log("within retention.max_bytes again")
    retention.until(lambda: retention.stored(server, running) == [], "it goes when it has ended")


def test_the_bytes_go_back_to_the_file_system(start):
    server = start(*retention.options())
    for number in range(12):
        otlp.assert_success(server.post(random_body(f"old {number}", 100)))
    assert server.stop() == 0
    before = retention.file_bytes(server.data)
    assert before > 9_000_000
    server = start(*retention.options(max_age="100ms"))
    # While it runs.
    retention.until(lambda: retention.rollout_names(server) == set(), "all go")
    server.wait_for_metric("fulgurite_retention_freed_bytes_total", lambda value: value > before - 4_000_000)
    retention.until(lambda: database_bytes(server) < 4_000_000 or nudge(server), "the file shrinks")
    assert server.stop() == 0
    assert retention.file_bytes(server.data) < 4_000_000
    retention.check_tables(server.data)


def database_bytes(server):
    return database.find(server.data).stat().st_size


def nudge(server):
    """The file is cut when the log is copied into it, which follows writing."""
    otlp.assert_success(server.post(rows.body_of(f"nudge {time.monotonic()}")))


def test_a_dry_run_says_what_a_limit_of_bytes_would_cost(start):
    server = start(*retention.options())
    names = []
    for _ in range(200):
        # One that nobody has registered would have to be quiet for a while.
        rollout, attempt = retention.start_rollout(server)
        otlp.assert_success(server.post(random_body(rollout, 50, attempt)))
        retention.agl(server, f"/rollouts/{rollout}/attempts/{attempt}", {"status": "succeeded"})
        names.append(rollout)
    assert server.stop() == 0
    command = ("retention", "--dry-run", "--data", server.data, "--format", "json", f"--set=retention.max_bytes={LIMIT}")
    said = json.loads(program.run(*command, "--set=retention.max_age=0").stdout)
    would_go = {one["rolloutId"] for one in said["rollouts"]}
    server = start(*retention.options(max_bytes=LIMIT, interval="1h"))
    server.wait_for_metric("fulgurite_retention_passes_total", lambda passes: passes == 1)
    gone = set(names) - retention.rollout_names(server)
    # The oldest, and about as many.
    assert would_go == set(names[: len(would_go)])
    assert gone == set(names[: len(gone)])
    assert 0.75 * len(gone) <= len(would_go) <= 1.25 * len(gone), (len(gone), len(would_go))


# A full disk


@pytest.fixture
def small_disk(start, tmp_path):
    """A server whose data folder is a file system of 48 MiB, with retention that is far away."""
    mount = tmp_path / "disk"
    mount.mkdir()
    file = tmp_path / "fulgurite.yaml"
    write_policy(file, "1h")
    script = 'mount -t tmpfs -o size=48m,mode=700 none "$0" && exec "$@"'
    prefix = ["unshare", "-rm", "sh", "-c", script, mount]
    server = start("--config", file, name="disk", prefix=prefix, log=tmp_path / "disk.log")
    return server, pathlib.Path(f"/proc/{server.pid}/root{mount}"), file


def write_policy(file, age):
    file.write_text(f"retention:\n  max_age: {age}\n  interval: 50ms\n  clock_grace: 0\n  pack_after: 100ms\n")


@needs_namespaces
def test_deleting_goes_on_when_a_full_disk_has_room_again(small_disk):
    server, disk, file = small_disk
    kept = random_body("kept", 20)
    otlp.assert_success(server.post(kept))
    assert retention.pin(server, "kept").status == 200
    for number in range(10):
        otlp.assert_success(server.post(random_body(f"old {number}", 100)))
    fill(disk / "filler")
    # Some may still find room in pages that the files have already.
    taken = {}
    for number in range(300):
        name = f"late {number}"
        body = rows.body_of(name, wire.attribute("k", wire.string_value(os.urandom(20_000).hex())))
        if (status := server.post(body).status) == 200:
            taken[name] = body
        else:
            assert status == 503
    assert server.post(random_body("last", 50)).status == 503
    # Now all that is old is to go, and there is no room to say so.
    write_policy(file, "1s")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_log("options of retention are read again")
    retention.until(lambda: server.metric("fulgurite_retention_failing") == 1, "retention notices that the disk is full")
    server.wait_for_log("retention cannot go on")
    assert "full" in server.log()
    # Whole as before, or gone.
    for number in range(10):
        assert len(retention.stored(server, f"old {number}")) in (0, 100)
    assert retention.stored(server, "kept") == retention.sent(kept)
    (disk / "filler").unlink()
    retention.until(lambda: retention.rollout_names(server) == {"kept"}, "deleting goes on")
    retention.until(lambda: server.metric("fulgurite_retention_failing") == 0, "retention works")
    server.wait_for_log("retention works again")
    sending.post_until_accepted(server, rows.body_of("after"))
    assert retention.stored(server, "kept") == retention.sent(kept)
    retention.check_tables(copy_of(server, disk))
