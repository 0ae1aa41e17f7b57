"""Many clients at once lose nothing and repeat nothing."""

import concurrent.futures
import functools
import gzip

from harness import http1, http2, otlp, rows, sending, wire

PROTOBUF = "application/x-protobuf"


def run_parallel(clients):
    """Runs the functions at the same time, each on a thread; raises the first failure."""
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as executor:
        for result in [executor.submit(client) for client in clients]:
            result.result()


def test_parallel_clients_lose_and_repeat_nothing(server):
    """Eight clients over both transports; every span is there once."""
    count, clients = 50, 8

    def client(number):
        for index in range(count):
            body = wire.request(wire.span(rows.trace_of(f"client {number}"), (index + 1).to_bytes(8, "big")))
            if number % 2:
                otlp.assert_success(server.post(gzip.compress(body), headers={"Content-Encoding": "gzip"}))
            else:
                sending.assert_grpc_success(http2.grpc_call(server.otlp_grpc, http2.grpc_message(body)))

    run_parallel([functools.partial(client, number) for number in range(clients)])
    for number in range(clients):
        assert len(rows.stored(server, f"client {number}")) == count
    assert server.metric("fulgurite_spans_stored_total") == count * clients


def test_the_same_batch_from_many_clients_at_once_is_stored_once(server):
    """What exporters do when answers are late: the repeats can meet in one transaction."""
    spans = [wire.span(rows.trace_of("repeats"), (index + 1).to_bytes(8, "big")) for index in range(200)]
    body = wire.request(*spans)
    rounds, clients = 10, 8

    def client():
        with http1.Connection(server.otlp_http) as connection:
            for _ in range(rounds):
                connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, body)
                otlp.assert_success(connection.read_response())

    run_parallel([client] * clients)
    assert len(rows.stored(server, "repeats")) == 200
    assert server.metric("fulgurite_spans_stored_total") == 200
    assert server.metric("fulgurite_spans_duplicates_total") == 200 * (rounds * clients - 1)
