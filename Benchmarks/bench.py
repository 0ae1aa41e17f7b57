#!/usr/bin/env python3
"""Measures the loads of the speed table and prints it as Markdown: load, measured, goal.

    bench.py [--runs 5] [--seconds 8] [--quick] [--only NAME] [--write docs/benchmarks.md]

Every figure is the median of --runs runs, each with a server of its own on a fresh folder, and the lowest and highest
run beside it. The load generator runs on the same machine, so its CPU is included. Needs `make build tools venv`.
"""

import argparse
import datetime
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "Tests" / "EndToEnd"))

import loads  # noqa: E402
import machine  # noqa: E402
import peers  # noqa: E402
from harness import paths  # noqa: E402
from results import Row  # noqa: E402


def main():
    options = parse_options()
    paths.require(paths.BINARY, paths.OTLPLOAD, paths.OTLPSINK, paths.COMMITFLOOR, paths.AGLLOAD)
    folder = options.folder or paths.BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    facts = machine.describe(folder)
    rows, failures = [], []
    for load in loads.LOADS:
        if options.only and options.only not in load.__name__:
            continue
        try:
            rows += measure(load, folder, options)
        except Exception as error:
            # The others are still worth knowing; the exit status tells of this one.
            failures.append(f"{load.__name__}: {type(error).__name__}: {error}")
    peer_rows = [] if options.only else peers.measure(folder, options)
    text = render(facts, machine.load_average(), rows, peer_rows, options)
    print(text)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    if options.write and not failures:
        options.write.write_text(text)
    return 1 if failures else 0


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each load; the median is shown (5)")
    parser.add_argument("--seconds", type=float, default=8, help="length of a load that is measured by time (8)")
    parser.add_argument("--million", type=int, default=1_000_000, help='spans of the "database of 1 million spans"')
    parser.add_argument("--folder", type=pathlib.Path, help="where the data folders are made (.build/bench)")
    parser.add_argument("--only", help="only the loads whose function name holds this text")
    parser.add_argument("--write", type=pathlib.Path, help="also write the result to this file")
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short run, a small database")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.million = 1, 1, 50_000
    return options


def measure(load, folder, options):
    """The rows of one load: (description, goal, values of all runs)."""
    results = []
    for number in range(options.runs):
        print(f"{load.__name__}: run {number + 1} of {options.runs}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as run_folder:
            results.append(load(pathlib.Path(run_folder), options))
    return [
        Row(first.load, first.goal, first.unit, [value for result in results for value in result[index].values])
        for index, first in enumerate(results[0])
    ]


def render(facts, load_after, rows, peer_rows, options):
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.date.today()}: median of {options.runs}, lowest and highest run in "
        f"brackets, {options.seconds:g} s a run where a load is measured by time. The load generator "
        "(`Benchmarks/otlpload`) runs on the same cores. Acknowledged means committed and synced "
        '(`store.durability = "power"`). 100 spans a request and about 600 bytes a span unless said otherwise.',
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        f"- load average when the runs ended: {load_after}",
        "",
        "| load | measured | goal | |",
        "| --- | --- | --- | --- |",
        *(row_line(row) for row in rows),
    ]
    if options.quick:
        lines.insert(2, "**A smoke run: one short run on a small database. Not a measurement.**\n")
    if peer_rows:
        lines += ["", "Peers found on this machine, same loads:", ""]
        lines += ["| peer and load | measured | Fulgurite is better |", "| --- | --- | --- |"]
        lines += [f"| {row.load} | {row.text} | {advantage(row, rows)} |" for row in peer_rows]
    return "\n".join(lines) + "\n"


def advantage(peer_row, rows):
    """How many times better our own line for the same load is."""
    ours = [row for row in rows if row.load == peer_row.compares_with]
    return ours[0].advantage_over(peer_row) if ours else ""


def row_line(row):
    verdict = {True: "reached", False: "missed", None: ""}[row.is_reached]
    return f"| {row.load} | {row.text} | {row.goal_text} | {verdict} |"


if __name__ == "__main__":
    sys.exit(main())
