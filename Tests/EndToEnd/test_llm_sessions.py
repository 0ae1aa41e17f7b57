"""Session keys: a key is an episode, from its start to the export, with its limits, over restarts and in parallel."""

import concurrent.futures
import dataclasses
import hashlib
import itertools
import json
import time

import pytest
from harness import attribution, http1, llm_spans, llm_wire, provider, proxy, server

CLIENT_KEY, ADMIN_KEY, UPSTREAM_KEY = "sk-client-sessions", "sk-admin-sessions", "sk-provider-sessions"
UNKNOWN_KEY = "sk-sess-" + "A" * 43
START, END, REWARD, EXPORT = "/rl/start_session", "/rl/end_session", "/rl/set_reward", "/export_trajectories"
TASKS = itertools.count()


def hashed(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def options(fake):
    """A proxy with keys of clients and of an administrator, of which some tests start more."""
    return [
        *proxy.arguments(fake.url, api_key_env="PROVIDER_KEY"),
        *proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY)),
        *proxy.setting("auth.llm_admin.tokens", hashed(ADMIN_KEY)),
        *proxy.setting("llm.keys_in_paths", "true"),
        *proxy.setting("log.level", "debug"),
    ]


ENVIRONMENT = {"PROVIDER_KEY": UPSTREAM_KEY}


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    data = tmp_path_factory.mktemp("sessions") / "data"
    with server.Fulgurite(data, *options(fake), environment=ENVIRONMENT) as running:
        yield running


# Requests


@dataclasses.dataclass
class Session:
    id: str
    key: str
    rollout: str
    attempt: str

    @property
    def place(self):
        return self.rollout, self.attempt


def bearer(key):
    return {"Authorization": f"Bearer {key}"} if key else {}


def post(running, path, key, **members):
    headers = {"Content-Type": "application/json", **bearer(key)}
    return http1.request(running.llm_proxy, "POST", path, headers, json.dumps(members).encode())


def post_ok(running, path, key, **members):
    answer = post(running, path, key, **members)
    assert answer.status == 200, answer
    return answer.json()


def sessions_of(answer):
    return [
        Session(one["session_id"], one["session_api_key"], one["rollout_id"], one["attempt_id"])
        for one in answer["sessions"]
    ]


def new_task():
    return f"task-{next(TASKS)}"


def begin(running, task=None, **members):
    [session] = sessions_of(post_ok(running, START, ADMIN_KEY, task_id=task or new_task(), **members))
    return session


def end(running, session):
    return post(running, END, session.key)


def call(running, session, members=None, path=proxy.CHAT, **asked):
    """A call by the bearer, and its answer's document."""
    answer = proxy.ask(running, path, members, bearer(session.key), **asked)
    assert answer.status == 200, answer
    return answer.json()


def status_of_call(running, session):
    return proxy.ask(running, headers=bearer(session.key)).status


def wait_until_over(running, session):
    """Asks with a request that does not count as use until the key says that its session is over."""
    deadline = time.monotonic() + server.READY_SECONDS
    # A reward without a value is refused before anything is noted.
    while (status := post(running, REWARD, session.key).status) != 410:
        assert status == 422 and time.monotonic() < deadline, status


def said(answer):
    return answer["choices"][0]["message"]["content"]


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


# What the store has


def agl(running, path, **members):
    headers = {"Content-Type": "application/json"}
    answer = http1.request(running.api, "POST", f"/v1/agl{path}", headers, json.dumps(members).encode())
    assert answer.status in (200, 201), answer
    return answer.json()


def agl_spans(running, session):
    """The spans of a session's attempt as `query_spans` returns them."""
    return agl(running, "/spans/search", rollout_id=session.rollout, attempt_id=session.attempt, limit=-1)["items"]


def attempts(running, rollout):
    """{attempt: status}"""
    items = running.get_json(f"/v1/agl/rollouts/{rollout}/attempts")["items"]
    return {item["attempt_id"]: item["status"] for item in items}


def wait_for_spans(running, session, count):
    return llm_spans.wait_for(lambda: llm_spans.of_rollout(running, *session.place), count)


def exported(running, session, **members):
    return post_ok(running, EXPORT, ADMIN_KEY, session_id=session.id, **members)["interactions"]


# The start


def test_a_start_gives_a_key_a_rollout_and_an_attempt(relay):
    task = new_task()
    answer = post(relay, START, ADMIN_KEY, task_id=task)
    document = answer.json()
    [session] = sessions_of(document)
    assert (answer.status, answer.header("cache-control")) == (200, "no-store")
    assert (document["session_id"], document["api_key"]) == (session.id, session.key) == (f"{task}-0", session.key)
    assert session.key.startswith("sk-sess-") and len(session.key) == len("sk-sess-") + 43
    assert document["group_id"].startswith("grp-")
    assert list(attempts(relay, session.rollout)) == [session.attempt]
    rollout = relay.get_json(f"/v1/agl/rollouts/{session.rollout}")
    assert rollout["input"] == {"task_id": task}


def test_a_number_of_a_task_is_never_given_twice(relay):
    task = new_task()
    first = begin(relay, task)
    assert end(relay, first).status == 200
    exported(relay, first)
    second = begin(relay, task)
    assert (first.id, second.id) == (f"{task}-0", f"{task}-1")
    assert first.key != second.key and first.rollout != second.rollout


