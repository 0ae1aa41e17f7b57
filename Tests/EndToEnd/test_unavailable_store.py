"""While the store cannot be written: 503, nothing acknowledged is lost, and recovery without a restart."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess

import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from harness import database, http2, otlp, rows, sending, wire
from harness import server as program


def assert_unavailable(server, name):
    """Both transports say "try again", and when."""
    response = server.post(rows.body_of(name))
    assert response.status == 503
    assert int(response.header("Retry-After")) >= 1
    assert otlp.status_of(response)[0] == 14
    answer = http2.grpc_call(server.otlp_grpc, http2.grpc_message(rows.body_of(name)))
    assert answer.grpc_status == 14
    [detail] = Status.FromString(answer.grpc_details).details
    retry = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry)
    assert retry.retry_delay.seconds >= 1 or retry.retry_delay.nanos > 0


def test_a_database_locked_by_another_process_is_503_until_it_is_free(start):
    server = start("--set", "store.busy_timeout=200ms")
    otlp.assert_success(server.post(rows.body_of("before")))
    other = sqlite3.connect(database.find(server.data), isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        assert_unavailable(server, "while")
        assert "locked" in server.log() or "busy" in server.log()
        # Readers are not disturbed by a writer.
        assert len(rows.stored(server, "before")) == 1
        other.execute("ROLLBACK")
    sending.post_until_accepted(server, rows.body_of("after"))
    assert [len(rows.stored(server, name)) for name in ("before", "while", "after")] == [1, 0, 1]


def test_a_reader_of_another_process_disturbs_nobody(start):
    server = start()
    otlp.assert_success(server.post(rows.body_of("one")))
    other = sqlite3.connect(database.find(server.data), isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM span_view").fetchone() == (1,)
        for number in range(50):
            otlp.assert_success(server.post(rows.body_of(f"more {number}")))
        assert other.execute("SELECT count(*) FROM span_view").fetchone() == (1,)
        other.execute("ROLLBACK")
        assert other.execute("SELECT count(*) FROM span_view").fetchone() == (51,)


needs_namespaces = pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="unshare -rm is not permitted here, so no small file system can be mounted",
)


@pytest.fixture
def small_disk(start, tmp_path):
    """A server whose data folder is a file system of 16 MiB; returns it and the folder as seen from here."""
    mount = tmp_path / "disk"
    mount.mkdir()
    script = 'mount -t tmpfs -o size=16m,mode=700 none "$0" && exec "$@"'
    server = start(name="disk", prefix=["unshare", "-rm", "sh", "-c", script, mount], log=tmp_path / "disk.log")
    # The mount exists in the server's mount namespace only; the kernel shows it under the process.
    return server, pathlib.Path(f"/proc/{server.pid}/root{mount}")


def send_large(server, name, accepted):
    """Sends a span of 40 kB that does not compress, notes its name when it was accepted, and returns the status."""
    text = wire.attribute("k", wire.string_value(os.urandom(20_000).hex()))
    response = server.post(rows.body_of(name, text))
    if response.status == 200:
        accepted.append(name)
    return response.status


@needs_namespaces
def test_a_full_disk_is_503_until_there_is_room_and_loses_nothing(small_disk):
    server, disk = small_disk
    accepted = []
    for number in range(20):
        assert send_large(server, f"before {number}", accepted) == 200
    fill(disk / "filler")
    # Some may still find room in pages that the files have already.
    statuses = [send_large(server, f"filling {number}", accepted) for number in range(180)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 503
    assert_unavailable(server, "while full")
    assert "full" in server.log()
    assert server.get("/readyz").status == 503
    assert server.get("/healthz").status == 200
    # What was acknowledged is served while the disk is full.
    assert len(rows.stored(server, accepted[-1])) == 1

    (disk / "filler").unlink()
    sending.post_until_accepted(server, rows.body_of("after"))
    assert server.get("/readyz").status == 200
    assert rows.stored(server, "while full") == []
    for name in [*accepted, "after"]:
        assert len(rows.stored(server, name)) == 1, name
    assert database.integrity(copy_of(server, disk)) == ["ok"]


def copy_of(server, disk):
    """The files of a server whose file system is its own.

    SQLite would follow the link below /proc out of it, and make an empty database there. The file system goes away with its
    last process, so the files are taken while the server is stopped, not ended.
    """
    copy = server.data.with_name("copy")
    os.kill(server.pid, signal.SIGSTOP)
    shutil.copytree(disk, copy, ignore=shutil.ignore_patterns("filler"))
    os.kill(server.pid, signal.SIGCONT)
    return copy


def fill(path):
    """Writes a file until the file system is full."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))


@needs_namespaces
def test_a_server_killed_on_a_full_disk_has_what_it_acknowledged(small_disk):
    server, disk = small_disk
    accepted = []
    for number in range(20):
        assert send_large(server, f"before {number}", accepted) == 200
    fill(disk / "filler")
    for number in range(180):
        send_large(server, f"filling {number}", accepted)
    copy = copy_of(server, disk)
    assert database.integrity(copy) == ["ok"]
    assert {row[0] for row in database.span_rows(copy)} == {rows.trace_of(name).hex() for name in accepted}


@needs_namespaces
def test_a_read_only_folder_is_said_clearly(start, tmp_path):
    first = start()
    otlp.assert_success(first.post(rows.GOOD_BODY))
    assert first.stop() == 0
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    prefix = ["unshare", "-rm", "sh", "-c", script, first.data]
    with pytest.raises(program.StartFailure) as failure:
        start(prefix=prefix, log=tmp_path / "second.log")
    assert failure.value.code > 0
    assert "read-only" in failure.value.log.lower() or "readonly" in failure.value.log.lower()
    assert str(first.data) in failure.value.log
