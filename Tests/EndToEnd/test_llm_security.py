"""The LLM proxy shows no key, reaches no host that was not configured, and lets nobody in who has no key."""

import gzip
import hashlib
import json
import socket
import subprocess

import pytest
from harness import commands, http1, llm_spans, llm_wire, provider, proxy, scripted, server

UPSTREAM_KEY = "sk-provider-secret-4711"
CLIENT_KEY, OTHER_KEY, ADMIN_KEY = "sk-client-one-0001", "sk-client-two-0002", "sk-admin-0003"
SECRETS = [UPSTREAM_KEY, CLIENT_KEY, OTHER_KEY, ADMIN_KEY, proxy.OPENAI_KEY, proxy.ANTHROPIC_KEY, proxy.GEMINI_KEY]


def hashed(*keys):
    return ",".join("sha256:" + hashlib.sha256(key.encode()).hexdigest() for key in keys)


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def open_relay(fake, tmp_path_factory):
    """A proxy that anyone on this machine may use, with their own keys."""
    with server.Fulgurite(tmp_path_factory.mktemp("open") / "data", *proxy.arguments(fake.url)) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(fake, tmp_path_factory):
    """A proxy with client keys, an admin key, and the provider's key."""
    arguments = proxy.arguments(fake.url, api_key_env="PROVIDER_KEY")
    arguments += proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY, OTHER_KEY))
    arguments += proxy.setting("auth.llm_admin.tokens", hashed(ADMIN_KEY))
    with server.Fulgurite(
        tmp_path_factory.mktemp("guarded") / "data", *arguments, environment={"PROVIDER_KEY": UPSTREAM_KEY}
    ) as running:
        yield running


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def raw(address, data):
    """Sends bytes and returns the answer, or None when the connection was closed without one."""
    with http1.Connection(address) as connection:
        connection.send_as_far_as_accepted(data)
        return llm_wire.read(connection)


# Keys

CALLS = {
    "chat": (proxy.CHAT, proxy.chat()),
    "stream": (proxy.CHAT, proxy.chat(stream=True)),
    "messages": (proxy.MESSAGES, proxy.message()),
    "gemini": (proxy.GENERATE, proxy.generation()),
}
PLACES = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]


def key_in(place, key):
    return {place: f"Bearer {key}" if place == "authorization" else key}


def test_no_key_is_shown_anywhere(start, fake, tmp_path):
    """Calls of every kind with keys in every place, good and refused ones, and everything that they leave behind."""
    arguments = proxy.arguments(fake.url, api_key_env="PROVIDER_KEY")
    arguments += proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY, OTHER_KEY))
    arguments += proxy.setting("auth.llm_admin.tokens", hashed(ADMIN_KEY))
    arguments += [*proxy.setting("log.level", "debug"), *proxy.setting("llm.keys_in_paths", "true")]
    relay = start(*arguments, environment={"PROVIDER_KEY": UPSTREAM_KEY})
    shown, parents = [], []
    for path, members in CALLS.values():
        for place in PLACES:
            for key in (CLIENT_KEY, proxy.OPENAI_KEY, proxy.ANTHROPIC_KEY):
                parents.append(llm_spans.new_parent())
                headers = {**key_in(place, key), **parents[-1].header}
                shown.append(proxy.ask(relay, path, members, headers).body)
    for fault in ("close_before_headers", "bad_json", "html", "close"):
        with proxy.begin(relay, headers=bearer(CLIENT_KEY), fake={"fault": fault}) as connection:
            answer = llm_wire.read(connection)
            shown.append(answer.body)
    shown.append(proxy.ask(relay, f"/s/{CLIENT_KEY}{proxy.CHAT}").body)
    shown.append(proxy.ask(relay, f"/s/{proxy.OPENAI_KEY}{proxy.CHAT}").body)
    shown.append(proxy.ask(relay, f"{proxy.GENERATE}?key={CLIENT_KEY}", proxy.generation()).body)
    shown.append(http1.request(relay.llm_proxy, "POST", "/proxy/pause", bearer(CLIENT_KEY), b"{}").body)
    shown.append(http1.request(relay.llm_proxy, "GET", "/proxy/state", bearer(ADMIN_KEY)).body)
    stored = len([parent for parent in parents[::3] if llm_spans.wait_for_one(relay, parent.trace_id)])
    assert stored == len(CALLS) * len(PLACES)
    shown.append(relay.get("/metrics").body)
    shown.append(json.dumps([span.document for span in llm_spans.unassigned(relay)]).encode())
    assert relay.stop() == 0
    shown.append(relay.log().encode())
    shown += [file.read_bytes() for file in relay.data.rglob("*") if file.is_file()]
    for secret in SECRETS:
        for text in shown:
            assert secret.encode() not in text, secret


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CALLS)
def test_the_providers_key_takes_the_place_of_the_clients(guarded, fake, name, place):
    path, members = CALLS[name]
    assert proxy.ask(guarded, path, members, key_in(place, CLIENT_KEY)).status == 200
    received = fake.last()
    own = {"messages": ("x-api-key", UPSTREAM_KEY), "gemini": ("x-goog-api-key", UPSTREAM_KEY)}
    field, value = own.get(name, ("authorization", f"Bearer {UPSTREAM_KEY}"))
    assert {place: received.header(place) for place in PLACES} == {**dict.fromkeys(PLACES), field: value}
    assert CLIENT_KEY not in json.dumps(received.fields) + received.target


