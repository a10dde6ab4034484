import pytest

from earthward.providers import KINDS
from earthward.providers.kind import Api, Kind
from earthward.providers.kind import path as path_of

PLAIN = Kind("plain", "openai_chat", "by_host", frozenset())


def test_the_key_goes_into_its_header() -> None:
    assert PLAIN.credential_line("sk-1") == b"authorization: Bearer sk-1\r\n"
    own = Kind("own", "d", "cloud", frozenset(), credential=("x-api-key", "{}"))
    assert own.credential_line("k") == b"x-api-key: k\r\n"


def test_where_none_is_sent_there_is_no_line() -> None:
    assert Kind("own", "d", "cloud", frozenset(), credential=None).credential_line("k") == b""


@pytest.mark.parametrize("key", ["", "a\r\nhost: evil", "a\nb", "a\x00b", "a\tb", "ä", "a\x7f"])
def test_a_key_that_would_break_out_of_its_header_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="a key for plain is empty or has characters") as error:
        PLAIN.credential_line(key)
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.openai.com/v1", b"/v1/chat/completions"),
        ("http://gpu-1:8000", b"/chat/completions"),
        ("http://gpu-1/openai/v1/", b"/openai/v1/chat/completions"),
    ],
)
def test_operations_lie_below_the_endpoints_own_path(url: str, path: bytes) -> None:
    assert PLAIN.path(url, "chat") == path
    assert PLAIN.path(url, "models") == path.replace(b"chat/completions", b"models")


def test_the_zone_is_fixed_or_told_by_the_host_or_not_known() -> None:
    assert PLAIN.zone_of("http://gpu-1:8000/v1") == "local"
    assert PLAIN.zone_of("https://api.example.com/v1") is None
    assert PLAIN.zone_of("http://[fd00::1]/v1") == "local"
    assert Kind("c", "d", "cloud", frozenset()).zone_of("http://127.0.0.1/v1") == "cloud"
    assert Kind("l", "d", "local", frozenset()).zone_of("https://api.example.com/v1") == "local"


def test_the_vendors_own_host_is_in_the_cloud_and_a_server_that_speaks_the_same_in_the_house() -> None:
    vendor = Kind("v", "d", "by_host", frozenset(), base_url="https://api.vendor.example")
    assert vendor.zone_of("https://api.vendor.example/proxy") == "cloud"
    assert vendor.zone_of("http://127.0.0.1:8080") == "local"
    assert vendor.zone_of("https://llm.elsewhere.example") is None


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://gpu:11434", "http://gpu:11434"),
        ("http://gpu:11434/api", "http://gpu:11434"),
        ("http://gpu:11434/v1", "http://gpu:11434"),
        ("http://gpu/ollama/api", "http://gpu/ollama"),
        ("http://gpu/myapi", "http://gpu/myapi"),
        ("http://api", "http://api"),
        ("http://gpu/api/v1", "http://gpu/api"),
    ],
)
def test_a_base_url_may_say_what_the_operations_paths_begin_with(url: str, base: str) -> None:
    assert Kind("o", "d", "by_host", frozenset(), prefixes=("/api", "/v1")).base(url) == base
    assert PLAIN.base(url) == url


def test_a_target_is_asked_in_the_way_that_it_names_or_that_its_model_or_its_provider_s_settings_ask_for() -> None:
    kind = Kind(
        "k",
        "usual",
        "cloud",
        frozenset(),
        apis=(
            Api("by_model", "other", (), models=("claude-*",)),
            Api("by_setting", "usual", (), setting="project"),
            Api("by_name", "third", ()),
        ),
    )
    project = {"project": "acme"}
    assert kind.api("gemini").name == ""
    assert kind.api("gemini", project).name == "by_setting"
    assert kind.api("claude-3", project).name == "by_model"
    assert kind.api("gemini", project, "by_name").dialect == "third"
    assert kind.api("gemini", project, "nobody").dialect == "usual"


@pytest.mark.parametrize(
    ("kind", "model", "settings", "url", "path"),
    [
        ("gemini", "gemini-2.5-flash", {}, "https://generativelanguage.googleapis.com",
         b"/v1beta/models/gemini-2.5-flash:generateContent"),
        ("vertex", "gemini-2.5-flash", {}, "https://aiplatform.googleapis.com",
         b"/v1/publishers/google/models/gemini-2.5-flash:generateContent"),
        ("vertex", "gemini-2.5-flash", {"project": "acme", "location": "europe-west4"}, "https://x",
         b"/v1/projects/acme/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent"),
        ("vertex", "claude-sonnet-4-5@20250929", {"project": "acme", "location": "global"}, "https://x",
         b"/v1/projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"),
        ("azure", "my mini", {"api_version": "2024-10-21"}, "https://acme.openai.azure.com",
         b"/openai/deployments/my%20mini/chat/completions?api-version=2024-10-21"),
        ("azure", "mini", {}, "https://acme.openai.azure.com", b"/openai/v1/chat/completions"),
    ],
)  # fmt: skip
def test_where_a_vendor_s_model_is_asked(
    kind: str, model: str, settings: dict[str, str], url: str, path: bytes
) -> None:
    api = KINDS[kind].api(model, settings)
    assert path_of(url, dict(api.operations)["chat"], {**settings, "model": model}) == path


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_each_location_of_vertex_ai_has_its_host(location: str, host: str) -> None:
    home = KINDS["vertex"].home
    assert home is not None
    assert home({"location": location}) == host
