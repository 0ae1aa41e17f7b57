"""The LLM proxy of a server: how it is configured for a provider of the tests, and how a client asks it."""

import json

from . import http1

# What clients send as their provider's key. Nothing may ever show them.
OPENAI_KEY, ANTHROPIC_KEY, GEMINI_KEY = "sk-upstream-0000", "sk-ant-upstream-0000", "AIza-upstream-0000"

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
MESSAGES = "/v1/messages"
GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM_GENERATE = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"

UPSTREAMS = {"openai": {}, "anthropic": {"api": "anthropic"}, "gemini": {"api": "gemini", "provider": "gcp.gemini"}}


def arguments(url, upstreams=None, **each):
    """Options of `serve`: an upstream for each API at `url`, openai being the default; `each` is set of all of them.

    `upstreams` names others: `{name: {option: value}}`.
    """
    upstreams = UPSTREAMS if upstreams is None else upstreams
    words = ["--llm-proxy", "127.0.0.1:0", *setting("llm.default_upstream", next(iter(upstreams)))]
    for name, options in upstreams.items():
        for key, value in {"base_url": url, **each, **options}.items():
            words += setting(f"llm.upstreams.{name}.{key}", value)
    return words


def setting(name, value):
    return ["--set", f"{name}={value}"]


# Requests


def chat(model="fake-model", **members):
    """The members of a chat completion request."""
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}], **members}


def message(model="claude-fake", **members):
    """The members of an Anthropic message request."""
    return {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}], **members}


def response(model="fake-model", **members):
    """The members of a request of the Responses API."""
    return {"model": model, "input": "Say hello.", **members}


def embedding(model="fake-embedding", **members):
    return {"model": model, "input": "hello", **members}


def generation(**members):
    """The members of a Gemini request."""
    return {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}], **members}


# What makes the members of a request with a stream.
MEMBERS = {CHAT: chat, MESSAGES: message, RESPONSES: response}


def fields(fake=None, headers=None):
    """Header fields of a request; `fake` are options for the provider, such as `{"gap": 5}`."""
    options = {"x-fake": "&".join(f"{key}={value}" for key, value in fake.items())} if fake else {}
    return {"Content-Type": "application/json", **options, **(headers or {})}


def ask(server, path=CHAT, members=None, headers=None, fake=None, **options):
    """One request on a connection of its own, and its whole answer."""
    body = json.dumps(chat() if members is None else members).encode()
    return http1.request(server.llm_proxy, "POST", path, fields(fake, headers), body, **options)


def begin(server, path=CHAT, members=None, headers=None, fake=None):
    """Sends a request and returns the connection, from which the answer can be read, or which can be closed."""
    connection = http1.Connection(server.llm_proxy)
    body = json.dumps(chat(stream=True) if members is None else members).encode()
    connection.send_request("POST", path, fields(fake, headers), body)
    return connection
