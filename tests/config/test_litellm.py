"""What becomes of a LiteLLM proxy's configuration. `litellm/typical.yaml` is written after its documentation."""

from pathlib import Path

import pytest

from earthward.config.document import parse
from earthward.config.litellm import Imported, convert
from earthward.config.load import Configuration, read
from earthward.config.written import text_of

TYPICAL = (Path(__file__).parent / "litellm" / "typical.yaml").read_text()


def imported(text: str, **environ: str) -> Imported:
    return convert(parse(text.encode(), "config.yaml"), environ)


def configuration(text: str, **environ: str) -> Configuration:
    """As it is read back, so it passes `check`."""
    written = imported(text, **environ).written
    assert written is not None
    return read(text_of(written).encode(), Path("/etc/earthward.yaml"))


def one(params: str, name: str = "m", more: str = "") -> str:
    return f"model_list:\n  - {{model_name: {name}, litellm_params: {{{params}}}}}\n{more}"


def notes(text: str, **environ: str) -> list[str]:
    """All but the one that callers need keys now."""
    found = imported(text, **environ).notes
    return [f"{note.line} {note.what}: {note.why}" for note in found if note.what != "callers"]


def test_a_typical_file_keeps_its_models_its_fallbacks_and_its_prices() -> None:
    found = configuration(TYPICAL)
    assert found.auth == "keys"
    assert {name: it.kind for name, it in found.providers.items()} == {
        "openai": "openai",
        "anthropic": "anthropic",
        "ollama": "ollama",
        "server": "openai_compatible",
        "groq": "openai_compatible",
        "azure": "azure",
        "gemini": "gemini",
    }
    assert [it.url for it in found.providers["ollama"].addresses] == ["http://gpu-1:11434", "http://gpu-2:11434"]
    llama = found.targets["llama3.1-8b"]
    assert (llama.model, llama.context, llama.keep_alive) == ("llama3.1:8b", (16384,), "30m")
    price = found.targets["opt-125m"].price
    assert price is not None
    assert (str(price.input), str(price.output)) == ("0.15", "0.6")
    routes = {route.name: route for route in found.routes}
    assert (routes["gpt-4o"].when.model, routes["gpt-4o"].use) == (("gpt-4o", "gpt-4"), "gpt-4o")
    assert routes["gpt-4o"].fallback == ("gpt-4o-eu", "claude-3-5-sonnet-20241022")
    assert routes["gpt-4o"].deadlines.total == 300
    assert routes["llama"].fallback == ("gpt-4o", "gpt-4o-eu")
    assert found.routes[-1].name == "everything"
    assert found.routes[-1].when.model == ()


def test_no_secret_that_stands_in_the_file_is_copied_or_told() -> None:
    found = imported(TYPICAL)
    assert found.written is not None
    assert "in-the-clear" not in text_of(found.written)
    assert "in-the-clear" not in str(found.notes)
    assert found.written.providers["anthropic"]["api_key"] == "env:ANTHROPIC_API_KEY"


def test_what_has_no_counterpart_is_listed_with_its_line() -> None:
    told = "\n".join(notes(TYPICAL))
    for expected in (
        "44 model `bedrock-claude`: is at bedrock, which has no counterpart",
        "52 model `text-embedding-ada-002`: is for embedding; only chat is served yet",
        "57 model `anthropic/*`: stands for any model of a vendor",
        "70 `litellm_settings.success_callback`: no counterpart",
        "75 alias `gone`: is of a model that is not carried over",
        "76 `gpt-4o`: falls back on `bedrock-claude`, which is not carried over",
        "82 `general_settings.master_key`: make a key for each application",
        "85 environment_variables: put these in the environment yourself: LANGFUSE_SECRET",
    ):
        assert expected in told


@pytest.mark.parametrize(
    ("params", "kind", "model", "url", "key"),
    [
        ("model: gpt-4o", "openai", "gpt-4o", "https://api.openai.com/v1", ("env:OPENAI_API_KEY",)),
        ("model: openai/gpt-4, api_key: os.environ/K", "openai", "gpt-4", "https://api.openai.com/v1", ("env:K",)),
        ("model: claude-3-opus", "anthropic", "claude-3-opus", "https://api.anthropic.com", ("env:ANTHROPIC_API_KEY",)),
        ("model: ollama/llama3", "ollama", "llama3", "http://127.0.0.1:11434", ()),
        ("model: ollama/llama3, api_base: 'http://gpu:11434/'", "ollama", "llama3", "http://gpu:11434", ()),
        ("model: openai/m, api_base: 'http://gpu/v1', api_key: EMPTY", "openai_compatible", "m", "http://gpu/v1", ()),
        ("model: hosted_vllm/org/m, api_base: 'http://gpu/v1'", "openai_compatible", "org/m", "http://gpu/v1", ()),
        ("model: my-model, api_base: 'http://gpu:8000/v1'", "openai_compatible", "my-model", "http://gpu:8000/v1", ()),
        ("model: xai/grok-4", "openai_compatible", "grok-4", "https://api.x.ai/v1", ("env:XAI_API_KEY",)),
    ],
)  # fmt: skip
def test_services_are_known_by_what_a_models_name_begins_with(
    params: str, kind: str, model: str, url: str, key: tuple[str, ...]
) -> None:
    found = configuration(one(params))
    (provider,) = found.providers.values()
    (target,) = found.targets.values()
    assert (provider.kind, provider.addresses[0].url, provider.api_key) == (kind, url, key)
    assert target.model == model


