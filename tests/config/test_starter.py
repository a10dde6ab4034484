"""Whatever is found on a machine, what is written for it is sound, and moves none of today's traffic."""

from itertools import product
from pathlib import Path

import pytest

from earthward.config.load import Configuration, read
from earthward.config.starter import LocalModel, LocalServer, Surroundings, starter
from earthward.config.task_routes import PLAYBOOK
from earthward.config.written import text_of

OLLAMA = LocalServer(
    "ollama",
    "ollama",
    "http://127.0.0.1:11434",
    (LocalModel("llama3.1:8b", 5 * 10**9, 131072), LocalModel("hf.co/a/b:Q4", None, 4096), LocalModel("x:1b-cloud")),
)
VLLM = LocalServer("openai_compatible", "vllm", "http://127.0.0.1:8000/v1", (LocalModel("org/qwen", None, 8192),))
AFAR = LocalServer("ollama", "ollama", "http://gpu.example.com:11434", (LocalModel("llama3.1:8b"),))
EMPTY = LocalServer("ollama", "ollama", "http://127.0.0.1:11434", ())
MANY = LocalServer("ollama", "o", "http://gpu:1", tuple(LocalModel(f"model-{number}:1b") for number in range(30)))
KEYS = ((), ("OPENAI_API_KEY",), ("ANTHROPIC_API_KEY",), ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"))
SERVERS = ((), (OLLAMA,), (VLLM,), (AFAR,), (EMPTY,), (OLLAMA, VLLM), (MANY,), (AFAR, VLLM))


def written(variables: tuple[str, ...], servers: tuple[LocalServer, ...]) -> tuple[str, Configuration]:
    text = text_of(starter(Surroundings(frozenset(variables), servers, ("a line",))))
    return text, read(text.encode(), Path("/f.yaml"))


@pytest.mark.parametrize(("variables", "servers"), list(product(KEYS, SERVERS)))
def test_whatever_is_found_what_is_written_is_sound(
    variables: tuple[str, ...], servers: tuple[LocalServer, ...]
) -> None:
    text, found = written(variables, servers)
    assert found.auth == "keys"
    assert found.listen.host == "127.0.0.1"
    assert all(route.share in (None, 0) and not route.pilots for route in found.routes)
    assert "#   a line" in text


@pytest.mark.parametrize(("variables", "servers"), list(product(KEYS, SERVERS)))
def test_whatever_is_found_the_routes_of_the_five_tasks_are_sound_and_move_nothing(
    variables: tuple[str, ...], servers: tuple[LocalServer, ...]
) -> None:
    around = Surroundings(frozenset(variables), servers)
    found = read(text_of(starter(around, PLAYBOOK)).encode(), Path("/f.yaml"))
    by_task = {word: route for route in found.routes for word in route.when.task}
    assert set(by_task) == {word for task in PLAYBOOK for word in task.names}
    assert all(route.share in (None, 0) and not route.pilots for route in found.routes)
    plain = read(text_of(starter(around)).encode(), Path("/f.yaml"))
    assert [route for route in found.routes if not route.when.task] == list(plain.routes)


def test_what_local_models_do_well_may_move_and_what_needs_the_largest_stays() -> None:
    coder = LocalModel("qwen2.5-coder:14b", 9 * 10**9)
    ollama = LocalServer("ollama", "ollama", "http://127.0.0.1:11434", (*OLLAMA.models, coder))
    around = Surroundings(frozenset({"OPENAI_API_KEY"}), (ollama,))
    found = read(text_of(starter(around, PLAYBOOK)).encode(), Path("/f.yaml"))
    arms = {route.name: (route.use, route.baseline, route.candidate) for route in found.routes if route.when.task}
    assert arms == {
        "code-completion": (None, "gpt-4o-mini", "qwen2.5-coder-14b"),
        "summarisation": (None, "gpt-4o-mini", "llama3.1-8b"),
        "chat": (None, "gpt-4o-mini", "llama3.1-8b"),
        "complex-reasoning": ("gpt-4o", None, None),
        "creative-writing": ("gpt-4o", None, None),
    }
    assert found.routes[0].name == "confidential", "what must not leave is looked at before any task"


def test_local_models_stand_beside_the_smallest_of_the_cloud() -> None:
    _, found = written(("OPENAI_API_KEY",), (OLLAMA,))
    routes = {route.name: route for route in found.routes}
    assert routes["confidential"].use == "llama3.1-8b"
    assert routes["confidential"].boundary == "local"
    mini = routes["gpt-4o-mini"]
    assert (mini.baseline, mini.candidate, mini.fallback) == ("gpt-4o-mini", "llama3.1-8b", ("gpt-4o-mini",))
    assert routes["gpt-4o"].use == "gpt-4o"


def test_contexts_fit_the_models_and_what_ollama_sends_on_is_left_out() -> None:
    _, found = written((), (OLLAMA, VLLM))
    assert {name: it.context for name, it in found.targets.items()} == {
        "llama3.1-8b": (16384,),
        "b-Q4": (4096,),
        "qwen": (8192,),
    }


def test_with_local_models_alone_all_is_served_by_the_first() -> None:
    _, found = written((), (OLLAMA,))
    assert (found.routes[-1].name, found.routes[-1].use, found.routes[-1].boundary) == (
        "everything",
        "llama3.1-8b",
        "local",
    )


def test_a_server_whose_place_is_not_known_gets_nothing_that_must_not_leave() -> None:
    text, found = written(("OPENAI_API_KEY",), (AFAR,))
    assert found.providers["ollama"].zone == "cloud"
    assert all(route.boundary is None and not route.when.data for route in found.routes)
    assert "say `zone: local`" in text


def test_where_nothing_is_found_there_are_examples_that_say_so() -> None:
    text, found = written((), ())
    assert "Nothing was found here" in text
    assert list(found.providers) == ["openai", "ollama"]


def test_keys_of_other_vendors_are_told_and_not_used() -> None:
    text, found = written(("GROQ_API_KEY", "AZURE_API_KEY", "GOOGLE_CLOUD_PROJECT"), (OLLAMA,))
    assert "# GROQ_API_KEY is set: groq: {kind: openai_compatible" in text
    assert "# AZURE_API_KEY is set: azure: {kind: azure, api_key: env:AZURE_API_KEY, base_url: https://NAME" in text
    assert "# GOOGLE_CLOUD_PROJECT is set: vertex: {kind: vertex, project: PROJECT" in text
    assert list(found.providers) == ["ollama"]
