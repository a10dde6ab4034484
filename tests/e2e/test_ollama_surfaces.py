"""What Ollama's clients ask beside chats, and whether what they are told of names that routes give is true."""

import contextlib

import ollama
import pytest

from harness import Gateway, Simulator, http

CONFIG = """
listen: 127.0.0.1:0
admin: 127.0.0.1:0
auth: open
providers:
  house: {{kind: ollama, base_url: "{house}"}}
targets:
  llama: {{provider: house, model: "llama3.2:latest", context: 4096}}
  nomic: {{provider: house, model: nomic-embed-text, context: 2048}}
routes:
  - {{name: vectors, when: {{model: our-vectors}}, use: nomic}}
  - {{name: chats, when: {{model: [our-model, "hf.co/acme/our-model", "gpt-*"]}}, use: llama}}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("house"), name="house")
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, house):
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), CONFIG.format(house=house.url))
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    with contextlib.closing(ollama.Client(host=gateway.url)) as client:
        yield client


def test_every_name_that_is_listed_is_served_and_none_of_a_host_is_given_away(client):
    names = [model.model for model in client.list().models]
    assert {"our-model", "our-vectors", "hf.co/acme/our-model"} <= set(names)
    assert not any("llama3.2" in name or "nomic" in name for name in names)
    assert client.show("our-model").modelinfo is not None


def test_what_a_name_can_do_is_what_its_target_can_do(client):
    assert client.show("our-vectors").capabilities == ["embedding"]
    assert "completion" in client.show("our-model").capabilities
    assert "embedding" not in client.show("our-model").capabilities


def test_a_name_that_no_route_serves_is_not_there(client):
    with pytest.raises(ollama.ResponseError) as error:
        client.show("nobody")
    assert error.value.status_code == 404


def test_gotcha_49_a_model_with_slashes_in_its_name_can_be_asked_about(gateway):
    status, _, body = http("GET", f"{gateway.v1}/models/hf.co/acme/our-model")
    assert status == 200
    assert b'"id":"hf.co/acme/our-model"' in body


def test_gotcha_64_a_request_without_a_path_is_told_what_to_set(gateway):
    status, _, body = http("POST", f"{gateway.url}/", {"contents": []})
    assert status == 400
    assert b"`vertexai=True`" in body
