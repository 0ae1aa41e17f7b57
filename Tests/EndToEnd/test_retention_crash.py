"""SIGKILL while retention deletes, strips, packs, gathers and vacuums: nothing is half done, nothing that stays is lost.

RETENTION_KILLS=100 kills more often; `make test-retention` does that.
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time

import pytest
from harness import database, otlp, retention
from harness import server as program
from test_retention_bytes import send_until

KILLS = int(os.environ.get("RETENTION_KILLS", 4))
# How long a server lives at most, from its first deletion on.
LONGEST_SECONDS = 0.8
# Some need several steps to go; a step takes 64 spans at least, and a thousand at first.
SIZES = [2, 30, 400, 3_000]
KINDS = ["plain", "plain", "pinned", "valued", "none"]
# What a limit of bytes takes of rollouts that nobody has registered and that are not quiet yet is their oldest traces: each
# of these has one, which goes in one step.
SMALL_SIZES = [2, 30, 60]
BYTES = 64 << 20


class Facts:
    """What was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        # Requests of rollouts that stay, by the name of the rollout.
        self.kept = {}
        # Requests that are all that a rollout has: they go, or lose their prompts.
        self.whole = {}

    def add(self, name, body):
        with self.lock:
            self.kept.setdefault(name, []).append(body)

    def choose(self, choice, table):
        with self.lock:
            return choice.choice(list(table.items())) if table else None


class Client:
    """Calls on one connection until the server is gone."""

    def __init__(self, server, facts, seed, kinds=(), sizes=(), text=0):
        self.kinds = kinds
        self.sizes = sizes
        # Characters of each prompt.
        self.text = text
        self.otlp = http.client.HTTPConnection(*server.otlp_http, timeout=30)
        self.api = http.client.HTTPConnection(*server.api, timeout=30)
        self.facts = facts
        self.random = random.Random(seed)
        self.seed = seed

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(self.otlp), contextlib.closing(self.api):
            while True:
                self.work()

    def send(self, body):
        self.otlp.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        response = self.otlp.getresponse()
        response.read()
        assert response.status == 200, response.status

    def ask(self, path, method="GET"):
        self.api.request(method, path)
        response = self.api.getresponse()
        return response.status, response.read()


class Sender(Client):
    """Sends rollouts that go, and some that stay because they are pinned or carry a reward."""

    number = 0

    def work(self):
        self.number += 1
        name = f"{self.seed}-{self.number}"
        kind = self.random.choice(self.kinds)
        if kind == "none":
            self.send(retention.wire.request(*(self.span(os.urandom(16), n) for n in range(1, 4))))
        elif kind == "plain":
            self.send_plain(name)
        else:
            self.send_kept(name, kind)

    def span(self, trace, number):
        return retention.llm_span(trace, number, retention.random_text(self.random.choice([20, 200, 2_000])))

    def send_plain(self, name):
        size, trace = self.random.choice(self.sizes), self.random.randbytes(16)
        # All in one request: it has all of its spans from the start.
        text = retention.random_text(self.text)
        body = retention.request(name, *(retention.llm_span(trace, n, text) for n in range(1, size + 1)))
        self.send(body)
        with self.facts.lock:
            self.facts.whole[name] = (size, trace.hex(), body)

    def send_kept(self, name, kind):
        trace = self.random.randbytes(16)
        first = self.span(trace, 1) if kind == "pinned" else retention.reward_span(trace, 1)
        bodies = [retention.request(name, first)]
        self.send(bodies[0])
        if kind == "pinned":
            status, _ = self.ask(f"/api/v1/rollouts/{name}/pin", "POST")
            # On a busy machine it may be too old already.
            assert status in (200, 404)
            if status == 404:
                return
        self.facts.add(name, bodies[0])
        for number in range(2, self.random.randrange(3, 12)):
            body = retention.request(name, self.span(trace, number))
            self.send(body)
            self.facts.add(name, body)


class Asker(Client):
    """Asks for rollouts that may be going: each is there as a whole, or not at all."""

    seen = gone = cut = 0

    def work(self):
        try:
            self.look()
        except http.client.IncompleteRead:
            # Long answers end with an error when a span that they should have is deleted. The next call says if it was a kill.
            self.cut += 1
            self.api.close()

    def look(self):
        chosen = self.facts.choose(self.random, self.facts.whole)
        if chosen is None:
            return
        name, (size, trace, _) = chosen
        path = self.random.choice([f"/api/v1/rollouts/{name}/spans", f"/api/v1/traces/{trace}"])
        status, answer = self.ask(path + "?limit=10000")
        found = 0 if status == 404 else len(otlp.flatten(json.loads(answer)))
        assert found in (0, size), (path, found, size)
        self.seen += found > 0
        self.gone += found == 0
        _, answer = self.ask(f"/v1/agl/spans?rollout_id={name}&limit=-1")
        assert len(json.loads(answer)["items"]) in (0, size), name


WORK = ["deleted_spans", "stripped_spans", "moved_spans"]


