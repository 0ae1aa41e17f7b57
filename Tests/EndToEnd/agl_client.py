"""Runs Agent Lightning's own store client against a server: `agl_client.py COMMAND ...`.

This file is executed by the `agl` virtual environment, not by pytest. It prints one JSON document.

    agl_client.py --check
    agl_client.py query URL ROLLOUT [ATTEMPT]     the spans of a rollout, as `query_spans` returned them
    agl_client.py statistics URL                  the answer of `statistics`
    agl_client.py trace URL ROLLOUT ATTEMPT       sends a small trace with AGL's exporter, then queries it
    agl_client.py time URL ROLLOUT ROUNDS         seconds of each of ROUNDS query_spans calls (for the benchmark)
    agl_client.py serve PORT [OPTIONS]            AGL's own in-memory server; OPTIONS is a JSON object that may hold
                                                  scan_debounce_seconds (the watchdog's, 10) and cors (origins)
"""

import asyncio
import importlib.util
import json
import sys
import time
import types


def load_store_package():
    """Makes `agentlightning.store` importable without the package's `__init__`, which imports litellm and agentops.

    The modules below it are AGL's own, unmodified.
    """
    specification = importlib.util.find_spec("agentlightning")
    package = types.ModuleType("agentlightning")
    package.__path__ = list(specification.submodule_search_locations)
    package.__version__ = "0.3.0"
    sys.modules["agentlightning"] = package


load_store_package()

from agentlightning.store.client_server import LightningStoreClient, LightningStoreServer  # noqa: E402


async def query(url, rollout, attempt=None):
    client = LightningStoreClient(url)
    try:
        spans = await client.query_spans(rollout, attempt)
        return [span.model_dump(mode="json") for span in spans]
    finally:
        await client.close()


async def statistics(url):
    client = LightningStoreClient(url)
    try:
        return await client.statistics()
    finally:
        await client.close()


async def trace(url, rollout, attempt):
    """Sends three nested spans with AGL's exporter, aimed at the store the way AGL's tracer does it."""
    from agentlightning.utils.otlp import LightningStoreOTLPExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    client = LightningStoreClient(url)
    try:
        exporter = LightningStoreOTLPExporter()
        exporter.enable_store_otlp(client.otlp_traces_endpoint(), rollout, attempt)
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("agent", "1.0")
        with tracer.start_as_current_span("agent.run"):
            with tracer.start_as_current_span("openai.chat.completion") as call:
                call.set_attribute("gen_ai.response.id", "chatcmpl-1")
                call.set_attribute("prompt_token_ids", [1, 2, 3])
            with tracer.start_as_current_span("tool.call") as tool:
                tool.add_event("retry", {"attempt": 2})
        provider.shutdown()
        return await query(url, rollout, attempt)
    finally:
        await client.close()


async def time_queries(url, rollout, rounds):
    client = LightningStoreClient(url)
    try:
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            spans = await client.query_spans(rollout)
            seconds.append(time.perf_counter() - started)
        return {"spans": len(spans), "seconds": seconds}
    finally:
        await client.close()


async def serve(port, options):
    from agentlightning.store.memory import InMemoryLightningStore

    store = InMemoryLightningStore(scan_debounce_seconds=options.get("scan_debounce_seconds", 10))
    server = LightningStoreServer(store, "127.0.0.1", port, cors_allow_origins=options.get("cors"))
    await server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main(arguments):
    match arguments:
        case ["--check"]:
            return {"client": LightningStoreClient.__module__}
        case ["query", url, rollout]:
            return asyncio.run(query(url, rollout))
        case ["query", url, rollout, attempt]:
            return asyncio.run(query(url, rollout, attempt))
        case ["statistics", url]:
            return asyncio.run(statistics(url))
        case ["trace", url, rollout, attempt]:
            return asyncio.run(trace(url, rollout, attempt))
        case ["time", url, rollout, rounds]:
            return asyncio.run(time_queries(url, rollout, int(rounds)))
        case ["serve", port]:
            return asyncio.run(serve(int(port), {}))
        case ["serve", port, options]:
            return asyncio.run(serve(int(port), json.loads(options)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