def test_a_group_starts_at_once_each_with_its_key(relay):
    answer = post(relay, START, ADMIN_KEY, task_id=new_task(), group_size=5)
    sessions = sessions_of(answer.json())
    assert (answer.status, len(sessions)) == (201, 5)
    for name in ("id", "key", "rollout", "attempt"):
        assert len({getattr(session, name) for session in sessions}) == 5, name
    metadata = [relay.get_json(f"/v1/agl/rollouts/{session.rollout}")["metadata"] for session in sessions]
    assert metadata == [{"session_group_id": answer.json()["group_id"]}] * 5


BAD_STARTS = {
    "no task": ({}, 422),
    "a task that is no text": ({"task_id": 1}, 422),
    "an empty task": ({"task_id": ""}, 422),
    "a time of 0": ({"task_id": "t", "expires_in": 0}, 422),
    "a time that is a text": ({"task_id": "t", "idle_timeout": "1"}, 422),
    "no requests": ({"task_id": "t", "max_requests": 0}, 422),
    "models that are no list": ({"task_id": "t", "models": "m"}, 422),
    "a group of none": ({"task_id": "t", "group_size": 0}, 422),
    "one key for a group": ({"task_id": "t", "group_size": 2, "api_key": UNKNOWN_KEY}, 400),
    "the administrator's key": ({"task_id": "t", "api_key": ADMIN_KEY}, 400),
}


@pytest.mark.parametrize("name", BAD_STARTS)
def test_a_start_that_is_wrong_is_refused(relay, name):
    members, status = BAD_STARTS[name]
    answer = post(relay, START, ADMIN_KEY, **members)
    assert answer.status == status
    assert list(answer.json()) == ["detail"] and ADMIN_KEY not in answer.json()["detail"]


@pytest.mark.parametrize("path", [START, END, REWARD, EXPORT])
def test_other_methods_types_and_bodies_are_refused(relay, path):
    session = begin(relay)
    headers = bearer(ADMIN_KEY if path in (START, EXPORT) else session.key)
    assert http1.request(relay.llm_proxy, "GET", path, headers).status == 405
    if path == END:
        return
    text = {**headers, "Content-Type": "text/plain"}
    assert http1.request(relay.llm_proxy, "POST", path, text, b"{}").status == 415
    for body in (b"[]", b"{", b'"x"'):
        answer = http1.request(relay.llm_proxy, "POST", path, {**headers, "Content-Type": "application/json"}, body)
        assert (answer.status, list(answer.json())) == (422, ["detail"])


# Calls

PLACES = {
    "bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "bearer in other case": lambda key: {"authorization": f"bEARER {key}"},
    "x-api-key": lambda key: {"X-Api-Key": key},
    "api-key": lambda key: {"api-key": key},
    "x-goog-api-key": lambda key: {"x-goog-api-key": key},
    "path": None,
}
CALLS = {
    "openai": (proxy.CHAT, proxy.chat()),
    "openai stream": (proxy.CHAT, proxy.chat(stream=True)),
    "openai without v1": ("/chat/completions", proxy.chat()),
    "responses without v1": ("/responses", proxy.response(stream=True)),
    "anthropic": (proxy.MESSAGES, proxy.message()),
    "anthropic stream": (proxy.MESSAGES, proxy.message(stream=True)),
    "anthropic without v1": ("/messages", proxy.message()),
}


@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_called_with_a_key_belongs_to_its_session(relay, fake, place):
    session = begin(relay)
    for path, members in CALLS.values():
        headers = PLACES[place](session.key) if PLACES[place] else {}
        prefix = "" if PLACES[place] else f"/s/{session.key}"
        answer = proxy.ask(relay, prefix + path, members, headers)
        assert answer.status == 200, (path, answer)
        received = fake.last()
        assert session.key not in json.dumps(received.fields) + received.target
        assert UPSTREAM_KEY in json.dumps(received.fields)
    for span in wait_for_spans(relay, session, len(CALLS)):
        assert attribution.rule_of(relay, span.trace_id, span.span_id) == "request"
    spans = agl_spans(relay, session)
    assert sorted(span["sequence_id"] for span in spans) == list(range(1, len(CALLS) + 1))
    assert {(span["rollout_id"], span["attempt_id"]) for span in spans} == {session.place}


def test_a_key_in_the_path_is_good_only_where_it_is_allowed(start, fake):
    running = start(*proxy.arguments(fake.url))
    session = begin(running)
    fake.reset()
    assert proxy.ask(running, f"/s/{session.key}{proxy.CHAT}").status in (401, 404)
    assert fake.counters()["requests"] == 0


def test_numbers_tell_the_order_of_calls(relay):
    session = begin(relay)
    for number in range(1, 4):
        call(relay, session, proxy.chat(f"model-{number}"))
    wait_for_spans(relay, session, 3)
    models = {span["sequence_id"]: span["attributes"]["gen_ai.request.model"] for span in agl_spans(relay, session)}
    assert models == {number: f"model-{number}" for number in (1, 2, 3)}


