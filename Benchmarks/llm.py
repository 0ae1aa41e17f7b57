"""The loads of the LLM proxy. Each function runs one load once and returns its rows.

Every run asks the provider directly, then through nginx, then through the proxy, then directly again, of which the
better figure counts. The proxy records full contents. Client, relays and provider have two cores together.
"""

import contextlib
import statistics
import time

import relays
from relays import MODEL, chat
from results import Row

DIRECT, NGINX, PROXY = "direct", "nginx", "proxy"
LITELLM = "LiteLLM"

# 20 streams a second with a record every 10 ms are few for a median.
PACED_SECONDS = 6

METHOD = (
    "One process receives, relays and records full contents, committed and synced, on the two cores that the client "
    "and the provider (`Tests/EndToEnd/harness/fake_provider.py`, which answers at once) have as well. Every run asks "
    "the provider directly, through nginx (one worker, without buffering or a log: the floor of any relay), through "
    "the proxy, and directly again; the better direct figure counts. `direct` and `nginx` are medians in the unit of "
    "the line; for what is added, `direct` is the whole time. Rates are those of wrk with one thread; the direct one "
    "is the limit of client and provider. Times are those of the provider's own client. Streams with pauses run for "
    f"{PACED_SECONDS} s at least."
)

STREAM_MODEL = f"{MODEL}?chunks=20"
PACED_MODEL = f"{MODEL}?chunks=20&gap=10"
OPEN_STREAMS = 64
LARGE_BYTES = 20_000_000
LARGE_ANSWERS = 5

CALLS = "calls, 64 connections"
STREAMS = "streams of 20 records, 64 connections"
ADDED_P50 = "added to a call, 1 connection, p50"
ADDED_P99 = "added to a call, 1 connection, p99"
ADDED_FIRST = "added to the first record of a stream with a record every 10 ms, 4 connections, p50"
ADDED_GAP = "added to the time between such records, p99"


class Ways:
    """The ways to one provider."""

    def __init__(self, upstream, nginx, proxy, options):
        self.direct, self.nginx, self.proxy, self.options = relays.direct(upstream), nginx, proxy, options

    def measure(self, figures):
        """`figures(relay)` of all three: `{DIRECT: ..., NGINX: ..., PROXY: ...}`, and the proxy's account.

        `figures` gives a dictionary of figures, of which less is better unless its name ends with "/s".
        """
        first = figures(self.direct)
        floor = figures(self.nginx)
        self.proxy.begin()
        ours = figures(self.proxy.relay)
        account = self.proxy.account()
        second = first if self.options.quick else figures(self.direct)
        return {DIRECT: better(first, second), NGINX: floor, PROXY: ours}, account


def better(first, second):
    """The better of two runs, figure by figure."""
    return {name: (max if name.endswith("/s") else min)(first[name], second[name]) for name in first}


@contextlib.contextmanager
def ways(folder, options):
    with (
        relays.two_cores(),
        relays.fake_provider() as upstream,
        relays.nginx(upstream, folder / "nginx") as nginx,
        relays.Fulgurite(upstream, folder / "data") as proxy,
    ):
        yield Ways(upstream, nginx, proxy, options)


def row(load, goal, unit, results, name):
    """The figure of that name, beside what it is without the proxy."""
    beside = {way: [results[way][name]] for way in (DIRECT, NGINX)}
    return Row(load, goal, unit, [results[PROXY][name]], beside=beside)


def added_row(load, goal, results, name):
    """What the proxy and nginx add to a figure; directly it is the whole time."""
    whole = results[DIRECT][name]
    beside = {DIRECT: [whole], NGINX: [results[NGINX][name] - whole]}
    return Row(load, goal, "ms", [results[PROXY][name] - whole], beside=beside)


