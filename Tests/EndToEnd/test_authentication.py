"""Bearer tokens for each route set, and no listener outside loopback without them."""

import hashlib
import os
import signal

import pytest
from harness import http1, http2, otlp, rows, sending
from harness import server as program

PROTOBUF = "application/x-protobuf"


TOKENS = {"ingest": "ingest-token-0123456789", "api": "api-token-0123456789"}


def hashed(token):
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def bearer(name):
    return {"Authorization": f"Bearer {TOKENS[name]}"}


@pytest.fixture
def guarded(start):
    return start(*[word for name in TOKENS for word in ("--set", f"auth.{name}.tokens={hashed(TOKENS[name])}")])


WRONG = {
    "no header": {},
    "an empty header": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic aW5nZXN0OnRva2Vu"},
    "no token": {"Authorization": "Bearer "},
    "a wrong token": {"Authorization": "Bearer wrong"},
    "the hash itself": {"Authorization": "Bearer " + hashed(TOKENS["ingest"])},
    "a prefix of the token": {"Authorization": "Bearer " + TOKENS["ingest"][:-1]},
    "a longer token": {"Authorization": f"Bearer {TOKENS['ingest']}x"},
    "the token of the other route set": bearer("api"),
}


@pytest.mark.parametrize("name", WRONG)
def test_ingest_without_its_token_is_401(guarded, name):
    response = guarded.post(rows.body_of("guarded"), headers=WRONG[name])
    assert response.status == 401
    assert response.header("WWW-Authenticate").startswith("Bearer")
    assert otlp.status_of(response)[0] == 16
    # HTTP/2 allows no space at the end of a value.
    metadata = [(key.lower(), value.strip()) for key, value in WRONG[name].items()]
    answer = http2.grpc_call(guarded.otlp_grpc, http2.grpc_message(rows.body_of("guarded")), metadata=metadata)
    assert answer.grpc_status == 16


def test_ingest_with_its_token_is_served(guarded):
    otlp.assert_success(guarded.post(rows.body_of("guarded"), headers=bearer("ingest")))
    lower = {"authorization": "bearer " + TOKENS["ingest"]}
    otlp.assert_success(guarded.post(rows.body_of("guarded"), headers=lower))
    metadata = [("authorization", bearer("ingest")["Authorization"])]
    answer = http2.grpc_call(guarded.otlp_grpc, http2.grpc_message(rows.body_of("guarded")), metadata=metadata)
    sending.assert_grpc_success(answer)


def test_health_needs_no_token(guarded):
    for path in ("/healthz", "/readyz"):
        assert guarded.get(path).status == 200
    for name in ("no header", "a wrong token"):
        metadata = [(key.lower(), value) for key, value in WRONG[name].items()]
        answer = http2.grpc_call(guarded.otlp_grpc, http2.grpc_message(b""), http2.HEALTH_CHECK, metadata=metadata)
        assert (answer.grpc_status, answer.messages) == (0, [b"\x08\x01"])
    # Only that one call: another of the service, and one whose path only ends like it, are refused as before.
    for path in ("/grpc.health.v1.Health/Watch", "/rollout/r" + http2.HEALTH_CHECK):
        assert http2.grpc_call(guarded.otlp_grpc, http2.grpc_message(b""), path).grpc_status == 16