def test_the_attempt_runs_once_it_is_used_and_has_succeeded_after_the_end(relay):
    session = begin(relay)
    call(relay, session)
    wait_for_spans(relay, session, 1)
    assert attempts(relay, session.rollout) == {session.attempt: "running"}
    assert end(relay, session).status == 200
    assert attempts(relay, session.rollout) == {session.attempt: "succeeded"}


@pytest.mark.parametrize("version", ["", "/v1"])
def test_all_paths_are_there_with_and_without_a_version(relay, version):
    [session] = sessions_of(post_ok(relay, version + START, ADMIN_KEY, task_id=new_task()))
    call(relay, session, path=version + "/chat/completions")
    post_ok(relay, version + REWARD, session.key, reward=1)
    post_ok(relay, version + END, session.key)
    assert len(post_ok(relay, version + EXPORT, ADMIN_KEY, session_id=session.id)["interactions"]) == 1


# The end


def test_after_the_end_the_key_is_good_for_nothing(relay, fake):
    session = begin(relay)
    call(relay, session)
    assert end(relay, session).json() == {"message": "success", "interaction_count": 1}
    fake.reset()
    chat = proxy.ask(relay, headers=bearer(session.key))
    assert (chat.status, chat.json()["error"]["code"]) == (410, "session_ended")
    message = proxy.ask(relay, proxy.MESSAGES, proxy.message(), {"x-api-key": session.key})
    assert (message.status, message.json()["type"]) == (410, "error")
    reward = post(relay, REWARD, session.key, reward=1)
    assert (reward.status, list(reward.json())) == (410, ["detail"])
    assert fake.counters()["requests"] == 0


def test_an_end_is_answered_again_as_the_first_time(relay):
    session = begin(relay)
    for _ in range(3):
        call(relay, session)
    answers = [end(relay, session) for _ in range(3)]
    expected = (200, {"message": "success", "interaction_count": 3})
    assert [(answer.status, answer.json()) for answer in answers] == [expected] * 3


def test_an_end_without_calls_counts_none(relay):
    assert end(relay, begin(relay)).json() == {"message": "success", "interaction_count": 0}


def test_only_calls_with_a_whole_answer_are_counted_and_exported(relay):
    session = begin(relay)
    good = call(relay, session)
    call(relay, session, proxy.embedding(), proxy.EMBEDDINGS)
    assert proxy.ask(relay, headers=bearer(session.key), fake={"status": 500}).status == 500
    with proxy.begin(relay, headers=bearer(session.key), fake={"fault": "close"}) as connection:
        assert not llm_wire.read(connection).is_whole
    # What failed stays in the store.
    wait_for_spans(relay, session, 4)
    assert end(relay, session).json()["interaction_count"] == 1
    assert list(exported(relay, session)) == [good["id"]]


def test_a_stream_that_has_begun_goes_on_after_the_end(relay, fake):
    session = begin(relay)
    with proxy.begin(relay, headers=bearer(session.key), fake={"gap": 20, "chunks": 10}) as connection:
        llm_wire.read_until(connection, b"alpha")
        assert end(relay, session).status == 200
        assert llm_wire.read(connection).is_whole
    [span] = wait_for_spans(relay, session, 1)
    assert span.status != llm_spans.ERROR


# Rewards


def reward_spans(running, session):
    return [span for span in agl_spans(running, session) if span["name"] == "agentlightning.annotation"]


def test_a_reward_without_an_id_is_for_the_last_call(relay):
    session = begin(relay)
    calls = [call(relay, session) for _ in range(2)]
    answer = post_ok(relay, REWARD, session.key, reward=0.25)
    assert (answer["message"], answer["interaction_count"], answer["session_id"]) == ("success", 2, session.id)
    [span] = reward_spans(relay, session)
    attributes = span["attributes"]
    assert attributes["agentlightning.reward.0.name"] == "primary"
    assert attributes["agentlightning.reward.0.value"] == 0.25
    assert attributes["agentlightning.link.0.key_match"] == "gen_ai.response.id"
    assert attributes["agentlightning.link.0.value_match"] == calls[-1]["id"]
    assert span["sequence_id"] == 3
    [rewarded] = [
        other for other in agl_spans(relay, session) if other["attributes"].get("gen_ai.response.id") == calls[-1]["id"]
    ]
    assert span["trace_id"] == rewarded["trace_id"]
    [link] = span["links"]
    assert link["context"]["span_id"] == rewarded["span_id"]


def test_a_reward_is_found_by_the_diagnosis(relay):
    session = begin(relay)
    call(relay, session)
    post_ok(relay, REWARD, session.key, reward=0.75)
    diagnosis = relay.get_json(f"/api/v1/rollouts/{session.rollout}/diagnosis")
    assert (diagnosis["llmCalls"], diagnosis["rewardSpans"], diagnosis["lastReward"]) == (1, 1, 0.75)
    assert diagnosis["rules"] == {"request": 1, "explicit": 1}
    assert not {"no_reward", "behind_reward", "sequence_gaps"} & {finding["code"] for finding in diagnosis["findings"]}


