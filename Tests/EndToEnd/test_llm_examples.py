"""docs/llm-proxy.md does what it says: each configuration is served, each program and command run.

So are the commands of docs/session-keys.md.
"""

import hashlib
import json
import re
import subprocess
import sys
import urllib.parse

import pytest
from harness import http1, llm_spans, paths, provider, proxy

DOCUMENTS = paths.REPOSITORY / "docs"
DOCUMENT = (DOCUMENTS / "llm-proxy.md").read_text()
SESSIONS = (DOCUMENTS / "session-keys.md").read_text()
KEYS = {"OPENAI_API_KEY": proxy.OPENAI_KEY, "ANTHROPIC_API_KEY": proxy.ANTHROPIC_KEY}
PLACE = ("ro-1", "at-1")


def section(title):
    """What stands below a heading, up to the next one."""
    [found] = [text for text in re.split(r"^#+ ", DOCUMENT, flags=re.MULTILINE) if text.startswith(title + "\n")]
    return found


def blocks(title, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture
def serve(start, fake, tmp_path):
    """Serves the configuration of a recipe, with the provider of the tests in the place of all others."""
    fake.reset()

    def serve_recipe(title):
        [text] = blocks(title, "yaml")
        # Which API a host has is known of the real ones alone.
        text = re.sub(r"( *)base_url: https://api\.anthropic\.com", rf"\1base_url: {fake.url}\n\1api: anthropic", text)
        for url in ("https://api.openai.com", "http://localhost:8000"):
            text = text.replace(f"base_url: {url}\n", f"base_url: {fake.url}\n")
        assert text.count(fake.url) == text.count("base_url:")
        file = tmp_path / "fulgurite.yaml"
        file.write_text(text)
        return start("--config", file, "--llm-proxy", "127.0.0.1:0", environment=KEYS)

    return serve_recipe


def here(running, text):
    """A text of the document with the ports of a server."""
    for port, address in [("4000", running.llm_proxy), ("4747", running.api)]:
        text = text.replace(f"localhost:{port}", f"{address[0]}:{address[1]}")
    return text


def run(running, text, *command, environment=None):
    """Runs a program of the document and returns what it printed."""
    done = subprocess.run(
        [*command, here(running, text)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **(environment or {})},
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def shell(running, text):
    return run(running, "set -eu\n" + text, "bash", "-c")


def python(running, text):
    return run(running, text, sys.executable, "-c")


def spans(running, count=1):
    return llm_spans.wait_for(lambda: llm_spans.of_rollout(running, *PLACE), count)


ANSWER = "alpha bravo charlie"


def test_two_commands(start, fake):
    serving, agents, looking = blocks("In two commands", "sh")
    words = serving.replace("\\\n", " ").split()
    assert words[:2] == [".build/release/fulgurite", "serve"]
    options = [word.replace("https://api.openai.com", fake.url) for word in words[2:]]
    running = start(*options, "--llm-proxy", "127.0.0.1:0", environment=KEYS)
    printed = shell(running, agents + looking)
    assert ANSWER in printed and '"chat gpt-4o-mini"' in printed
    assert fake.last().header("authorization") == f"Bearer {proxy.OPENAI_KEY}"
    # The SDK takes the address from the environment.
    shell(running, agents + f"'{sys.executable}' -c 'import openai; openai.OpenAI().models.list()'")
    assert fake.last().target == "/v1/models"


def test_the_openai_sdk(serve, fake):
    running = serve("The OpenAI SDK")
    [program] = blocks("The OpenAI SDK", "python")
    assert python(running, program).startswith(ANSWER)
    [span] = spans(running)
    assert (span.name, span.attributes["gen_ai.usage.output_tokens"]) == ("chat gpt-4o-mini", 8)
    assert fake.last().header("authorization") == f"Bearer {proxy.OPENAI_KEY}"


def test_the_anthropic_sdk(serve, fake):
    running = serve("The Anthropic SDK")
    [program] = blocks("The Anthropic SDK", "python")
    assert python(running, program).startswith(ANSWER)
    [span] = spans(running)
    assert span.name == "chat claude-sonnet-4-5"
    assert fake.last().header("x-api-key") == proxy.ANTHROPIC_KEY


def test_openclaw(serve, fake):
    running = serve("OpenClaw")
    [settings] = map(json.loads, blocks("OpenClaw", "json"))
    [(name, one)] = settings["models"]["providers"].items()
    [model] = one["models"]
    assert settings["agents"]["defaults"]["model"]["primary"] == f"{name}/{model['id']}"
    path = urllib.parse.urlsplit(one["baseUrl"]).path + "/chat/completions"
    parent = llm_spans.new_parent()
    headers = {**parent.header, "Authorization": f"Bearer {one['apiKey']}"}
    assert proxy.ask(running, path, proxy.chat(model["id"], stream=True), headers).status == 200
    assert llm_spans.wait_for_one(running, parent.trace_id).parent_id == parent.span_id
    assert fake.last().target == proxy.CHAT


def test_vllm(serve, fake):
    running = serve("vLLM")
    shell(running, blocks("vLLM", "sh")[0])
    [span] = spans(running)
    assert {"prompt_token_ids", "response_token_ids", "logprobs.content"} <= set(span.attributes)
    assert fake.last().header("traceparent").split("-")[1:3] == [span.trace_id, span.span_id]


def test_agent_lightning(serve):
    """`test_llm_adapters.py` has a runner with the resource of the recipe; here it is the configuration that counts."""
    running = serve("Agent Lightning")
    assert "ProxyLLM" in blocks("Agent Lightning", "python")[0]
    path = "/rollout/{}/attempt/{}/chat/completions".format(*PLACE)
    assert proxy.ask(running, path, fake={"tools": 1}).status == 200
    assert {span.name for span in spans(running, 3)} == {
        "openai.chat.completion",
        "raw_gen_ai_request",
        "tool_call.get_weather",
    }


def test_keys_of_sessions(serve):
    running = serve("Keys of sessions, as in AReaL")
    printed = shell(running, blocks("Keys of sessions, as in AReaL", "sh")[0])
    [exported] = json.JSONDecoder().raw_decode(printed[printed.rindex('{"interactions"') :])[0]["interactions"].values()
    assert exported["reward"] == 1
    assert exported["messages"] == [{"role": "user", "content": "6 * 7?"}]


def test_several_upstreams(serve, fake):
    running = serve("Several upstreams")
    shell(running, blocks("Several upstreams", "sh")[0])
    got = [
        (request.target, json.loads(request.body)["model"], request.names & {"authorization", "x-api-key"})
        for request in fake.requests()
    ]
    assert got == [
        (proxy.CHAT, "gpt-4o-mini", {"authorization"}),
        (proxy.MESSAGES, "claude-sonnet-4-5", {"x-api-key"}),
        (proxy.CHAT, "Qwen/Qwen3-8B", set()),
        (proxy.CHAT, "Qwen/Qwen3-32B", set()),
        (proxy.CHAT, "gpt-4o-mini", {"authorization"}),
    ]
    [span] = spans(running)
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert [entry["id"] for entry in http1.request(running.llm_proxy, "GET", "/qwen/v1/models").json()["data"]] == [
        "small",
        "Qwen/Qwen3-32B",
    ]


BASE = re.compile(r"^\| `(https?://\w+(?::8000)?)([^`]*)` \| (.*) \| `(/.*)` \|$", re.MULTILINE)
BASES = BASE.findall(section("Where a call goes"))


def test_what_stands_before_the_path_at_the_upstream(start, fake):
    assert len(BASES) == 4
    for number, (_, base, asked, expected) in enumerate(BASES):
        running = start(*proxy.arguments(fake.url + base, {"openai": {}}), name=f"data-{number}")
        for path in re.findall(r"`(/[^`]*)`", asked) or ["/v1/chat/completions", "/chat/completions"]:
            proxy.ask(running, path)
            assert fake.last().target == expected, (base, path)


def test_a_pause(serve):
    running = serve("The OpenAI SDK")
    commands = blocks("Pause and resume", "sh")[0].splitlines(keepends=True)
    shell(running, commands[0])
    refused = proxy.ask(running)
    assert (refused.status, refused.header("retry-after"), refused.header("x-agl-paused")) == (429, "30", "true")
    assert json.loads(shell(running, commands[1])) == json.loads(commands[1].rpartition("# ")[2])
    shell(running, commands[2])
    assert proxy.ask(running).status == 200


def test_a_key_for_clients(start, fake):
    printed = run_locally(blocks("Keys and security", "sh")[0] + 'printf "%s %s" "$token" "$FULGURITE_AUTH_LLM_TOKENS"')
    token, digest = printed.split()
    running = start(*proxy.arguments(fake.url), environment={"FULGURITE_AUTH_LLM_TOKENS": digest})
    assert proxy.ask(running).status == 401
    assert proxy.ask(running, headers={"x-api-key": token}).status == 200


def run_locally(text):
    return subprocess.run(["bash", "-euc", text], capture_output=True, text=True, timeout=60, check=True).stdout


# The page about session keys


def test_a_session_from_its_start_to_its_export(start, fake):
    starting, calling, exporting = re.findall(r"^```sh\n(.*?)^```$", SESSIONS, re.MULTILINE | re.DOTALL)
    digest = hashlib.sha256(b"admin").hexdigest()
    running = start(*proxy.arguments(fake.url), *proxy.setting("auth.llm_admin.tokens", f"sha256:{digest}"))
    started = json.loads(shell(running, "ADMIN_KEY=admin\n" + starting))
    assert started["session_id"] == "math-17-0"
    key = started["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    turns = [{**proxy.chat(), "messages": [{"role": "user", "content": content}]} for content in ("first", "second")]
    answers = [proxy.ask(running, members=turn, headers=headers).json() for turn in turns]
    setting = "ADMIN_KEY=admin\n" + "".join(starting.splitlines(keepends=True)[:2])
    shell(running, f"{setting}KEY={key}\n{calling}".replace("chatcmpl-123", answers[0]["id"]))
    exported = json.loads(shell(running, setting + exporting))["interactions"]
    # The first reward is for the last call, of which the first one has nine tenths.
    assert {name: one["reward"] for name, one in exported.items()} == {answers[0]["id"]: 1.4, answers[1]["id"]: 1.0}
