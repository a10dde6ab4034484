"""How many tokens a prompt has: exact from whoever counts, else an estimate that is marked as one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import anthropic
import pytest
from google import genai
from google.genai import types

from harness import ANSWERS_WITHIN, Gateway, Simulator, http, until

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  claude: {{kind: anthropic, base_url: "{cloud}", zone: cloud, api_key: env:UPSTREAM_KEY}}
  house: {{kind: ollama, base_url: "{house}"}}
  vllm: {{kind: openai_compatible, base_url: "{house}/v1"}}
  engine: {{kind: openai_compatible, base_url: "{engine}/v1", profile: vllm}}
  near: {{kind: anthropic, base_url: "{house}", zone: local, api_key: env:UPSTREAM_KEY}}
  google: {{kind: gemini, base_url: "{cloud}", api_key: env:UPSTREAM_KEY}}
  here: {{kind: embedded, context: 2048, slots: 2}}
targets:
  sonnet: {{provider: claude, model: claude-sonnet-4-5, price: {{input: 3, output: 15}}}}
  llama: {{provider: house, model: "llama3.2:latest"}}
  other: {{provider: vllm, model: llama}}
  smol: {{provider: here, model: smollm2}}
  short: {{provider: here, model: smollm2-short, context: 256}}
  brief: {{provider: engine, model: brief, context: 512}}
  beside: {{provider: near, model: claude-sonnet-4-5}}
  flash: {{provider: google, model: gemini-2.5-flash}}
routes:
  - {{name: google, when: {{model: "gemini-*"}}, use: flash}}
  - {{name: short, when: {{model: "short-*"}}, use: short, fallback: [llama]}}
  - {{name: brief, when: {{model: "brief"}}, use: brief, fallback: [llama]}}
  - {{name: real, when: {{model: smol}}, use: smol}}
  - {{name: host, when: {{model: llama}}, use: llama}}
  - {{name: server, when: {{model: other}}, use: other}}
  - {{name: beside, when: {{model: beside}}, use: beside}}
  - {{name: cloud, when: {{model: "claude-*"}}, use: sonnet}}
"""
HELLO = {"messages": [{"role": "user", "content": "Name three animals that live in the sea, and say why."}]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("cloud"), "--bodies", name="cloud")
    yield simulator
    simulator.stop()


class Engine(BaseHTTPRequestHandler):
    """As a vLLM counts: every word is a token."""

    asked: ClassVar[list[tuple[str, dict]]] = []
    counts: ClassVar[bool] = True
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body))
        words = sum(len(each["content"].split()) for each in body["messages"])
        status, answer = 404, {"error": {"message": "no such path"}}
        if self.path == "/tokenize" and self.counts:
            status, answer = 200, {"count": words, "max_model_len": 512, "tokens": [1] * words}
        elif self.path == "/v1/chat/completions":
            usage = {"prompt_tokens": words, "completion_tokens": 1, "total_tokens": words + 1}
            choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "brief"}
            status, answer = 200, {**answer, "choices": [choice], "usage": usage}
        self.tell(status, answer)

    def do_GET(self):
        self.tell(200, {"object": "list", "data": [{"id": "brief", "object": "model"}]})

    def tell(self, status, answer):
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def engine():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, cloud, engine):
    config = CONFIG.format(cloud=cloud.url, house=cloud.url, engine=engine)
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), config)
    until(lambda: gateway.chat("smol", max_tokens=1)[0] == 200, "the model to be loaded", ANSWERS_WITHIN)
    yield gateway
    gateway.stop()


def counted(gateway, model, headers=None, **fields):
    status, told, body = http(
        "POST", f"{gateway.url}/v1/messages/count_tokens", {"model": model, **HELLO, **fields}, headers
    )
    return status, told.get("x-earthward-count"), json.loads(body)