def test_a_reward_by_id_is_for_that_call_and_the_last_word_counts(relay):
    session = begin(relay)
    first, second = call(relay, session), call(relay, session)
    post_ok(relay, REWARD, session.key, reward=5, interaction_id=first["id"])
    post_ok(relay, REWARD, session.key, reward=-1, interaction_id=first["id"])
    assert end(relay, session).status == 200
    rewards = {id: one["reward"] for id, one in exported(relay, session, discount=0).items()}
    assert rewards == {first["id"]: -1, second["id"]: 0}


def test_a_reward_for_a_call_of_the_messages_api_goes_by_its_id(relay):
    session = begin(relay)
    message = call(relay, session, proxy.message(), proxy.MESSAGES)
    post_ok(relay, REWARD, session.key, reward=1, interaction_id=message["id"])
    [span] = reward_spans(relay, session)
    assert span["attributes"]["agentlightning.link.0.value_match"] == message["id"]


def test_a_reward_that_agent_lightning_has_stored_is_for_the_last_call_before_it(relay):
    session = begin(relay)
    first = call(relay, session)
    wait_for_spans(relay, session, 1)
    number = agl(relay, "/spans/next", rollout_id=session.rollout, attempt_id=session.attempt)["sequence_id"]
    second = call(relay, session)
    span = {
        "rollout_id": session.rollout,
        "attempt_id": session.attempt,
        "sequence_id": number,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": f"{number:016x}",
        "parent_id": None,
        "name": "agentlightning.annotation",
        "status": {"status_code": "OK", "description": None},
        "attributes": {"agentlightning.reward.0.name": "primary", "agentlightning.reward.0.value": 0.5},
        "events": [],
        "links": [],
        "start_time": None,
        "end_time": None,
        "context": None,
        "parent": None,
        "resource": {"attributes": {}, "schema_url": ""},
    }
    agl(relay, "/spans", **span)
    assert end(relay, session).status == 200
    rewards = {id: one["reward"] for id, one in exported(relay, session, style="concat").items()}
    assert rewards == {first["id"]: 0.5, second["id"]: 0}


def test_a_reward_that_is_for_nothing_is_refused(relay):
    session, other = begin(relay), begin(relay)
    assert post(relay, REWARD, session.key, reward=1).status == 400
    foreign = call(relay, other)["id"]
    call(relay, session)
    for id in ("chatcmpl-unknown", foreign, ""):
        answer = post(relay, REWARD, session.key, reward=1, interaction_id=id)
        assert (answer.status, list(answer.json())) == (400, ["detail"]), id
    for reward in (None, "1", [1], True):
        assert post(relay, REWARD, session.key, reward=reward).status == 422, reward
    assert reward_spans(relay, session) == []


# The export


def conversation(running, session):
    """Three calls, of which each goes on with the one before; returns the ids, and the messages of each."""
    messages, ids, histories = [{"role": "system", "content": "Be brief."}], [], []
    for number in range(3):
        messages = [*messages, user(f"Question {number}?")]
        histories.append(messages)
        answer = call(running, session, proxy.chat(messages=messages))
        ids.append(answer["id"])
        messages = [*messages, assistant(said(answer))]
    return ids, histories, assistant(said(answer))


def test_individual_discounts_rewards_from_the_last_to_the_first(relay):
    session = begin(relay)
    ids, histories, output = conversation(relay, session)
    post_ok(relay, REWARD, session.key, reward=1)
    post_ok(relay, REWARD, session.key, reward=2, interaction_id=ids[0])
    assert end(relay, session).status == 200
    interactions = exported(relay, session, discount=0.5, style="individual")
    assert list(interactions) == ids
    for id, messages, reward in zip(ids, histories, [2.25, 0.5, 1], strict=True):
        assert interactions[id] == {
            "messages": messages,
            "output_message_list": [output],
            "reward": reward,
            "interaction_id": id,
        }


def test_the_discount_is_1_unless_said_otherwise(relay):
    session = begin(relay)
    ids, _, _ = conversation(relay, session)
    post_ok(relay, REWARD, session.key, reward=3)
    assert end(relay, session).status == 200
    assert [one["reward"] for one in exported(relay, session).values()] == [3, 3, 3]


def test_concat_has_the_last_call_of_each_conversation(relay):
    session = begin(relay)
    ids, histories, output = conversation(relay, session)
    alone = call(relay, session, proxy.chat(messages=[user("Something else?")]))
    post_ok(relay, REWARD, session.key, reward=1, interaction_id=ids[2])
    post_ok(relay, REWARD, session.key, reward=7, interaction_id=ids[0])
    assert end(relay, session).status == 200
    interactions = exported(relay, session, discount=0.5, style="concat")
    assert {id: one["reward"] for id, one in interactions.items()} == {ids[2]: 1, alone["id"]: 0}
    assert (interactions[ids[2]]["messages"], interactions[ids[2]]["output_message_list"]) == (histories[2], [output])