@pytest.mark.parametrize("place", PLACES)
def test_clients_bring_their_own_key_when_there_is_no_other(open_relay, fake, place):
    assert proxy.ask(open_relay, headers=key_in(place, proxy.OPENAI_KEY)).status == 200
    assert fake.last().header(place) == key_in(place, proxy.OPENAI_KEY)[place]


def test_a_key_in_the_query_is_replaced_too(guarded, fake):
    path = f"{proxy.STREAM_GENERATE}&key={CLIENT_KEY}"
    assert proxy.ask(guarded, path, proxy.generation()).status == 200
    assert fake.last().target == proxy.STREAM_GENERATE
    assert fake.last().header("x-goog-api-key") == UPSTREAM_KEY


def test_a_key_comes_from_a_file_that_only_its_owner_can_read(start, fake, tmp_path):
    file = tmp_path / "key"
    file.write_text(UPSTREAM_KEY + "\n")
    file.chmod(0o600)
    relay = start(*proxy.arguments(fake.url, api_key_file=file))
    assert proxy.ask(relay).status == 200
    assert fake.last().header("authorization") == f"Bearer {UPSTREAM_KEY}"
    file.chmod(0o644)
    failed = commands.serve_in_vain(tmp_path, *proxy.arguments(fake.url, api_key_file=file))
    commands.assert_fails(failed, "api_key_file")
    assert UPSTREAM_KEY not in failed.stderr


@pytest.mark.parametrize("option", ["api_key", "key", "token"])
def test_there_is_no_option_that_holds_a_key(fake, tmp_path, option):
    failed = commands.serve_in_vain(tmp_path, *proxy.arguments(fake.url, **{option: UPSTREAM_KEY}))
    commands.assert_fails(failed)
    assert UPSTREAM_KEY not in failed.stderr


def test_a_variable_that_is_not_set_is_said_at_start(fake, tmp_path):
    failed = commands.serve_in_vain(tmp_path, *proxy.arguments(fake.url, api_key_env="NOT_SET_KEY"))
    commands.assert_fails(failed, "NOT_SET_KEY")


# Who may call

WRONG = {
    "no key": {},
    "an empty key": {"x-api-key": ""},
    "another scheme": {"Authorization": "Basic c2s="},
    "a wrong key": bearer("sk-wrong"),
    "the hash": bearer(hashed(CLIENT_KEY)),
    "a part of a key": bearer(CLIENT_KEY[:-1]),
    "more than a key": bearer(CLIENT_KEY + "x"),
    "the admin's key": bearer(ADMIN_KEY),
    "the provider's key": bearer(UPSTREAM_KEY),
    "a session key that was never given": bearer("sk-sess-" + "A" * 43),
}


@pytest.mark.parametrize("name", WRONG)
def test_without_a_client_key_the_answer_is_401_in_the_shape_of_the_route(guarded, fake, name):
    fake.reset()
    chat = proxy.ask(guarded, headers=WRONG[name])
    assert (chat.status, chat.json()["error"]["type"]) == (401, "authentication_error")
    assert {"message", "type", "param", "code"} <= set(chat.json()["error"])
    message = proxy.ask(guarded, proxy.MESSAGES, proxy.message(), WRONG[name])
    assert (message.status, message.json()["type"]) == (401, "error")
    assert message.json()["error"]["type"] == "authentication_error"
    gemini = proxy.ask(guarded, proxy.GENERATE, proxy.generation(), WRONG[name])
    assert (gemini.status, gemini.json()["error"]["code"]) == (401, 401)
    assert fake.counters()["requests"] == 0