class Lives:
    """A data folder, and the servers that are killed on it one after the other."""

    def __init__(self, start, policy, seed, kinds=KINDS, sizes=SIZES, text=60):
        self.start = start
        self.text = text
        self.kinds = kinds
        self.sizes = sizes
        self.arguments = retention.options(**policy)
        self.facts = Facts()
        self.random = random.Random(seed)
        self.done = dict.fromkeys(WORK, 0)
        self.asked = [0, 0]

    def live(self):
        """One life of a server under load."""
        server = self.start(*self.arguments)
        seeds = [self.random.randrange(1 << 31) for _ in range(2)]
        senders = [Sender(server, self.facts, seed, self.kinds, self.sizes, self.text) for seed in seeds]
        askers = [Asker(server, self.facts, self.random.randrange(1 << 31))]
        threads = [Failing(client.run) for client in [*senders, *askers]]
        server.wait_for_metric("fulgurite_retention_passes_total", lambda passes: passes > 1)
        end = time.monotonic() + self.random.uniform(0.1, LONGEST_SECONDS)
        counts = {}
        # Nothing is waited for: the random moment is the point of this test.
        while time.monotonic() < end:
            metrics = server.metrics()
            counts = {name: sum(v for k, v in metrics.items() if f"retention_{name}" in k) for name in WORK}
            # In the middle of it, as others see it.
            retention.check_tables(server.data)
        server.kill()
        for thread in threads:
            thread.end()
        for name, count in counts.items():
            self.done[name] += count
        self.asked[0] += askers[0].seen
        self.asked[1] += askers[0].gone
        retention.check_tables(server.data)


class Failing(threading.Thread):
    """A thread whose failed assertions fail the test."""

    def __init__(self, body):
        super().__init__(daemon=True)
        self.body = body
        self.failure = None
        self.start()

    def run(self):
        try:
            self.body()
        except BaseException as failure:
            self.failure = failure

    def end(self):
        self.join(60)
        assert not self.is_alive()
        if self.failure:
            raise self.failure


def check_kept(server, facts, *, may_lose_prompts=False):
    """All that was acknowledged of rollouts that stay is there, and no more of them than what was not acknowledged."""
    for name, bodies in facts.kept.items():
        stored = retention.stored(server, name)
        expected = retention.sent(*bodies)
        if may_lose_prompts and stored and retention.contents(stored[:1]) != retention.contents(expected[:1]):
            # It was too old before it was pinned.
            expected[0] = retention.stripped(expected[0])
        texts = retention.contents(stored)
        assert set(retention.contents(expected)) <= set(texts), name
        # The last request may have been stored and not acknowledged.
        assert len(expected) <= len(texts) <= len(expected) + 1, name


def unfinished(server):
    """Rollouts with a pin or a reward of which nothing, or no pin, was acknowledged before a kill."""
    return {name for name in retention.rollout_names(server) if len(retention.stored(server, name)) == 1}


@pytest.mark.parametrize("seed", [1])
def test_a_server_killed_while_it_deletes(start, seed):
    lives = Lives(start, {"max_age": "700ms", "payload_after": "300ms", "pack_after": "100ms"}, seed)
    for _ in range(KILLS):
        lives.live()
    server = start(*lives.arguments)
    kept = set(lives.facts.kept)
    retention.until(lambda: retention.rollout_names(server) - kept <= unfinished(server), "others go")
    for name, (_, trace, _) in lives.facts.whole.items():
        assert retention.stored(server, name) == []
        assert server.get(f"/api/v1/traces/{trace}").status == 404
    retention.until(lambda: server.get_json("/api/v1/unassigned")["traces"] == [], "spans without a rollout go")
    check_kept(server, lives.facts, may_lose_prompts=True)
    retention.wait_for_passes(server)
    assert server.metric("fulgurite_retention_failing") == 0
    assert server.stop() == 0
    retention.check_tables(server.data)
    listed = program.run("query", "rollouts", "--data", server.data, "--format", "json").stdout
    assert not {json.loads(line)["rolloutId"] for line in listed.splitlines()} & set(lives.facts.whole)
    # A run in which nothing was deleted, and nobody asked, would have shown nothing.
    assert all(lives.done.values()), lives.done
    assert all(lives.asked), lives.asked


@pytest.mark.parametrize("seed", [2])
def test_a_server_killed_while_it_rewrites(start, seed):
    """Prompts go and attempts are packed; no span goes."""
    lives = Lives(start, {"payload_after": "150ms", "pack_after": "200ms"}, seed)
    for _ in range(KILLS // 2):
        lives.live()
    server = start(*lives.arguments)
    retention.close_open_segment(server)
    expected = {name: strip_all(body) for name, (_, _, body) in lives.facts.whole.items()}
    for name, contents in expected.items():
        retention.until(lambda name=name, contents=contents: retention.contents(retention.stored(server, name)) == contents, f"{name} loses prompts")
    check_kept(server, lives.facts, may_lose_prompts=True)
    assert server.metric("fulgurite_retention_deleted_spans_total") == 0
    assert server.stop() == 0
    retention.check_tables(server.data)
    assert lives.done["stripped_spans"] and lives.done["moved_spans"], lives.done
    assert lives.asked[1] == 0


@pytest.mark.parametrize("seed", [3])
def test_a_server_killed_while_it_makes_room(start, seed):
    """Nobody is ever quiet for long enough; what is pinned stays, and of the others the youngest."""
    policy = {"max_bytes": BYTES, "pack_after": "100ms"}
    lives = Lives(start, policy, seed, ["plain"] * 30 + ["pinned", "none"], SMALL_SIZES, text=8_000)
    server = start(*lives.arguments)
    send_until(server, BYTES * 0.94, "first")
    server.kill()

    def makes_room():
        before = lives.done["deleted_spans"]
        lives.live()
        return lives.done["deleted_spans"] > before

    for _ in range(KILLS // 2):
        retention.until(makes_room, "something goes")
    server = start(*lives.arguments)
    retention.wait_for_passes(server)
    check_kept(server, lives.facts)
    for name, (size, _, _) in lives.facts.whole.items():
        assert len(retention.stored(server, name)) in (0, size), name
    assert server.metric("fulgurite_retention_failing") == 0
    assert server.stop() == 0
    retention.check_tables(server.data)
    assert database.find(server.data).stat().st_size <= BYTES * 1.1


def strip_all(body):
    return retention.contents(retention.stripped(entry) for entry in retention.sent(body))