def test_a_refused_body_is_not_read(guarded):
    """The answer comes before the body, so a stranger cannot make the server hold one."""
    with http1.Connection(guarded.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Content-Length": "1000000", "Expect": "100-continue"}
        connection.send_request("POST", "/v1/traces", headers)
        assert connection.read_interim().status == 401


API_PATHS = [
    "/api/v1/rollouts",
    "/api/v1/bindings",
    "/api/v1/sessions",
    "/api/v1/unassigned",
    "/api/v1/unassigned/spans",
    "/api/v1/rollouts/r/diagnosis",
    "/api/v1/refused",
    "/v1/agl/spans?rollout_id=r",
    "/v1/agl/statistics",
]


@pytest.mark.parametrize("path", API_PATHS)
def test_the_api_needs_its_own_token(guarded, path):
    for headers in ({}, bearer("ingest")):
        response = guarded.get(path, headers)
        assert response.status == 401
        assert response.header("WWW-Authenticate").startswith("Bearer")
    assert guarded.get(path, bearer("api")).status == 200


def test_tokens_may_come_from_a_file_and_the_environment(start, tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"# the agents\n{hashed('other')}\n\n{hashed(TOKENS['ingest'])}\n")
    file.chmod(0o600)
    from_file = start("--set", f"auth.ingest.token_file={file}", name="file")
    environment = {"FULGURITE_AUTH_INGEST_TOKENS": f"{hashed('other')},{hashed(TOKENS['ingest'])}"}
    from_environment = start(name="environment", environment=environment)
    for server in (from_file, from_environment):
        assert server.post(rows.GOOD_BODY).status == 401
        otlp.assert_success(server.post(rows.GOOD_BODY, headers=bearer("ingest")))


@pytest.fixture
def token_files(tmp_path):
    """A file with a token for each route set."""
    files = {name: tmp_path / f"{name}.tokens" for name in TOKENS}
    for name, file in files.items():
        file.write_text(hashed(TOKENS[name]) + "\n")
    return files


@pytest.fixture
def reloadable(start, token_files):
    return start(*[f"--set=auth.{name}.token_file={file}" for name, file in token_files.items()])


def reload(server, message):
    """Sends SIGHUP, and waits until the log has the message once more."""
    before = server.log().count(message)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_log(message, before + 1)


def allowed(server, token):
    headers = {"Authorization": f"Bearer {token}"}
    return server.post(rows.GOOD_BODY, headers=headers).status == 200, server.get("/api/v1/rollouts", headers).status == 200


def test_token_files_are_read_again_on_sighup(reloadable, token_files):
    assert allowed(reloadable, TOKENS["ingest"]) == (True, False)
    assert allowed(reloadable, "new") == (False, False)
    token_files["ingest"].write_text(hashed("new"))
    # Not before it is told to.
    assert allowed(reloadable, "new") == (False, False)
    with http1.Connection(reloadable.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, **bearer("ingest")}
        connection.send_request("POST", "/v1/traces", headers, rows.GOOD_BODY)
        otlp.assert_success(connection.read_response())
        reload(reloadable, "token files read again")
        # Connections that are open are no exception.
        connection.send_request("POST", "/v1/traces", headers, rows.GOOD_BODY)
        assert connection.read_response().status == 401
    assert allowed(reloadable, "new") == (True, False)
    assert allowed(reloadable, TOKENS["api"]) == (False, True)
    assert hashed("new")[7:] not in reloadable.log()


BAD_FILES = {
    "not a hash": lambda file: file.write_text("secret-token-itself\n"),
    "empty": lambda file: file.write_text("# none\n"),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_token_file_leaves_the_former_tokens(reloadable, token_files, name):
    token_files["ingest"].write_text(hashed("new"))
    BAD_FILES[name](token_files["api"])
    reload(reloadable, "the former tokens stay")
    assert "auth.api.token_file" in reloadable.log()
    assert "secret-token-itself" not in reloadable.log()
    assert allowed(reloadable, TOKENS["ingest"]) == (True, False)
    assert allowed(reloadable, TOKENS["api"]) == (False, True)
    assert allowed(reloadable, "new") == (False, False)
    token_files["api"].write_text(hashed("newer"))
    reload(reloadable, "token files read again")
    assert allowed(reloadable, "new") == (True, False)
    assert allowed(reloadable, "newer") == (False, True)


def test_sighup_without_token_files_changes_nothing(guarded):
    reload(guarded, "no token files to read again")
    assert allowed(guarded, TOKENS["ingest"]) == (True, False)
    assert guarded.stop() == 0


def test_tokens_do_not_reach_the_log(guarded):
    guarded.post(rows.GOOD_BODY, headers={"Authorization": "Bearer sk-wrong-0123456789"})
    guarded.post(rows.GOOD_BODY, headers=bearer("ingest"))
    for secret in ["sk-wrong", TOKENS["ingest"], hashed(TOKENS["ingest"])[7:]]:
        assert secret not in guarded.log()


@pytest.mark.parametrize(
    "option, key", [("--otlp-http", "auth.ingest"), ("--otlp-grpc", "auth.ingest"), ("--api", "auth.api")]
)
def test_a_listener_outside_loopback_without_a_token_is_refused(start, option, key):
    with pytest.raises(program.StartFailure) as failure:
        start(option, "0.0.0.0:0")
    assert failure.value.code > 0
    assert key in failure.value.log
    assert "insecure" in failure.value.log


def test_a_listener_outside_loopback_starts_with_tokens_or_when_told(start):
    settings = [word for name in TOKENS for word in ("--set", f"auth.{name}.tokens={hashed(TOKENS[name])}")]
    guarded = start("--otlp-http", "0.0.0.0:0", *settings, name="guarded")
    assert guarded.ready["otlp_http"][0].startswith("0.0.0.0:")
    told = start("--otlp-http", "0.0.0.0:0", "--insecure-listen", name="told")
    assert "without a token" in told.log()