@pytest.mark.parametrize("key", [CLIENT_KEY, OTHER_KEY])
@pytest.mark.parametrize("place", PLACES)
def test_a_client_key_is_good_wherever_clients_put_it(guarded, place, key):
    assert proxy.ask(guarded, headers=key_in(place, key)).status == 200
    assert proxy.ask(guarded, headers={"authorization": f"bEaReR {key}"}).status == 200


def test_a_key_in_the_path_is_good_only_where_it_is_allowed(guarded, start, fake):
    assert proxy.ask(guarded, f"/s/{CLIENT_KEY}{proxy.CHAT}").status in (401, 404)
    relay = start(
        *proxy.arguments(fake.url),
        *proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY)),
        *proxy.setting("llm.keys_in_paths", "true"),
    )
    assert proxy.ask(relay, f"/s/{CLIENT_KEY}{proxy.CHAT}").status == 200
    assert fake.last().target == proxy.CHAT
    assert proxy.ask(relay, f"/s/{OTHER_KEY}{proxy.CHAT}").status == 401


MANAGEMENT = [
    ("GET", "/proxy/state", None, 200),
    ("POST", "/proxy/pause", b"{}", 200),
    ("POST", "/proxy/resume", b"", 200),
    ("POST", "/rl/start_session", b'{"task_id":"t"}', 200),
    ("POST", "/v1/rl/start_session", b'{"task_id":"t"}', 200),
    ("POST", "/export_trajectories", b'{"session_id":"s"}', 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), MANAGEMENT)
def test_managing_needs_the_admin_key(guarded, method, path, body, status):
    for headers in ({}, bearer("sk-wrong"), bearer(CLIENT_KEY)):
        assert http1.request(guarded.llm_proxy, method, path, headers, body).status in (401, 403)
    assert http1.request(guarded.llm_proxy, method, path, bearer(ADMIN_KEY), body).status == status
    # Nothing stays paused for the other tests.
    assert http1.request(guarded.llm_proxy, "POST", "/proxy/resume", bearer(ADMIN_KEY), b"").status == 200


BESIDE = {"x-api-key": "sk-sess-" + "A" * 43, "api-key": "sk-of-a-provider"}


@pytest.mark.parametrize(("method", "path", "body", "status"), MANAGEMENT)
def test_an_administrator_may_have_other_keys_too(guarded, method, path, body, status):
    for headers in ({**bearer(ADMIN_KEY), **BESIDE}, {**bearer("sk-of-a-provider"), "x-goog-api-key": ADMIN_KEY}):
        assert http1.request(guarded.llm_proxy, method, path, headers, body).status == status
        assert http1.request(guarded.llm_proxy, "POST", "/proxy/resume", bearer(ADMIN_KEY), b"").status == 200


def test_the_admin_key_reaches_no_provider(start, fake):
    """Where anyone may call, keys are the provider's and passed on; that of the administrator is none, wherever it stands."""
    relay = start(*proxy.arguments(fake.url), *proxy.setting("auth.llm_admin.tokens", hashed(ADMIN_KEY)))
    fake.reset()
    for place in PLACES:
        others = {other: key_in(other, "sk-of-a-provider")[other] for other in PLACES if other != place}
        for headers in (key_in(place, ADMIN_KEY), {**others, **key_in(place, ADMIN_KEY)}):
            assert proxy.ask(relay, headers=headers).status == 401
    assert proxy.ask(relay, f"{proxy.CHAT}?key={ADMIN_KEY}", headers=bearer("sk-of-a-provider")).status == 401
    assert fake.counters()["requests"] == 0
    assert proxy.ask(relay, headers=bearer("sk-of-a-provider")).status == 200


def test_a_client_key_is_good_behind_another(guarded, fake):
    assert proxy.ask(guarded, headers={**bearer("sk-of-a-provider"), "x-api-key": CLIENT_KEY}).status == 200
    assert "sk-of-a-provider" not in str(fake.last().fields)


