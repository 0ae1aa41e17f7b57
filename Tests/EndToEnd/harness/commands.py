"""Runs of the program that end on their own, and what their failures look like."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

from . import paths, server


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


def lines_on_a_terminal(width, *arguments):
    """Runs a command on a terminal of so many columns, and returns the lines it prints there."""
    parent, child = pty.openpty()
    try:
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        command = [str(word) for word in (paths.BINARY, *arguments)]
        process = subprocess.Popen(command, stdout=child, env=server.clean_environment())
        os.close(child)
        text = b""
        while piece := _read(parent):
            text += piece
        assert process.wait() == 0
    finally:
        os.close(parent)
    return text.decode().splitlines()


def _read(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        # EIO: nobody has the other end open any more.
        return b""
