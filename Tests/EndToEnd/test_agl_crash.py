"""Rollouts survive SIGKILL: what was answered is there, and what is there is a state that the machine allows."""

import http.client
import json
import random
import threading

import pytest
from harness import server

ROUNDS = 3
CLIENTS = 4


class Client:
    """One runner and one algorithm in one: does all kinds of calls, and writes down what was answered."""

    def __init__(self, address, seed, facts):
        self.connection = http.client.HTTPConnection(*address, timeout=20)
        self.random = random.Random(seed)
        self.facts = facts
        self.spans = 0
        self.seed = seed

    def call(self, method, path, body=None):
        self.connection.request(
            method, "/v1/agl" + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"}
        )
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        assert response.status in (200, 201), (path, response.status, answer)
        return answer

    def run(self):
        """Works until the server is gone."""
        try:
            while True:
                self.work()
        except (OSError, http.client.HTTPException):
            self.connection.close()

    def work(self):
        config = {"max_attempts": 2, "retry_condition": ["failed"]}
        new = [{"input": n, "config": config} for n in range(self.random.randrange(1, 4))]
        self.facts.enqueued.extend(one["rollout_id"] for one in self.call("POST", "/queues/rollouts/enqueue", {"rollouts": new}))
        for taken in self.call("POST", "/queues/rollouts/dequeue", {"limit": 2, "worker_id": f"w{self.seed}"}):
            self.attempt(taken["rollout_id"], taken["attempt"])

    def attempt(self, rollout, attempt):
        key = (rollout, attempt["attempt_id"])
        self.facts.attempts[key] = attempt["sequence_id"]
        number = self.call("POST", "/spans/next", {"rollout_id": rollout, "attempt_id": attempt["attempt_id"]})["sequence_id"]
        self.facts.numbers.append((rollout, number))
        self.spans += 1
        span_id = f"{self.seed:08x}{self.spans:08x}"
        self.call("POST", "/spans", span(*key, number, span_id))
        self.facts.spans.append((*key, span_id))
        status = self.random.choice(["succeeded", "failed"])
        self.call("POST", f"/rollouts/{rollout}/attempts/{attempt['attempt_id']}", {"status": status})
        self.facts.ended[key] = status


class Facts:
    """What was answered."""

    def __init__(self):
        self.enqueued = []
        self.attempts = {}
        self.numbers = []
        self.spans = []
        self.ended = {}


def span(rollout, attempt, sequence, span_id):
    return {
        "rollout_id": rollout,
        "attempt_id": attempt,
        "sequence_id": sequence,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": span_id,
        "parent_id": None,
        "name": "work",
        "status": {"status_code": "OK", "description": None},
        "attributes": {"n": sequence},
        "events": [],
        "links": [],
        "start_time": 1700000000.25,
        "end_time": 1700000001.5,
        "context": None,
        "parent": None,
        "resource": {"attributes": {}, "schema_url": ""},
    }


@pytest.mark.parametrize("seed", [1])
def test_rollouts_survive_sigkill(tmp_path, seed):
    facts = Facts()
    chance = random.Random(seed)
    for round_number in range(ROUNDS):
        with server.Fulgurite(tmp_path / "data", "--set", "agl.watchdog_interval=0") as started:
            check(started, facts)
            clients = [Client(started.api, round_number * CLIENTS + n, facts) for n in range(CLIENTS)]
            threads = [threading.Thread(target=one.run) for one in clients]
            for thread in threads:
                thread.start()
            # A number of answers, not a time: the moment lies anywhere in what the clients do.
            target = len(facts.ended) + chance.randrange(1, 150)
            while len(facts.ended) < target:
                assert started.is_running(), started.log()
                threads[0].join(0.002)
            started.kill()
            for thread in threads:
                thread.join()
    with server.Fulgurite(tmp_path / "data", "--set", "agl.watchdog_interval=0") as started:
        check(started, facts)
        drain(started, facts)
    assert facts.ended