def test_an_address_in_the_environment_is_taken_from_there() -> None:
    text = one("model: ollama/llama3, api_base: os.environ/OLLAMA")
    assert configuration(text, OLLAMA="http://gpu:1/v1").providers["ollama"].addresses[0].url == "http://gpu:1"
    assert imported(text).written is None
    assert notes(text) == ["2 model `m`: takes its address from OLLAMA, which is not set here; set it and import again"]


def test_a_server_whose_place_is_not_known_counts_as_in_the_cloud() -> None:
    text = one("model: openai/m, api_base: https://models.example.com/v1, api_key: os.environ/K")
    assert configuration(text).providers["server"].zone == "cloud"
    assert notes(text) == [
        "2 model `m`: is taken to be in the cloud; if models.example.com is yours, write `zone: local`"
    ]


def test_models_of_several_vendors_under_one_name_step_in_for_each_other() -> None:
    text = one("model: gpt-4o") + "  - {model_name: m, litellm_params: {model: claude-3-opus}}\n"
    (route,) = configuration(text).routes
    assert (route.use, route.fallback) == ("gpt-4o", ("claude-3-opus",))
    assert "here the first serves and the others step in" in notes(text)[0]


def test_patterns_come_behind_the_names_they_would_hide() -> None:
    text = "model_list:\n" + "".join(
        f"  - {{model_name: '{name}', litellm_params: {{model: gpt-4o}}}}\n" for name in ("*", "gpt-*", "gpt-4[x]?")
    )
    assert [route.when.model for route in configuration(text).routes] == [("gpt-4[[]x][?]",), ("gpt-*",), ()]


def test_a_default_fallback_is_for_those_that_have_none_of_their_own() -> None:
    more = "  - {model_name: safe, litellm_params: {model: claude-3-opus}}\n"
    more += "litellm_settings: {default_fallbacks: [safe]}\n"
    routes = {route.name: route for route in configuration(one("model: gpt-4o", more=more)).routes}
    assert routes["m"].fallback == ("claude-3-opus",)
    assert routes["safe"].fallback == ()


def test_only_what_can_not_be_carried_over_leaves_nothing_to_write() -> None:
    found = imported(one("model: 'openai/*'", name="'openai/*'"))
    assert found.written is None
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    "params",
    [
        "model: openai/m, api_base: 'http://169.254.169.254/v1'",
        "model: openai/m, api_base: 'http://user:pass@host/v1'",
        "model: openai/m, api_base: 'http://models.example.com/v1', api_key: os.environ/K",
        "model: openai/m, api_base: nonsense",
        "model: who/knows",
        "model: nobodys",
        "model: hosted_vllm/m",
        "model: 'ollama/*'",
    ],
)
def test_what_could_not_be_served_or_would_be_unsafe_is_left_out_and_told(params: str) -> None:
    found = imported(one(params))
    assert found.written is None
    assert found.notes


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "text",
        "model_list: text",
        "model_list: [1, text, [], {}, {model_name: a}, {model_name: a, litellm_params: [b]}]",
        "model_list: {a: b}\nrouter_settings: [x]\ngeneral_settings: 5\nlitellm_settings: {fallbacks: [x, {a: b}, 5]}",
        one("model: 5"),
        one("model: [a]"),
        one("model: gpt-4o, timeout: many, api_base: [1]"),
        one("model: gpt-4o", more="router_settings: {model_group_alias: [a], fallbacks: {m: 5}}\nmodel_info: x\n"),
    ],
)
def test_a_file_of_another_shape_breaks_nothing(text: str) -> None:
    found = imported(text)
    if found.written is not None:
        read(text_of(found.written).encode(), Path("/f.yaml"))


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ("model: openai/m, api_base: https://api.openai.com/v1, api_key: sk-1", ("env:OPENAI_API_KEY",)),
        ("model: groq/m, api_key: gsk-1", ("env:GROQ_API_KEY",)),
        ("model: openai/m, api_base: https://x.example/v1, api_key: sk-1", ("env:KEY_OF_MY_MODEL_1",)),
        ("model: anthropic/m, api_base: https://x.example, api_key: sk-1", ("env:KEY_OF_MY_MODEL_1",)),
        ("model: groq/m, api_base: https://x.example/v1, api_key: gsk-1", ("env:KEY_OF_MY_MODEL_1",)),
        ("model: groq/m, api_base: https://x.example/v1", ()),
        ("model: openai/m, api_base: https://x.example/v1", ()),
        ("model: openai/m, api_base: https://x.example/v1, api_key: os.environ/not a name", ("env:KEY_OF_MY_MODEL_1",)),
    ],
)
def test_a_vendors_usual_key_is_for_the_vendors_own_address_alone(params: str, key: tuple[str, ...]) -> None:
    (provider,) = configuration(one(params, name="my-model.1")).providers.values()
    assert provider.api_key == key


def test_azure_and_vertex_ai_keep_what_says_where_they_are() -> None:
    azure = configuration(TYPICAL).providers["azure"]
    assert azure.settings == {"api_version": "2024-02-01"}
    assert azure.api_key == ("env:AZURE_API_KEY_EU",)
    found = configuration(one("model: vertex_ai/gemini-2.5-pro, vertex_project: os.environ/P", "g"), P="acme")
    assert found.providers["vertex_ai"].settings == {"project": "acme", "location": "global"}
    assert found.targets["gemini-2.5-pro"].model == "gemini-2.5-pro"
    assert "has no `vertex_project`" in notes(one("model: vertex_ai/gemini-2.5-pro"))[0]
    assert (
        "takes its `vertex_project` from P"
        in notes(one("model: vertex_ai/gemini-2.5-pro, vertex_project: os.environ/P"))[0]
    )
    assert "has no `api_base`" in notes(one("model: azure/mini, api_key: os.environ/K"))[0]