def test_concat_follows_the_calls_of_tools_in_either_api(relay):
    session = begin(relay)
    fake = {"tools": 1}
    messages = [user("Weather?")]
    answer = call(relay, session, proxy.chat(messages=messages), fake=fake)["choices"][0]["message"]
    messages += [answer, {"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": "Sunny"}]
    openai = call(relay, session, proxy.chat(messages=messages))["id"]
    messages = [user("Weather at home?")]
    content = call(relay, session, proxy.message(messages=messages), proxy.MESSAGES, fake=fake)["content"]
    result = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "Rain"}
    messages += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    anthropic = call(relay, session, proxy.message(messages=messages), proxy.MESSAGES)["id"]
    assert end(relay, session).json()["interaction_count"] == 4
    interactions = exported(relay, session, style="concat")
    assert list(interactions) == [openai, anthropic]
    for id, said_by_tool in ((openai, "Sunny"), (anthropic, "Rain")):
        roles = [message["role"] for message in interactions[id]["messages"]]
        assert (roles, interactions[id]["messages"][-1]["content"]) == (["user", "assistant", "tool"], said_by_tool)


def test_calls_that_were_made_again_can_be_dropped(relay):
    session = begin(relay)
    again = [call(relay, session, proxy.chat(messages=[user("Hello?")])) for _ in range(3)]
    assert end(relay, session).status == 200
    assert list(exported(relay, session, drop_retry_orphans=True)) == [again[-1]["id"]]


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("api", ["openai", "responses", "anthropic"])
def test_messages_are_those_of_chat_completions_whatever_was_called(relay, api, streams):
    session = begin(relay)
    text = said(call(relay, begin(relay)))
    path, members = {
        "openai": (proxy.CHAT, proxy.chat(messages=[{"role": "system", "content": "Be brief."}, user("Say hello.")])),
        "responses": (proxy.RESPONSES, proxy.response(instructions="Be brief.")),
        "anthropic": (proxy.MESSAGES, proxy.message(system="Be brief.")),
    }[api]
    assert proxy.ask(relay, path, {**members, "stream": streams}, bearer(session.key)).status == 200
    assert end(relay, session).status == 200
    [one] = exported(relay, session).values()
    assert one["messages"] == [{"role": "system", "content": "Be brief."}, user("Say hello.")]
    assert one["output_message_list"] == [assistant(text)]


def test_an_export_forgets_the_session_and_its_key_but_no_span(relay):
    session = begin(relay)
    call(relay, session)
    assert end(relay, session).status == 200
    assert len(exported(relay, session)) == 1
    assert post(relay, EXPORT, ADMIN_KEY, session_id=session.id).status == 404
    assert status_of_call(relay, session) == 401
    assert end(relay, session).status == 401
    assert len(wait_for_spans(relay, session, 1)) == 1
    # The key is not taken back.
    assert begin(relay, api_key=session.key).key != session.key


def test_an_export_waits_for_the_end(relay):
    session = begin(relay)
    call(relay, session)
    with http1.Connection(relay.llm_proxy) as connection:
        headers = {"Content-Type": "application/json", **bearer(ADMIN_KEY)}
        connection.send_request("POST", EXPORT, headers, json.dumps({"session_id": session.id}).encode())
        call(relay, session)
        connection.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.receive_some()
        connection.socket.settimeout(http1.TIMEOUT_SECONDS)
        assert end(relay, session).status == 200
        assert len(connection.read_response().json()["interactions"]) == 2


def test_an_export_that_is_wrong_is_refused_and_forgets_nothing(relay):
    session = begin(relay)
    assert end(relay, session).status == 200
    for members, status in [
        ({"style": "other"}, 400),
        ({"style": 1}, 422),
        ({"discount": "1"}, 422),
        ({"drop_retry_orphans": 1}, 422),
        ({"session_id": None}, 422),
        ({"session_id": "unknown-0"}, 404),
    ]:
        assert post(relay, EXPORT, ADMIN_KEY, **{"session_id": session.id, **members}).status == status, members
    assert exported(relay, session) == {}


# The same key again


@pytest.mark.parametrize("is_same", [True, False])
def test_a_key_goes_on_with_a_new_session(relay, is_same):
    task = new_task()
    old = begin(relay, task)
    first = call(relay, old)
    new = begin(relay, task if is_same else new_task(), api_key=old.key)
    second = call(relay, new)
    assert new.key == old.key and new.id != old.id and new.attempt != old.attempt
    assert (new.rollout == old.rollout) == is_same
    assert attempts(relay, old.rollout)[old.attempt] == "succeeded"
    # The new one has nothing of the old one, which is still there.
    assert list(exported(relay, old)) == [first["id"]]
    assert end(relay, new).json()["interaction_count"] == 1
    assert list(exported(relay, new)) == [second["id"]]
    assert wait_for_spans(relay, new, 1)[0].attributes["gen_ai.response.id"] == second["id"]


def test_a_key_goes_on_after_its_session_has_ended(relay):
    old = begin(relay)
    assert end(relay, old).status == 200
    new = begin(relay, api_key=old.key)
    assert new.key == old.key
    assert status_of_call(relay, new) == 200
    assert exported(relay, old) == {}


def test_a_key_goes_on_with_the_limits_of_its_new_start(relay):
    old = begin(relay, max_requests=1)
    call(relay, old)
    assert status_of_call(relay, old) == 429
    new = begin(relay, api_key=old.key)
    call(relay, new)
    call(relay, new)


def test_a_refresh_lets_the_export_that_waits_go(relay):
    old = begin(relay)
    first = call(relay, old)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(exported, relay, old)
        begin(relay, api_key=old.key)
        assert list(waiting.result()) == [first["id"]]


