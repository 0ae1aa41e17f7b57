"""Describes the machine that a benchmark ran on."""

import os
import pathlib
import platform
import sqlite3
import statistics
import time


def describe(folder):
    """Facts that a reader needs to compare figures."""
    return {
        "CPU": f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": platform.release(),
        "disk": f"{file_system(folder)}, 4 KiB write and fdatasync p50 {sync_microseconds(folder):.0f} us",
        "SQLite": sqlite3.sqlite_version,
        "load average when the runs began": load_average(),
    }


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load_average():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def file_system(folder):
    """The type of the file system that holds `folder`."""
    best = ("", "unknown")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if pathlib.Path(folder).resolve().is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def sync_microseconds(folder, rounds=300):
    """What one synced commit costs here at least."""
    path = pathlib.Path(folder) / "sync-probe"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1e6
    finally:
        os.close(descriptor)
        path.unlink()
