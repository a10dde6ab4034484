"""What is found out about providers by their lists of models."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from earthward.config.compile import compile
from earthward.config.load import read
from earthward.probe.finding import Finding
from earthward.probe.upstreams import KEY_FROM, Seen, clock, look, looks
from probe.stand import Stand, standing

SECRET = "sk-secret-of-a-test"
LIST = {"data": [{"id": "gpt-4o-mini"}, {"id": "claude-sonnet-4-5-20250929"}, {"id": "other"}]}


def seen(
    provider: str, model: str = "gpt-4o-mini", auth: str = "keys", environ: dict[str, str] | None = None
) -> list[Seen]:
    """What is seen of each endpoint of a provider with a target of this model."""
    text = (
        f"auth: {auth}\nproviders: {{p: {{{provider}}}}}\ntargets: {{t: {{provider: p, model: {json.dumps(model)}}}}}\n"
    )
    snapshot = compile(read(f"{text}routes: [{{name: r, use: t}}]".encode(), Path("/f.yaml")))
    return [look(at, {"K": SECRET} if environ is None else environ) for at in looks(snapshot)]


def findings(provider: str, model: str = "gpt-4o-mini", **more: Any) -> list[Finding]:
    (one,) = seen(provider, model, **more)
    assert SECRET not in str(one)
    return list(one.findings)


def openai(stand: Stand) -> str:
    return f'kind: openai, api_key: env:K, base_url: "{stand.url}/v1"'


def test_a_provider_that_takes_the_key_and_has_the_model_is_well() -> None:
    with standing({"/v1/models": LIST}) as stand:
        found = findings(openai(stand))
    assert [(it.about, it.state, it.what) for it in found] == [
        ("p", "ok", "reachable, its key accepted"),
        ("p: gpt-4o-mini", "ok", "is there"),
    ]
    assert [(method, path) for method, path, _ in stand.asked] == [("GET", "/v1/models")]
    assert stand.asked[0][2]["authorization"] == f"Bearer {SECRET}"


def test_anthropic_is_asked_in_its_own_way_and_its_models_go_by_names_without_dates() -> None:
    with standing({"/v1/models?limit=1000": LIST}) as stand:
        found = findings(f'kind: anthropic, api_key: env:K, base_url: "{stand.url}"', "claude-sonnet-4-5")
    assert [it.state for it in found] == ["ok", "ok"]
    assert stand.asked[0][2]["x-api-key"] == SECRET
    assert stand.asked[0][2]["anthropic-version"] == "2023-06-01"


def test_a_model_that_is_not_there_is_a_problem_that_names_the_nearest() -> None:
    with standing({"/v1/models": LIST}) as stand:
        found = findings(openai(stand), "gpt-4o-mni")
    assert (found[1].state, found[1].what) == ("problem", "is not there, did you mean `gpt-4o-mini`?")
    assert "`t`" in found[1].do


@pytest.mark.parametrize(
    ("model", "state", "do"),
    [
        ("llama3.2", "ok", ""),
        ("llama3.2:latest", "ok", ""),
        ("llama3.2:70b", "problem", "ollama pull llama3.2:70b"),
        ("gpt-oss:120b-cloud", "note", "ollama signin"),
    ],
)
def test_ollama_has_what_was_pulled_by_its_tag_or_by_none(model: str, state: str, do: str) -> None:
    with standing({"/api/tags": {"models": [{"name": "llama3.2:latest"}]}}) as stand:
        found = findings(f'kind: ollama, base_url: "{stand.url}"', model)
    assert found[1].state == state
    assert do in found[1].do


def test_a_llama_server_answers_whatever_it_is_asked_for() -> None:
    with standing({"/v1/models": {"data": [{"id": "a.gguf", "owned_by": "llamacpp"}]}}) as stand:
        found = findings(f'kind: openai_compatible, base_url: "{stand.url}/v1"')
    assert [it.state for it in found] == ["ok", "note"]


@pytest.mark.parametrize(
    ("status", "state", "what"),
    [
        (401, "problem", "its key is refused (401)"),
        (403, "problem", "its key is refused (403)"),
        (404, "note", "lists no models here"),
        (429, "note", "is out of quota"),
        (302, "problem", "redirect"),
        (500, "problem", "answers with 500"),
    ],
)
def test_what_a_status_means(status: int, state: str, what: str) -> None:
    with standing({"/v1/models": status}) as stand:
        (found,) = findings(openai(stand))
    assert found.state == state
    assert what in found.what
    assert found.do


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", [], {"data": 5}])
def test_a_list_that_can_not_be_read_is_a_note(body: object) -> None:
    with standing({"/v1/models": body}) as stand:
        found = findings(openai(stand))
    assert [it.state for it in found] == ["ok", "note"]


def test_a_key_that_is_not_set_is_told_by_the_name_of_its_variable_and_nobody_is_asked() -> None:
    with standing({"/v1/models": LIST}) as stand:
        (found,) = findings(openai(stand), environ={})
    assert (found.state, found.what) == ("problem", "the environment variable K is not set or empty")
    assert stand.asked == []


def test_a_key_whose_file_can_not_be_had_is_told_with_what_to_do_about_a_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("none", "empty"):
        with standing({"/v1/models": LIST}) as stand:
            (found,) = findings(openai(stand).replace("env:K", f"file:{tmp_path / name}"), environ={})
        assert (found.state, found.do) == ("problem", KEY_FROM["file"])


def test_each_of_several_keys_is_tried() -> None:
    with standing({"/v1/models": LIST}) as stand:
        found = findings(openai(stand).replace("env:K", "[env:K, env:L]"), environ={"K": SECRET, "L": "other"})
    assert [it.what for it in found] == ["reachable, key 1 accepted", "is there", "reachable, key 2 accepted"]


def test_where_callers_bring_the_key_a_refusal_is_what_is_to_be_expected() -> None:
    with standing({"/v1/models": 401}) as stand:
        (found,) = findings(f'kind: openai, base_url: "{stand.url}/v1"', auth="passthrough")
    assert (found.state, found.what) == ("ok", "reachable; callers bring its key")


def test_an_endpoint_where_nobody_listens_is_a_problem_of_its_own() -> None:
    with standing({"/api/tags": {"models": []}}) as stand:
        found = seen(f'kind: ollama, endpoints: ["{stand.url}", "http://127.0.0.1:1"]', "m")
    assert [it.findings[0].state for it in found] == ["ok", "problem"]
    assert found[1].findings[0].about == "p (127.0.0.1:1)"
    assert "refused" in found[1].findings[0].what


@pytest.mark.parametrize(("ahead", "state"), [(0, "ok"), (90, "problem"), (-90, "problem")])
def test_the_clock_is_compared_with_the_vendors(ahead: int, state: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    with standing({"/v1/models": LIST}, {"Date": date}) as stand:
        (one,) = seen(openai(stand))
    found = clock([None, one.skew])
    assert found.state == state
    assert ("behind" in found.what) == (ahead > 0)


def test_one_vendor_with_a_wrong_clock_does_not_make_ours_wrong() -> None:
    assert clock([300.0, 0.5]).state == "ok"
    assert clock([None]).state == "note"


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_date_that_is_none_tells_nothing(date: str) -> None:
    with standing({"/v1/models": LIST}, {"Date": date}) as stand:
        (one,) = seen(openai(stand))
    assert one.skew is None


def test_gemini_s_models_are_listed_by_longer_names() -> None:
    with standing({"/v1beta/models?pageSize=1000": {"models": [{"name": "models/gemini-2.5-flash"}]}}) as stand:
        found = findings(f'kind: gemini, api_key: env:K, base_url: "{stand.url}"', "gemini-2.5-flash")
        assert [it.state for it in found] == ["ok", "ok"]
        assert stand.asked[0][2]["x-goog-api-key"] == SECRET
        (_, other) = findings(f'kind: gemini, api_key: env:K, base_url: "{stand.url}"', "gemini-2.5-flas")
    assert "did you mean `gemini-2.5-flash`" in other.what


def test_deployments_can_t_be_listed_so_nothing_is_said_against_them() -> None:
    with standing({"/openai/v1/models": LIST}) as stand:
        found = findings(f'kind: azure, api_key: env:K, base_url: "{stand.url}", api_version: "2024-10-21"', "mine")
    assert [(it.state, it.what) for it in found] == [
        ("ok", "reachable, its key accepted"),
        ("note", "does not tell whether it has mine"),
    ]
    assert stand.asked[0][2]["api-key"] == SECRET


def test_a_file_that_gives_no_access_token_is_a_problem_and_nobody_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text('{"type": "service"}')
    with standing({}) as stand:
        (found,) = findings(f'kind: vertex, project: acme, credentials: {file}, base_url: "{stand.url}"')
    assert found.state == "problem"
    assert "its `type` must be one of authorized_user, external_account" in found.what
    assert not stand.asked