@pytest.mark.parametrize("key", [UNKNOWN_KEY, "sk-of-somebody-else", CLIENT_KEY])
def test_a_key_that_was_never_handed_out_is_not_taken(relay, key):
    session = begin(relay, api_key=key)
    assert session.key != key and session.key.startswith("sk-sess-")
    assert proxy.ask(relay, headers=bearer(UNKNOWN_KEY)).status == 401


def test_refreshes_at_once_leave_one_open_session(relay):
    old = begin(relay)
    tasks = [new_task() for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda task: post(relay, START, ADMIN_KEY, task_id=task, api_key=old.key), tasks))
    assert {answer.status for answer in answers} <= {200, 409, 429}
    sessions = [session for answer in answers if answer.status == 200 for session in sessions_of(answer.json())]
    assert sessions and {session.key for session in sessions} == {old.key}
    call(relay, old)
    holders = [one for one in sessions if attempts(relay, one.rollout)[one.attempt] not in ("succeeded", "timeout")]
    assert len(holders) == 1
    wait_for_spans(relay, holders[0], 1)


# Who may


@pytest.mark.parametrize("path", [START, EXPORT, "/v1" + START, "/v1" + EXPORT])
def test_administrators_alone_start_and_export(relay, path):
    session = begin(relay)
    members = {"task_id": "never", "session_id": session.id}
    assert post(relay, path, None, **members).status == 401
    for key in ("sk-wrong", CLIENT_KEY, session.key, UNKNOWN_KEY, hashed(ADMIN_KEY), ADMIN_KEY + "x"):
        assert post(relay, path, key, **members).status == 403, key


@pytest.mark.parametrize("path", [END, REWARD])
def test_a_key_that_is_not_of_a_session_is_401(relay, path):
    session = begin(relay)
    for key in (None, UNKNOWN_KEY, session.key[:-1], session.key + "A", session.key.swapcase(), CLIENT_KEY, ADMIN_KEY):
        answer = post(relay, path, key, reward=1)
        assert (answer.status, list(answer.json())) == (401, ["detail"]), key


@pytest.mark.parametrize("place", ["x-api-key", "api-key", "x-goog-api-key"])
def test_keys_are_taken_from_all_headers_of_providers(relay, place):
    body = json.dumps({"task_id": new_task()}).encode()
    [session] = sessions_of(http1.request(relay.llm_proxy, "POST", START, {place: ADMIN_KEY}, body).json())
    assert http1.request(relay.llm_proxy, "POST", END, {place: session.key}, b"{}").status == 200


@pytest.mark.parametrize("key", [UNKNOWN_KEY, "sk-sess-", ADMIN_KEY])
def test_calls_with_another_key_reach_no_provider(relay, fake, key):
    fake.reset()
    assert proxy.ask(relay, headers=bearer(key)).status == 401
    assert proxy.ask(relay, f"/s/{key}{proxy.CHAT}").status == 401
    assert fake.counters()["requests"] == 0


def test_an_unknown_session_key_is_401_where_anyone_may_call(start, fake):
    running = start(*proxy.arguments(fake.url))
    fake.reset()
    assert proxy.ask(running, headers=bearer(UNKNOWN_KEY)).status == 401
    assert fake.counters()["requests"] == 0


def test_pages_of_other_origins_start_no_session(start, fake):
    running = start(*proxy.arguments(fake.url))
    headers = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    assert http1.request(running.llm_proxy, "POST", START, headers, b'{"task_id":"t"}').status == 403


@pytest.mark.parametrize("key", [None, "sk-wrong", CLIENT_KEY])
def test_keys_of_clients_are_not_got_around_by_a_session(start, fake, key):
    """With keys of clients and no administrator's, nobody can be told to be one."""
    running = start(*proxy.arguments(fake.url), *proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY)))
    assert post(running, START, key, task_id="t").status in (401, 403)


# Limits


@pytest.mark.parametrize("limit", ["expires_in", "idle_timeout"])
def test_a_session_whose_time_is_over_has_timed_out(relay, limit):
    session = begin(relay, **{limit: 0.2})
    wait_until_over(relay, session)
    assert status_of_call(relay, session) == 410
    assert end(relay, session).status == 410
    assert exported(relay, session) == {}
    assert attempts(relay, session.rollout) == {session.attempt: "timeout"}


def test_use_keeps_a_session_from_being_idle_but_not_from_its_age(relay):
    aging = begin(relay, expires_in=0.3)
    deadline = time.monotonic() + server.READY_SECONDS
    while (status := status_of_call(relay, aging)) == 200:
        assert time.monotonic() < deadline
    assert status == 410
    # A busy machine may let the shortest time pass between two calls.
    assert any(stays_in_use(relay, seconds) for seconds in (0.3, 1.5, 6))


def stays_in_use(running, seconds):
    session = begin(running, idle_timeout=seconds)
    deadline = time.monotonic() + 1.5 * seconds
    while time.monotonic() < deadline:
        if status_of_call(running, session) != 200:
            return False
    return True