class AccountRow(Row):
    """What the calls of a load cost the proxy, and what became of them."""

    HEADER = (
        "| load | calls | CPU of the proxy a call, with recording | spans a call | not recorded | given up | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )

    @property
    def is_reached(self):
        beside = self.beside
        counts = zip(beside["calls"], beside["asked"], beside["left"])
        is_confirmed = all(calls - left <= asked <= calls for calls, asked, left in counts)
        is_whole = beside["spans"] == beside["calls"] and not any(beside["dropped"] + beside["aborted"])
        return is_confirmed and is_whole

    @property
    def line(self):
        calls, spans, dropped, aborted = (sum(self.beside[name]) for name in ("calls", "spans", "dropped", "aborted"))
        # All digits that tell a share of millions from 1.
        share = f"{spans / calls:.9g}"
        verdict = "reached" if self.is_reached else "missed"
        return f"| {self.load} | {calls:,.0f} | {self.text} | {share} | {dropped:g} | {aborted:g} | {verdict} |"


def account_row(load, account):
    beside = {
        "calls": [account.calls],
        "asked": [account.asked],
        "left": [account.left],
        "spans": [account.recorded],
        "dropped": [account.dropped],
        "aborted": [account.aborted],
    }
    return AccountRow(load, None, "us", [account.cpu_microseconds], beside=beside)


def llm_latency(folder, options):
    with ways(folder, options) as there:
        results, account = there.measure(lambda relay: call_times(relay, options.seconds))
    return [
        added_row(ADDED_P50, 0.15, results, "p50"),
        added_row(ADDED_P99, 1, results, "p99"),
        account_row("calls, 1 connection", account),
    ]


def call_times(relay, seconds):
    return relays.timed(relay, 1, seconds)["total_ms"]


def llm_calls(folder, options):
    with ways(folder, options) as there:
        results, account = there.measure(lambda relay: call_rate(relay, options.seconds))
    return [row(CALLS, 6_000, "calls/s", results, "calls/s"), account_row(CALLS, account)]


def call_rate(relay, seconds):
    return {"calls/s": relays.rate(relay, 64, seconds, chat())}


def llm_streams(folder, options):
    with ways(folder, options) as there:
        results, account = there.measure(lambda relay: stream_rate(relay, options.seconds))
    return [row(STREAMS, 1_800, "streams/s", results, "streams/s"), account_row(STREAMS, account)]


def stream_rate(relay, seconds):
    return {"streams/s": relays.rate(relay, 64, seconds, chat(STREAM_MODEL, stream=True))}


def llm_paced_streams(folder, options):
    with ways(folder, options) as there:
        results, account = there.measure(lambda relay: paced_times(relay, paced_seconds(options)))
    return [
        added_row(ADDED_FIRST, 0.3, results, "first"),
        added_row(ADDED_GAP, 0.5, results, "gap"),
        account_row("streams with a record every 10 ms, 4 connections", account),
    ]


def paced_seconds(options):
    return options.seconds if options.quick else max(PACED_SECONDS, options.seconds)


def paced_times(relay, seconds):
    result = relays.timed(relay, 4, seconds, "--stream", model=PACED_MODEL)
    return {"first": result["ttfb_ms"]["p50"], "gap": result["gap_ms"]["p99"]}


def llm_open_streams(folder, options):
    """Memory of new processes while streams are open."""
    model = f"{MODEL}?chunks={20 if options.quick else 200}&gap=50"
    with ways(folder, options) as there:
        idle = there.proxy.relay.resident_bytes()
        floor = open_streams_bytes(there.nginx, there.proxy.upstream, model)
        there.proxy.begin()
        ours = open_streams_bytes(there.proxy.relay, there.proxy.upstream, model)
    return [
        Row("resident memory before the first call", None, "MB", [idle / 1e6]),
        Row(
            f"resident memory with {OPEN_STREAMS} open streams, highest",
            40,
            "MB",
            [ours / 1e6],
            beside={NGINX: [floor / 1e6]},
        ),
    ]


def open_streams_bytes(relay, upstream, model):
    """The highest resident memory from when all streams are open until the first ends."""
    with contextlib.ExitStack() as stack:
        for _ in range(OPEN_STREAMS):
            stack.enter_context(relays.begin(relay, chat(model, stream=True)))
        upstream.wait_for(lambda counters: counters["in_flight"] == OPEN_STREAMS)
        highest = relay.resident_bytes()
        while upstream.counters()["in_flight"] == OPEN_STREAMS:
            highest = max(highest, relay.resident_bytes())
            time.sleep(0.1)
    upstream.wait_for(lambda counters: counters["in_flight"] == 0)
    return highest


def llm_large_answer(folder, options):
    """As configured by default, 8 MiB of an answer are recorded."""
    with ways(folder, options) as there:
        # What a process needs once is not the answer's.
        for _ in range(50):
            ask_once(there.proxy.relay, MODEL)
        before = there.proxy.server.resident_bytes()
        forget_peak(there.proxy.server)
        results, account = there.measure(large_answer_times)
        growth = there.proxy.server.peak_resident_bytes() - before
    load = f"answer of {LARGE_BYTES / 1e6:.0f} MB"
    return [
        row(load, 0.1, "s", results, "seconds"),
        Row(f"{load}: growth of resident memory, highest", 8, "MB", [growth / 1e6]),
        account_row(load, account),
    ]


def large_answer_times(relay):
    times = []
    for _ in range(LARGE_ANSWERS):
        started = time.perf_counter()
        ask_once(relay, f"{MODEL}?huge={LARGE_BYTES}")
        times.append(time.perf_counter() - started)
    return {"seconds": statistics.median(times)}


def ask_once(relay, model):
    with relays.begin(relay, chat(model)) as connection:
        relays.receive(connection)


def forget_peak(running):
    """Lets `peak_resident_bytes` count from now on."""
    with open(f"/proc/{running.pid}/clear_refs", "w") as file:
        file.write("5")


LOADS = [
    llm_latency,
    llm_calls,
    llm_streams,
    llm_paced_streams,
    llm_open_streams,
    llm_large_answer,
]


# LiteLLM, which records nothing here


def litellm(folder, options):
    """The rows of LiteLLM, to be compared with ours; its proxy is started once for all of them."""
    upstream = relays.fake_provider()
    with relays.two_cores(), upstream, relays.litellm(upstream, folder / "litellm", MODELS) as relay:
        direct = relays.direct(upstream)

        def added(figures):
            """What it adds to each figure."""
            first, theirs, second = figures(direct), figures(relay), figures(direct)
            return {name: theirs[name] - value for name, value in better(first, second).items()}

        calls = added(lambda way: call_times(way, options.seconds))
        paced = added(lambda way: paced_times(way, paced_seconds(options)))
        # At 64 connections an answer takes seconds.
        seconds = max(10, options.seconds)
        figures = [
            (ADDED_P50, "ms", calls["p50"]),
            (ADDED_P99, "ms", calls["p99"]),
            (CALLS, "calls/s", call_rate(relay, seconds)["calls/s"]),
            (STREAMS, "streams/s", stream_rate(relay, seconds)["streams/s"]),
            (ADDED_FIRST, "ms", paced["first"]),
            (ADDED_GAP, "ms", paced["gap"]),
            ("resident memory after that", "MB", relay.resident_bytes() / 1e6),
        ]
    return [Row(f"{LITELLM}: {load}", None, unit, [value], compares_with=load) for load, unit, value in figures]


MODELS = [MODEL, STREAM_MODEL, PACED_MODEL]
