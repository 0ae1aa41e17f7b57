"""A database file that is not what it should be is refused with a clear message, and left as it is."""

import contextlib
import os
import sqlite3

import pytest
from harness import database, otlp, rows
from harness import server as program


def stopped_store(start):
    """The database file of a server that stored a span and ended."""
    server = start()
    otlp.assert_success(server.post(rows.body_of("stored")))
    assert server.stop() == 0
    return database.find(server.data)


def assert_refuses_to_start(start, file, *words):
    """The server does not start, says why, and leaves the file as it is."""
    before = file.read_bytes()
    with pytest.raises(program.StartFailure) as failure:
        start(log=file.parent.with_name("second.log"))
    assert failure.value.code > 0
    for word in words:
        assert word in failure.value.log, failure.value.log
    assert file.read_bytes() == before


def test_a_newer_schema_is_refused(start):
    file = stopped_store(start)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 1000000")
    assert_refuses_to_start(start, file, "newer", "1000000")


def test_a_database_of_another_program_is_refused(start):
    file = stopped_store(start)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA application_id = 12345")
    assert_refuses_to_start(start, file, str(file))


def test_a_file_that_is_no_database_is_refused(start):
    file = stopped_store(start)
    file.write_bytes(b"text " * 10_000)
    assert_refuses_to_start(start, file, str(file))


def test_a_corrupt_database_is_refused_or_serves_what_is_sound(start):
    """Damage in the schema's page cannot be overlooked."""
    file = stopped_store(start)
    damaged = bytearray(file.read_bytes())
    damaged[100:4096] = os.urandom(3996)
    file.write_bytes(damaged)
    assert_refuses_to_start(start, file, str(file))


def test_a_file_cut_in_the_middle_is_refused(start):
    file = stopped_store(start)
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096 + 100)
    assert_refuses_to_start(start, file, str(file))