def test_more_requests_than_a_key_is_good_for_are_429(relay, fake):
    session = begin(relay, max_requests=2)
    call(relay, session)
    call(relay, session)
    fake.reset()
    refused = proxy.ask(relay, headers=bearer(session.key))
    assert (refused.status, refused.json()["error"]["code"]) == (429, "session_exhausted")
    assert fake.counters()["requests"] == 0
    # The episode can still be rewarded and ended.
    post_ok(relay, REWARD, session.key, reward=1)
    assert end(relay, session).json()["interaction_count"] == 2


def test_what_is_refused_is_no_request_of_a_session(relay, fake):
    """Clients ask again and again while a trainer swaps weights."""
    session = begin(relay, max_requests=2)
    admin = bearer(ADMIN_KEY)
    assert http1.request(relay.llm_proxy, "POST", "/proxy/pause", admin, b"{}").status == 200
    assert [status_of_call(relay, session) for _ in range(3)] == [429] * 3
    assert http1.request(relay.llm_proxy, "POST", "/proxy/resume", admin, b"").status == 200
    assert http1.request(relay.llm_proxy, "POST", "/v1/files", bearer(session.key), b"{}").status == 404
    assert [status_of_call(relay, session) for _ in range(3)] == [200, 200, 429]


OTHER_CREDENTIALS = {
    "another key before": lambda key: [("Authorization", "Bearer unused"), ("x-api-key", key)],
    "another key behind": lambda key: [("x-goog-api-key", key), ("x-api-key", "unused")],
    "two of one name": lambda key: [("Authorization", "Bearer unused"), ("Authorization", f"Bearer {key}")],
    "no scheme": lambda key: [("Authorization", key)],
    "a tab": lambda key: [("Authorization", f"Bearer\t{key}")],
}


@pytest.mark.parametrize("name", OTHER_CREDENTIALS)
@pytest.mark.parametrize("place", ["fields", "query"])
def test_a_session_key_goes_before_other_credentials(start, fake, name, place):
    """Clients send what they have of their own beside it, also where anyone may call; it never reaches a provider."""
    running = start(*proxy.arguments(fake.url))
    [session] = sessions_of(post_ok(running, START, None, task_id=new_task()))
    fake.reset()
    fields = OTHER_CREDENTIALS[name](session.key if place == "fields" else "unused")
    body = json.dumps(proxy.chat()).encode()
    path = proxy.CHAT + (f"?key={session.key}" if place == "query" else "")
    head = [f"POST {path} HTTP/1.1", "Host: proxy", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    head += [f"{field}: {value}" for field, value in fields]
    with http1.Connection(running.llm_proxy) as connection:
        connection.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        assert llm_wire.read(connection).status == 200
    [span] = wait_for_spans(running, session, 1)
    received = fake.last()
    assert session.key not in received.target
    assert all(session.key not in value for _, value in received.fields)


def test_requests_at_once_do_not_get_past_the_limit(relay):
    session = begin(relay, max_requests=5)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: status_of_call(relay, session), range(15)))
    assert sorted(statuses) == [200] * 5 + [429] * 10


def test_other_models_than_those_of_the_key_are_403(relay, fake):
    session = begin(relay, models=["good", "claude-good"])
    call(relay, session, proxy.chat("good"))
    call(relay, session, proxy.message("claude-good"), proxy.MESSAGES)
    fake.reset()
    for path, members in [
        (proxy.CHAT, proxy.chat("bad")),
        (proxy.CHAT, proxy.chat("good ")),
        (proxy.CHAT, proxy.chat("GOOD")),
        (proxy.MESSAGES, proxy.message("bad")),
        (proxy.GENERATE, proxy.generation()),
    ]:
        assert proxy.ask(relay, path, members, bearer(session.key)).status == 403, members
    assert proxy.ask(relay, members={"messages": []}, headers=bearer(session.key)).status == 400
    assert fake.counters()["requests"] == 0


def test_a_session_whose_time_is_over_has_timed_out_when_its_key_goes_on(relay):
    old = begin(relay, idle_timeout=0.1)
    wait_until_over(relay, old)
    begin(relay, api_key=old.key)
    assert attempts(relay, old.rollout) == {old.attempt: "timeout"}


def test_a_session_whose_time_is_over_is_not_open(start, fake):
    running = start(*options(fake), *proxy.setting("llm.sessions", "1"), environment=ENVIRONMENT)
    wait_until_over(running, begin(running, expires_in=0.1))
    begin(running)


def test_no_more_sessions_are_open_than_may_be(start, fake):
    running = start(*options(fake), *proxy.setting("llm.sessions", "1"), environment=ENVIRONMENT)
    first = begin(running)
    refused = post(running, START, ADMIN_KEY, task_id="t")
    assert (refused.status, list(refused.json())) == (429, ["detail"])
    # A refresh needs no room of its own.
    second = begin(running, api_key=first.key)
    assert post(running, START, ADMIN_KEY, task_id="t").status == 429
    assert end(running, second).status == 200
    assert post(running, START, ADMIN_KEY, task_id="t", group_size=2).status == 429
    begin(running)


# The store