def test_a_pause_keeps_new_calls_out(guarded, fake):
    with proxy.begin(guarded, headers=bearer(CLIENT_KEY), fake={"gap": 20, "chunks": 30}) as connection:
        llm_wire.read_until(connection, b"alpha")
        body = b'{"retry_after_seconds": 3, "reason": "weights"}'
        assert http1.request(guarded.llm_proxy, "POST", "/proxy/pause", bearer(ADMIN_KEY), body).status == 200
        fake.reset()
        refused = proxy.ask(guarded, headers=bearer(CLIENT_KEY))
        state = http1.request(guarded.llm_proxy, "GET", "/proxy/state", bearer(ADMIN_KEY)).json()
        assert http1.request(guarded.llm_proxy, "POST", "/proxy/resume", bearer(ADMIN_KEY), b"").status == 200
        assert llm_wire.read(connection).is_whole
    assert (refused.status, refused.header("retry-after"), refused.header("x-agl-paused")) == (429, "3", "true")
    assert refused.json() == {"error": "gateway paused", "reason": "weights"}
    assert (state["paused"], state["retry_after_seconds"], state["reason"], state["inflight"]) == (
        True,
        3,
        "weights",
        1,
    )
    assert fake.counters()["requests"] == 0
    assert proxy.ask(guarded, headers=bearer(CLIENT_KEY)).status == 200


def test_a_proxy_for_other_machines_needs_client_keys(fake, tmp_path):
    arguments = ["0.0.0.0:0" if word == "127.0.0.1:0" else word for word in proxy.arguments(fake.url)]
    commands.assert_fails(commands.serve_in_vain(tmp_path, *arguments), "listen.llm_proxy")


def test_pages_of_other_origins_cannot_spend_the_users_money(open_relay, fake):
    fake.reset()
    foreign = proxy.ask(open_relay, headers={"Origin": "https://evil.example"})
    assert (foreign.status, fake.counters()["requests"]) == (403, 0)
    assert foreign.header("access-control-allow-origin") is None
    own = proxy.ask(open_relay, headers={"Origin": "http://{}:{}".format(*open_relay.llm_proxy)})
    assert own.status == 200
    # A name can be made to mean this machine after its page was loaded.
    port = open_relay.llm_proxy[1]
    for name, status in [("rebound.example", 403), ("localhost", 200), ("[::1]", 200)]:
        headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        assert proxy.ask(open_relay, headers=headers).status == status, name
    assert proxy.ask(open_relay, headers={"Host": "rebound.example"}).status == 200
    # A page that sends without asking first has a simple content type.
    simple = proxy.ask(open_relay, headers={"Origin": "null", "Content-Type": "text/plain"})
    assert simple.status == 403


# Where requests may go