def test_the_engine_counts_as_it_will_read(gateway):
    status, how, body = counted(gateway, "smol")
    assert (status, how) == (200, "exact")
    asked = {"model": "smol", "max_tokens": 1, **HELLO}
    usage = json.loads(http("POST", f"{gateway.url}/v1/messages", asked)[2])["usage"]
    assert body["input_tokens"] == usage["input_tokens"] + usage.get("cache_read_input_tokens", 0)


def test_the_vendor_counts_what_it_would_answer_and_gets_nothing_else(gateway, cloud):
    with anthropic.Anthropic(base_url=gateway.url, api_key="unused", max_retries=0) as sdk:
        found = sdk.messages.count_tokens(model="claude-opus-4-5", system="Be kind.", **HELLO)
    assert found.input_tokens > 10
    sent = [one for one in cloud.seen() if one["path"].startswith("/v1/messages")][-1]
    assert sent["path"] == "/v1/messages/count_tokens"


def test_a_count_is_on_record_where_it_went_out_and_costs_nothing(gateway):
    _, headers, _ = http("POST", f"{gateway.url}/v1/messages/count_tokens", {"model": "claude-opus-4-5", **HELLO})
    row = gateway.row(headers["x-earthward-id"])
    assert (row["target"], row["arm"], row["cost"], row["input_tokens"]) == ("sonnet", "only", 0, 0)
    assert row["path"] == "/v1/messages/count_tokens"


def test_an_ollama_counts_nothing_so_that_it_is_an_estimate_and_asks_nobody(gateway, cloud):
    before = len(cloud.asked())
    status, how, body = counted(gateway, "llama")
    assert (status, how) == (200, "estimate")
    assert 5 <= body["input_tokens"] <= 40
    assert len(cloud.asked()) == before


def test_what_can_not_be_read_is_not_estimated_either(gateway):
    status, _, body = counted(gateway, "llama", messages="Hello.")
    assert status == 400
    assert "messages" in body["error"]["message"]


def test_an_estimate_learns_from_what_hosts_have_counted(gateway):
    long = {"messages": [{"role": "user", "content": "word " * 400}]}
    before = counted(gateway, "llama", **long)[2]["input_tokens"]
    for _ in range(12):
        gateway.chat("llama", text="word " * 400, max_tokens=1)
    told = gateway.chat("llama", text="word " * 400, max_tokens=1)[2]["usage"]["prompt_tokens"]
    after = counted(gateway, "llama", **long)[2]["input_tokens"]
    assert abs(after - told) <= abs(before - told)


def test_a_server_that_counts_nothing_is_asked_and_the_count_estimated(gateway):
    assert counted(gateway, "other")[:2] == (200, "estimate")


@pytest.mark.parametrize("model", ["other", "beside"])
def test_no_server_in_the_house_is_given_an_address_to_count_what_is_there(gateway, cloud, model):
    before = len(cloud.asked())
    picture = {"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/latest/"}}
    assert counted(gateway, model, messages=[{"role": "user", "content": [picture]}])[:2] == (200, "estimate")
    assert len(cloud.asked()) == before
    assert counted(gateway, "beside")[:2] == (200, "exact")


@pytest.mark.parametrize("data_class", ["health", "secret"])
def test_what_may_not_leave_is_not_sent_out_to_be_counted(gateway, cloud, data_class):
    before = len(cloud.asked())
    status, _, _ = counted(gateway, "claude-opus-4-5", {"x-earthward-data-class": data_class})
    assert status in (200, 403, 503)
    assert len(cloud.asked()) == before


def test_googles_sdk_gets_a_count(gateway):
    with genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url)) as sdk:
        found = sdk.models.count_tokens(model="smol", contents="Name three animals.")
    assert found.total_tokens > 3


@pytest.mark.parametrize(
    "path",
    ["/v1beta/models/smol:countTokens", "/v1/projects/p/locations/l/publishers/google/models/smol:countTokens"],
)
@pytest.mark.parametrize("is_whole", [False, True])
def test_google_may_ask_with_contents_or_with_the_whole_request(gateway, path, is_whole):
    asked = {"contents": [{"role": "user", "parts": [{"text": "Name three animals."}]}]}
    body = {"generateContentRequest": {"model": "models/smol", **asked}} if is_whole else asked
    status, headers, answer = http("POST", gateway.url + path, body)
    assert (status, headers["x-earthward-count"]) == (200, "exact"), answer
    assert json.loads(answer)["totalTokens"] > 3