@pytest.mark.parametrize("status", ["succeeded", "failed", "timeout", "unresponsive"])
def test_a_key_ends_with_its_attempt(relay, fake, status):
    session = begin(relay)
    call(relay, session)
    # A span that comes later would make an attempt that was unresponsive run again.
    wait_for_spans(relay, session, 1)
    agl(relay, f"/rollouts/{session.rollout}/attempts/{session.attempt}", status=status)
    fake.reset()
    assert status_of_call(relay, session) == 410
    assert post(relay, REWARD, session.key, reward=1).status == 410
    assert end(relay, session).status == 410
    assert fake.counters()["requests"] == 0
    assert len(exported(relay, session)) == 1
    assert attempts(relay, session.rollout) == {session.attempt: status}


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_keys_outlive_the_server(start, fake, way):
    running = start(*options(fake), environment=ENVIRONMENT)
    is_open, ended, limited = begin(running), begin(running), begin(running, models=["good"])
    first = call(running, is_open)
    call(running, ended)
    assert end(running, ended).status == 200
    refreshed = begin(running, api_key=begin(running).key)
    wait_for_spans(running, is_open, 1)
    getattr(running, way)()
    running = start(*options(fake), environment=ENVIRONMENT)
    second = call(running, is_open)
    call(running, refreshed)
    assert status_of_call(running, limited) == 403
    assert status_of_call(running, ended) == 410
    assert end(running, ended).json() == {"message": "success", "interaction_count": 1}
    assert end(running, is_open).json()["interaction_count"] == 2
    assert list(exported(running, is_open)) == [first["id"], second["id"]]
    assert sorted(span["sequence_id"] for span in agl_spans(running, is_open)) == [1, 2]


def test_a_clean_stop_keeps_what_a_key_has_used(start, fake):
    running = start(*options(fake), environment=ENVIRONMENT)
    session = begin(running, max_requests=2)
    call(running, session)
    assert running.stop() == 0
    running = start(*options(fake), environment=ENVIRONMENT)
    call(running, session)
    assert status_of_call(running, session) == 429


def test_hashes_of_keys_alone_are_kept(start, fake):
    running = start(*options(fake), environment=ENVIRONMENT)
    sessions = [begin(running) for _ in range(5)]
    shown = []
    for session, place in zip(sessions, list(PLACES.values())[:5], strict=True):
        for path, members in CALLS.values():
            shown.append(proxy.ask(running, path, members, place(session.key)).body)
        shown.append(proxy.ask(running, f"/s/{session.key}{proxy.CHAT}").body)
        shown.append(proxy.ask(running, f"/s/{session.key}/elsewhere").body)
        shown.append(proxy.ask(running, headers=bearer(session.key), fake={"status": 401}).body)
        shown.append(proxy.ask(running, headers=bearer(session.key), fake={"fault": "close_before_headers"}).body)
        shown.append(post(running, REWARD, session.key, reward=1, interaction_id="unknown").body)
        shown.append(post(running, REWARD, session.key, reward=1).body)
        shown.append(post(running, START, session.key, task_id="t").body)
        shown.append(end(running, session).body)
        shown.append(proxy.ask(running, headers=bearer(session.key)).body)
    begin(running, api_key=sessions[0].key)
    wanted = len(CALLS) + 3 + 1
    for session in sessions:
        for span in wait_for_spans(running, session, wanted):
            shown.append(json.dumps([span.document, span.resource, span.scope]).encode())
        shown.append(json.dumps(running.get_json(f"/v1/agl/rollouts/{session.rollout}")).encode())
    shown += [running.get(path).body for path in ("/metrics", "/api/v1/rollouts", "/api/v1/unassigned/spans")]
    shown.append(http1.request(running.llm_proxy, "GET", "/proxy/state", bearer(ADMIN_KEY)).body)
    files = []
    for _ in range(2):
        # While it runs, and after it was stopped: the write-ahead log is gone then.
        files += [file.read_bytes() for file in running.data.rglob("*") if file.is_file()]
        files.append(running.log().encode())
        running.stop()
    for session in sessions:
        secret = session.key.removeprefix("sk-sess-").encode()
        for text in shown + files:
            assert secret not in text
        assert any(hashlib.sha256(session.key.encode()).digest() in text for text in files)


# In parallel


def test_parallel_sessions_do_not_mix(relay):
    count, calls = 20, 5
    sessions = sessions_of(post(relay, START, ADMIN_KEY, task_id=new_task(), group_size=count).json())

    def one(number):
        session = sessions[number % count]
        path, members = list(CALLS.values())[number // count]
        model = f"model-{number % count}"
        return proxy.ask(relay, path, {**members, "model": model}, bearer(session.key)).status

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        assert list(pool.map(one, range(count * calls))) == [200] * (count * calls)
        ends = list(pool.map(lambda session: end(relay, session).json()["interaction_count"], sessions))
    assert ends == [calls] * count
    for number, session in enumerate(sessions):
        spans = agl_spans(relay, session)
        assert {span["attributes"]["gen_ai.request.model"] for span in spans} == {f"model-{number}"}
        assert {(span["rollout_id"], span["attempt_id"]) for span in spans} == {session.place}
        assert sorted(span["sequence_id"] for span in spans) == list(range(1, calls + 1))
        assert len(llm_spans.of_rollout(relay, session.rollout)) == calls