@pytest.fixture
def stranger():
    """A host that must never hear of anything: a listener that notes who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_no_request_reaches_another_host(open_relay, fake, stranger):
    host, port = stranger.getsockname()
    body = json.dumps(proxy.chat()).encode()
    lines = {
        "an absolute URI": f"POST http://{host}:{port}/v1/chat/completions HTTP/1.1",
        "CONNECT": f"CONNECT {host}:{port} HTTP/1.1",
        "a path with a host": f"POST //{host}:{port}/v1/chat/completions HTTP/1.1",
        "a path with a user": f"POST @{host}:{port}/v1/chat/completions HTTP/1.1",
        "a path with a scheme": f"POST /http://{host}:{port}/v1/chat/completions HTTP/1.1",
    }
    fake.reset()
    for name, line in lines.items():
        data = f"{line}\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        answer = raw(open_relay.llm_proxy, data)
        assert answer is None or answer.status in (400, 403, 404, 405, 501), name
    assert fake.counters()["requests"] == 0


def test_neither_headers_nor_bodies_choose_a_host(open_relay, fake, stranger):
    url = "http://{}:{}".format(*stranger.getsockname())
    headers = {
        "Host": url.removeprefix("http://"),
        "x-portkey-custom-host": url,
        "helicone-target-url": url,
        "x-base-url": url,
        "x-forwarded-host": url,
        "x-upstream": url,
    }
    members = proxy.chat(api_base=url, base_url=url, custom_host=url)
    fake.reset()
    assert proxy.ask(open_relay, proxy.CHAT, members, headers).status == 200
    assert proxy.ask(open_relay, proxy.CHAT + f"?api_base={url}", proxy.chat(model=url)).status == 200
    assert fake.counters()["requests"] == 2


def test_a_redirect_is_relayed_and_not_followed(start, stranger):
    location = "location: http://{}:{}/v1/chat/completions".format(*stranger.getsockname())
    moved = scripted.answer(b"", location, status="307 Temporary Redirect")
    with scripted.ScriptedUpstream(lambda connection, _: connection.sendall(moved)) as upstream:
        answer = proxy.ask(start(*proxy.arguments(upstream.url)))
    assert (answer.status, answer.header("location")) == (307, location.removeprefix("location: "))


PATHS_OF_SEVERAL_MEANINGS = [
    "/v1/../v1/chat/completions",
    "/v1/chat/../chat/completions",
    "/v1/./chat/completions",
    "/v1/%2e%2e/v1/chat/completions",
    "/v1/%2E%2E/v1/chat/completions",
    "/v1%2fchat/completions",
    "/v1%2Fchat%2Fcompletions",
    "/v1/chat%5ccompletions",
    "/v1\\chat\\completions",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/completions%00",
    "/v1/chat%252fcompletions",
    "/rollout/a%2fb/attempt/c/v1/chat/completions",
    "/rollout/../attempt/c/v1/chat/completions",
    "/openai/../anthropic/v1/messages",
    "/responses/../files",
    "/responses/..;/files",
    "/responses/..;a=b/files",
    "/responses/%2e%2e%3b/files",
    "/responses/%c0%ae%c0%ae/files",
]


@pytest.mark.parametrize("path", PATHS_OF_SEVERAL_MEANINGS)
def test_a_path_that_could_mean_two_things_is_refused(open_relay, fake, path):
    fake.reset()
    assert proxy.ask(open_relay, path).status == 400
    assert fake.counters()["requests"] == 0


IDS = {
    "too long": "a" * 129,
    "a space": "a%20b",
    "a colon": "a:b",
    "a letter outside ASCII": "%C3%A9",
    "a quote": "a'b",
}


@pytest.mark.parametrize("name", IDS)
def test_ids_in_paths_are_plain_words(open_relay, fake, name):
    fake.reset()
    for path in (f"/rollout/{IDS[name]}/attempt/a", f"/rollout/r/attempt/{IDS[name]}"):
        assert proxy.ask(open_relay, path + proxy.CHAT).status == 400
    assert fake.counters()["requests"] == 0
    assert proxy.ask(open_relay, f"/rollout/{'a' * 128}/attempt/A-z.0_9{proxy.CHAT}").status == 200


UNKNOWN_PATHS = [
    ("POST", "/"),
    ("POST", "/v1"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/organization/admin_api_keys"),
    ("GET", "/v1/chat/completions"),
    ("DELETE", "/v1/models/gpt"),
    ("POST", "/v1/chat/completions/"),
    ("POST", "/v1/chat/completionsx"),
    ("POST", "/rollout/a/v1/chat/completions"),
    ("POST", "/v1beta/models/gemini:deleteEverything"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN_PATHS)
def test_only_the_apis_of_llms_are_passed_on(open_relay, fake, method, path):
    fake.reset()
    answer = http1.request(open_relay.llm_proxy, method, path, {"Content-Type": "application/json"}, b"{}")
    assert answer.status in (404, 405)
    assert fake.counters()["requests"] == 0


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "OPTIONS", "CONNECT", "PROPFIND"])
def test_methods_that_could_show_the_providers_key_are_not_passed_on(start, fake, method):
    """A provider that knows TRACE answers with the request as it got it."""
    relay = start(*proxy.arguments(fake.url, {"openai": {"paths": "/v1/files"}}))
    fake.reset()
    for path in ["/v1/responses/resp_1", "/responses/resp_1", "/v1/files/file-1"]:
        assert http1.request(relay.llm_proxy, method, path).status in (400, 404, 405, 501)
    assert fake.counters()["requests"] == 0


def test_further_paths_are_passed_on_when_they_are_listed(start, fake):
    relay = start(*proxy.arguments(fake.url, {"openai": {"paths": "/v1/files"}}))
    fake.reset()
    http1.request(relay.llm_proxy, "GET", "/v1/files/file-1?a=b")
    assert (fake.last().method, fake.last().target) == ("GET", "/v1/files/file-1?a=b")
    assert http1.request(relay.llm_proxy, "GET", "/v1/filesystem").status == 404
    assert fake.counters()["requests"] == 1


SERVER_PATHS = [
    ("POST", "/v1/traces"),
    ("GET", "/api/v1/rollouts"),
    ("POST", "/api/v1/bindings"),
    ("GET", "/v1/agl/health"),
    ("POST", "/v1/agl/spans/search"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/readyz"),
]


@pytest.mark.parametrize(("method", "path"), SERVER_PATHS)
def test_the_proxys_listener_serves_nothing_else(open_relay, method, path):
    body = b"{}" if method == "POST" else None
    assert http1.request(open_relay.llm_proxy, method, path, {"Content-Type": "application/json"}, body).status == 404


def test_no_other_listener_serves_the_proxy(open_relay, fake):
    fake.reset()
    body = json.dumps(proxy.chat()).encode()
    for address in (open_relay.api, open_relay.otlp_http):
        assert http1.request(address, "POST", proxy.CHAT, {"Content-Type": "application/json"}, body).status == 404
    assert fake.counters()["requests"] == 0


# Smuggling

SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}" + SMUGGLED,
    "a list of lengths": b"Content-Length: 2, 30\r\n\r\n{}" + SMUGGLED,
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "a length in hex": b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "another coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a folded line": b"X-A: b\r\n Content-Length: 30\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "a space before the colon": b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
    "a NUL": b"X-A: b\0c\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "a bare CR": b"X-A: b\rContent-Length: 30\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "a chunk size with rubbish": b"Transfer-Encoding: chunked\r\n\r\n2x\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "too many fields": b"".join(b"X-%d: a\r\n" % number for number in range(300)) + b"Content-Length: 2\r\n\r\n{}",
    "too many bytes of fields": b"X-A: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_could_be_two_is_refused(open_relay, fake, name):
    fake.reset()
    data = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + AMBIGUOUS[name]
    with http1.Connection(open_relay.llm_proxy) as connection:
        connection.send_as_far_as_accepted(data)
        answer = llm_wire.read(connection)
        assert answer is None or answer.status in (400, 431, 501)
        # Nothing that follows is taken for a request.
        assert llm_wire.read(connection) is None
    assert fake.counters()["requests"] == 0


def test_a_chunked_request_arrives_as_one_body(open_relay, fake):
    body = json.dumps(proxy.chat()).encode()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    trailer = b"Authorization: Bearer smuggled\r\n"
    with http1.Connection(open_relay.llm_proxy) as connection:
        connection.send_request("POST", proxy.CHAT, headers, http1.chunked(body, 7, trailer=trailer))
        assert connection.read_response().status == 200
    received = fake.last()
    assert (received.body, received.header("content-length")) == (body, str(len(body)))
    assert not received.all("transfer-encoding") and not received.all("authorization")


# Header fields

STRIPPED = {
    "Keep-Alive": "timeout=5",
    "TE": "trailers",
    "Trailer": "X-T",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "Proxy-Connection": "keep-alive",
    "Cookie": "session=secret",
    "Forwarded": "for=10.0.0.1",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Host": "internal",
    "X-Forwarded-Proto": "https",
    "X-Rollout-Id": "ro",
    "X-Attempt-Id": "at",
    "X-Sequence-Id": "7",
    "Baggage": "agentlightning.rollout_id=ro",
    "Traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    "Tracestate": "a=b",
    "X-No-Record": "1",
    "X-Named": "by connection",
}
PASSED = {
    "OpenAI-Organization": "org",
    "OpenAI-Project": "proj",
    "OpenAI-Beta": "assistants=v2",
    "Anthropic-Version": "2023-06-01",
    "Anthropic-Beta": "a,b",
    "X-Stainless-Lang": "python",
    "Idempotency-Key": "k-1",
    "User-Agent": "agent/1.0",
    "X-Goog-User-Project": "p",
    "Accept": "application/json",
}


def test_the_upstream_receives_what_is_its_business(guarded, fake):
    headers = {**STRIPPED, **PASSED, "Connection": "keep-alive, X-Named", **bearer(CLIENT_KEY)}
    assert proxy.ask(guarded, headers=headers).status == 200
    received = fake.last()
    assert {name: received.header(name) for name in PASSED} == PASSED
    assert received.names & {name.lower() for name in STRIPPED} == set()
    assert received.header("host") == "{}:{}".format(*fake.address)
    # Nothing is there twice, and nothing that nobody sent.
    expected = {name.lower() for name in PASSED} | {"host", "content-type", "content-length", "authorization"}
    assert sorted(name.lower() for name, _ in received.fields) == sorted(expected)


def test_only_codings_that_can_be_recorded_are_asked_for(open_relay, fake):
    proxy.ask(open_relay, headers={"Accept-Encoding": "gzip;q=0.5, br, x-odd, zstd, deflate"})
    codings = [coding.partition(";")[0].strip() for coding in fake.last().header("accept-encoding").split(",")]
    assert set(codings) <= {"gzip", "br", "zstd", "deflate", "identity"}
    assert {"gzip", "br"} <= set(codings)


def test_what_would_speak_for_the_providers_host_does_not_reach_the_client(start):
    sent = ["set-cookie: a=b", "alt-svc: h3", "strict-transport-security: max-age=1", "x-request-id: r-1", "cf-ray: c"]
    answer = scripted.answer(b"{}", *sent, "keep-alive: timeout=5")
    with scripted.ScriptedUpstream(lambda connection, _: connection.sendall(answer)) as upstream:
        got = proxy.ask(start(*proxy.arguments(upstream.url)))
    names = {name.lower() for name, _ in got.headers}
    assert {"x-request-id", "cf-ray", "x-proxy-request-id"} <= names
    assert not names & {"set-cookie", "alt-svc", "strict-transport-security", "keep-alive"}


# Limits


@pytest.fixture(scope="module")
def limited(fake, tmp_path_factory):
    arguments = proxy.arguments(fake.url)
    for name, value in {
        "llm.request_bytes": "4KiB",
        "llm.requests": 3,
        "llm.requests_per_key": 2,
        "auth.llm.tokens": hashed(CLIENT_KEY, OTHER_KEY),
    }.items():
        arguments += proxy.setting(name, value)
    with server.Fulgurite(tmp_path_factory.mktemp("limited") / "data", *arguments) as running:
        yield running


def test_a_body_over_the_limit_is_413_in_the_shape_of_the_route(limited, fake):
    fake.reset()
    large = "x" * 5000
    chat = proxy.ask(limited, proxy.CHAT, proxy.chat(user=large), bearer(CLIENT_KEY))
    assert (chat.status, chat.json()["error"]["type"]) == (413, "request_too_large")
    message = proxy.ask(limited, proxy.MESSAGES, proxy.message(system=large), bearer(CLIENT_KEY))
    assert (message.status, message.json()["type"]) == (413, "error")
    assert message.json()["error"]["type"] == "request_too_large"
    body = http1.chunked(json.dumps(proxy.chat(user=large)).encode(), 100)
    headers = {**bearer(CLIENT_KEY), "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    assert http1.request(limited.llm_proxy, "POST", proxy.CHAT, headers, body).status == 413
    assert fake.counters()["requests"] == 0


def test_too_many_calls_of_a_key_are_429_and_others_go_on(limited, fake):
    fake.reset()
    held = [proxy.begin(limited, headers=bearer(CLIENT_KEY), fake={"ttfb": 60_000}) for _ in range(2)]
    fake.wait_for(lambda counters: counters["in_flight"] == 2)
    refused = proxy.ask(limited, headers=bearer(CLIENT_KEY))
    assert (refused.status, refused.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(refused.header("retry-after")) >= 1
    assert proxy.ask(limited, headers=bearer(OTHER_KEY)).status == 200
    held.append(proxy.begin(limited, headers=bearer(OTHER_KEY), fake={"ttfb": 60_000}))
    fake.wait_for(lambda counters: counters["in_flight"] == 3)
    # All places are taken now, whoever asks.
    full = proxy.ask(limited, proxy.MESSAGES, proxy.message(), bearer(OTHER_KEY))
    assert (full.status, full.json()["error"]["type"]) == (429, "rate_limit_error")
    for connection in held:
        connection.close()
    fake.wait_for(lambda counters: counters["in_flight"] == 0)
    # The place of a call that was given up is free again.
    assert proxy.ask(limited, headers=bearer(CLIENT_KEY)).status == 200


def test_a_request_that_never_comes_whole_is_given_up(start, fake):
    """A slow loris holds no place for ever."""
    relay = start(*proxy.arguments(fake.url), *proxy.setting("limits.body_timeout", "200ms"))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    answer = raw(relay.llm_proxy, head)
    assert answer is None or answer.status == 408


# Models and keys for them


def test_a_model_selects_its_upstream_and_only_declared_ones_are_served(start, fake):
    upstreams = {
        "first": {"models": "small=tiny-1", "base_url": fake.url + "/opts/a=1/v1"},
        "second": {"models": "large", "base_url": fake.url + "/opts/b=2/v1"},
    }
    relay = start(*proxy.arguments(fake.url, upstreams))
    assert proxy.ask(relay, members=proxy.chat("small")).status == 200
    assert fake.last().target == "/opts/a=1" + proxy.CHAT
    # The alias is replaced, and nothing else of the body.
    assert fake.last().body == json.dumps(proxy.chat("small")).encode().replace(b'"small"', b'"tiny-1"')
    assert proxy.ask(relay, members=proxy.chat("large")).status == 200
    assert fake.last().target == "/opts/b=2" + proxy.CHAT
    fake.reset()
    unknown = proxy.ask(relay, members=proxy.chat("other"))
    assert (unknown.status, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert proxy.ask(relay, "/second" + proxy.CHAT, proxy.chat("small")).status == 404
    assert fake.counters()["requests"] == 0


# Other machines


def test_tls_to_the_upstream_is_verified(start, tmp_path):
    """A certificate that nobody vouches for is no upstream; with its own authority it is."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *names, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    with provider.FakeProvider(tls_cert=certificate, tls_key=key) as fake:
        url = "https://127.0.0.1:" + fake.url.rpartition(":")[2]
        relay = start(*proxy.arguments(url, {"strict": {}, "own": {"ca_file": certificate}}))
        refused = proxy.ask(relay, "/strict" + proxy.CHAT)
        assert (refused.status, refused.json()["error"]["code"]) == (502, "connect_error")
        assert proxy.ask(relay, "/own" + proxy.CHAT).status == 200


