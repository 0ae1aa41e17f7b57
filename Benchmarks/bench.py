#!/usr/bin/env python3
"""Measures the loads of the speed table and prints it as Markdown: load, measured, goal. Then those of the LLM proxy.

    bench.py [--runs 5] [--seconds 8] [--quick] [--only NAME] [--write docs/benchmarks.md]

Every figure is the median of --runs runs, each with a server of its own on a fresh folder, and the lowest and highest
run beside it. The load generator runs on the same machine, so its CPU is included. Needs `make build tools venv`, and
nginx and wrk for the LLM proxy. --only llm measures the LLM proxy alone.
"""

import argparse
import datetime
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "Tests" / "EndToEnd"))

import llm  # noqa: E402
import loads  # noqa: E402
import machine  # noqa: E402
import peers  # noqa: E402
import relays  # noqa: E402
import retention as retention_loads  # noqa: E402
from harness import paths  # noqa: E402
from results import Row  # noqa: E402


STORE_LOADS = [*loads.LOADS, *retention_loads.LOADS]


def main():
    options = parse_options()
    store, proxy = chosen(STORE_LOADS, options), chosen(llm.LOADS, options)
    paths.require(paths.BINARY)
    if store:
        paths.require(paths.OTLPLOAD, paths.OTLPSINK, paths.COMMITFLOOR, paths.AGLLOAD)
    if proxy:
        relays.require()
    folder = options.folder or paths.BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    if store:
        failures += measure_store(store, folder, options)
    if proxy:
        failures += measure_proxy(proxy, folder, options)
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


def measure_store(chosen_loads, folder, options):
    facts = machine.describe(folder)
    rows, failures = measure_all(chosen_loads, folder, options)
    peer_rows = [] if options.only else peers.measure(folder, options)
    text = render(facts, machine.load_average(), rows, peer_rows, options)
    finish(text, options.write, chosen_loads == STORE_LOADS and not failures)
    return failures


def measure_proxy(chosen_loads, folder, options):
    is_whole = chosen_loads == llm.LOADS
    litellm_version = relays.litellm_version()
    facts = {
        **machine.describe(folder),
        "nginx": relays.nginx_version(),
        llm.LITELLM: litellm_version or "not installed",
    }
    rows, failures = measure_all(chosen_loads, folder, options)
    # It takes a minute to start and to answer enough.
    with_litellm = litellm_version and is_whole and not options.quick
    peer_rows, peer_failures = measure_all([llm.litellm] if with_litellm else [], folder, options)
    text = render_llm(facts, machine.load_average(), rows, peer_rows, options)
    file = options.write and options.write.with_stem(options.write.stem + "-llm")
    finish(text, file, is_whole and not failures)
    return failures + peer_failures


def chosen(all_loads, options):
    return [load for load in all_loads if not options.only or options.only in load.__name__]


def measure_all(chosen_loads, folder, options):
    """The rows of all loads, and what became of those that failed."""
    rows, failures = [], []
    for load in chosen_loads:
        try:
            rows += measure(load, folder, options)
        except Exception as error:
            # The others are still worth knowing; the exit status tells of this one.
            failures.append(f"{load.__name__}: {type(error).__name__}: {error}")
    return rows, failures


def finish(text, file, is_whole):
    """Prints a document and writes it, unless that would leave out what the file says of other loads."""
    print(text)
    if file and is_whole:
        file.write_text(text)
    elif file:
        print(f"{file} stays as it is: not all of its loads were measured", file=sys.stderr)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each load; the median is shown (5)")
    parser.add_argument("--seconds", type=float, default=8, help="length of a load that is measured by time (8)")
    parser.add_argument("--million", type=int, default=1_000_000, help='spans of the "database of 1 million spans"')
    parser.add_argument("--folder", type=pathlib.Path, help="where the data folders are made (.build/bench)")
    parser.add_argument("--only", help="only the loads whose function name holds this text")
    parser.add_argument(
        "--write",
        type=pathlib.Path,
        help="also write the result to this file, and that of the LLM proxy beside it (FILE-llm.md)",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short run, a small database")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.million = 1, 1, 50_000
    return options


def measure(load, folder, options):
    """The rows of one load: (description, goal, values of all runs)."""
    results = []
    runs = min(options.runs, getattr(load, "most_runs", options.runs))
    for number in range(runs):
        print(f"{load.__name__}: run {number + 1} of {runs}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as run_folder:
            results.append(load(pathlib.Path(run_folder), options))
    return [Row.merged(rows) for rows in zip(*results, strict=True)]


def render(facts, load_after, rows, peer_rows, options):
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.date.today()}: median of {options.runs}, lowest and highest run in "
        f"brackets (none: a single run, which takes minutes), {options.seconds:g} s a run where a load is measured by "
        "time. The load generator (`Benchmarks/otlpload`) runs on the same cores. Acknowledged means committed and synced "
        '(`store.durability = "power"`). 100 spans a request and about 600 bytes a span unless said otherwise. '
        "[benchmarks-llm.md](benchmarks-llm.md) has the LLM proxy.",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        f"- load average when the runs ended: {load_after}",
        "",
        "| load | measured | goal | |",
        "| --- | --- | --- | --- |",
        *(row_line(row) for row in rows),
    ]
    if options.quick:
        lines.insert(2, SMOKE)
    if peer_rows:
        lines += ["", "Peers found on this machine, same loads:", "", *peer_lines(peer_rows, rows)]
    return "\n".join(lines) + "\n"


SMOKE = "**A smoke run: one short run on a small database. Not a measurement.**\n"


def peer_lines(peer_rows, rows):
    return [
        "| peer and load | measured | Fulgurite is better |",
        "| --- | --- | --- |",
        *(f"| {row.load} | {row.text} | {advantage(row, rows)} |" for row in peer_rows),
    ]


def render_llm(facts, load_after, rows, peer_rows, options):
    accounts = [row for row in rows if isinstance(row, llm.AccountRow)]
    figures = [row for row in rows if not isinstance(row, llm.AccountRow)]
    lines = [
        "# Benchmarks of the LLM proxy",
        "",
        f"Written by `make bench` on {datetime.date.today()}: median of {options.runs}, lowest and highest run in "
        f"brackets, {options.seconds:g} s a run. `make bench BENCH_ARGUMENTS='--only llm'` measures this page alone.",
        "",
        llm.METHOD,
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        f"- load average when the runs ended: {load_after}",
        "",
        "| load | measured | goal | | direct | nginx |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"{row_line(row)} {row.beside_text(llm.DIRECT)} | {row.beside_text(llm.NGINX)} |" for row in figures),
        "",
        "What the same calls cost, and that nothing was lost: 1 span a call is the goal, no call that was not "
        "recorded, and no answer that the proxy gave up at the provider while its client waited. Calls are those that "
        "the proxy sent on; the provider must have counted as many, or fewer by calls whose client left.",
        "",
        *llm.AccountRow.HEADER,
        *(row.line for row in accounts),
        "",
    ]
    if options.quick:
        lines.insert(2, SMOKE)
    if peer_rows:
        lines += [f"{llm.LITELLM} in the place of Fulgurite, one worker, without any recording:", ""]
        lines += peer_lines(peer_rows, rows)
    else:
        lines += [f"{llm.LITELLM} was not measured: {relays.LITELLM_NEEDS}, and a run of all of these loads."]
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
