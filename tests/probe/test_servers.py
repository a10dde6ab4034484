import pytest

from earthward.probe.servers import Found, ollama, ollama_url, openai_compatible
from probe.stand import standing

TAGS = {
    "models": [
        {"name": "llama3.1:8b", "size": 4_900_000_000, "details": {"context_length": 131072}},
        {"name": "nomic-embed-text:latest", "size": 274_000_000},
        {"name": "reader:1b", "capabilities": ["embedding"]},
        {"name": "gpt-oss:120b-cloud", "remote_host": "https://ollama.com"},
    ]
}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":9000", "http://127.0.0.1:9000"),
        ("gpu-1", "http://gpu-1:11434"),
        ("http://gpu-1:5000/", "http://gpu-1:5000"),
        ("http://gpu-1", "http://gpu-1:80"),
        ("https://gpu.example.com", "https://gpu.example.com:443"),
        ("[::]:11434", "http://[::1]:11434"),
        ("'10.0.0.5'", "http://10.0.0.5:11434"),
        ("gpu:many", "http://127.0.0.1:11434"),
        ("[broken", "http://127.0.0.1:11434"),
    ],
)
def test_ollama_is_where_its_own_variable_says(given: str | None, url: str) -> None:
    assert ollama_url({} if given is None else {"OLLAMA_HOST": given}) == url


def test_an_ollama_tells_its_version_and_models() -> None:
    with standing({"/api/version": {"version": "0.33.0"}, "/api/tags": TAGS}) as stand:
        found = ollama(stand.url)
    assert found is not None
    assert (found.kind, found.version, found.url) == ("ollama", "0.33.0", stand.url)
    assert found.models == (
        Found("llama3.1:8b", 4_900_000_000, 131072),
        Found("nomic-embed-text:latest", 274_000_000, is_chat=False),
        Found("reader:1b", is_chat=False),
        Found("gpt-oss:120b-cloud", is_remote=True),
    )


def test_an_ollama_without_models_is_one() -> None:
    with standing({"/api/version": {"version": "0.33.0"}, "/api/tags": {"models": None}}) as stand:
        found = ollama(stand.url)
    assert found is not None
    assert found.models == ()


def test_a_server_that_lists_models_as_openai_does_is_found() -> None:
    with standing({"/v1/models": {"object": "list", "data": [{"id": "qwen", "max_model_len": 8192}]}}) as stand:
        found = openai_compatible(stand.port)
    assert found is not None
    assert (found.kind, found.url, found.models) == (
        "openai_compatible",
        f"{stand.url}/v1",
        (Found("qwen", context=8192),),
    )


@pytest.mark.parametrize("answer", [404, 500, {}, [], b"<html>", b"\xff", {"data": 5}, {"models": [{"size": 1}]}])
def test_whatever_else_answers_is_no_server_of_models(answer: object) -> None:
    paths = {"/v1/models": answer, "/api/version": {"version": "1"}, "/api/tags": answer}
    with standing(paths) as stand:
        assert openai_compatible(stand.port) is None
        found = ollama(stand.url)
    # An Ollama that names no models has none.
    assert found is None or found.models == ()
