"""Looks into a data folder with Python's SQLite, as anyone with the `sqlite3` shell can."""

import contextlib
import pathlib
import sqlite3

MAGIC = b"SQLite format 3\0"


def find(data):
    """The one SQLite database of a data folder."""
    found = [path for path in sorted(pathlib.Path(data).rglob("*")) if path.is_file() and _is_database(path)]
    assert len(found) == 1, f"expected one database in {data}, found {found}"
    return found[0]


def _is_database(path):
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextlib.contextmanager
def open_database(data):
    connection = sqlite3.connect(find(data), timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def span_rows(data):
    """Iterates over `(trace id, span id, rollout id)` of every stored span, ids in lower-case hex."""
    with open_database(data) as connection:
        yield from connection.execute("SELECT trace_id, span_id, rollout_id FROM span_view")


def integrity(data):
    """The rows of PRAGMA integrity_check; `['ok']` for a sound file."""
    with open_database(data) as connection:
        return [row[0] for row in connection.execute("PRAGMA integrity_check")]
