"""Runs of the program that end on their own, and what their failures look like."""

from . import server


def assert_fails(completed, *words):
    """The command failed, said why on standard error in a line or few, and printed nothing else."""
    # A negative status would be a death by a signal.
    assert completed.returncode > 0, completed
    assert completed.stdout == ""
    for word in words:
        assert word in completed.stderr, completed.stderr
    assert "Fatal error" not in completed.stderr


def serve_in_vain(tmp_path, *arguments, environment=None):
    """Runs a server that is expected not to start."""
    arguments = server.with_free_ports(arguments)
    return server.run("serve", "--data", tmp_path / "data", *arguments, environment=environment)