def ask(address, path, body, key):
    """Sends a request under a key; gives its answer, or None when the server is gone."""
    connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        connection.request("POST", "/v1/agl" + path, json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    assert response.status in (200, 201), (response.status, answer)
    return answer


@pytest.mark.parametrize("seed", [1])
def test_a_request_that_is_sent_again_after_sigkill_acts_once(tmp_path, seed):
    """Whether its answer came through or not: the client cannot tell whether it had been stored."""
    chance = random.Random(seed)
    requests, answers = {}, {}
    for round_number in range(ROUNDS):
        with server.Fulgurite(tmp_path / "data") as started:
            new = {}
            for number in range(80):
                key = f"{round_number}-{number}"
                body = {"input": key, "worker_id": f"w{number}"}
                new[key] = ("/rollouts", body) if number % 2 else ("/queues/rollouts/enqueue", {"rollouts": [body, body]})
            requests.update(new)

            def send(keys, address=started.api, new=new):
                for key in keys:
                    if (answer := ask(address, *new[key], key)) is not None:
                        answers[key] = answer

            threads = [threading.Thread(target=send, args=(list(new)[start::CLIENTS],)) for start in range(CLIENTS)]
            for thread in threads:
                thread.start()
            target = len(answers) + chance.randrange(1, 60)
            while len(answers) < target:
                assert started.is_running(), started.log()
                threads[0].join(0.001)
            started.kill()
            for thread in threads:
                thread.join()
    assert len(answers) < len(requests)
    with server.Fulgurite(tmp_path / "data") as started:
        for key, request in requests.items():
            answer = ask(started.api, *request, key)
            if key in answers:
                assert answer == answers[key]
            assert ask(started.api, *request, key) == answer
        inputs = sorted(one["input"] for one in page(started, "/rollouts"))
    # Two for each that enqueues, one for each that starts.
    assert inputs == sorted(key for key, (path, _) in requests.items() for _ in range(1 if path == "/rollouts" else 2))


def test_a_waiter_that_asks_again_after_sigkill_is_answered(tmp_path):
    wait = {"timeout": 20}
    with server.Fulgurite(tmp_path / "data") as started:
        rollout = ask(started.api, "/rollouts", {"input": 1}, "start")["rollout_id"]
        wait["rollout_ids"] = [rollout]
        lost = []
        waiter = threading.Thread(target=lambda: lost.append(ask(started.api, "/waits/rollouts", wait, "first")))
        waiter.start()
        started.wait_for_metric("fulgurite_rollout_waits", lambda value: value == 1)
        started.kill()
        waiter.join()
    assert lost == [None]
    with server.Fulgurite(tmp_path / "data") as started:
        found = []
        waiter = threading.Thread(target=lambda: found.extend(ask(started.api, "/waits/rollouts", wait, "again")))
        waiter.start()
        started.wait_for_metric("fulgurite_rollout_waits", lambda value: value == 1)
        ask(started.api, f"/rollouts/{rollout}/attempts/latest", {"status": "succeeded"}, "end")
        waiter.join()
        assert [(one["rollout_id"], one["status"]) for one in found] == [(rollout, "succeeded")]
        # What ended before the crash is known after it too.
        started.kill()
    with server.Fulgurite(tmp_path / "data") as started:
        (one,) = ask(started.api, "/waits/rollouts", wait, "once more")
        assert (one["rollout_id"], one["status"]) == (rollout, "succeeded")


def check(started, facts):
    rollouts = page(started, "/rollouts")
    known = {one["rollout_id"]: one for one in rollouts}
    assert len(known) == len(rollouts)
    assert set(facts.enqueued) <= set(known)
    for one in rollouts:
        check_state(one)
    for (rollout, attempt), number in facts.attempts.items():
        attempts = {one["attempt_id"]: one for one in page(started, f"/rollouts/{rollout}/attempts")}
        assert attempts[attempt]["sequence_id"] == number
        assert sorted(one["sequence_id"] for one in attempts.values()) == list(range(1, len(attempts) + 1))
        if (rollout, attempt) in facts.ended:
            assert attempts[attempt]["status"] == facts.ended[rollout, attempt]
    assert len(set(facts.numbers)) == len(facts.numbers)
    for rollout, attempt, span_id in facts.spans:
        spans = page(started, f"/spans?rollout_id={rollout}&attempt_id={attempt}")
        assert [one["span_id"] for one in spans].count(span_id) == 1


def check_state(rollout):
    """A rollout and its latest attempt fit together."""
    attempt = rollout.get("attempt")
    status = rollout["status"]
    assert (rollout["end_time"] is not None) == (status in ("succeeded", "failed")), rollout
    if attempt is None:
        assert status == "queuing", rollout
    else:
        retried = "requeuing" if attempt["sequence_id"] < 2 else "failed"
        expected = {"failed": retried}.get(attempt["status"], attempt["status"])
        assert status == expected, rollout


def drain(started, facts):
    """The queue still has everything that waits, the oldest first."""
    waiting = {one["rollout_id"] for one in page(started, "/rollouts") if one["status"] in ("queuing", "requeuing")}
    first_time = [one["rollout_id"] for one in page(started, "/rollouts") if one["status"] == "queuing"]
    client = Client(started.api, 99, facts)
    taken = client.call("POST", "/queues/rollouts/dequeue", {"limit": 10000})
    assert {one["rollout_id"] for one in taken} == waiting
    assert [one["rollout_id"] for one in taken if one["attempt"]["sequence_id"] == 1] == first_time
    assert client.call("POST", "/queues/rollouts/dequeue", {"limit": 1}) == []


def page(started, path):
    answer = started.get_json("/v1/agl" + path)
    assert len(answer["items"]) == answer["total"]
    return answer["items"]