def test_the_input_of_a_response_is_counted(gateway):
    status, headers, answer = http("POST", f"{gateway.v1}/responses/input_tokens", {"model": "smol", "input": "Hello."})
    assert (status, headers["x-earthward-count"]) == (200, "exact"), answer
    assert json.loads(answer)["object"] == "response.input_tokens"


@pytest.mark.parametrize("model", ["smol", "claude-opus-4-5", "llama", "gemini-2.5-flash"])
def test_whoever_asks_for_a_count_with_the_request_for_a_stream_gets_a_count(gateway, cloud, model):
    status, _, body = counted(gateway, model, stream=True, max_tokens=5)
    assert (status, list(body)) == (200, ["input_tokens"]), body
    if model.startswith("claude"):
        assert set(json.loads(json.loads(cloud.whole_log())[-1]["body"])) == {"model", "messages"}
    asked = {"model": model, "input": "Hello.", "stream": True}
    status, _, answer = http("POST", f"{gateway.v1}/responses/input_tokens", asked)
    assert (status, json.loads(answer)["object"]) == (200, "response.input_tokens")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"model":"smol"}', b'{"model":"smol","messages":7}', b"\xff"])
def test_what_can_not_be_counted_is_refused_in_the_callers_words(gateway, body):
    status, _, answer = http("POST", f"{gateway.url}/v1/messages/count_tokens", body)
    assert status == 400, answer
    assert json.loads(answer)["error"]["type"] == "invalid_request_error"


def test_google_counts_for_callers_of_every_dialect(gateway):
    assert counted(gateway, "gemini-2.5-flash")[:2] == (200, "exact")
    with genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=gateway.url)) as sdk:
        assert sdk.models.count_tokens(model="gemini-2.5-flash", contents="Name three animals.").total_tokens > 1


def served_by(gateway, model, text):
    status, headers, body = gateway.chat(model, text=text, max_tokens=1)
    assert status == 200, body
    return headers["x-earthward-target"]


def test_a_prompt_whose_estimate_is_close_to_the_limit_goes_where_the_engine_counts_it_to_fit(gateway):
    # An estimate of 260 tokens for a context of 256, and really some 240.
    assert served_by(gateway, "short-a", "word " * 208) == "short"


def test_a_prompt_whose_estimate_fits_and_whose_count_does_not_is_passed_over(gateway):
    assert served_by(gateway, "short-b", "1 2 3 4 5 " * 90) == "llama"


def test_a_vllm_is_asked_for_its_own_count_beside_its_api(gateway):
    Engine.asked.clear()
    assert served_by(gateway, "brief", "four " * 420) == "brief"
    assert [path for path, _ in Engine.asked] == ["/tokenize", "/v1/chat/completions"]
    assert set(Engine.asked[0][1]) == {"model", "messages"}
    assert counted(gateway, "brief")[1:] == ("exact", {"input_tokens": 11})


def test_what_is_far_from_the_limit_is_not_counted_first(gateway):
    Engine.asked.clear()
    assert served_by(gateway, "brief", "four " * 20) == "brief"
    assert served_by(gateway, "brief", "four " * 4000) == "llama"
    assert [path for path, _ in Engine.asked] == ["/v1/chat/completions"]


def test_one_that_cannot_count_is_gone_by_the_estimate_and_left_in_peace(gateway):
    Engine.asked.clear()
    Engine.counts = False
    served = [served_by(gateway, "brief", "a " * 850) for _ in range(2)]
    Engine.counts = True
    assert len(set(served)) == 1
    assert [path for path, _ in Engine.asked].count("/tokenize") == 1