def test_proxy_variables_of_the_environment_change_nothing(start, fake, stranger):
    url = "http://{}:{}".format(*stranger.getsockname())
    names = ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"]
    relay = start(*proxy.arguments(fake.url), environment=dict.fromkeys(names, url))
    assert proxy.ask(relay).status == 200


# The models of an upstream are a limit


@pytest.fixture(scope="module")
def two_models(fake, tmp_path_factory):
    """A proxy that serves two models, one of them under another name."""
    models = {"models": "small=big,other"}
    arguments = proxy.arguments(fake.url, {"openai": models, "gemini": {**models, "api": "gemini"}})
    with server.Fulgurite(tmp_path_factory.mktemp("limited") / "data", *arguments) as running:
        yield running


def post(relay, path, body, headers=None):
    fields = {"Content-Type": "application/json", **(headers or {})}
    return http1.request(relay.llm_proxy, "POST", path, fields, body)


@pytest.mark.parametrize(
    "path, body, headers, status",
    [
        ("/openai/v1/chat/completions", b'{"model":"small"}', None, 200),
        ("/openai/v1/chat/completions", b'{"model":"huge"}', None, 404),
        ("/openai/v1/chat/completions", b'{"messages":[]}', None, 400),
        ("/openai/v1/chat/completions", b'{"model":"huge","model":"small"}', None, 400),
        ("/openai/v1/chat/completions", b'\xef\xbb\xbf{"model":"huge"}', None, 400),
        ("/openai/v1/chat/completions", gzip.compress(b'{"model":"huge"}', mtime=0), {"Content-Encoding": "gzip"}, 400),
        ("/openai/v1/messages/count_tokens", b'{"model":"huge"}', None, 404),
        ("/gemini/v1beta/models/small:generateContent", b"{}", None, 200),
        ("/gemini/v1beta/models/huge:generateContent", b"{}", None, 404),
        ("/gemini/v1beta/models/huge:countTokens", b"{}", None, 404),
    ],
)
def test_no_request_gets_around_the_models_of_an_upstream(two_models, path, body, headers, status):
    assert post(two_models, path, body, headers).status == status


def test_an_alias_reaches_the_provider_by_its_own_name(two_models, fake):
    post(two_models, "/gemini/v1beta/models/small:generateContent", b"{}")
    assert fake.last().target.endswith("/models/big:generateContent")
    post(two_models, "/openai/v1/messages/count_tokens", b'{"model":"small"}')
    assert json.loads(fake.last().body)["model"] == "big"


@pytest.mark.parametrize("name", ["key", "%6bey", "k%65y"])
def test_a_key_in_a_query_stays_here(start, fake, name):
    relay = start(*proxy.arguments(fake.url, {"openai": {}}), *proxy.setting("auth.llm.tokens", hashed(CLIENT_KEY)))
    assert proxy.ask(relay, f"/v1/chat/completions?a=1&{name}={CLIENT_KEY}").status == 200
    assert fake.last().target.endswith("?a=1")
