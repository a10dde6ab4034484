"""For every kind of provider, those yet to be written included."""

import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import earthward.providers
from earthward.config.models import Provider, provider_model
from earthward.config.snapshot import ABILITIES
from earthward.providers import KINDS
from earthward.providers.kind import Kind, path

FRAMING = {b"host", b"connection", b"content-length", b"transfer-encoding", b"te", b"upgrade", b"expect", b"keep-alive"}
CREDENTIALS = {b"authorization", b"x-api-key", b"api-key", b"cookie", b"set-cookie", b"proxy-authorization"}

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_every_file_of_a_kind_is_found() -> None:
    files = {module.name for module in pkgutil.iter_modules(earthward.providers.__path__)} - {
        "kind",
        "hosts",
        "vectors",
    }
    assert set(KINDS) == files
    assert {"openai", "openai_compatible", "embedded"} <= files


@every_kind
def test_a_kind_goes_by_the_name_of_its_file(kind: Kind) -> None:
    assert KINDS[kind.name] is kind


@every_kind
def test_a_kinds_abilities_are_known_words(kind: Kind) -> None:
    assert kind.abilities <= ABILITIES


@every_kind
def test_no_framing_and_no_credential_passes_either_way(kind: Kind) -> None:
    for name in kind.request_headers | kind.answer_headers:
        assert name == name.lower()
        assert name not in FRAMING | CREDENTIALS


@every_kind
def test_callers_choose_neither_account_nor_upstream(kind: Kind) -> None:
    assert not kind.request_headers & {
        b"openai-organization",
        b"openai-project",
        b"x-forwarded-for",
        b"x-forwarded-host",
    }


@every_kind
def test_retry_hints_pass_back_unless_the_gateway_runs_it_itself(kind: Kind) -> None:
    assert b"retry-after" in kind.answer_headers or kind.is_embedded


@every_kind
def test_a_caller_s_key_goes_to_no_kind_but_its_own(kind: Kind) -> None:
    """OpenAI's and Azure's dialects are the same, and so are those of the Gemini API and of Vertex AI."""
    others = [other for other in KINDS.values() if other.zone == "cloud" and other is not kind]
    assert kind.zone != "cloud" or kind.whose_keys not in {other.whose_keys for other in others}


@every_kind
def test_a_kind_with_an_address_of_its_own_has_a_zone_for_it(kind: Kind) -> None:
    assert kind.base_url is None or kind.zone_of(kind.base_url) is not None


@every_kind
def test_a_kind_can_be_reached_for_every_operation(kind: Kind) -> None:
    settings = {"model": "m", **{setting.name: "x" for setting in kind.settings}}
    for api in (*kind.apis, kind.api("m")):
        assert dict(api.operations).keys() & {"chat"}
        for _, template in api.operations:
            assert path(kind.base_url or "http://host/v1", template, settings).startswith(b"/")
    assert b"{" not in kind.path(kind.base_url or "http://host/v1", "models"), "asked without a target"


@every_kind
def test_a_model_s_name_stays_one_segment_of_a_path_whatever_is_in_it(kind: Kind) -> None:
    settings = {"model": "a/../b?c#d\r\ne", **{setting.name: "x" for setting in kind.settings}}
    for api in (*kind.apis, kind.api("m")):
        for _, template in api.operations:
            filled = path("http://host", template, settings)
            if "{model}" in template:
                assert b"a%2F..%2Fb%3Fc%23d%0D%0Ae" in filled


@every_kind
def test_a_kinds_own_settings_are_keys_of_its_configuration(kind: Kind) -> None:
    own = {setting.name for setting in kind.settings}
    assert own.isdisjoint(Provider.model_fields)
    assert own <= set(provider_model(kind.name).model_fields)


ACME = """
from earthward.providers.kind import Kind, Setting
KIND = Kind("acme", "openai_chat", "cloud", frozenset({"stream"}), base_url="https://acme.example/v1",
            settings=(Setting("region", "text", is_required=True),))
"""


def test_another_kind_is_one_new_file_and_no_edit_elsewhere(tmp_path: Path) -> None:
    source = Path(earthward.__file__).parent
    shutil.copytree(source, tmp_path / "earthward", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "earthward" / "providers" / "acme.py").write_text(ACME)
    file = tmp_path / "earthward.yaml"
    text = "targets: {t: {provider: p, model: m}}\nroutes: [{name: r, use: t}]\n"
    text += "providers: {p: {kind: acme, region: eu}}\n"

    def check() -> "subprocess.CompletedProcess[str]":
        code = "import sys; from earthward.cli import application; application(('check', 'serve'))()"
        command = [sys.executable, "-c", code, "check", "-c", str(file)]
        return subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    file.write_text(text)
    assert (found := check()).returncode == 0, found
    file.write_text(text.replace("region: eu", "regoin: eu"))
    assert "unknown key `regoin`, did you mean `region`?" in (told := check().stdout), told
    assert "`region` is missing" in told


def test_video_goes_to_google_alone() -> None:
    assert {kind.name for kind in KINDS.values() if "video" in kind.abilities} == {"gemini", "vertex"}
