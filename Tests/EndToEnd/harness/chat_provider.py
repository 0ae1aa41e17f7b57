"""A chat completion provider on loopback that says the same in every run, for agents that call one."""

import contextlib
import http.server
import json
import threading


def completion(request):
    """An answer with what the adapters look for: an id, token ids, log probabilities, a tool call when tools came."""
    question = request["messages"][-1]["content"]
    message = {"role": "assistant", "content": f"answer to {question}"}
    if request.get("tools"):
        function = {"name": "calculate", "arguments": '{"expression": "1+1"}'}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    return {
        "id": f"chatcmpl-{question}",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": request["model"],
        "prompt_token_ids": [1, 2, len(question)],
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "stop",
                "token_ids": [7, 8, 9],
                "logprobs": {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]},
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(completion(request)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def chat_provider():
    """The base URL of a running provider, as an OpenAI client takes it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as provider:
        thread = threading.Thread(target=provider.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{provider.server_port}/v1"
        finally:
            provider.shutdown()
            thread.join()
