from pathlib import Path
from typing import Any

import pytest

from earthward.config.compile import compile
from earthward.config.load import read
from earthward.probe.finding import Finding
from earthward.probe.ollama_hosts import look, own_addresses
from earthward.probe.upstreams import looks
from earthward.providers.hosts import is_loopback
from probe.stand import standing


def findings(
    url: str, target: str = "context: 8192", addresses: tuple[str, ...] = (), key: str = ""
) -> dict[str, Finding]:
    """By what they are about, without the provider's name."""
    text = f"providers: {{p: {{kind: ollama, base_url: '{url}'{key}}}}}\n"
    text += f"targets: {{t: {{provider: p, model: m, {target}}}}}\n"
    snapshot = compile(read(f"{text}routes: [{{name: r, use: t}}]".encode(), Path("/f.yaml")))
    return {it.about.removeprefix("p: "): it for it in look(looks(snapshot)[0], addresses)}


def answers(version: str = "0.33.0", **more: Any) -> dict[str, Any]:
    return {"/api/version": {"version": version}, **more}


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("0.33.0-rc2", "ok"),
        ("0.12.4", "ok"),
        ("1.0.0", "ok"),
        ("0.12.3", "problem"),
        ("0.5.13", "problem"),
        ("dev", "ok"),
    ],
)
def test_one_that_can_not_be_told_to_refuse_what_is_too_long_is_too_old(version: str, state: str) -> None:
    with standing(answers(version)) as stand:
        assert findings(stand.url)["Ollama"].state == state


def test_one_that_answers_on_another_address_of_this_machine_is_exposed() -> None:
    with standing(answers()) as stand:
        # Another address of this machine, as far as the server is concerned: the stand listens on one only.
        assert findings(stand.url, addresses=("127.0.0.1",))["exposure"].state == "problem"
        assert findings(stand.url, addresses=("127.0.0.2",))["exposure"].state == "ok"
        assert findings(stand.url)["exposure"].state == "ok"


def test_one_that_refuses_a_host_that_is_not_its_own_is_not_exposed() -> None:
    with standing(answers()) as stand, standing({"/api/version": 403}) as refusing:
        stand.answers["/api/version"] = {"version": "0.33.0"}
        assert findings(stand.url)["exposure"].state == "ok"
        assert findings(refusing.url) == {}


def test_one_that_asks_for_the_key_it_is_given_is_not_open_to_others() -> None:
    with standing({"/api/version": 401}) as stand:
        (found,) = findings(stand.url, key=", api_key: env:K").values()
    assert (found.state, found.what) == ("ok", "asks for a key")


def test_own_addresses_are_those_that_others_can_reach() -> None:
    assert not [address for address in own_addresses() if is_loopback(address) or "%" in address]


def test_whether_it_sends_on_to_its_cloud_is_what_it_says_itself() -> None:
    with standing(answers(**{"/api/status": {"cloud": {"disabled": True}}})) as stand:
        assert findings(stand.url)["cloud"].state == "ok"
    with standing(answers(**{"/api/status": {"cloud": {"disabled": False}}})) as stand:
        assert findings(stand.url)["cloud"].state == "note"
    with standing(answers()) as stand:
        assert findings(stand.url)["cloud"].state == "note"


def test_a_target_without_context_is_worth_a_note() -> None:
    with standing(answers()) as stand:
        assert findings(stand.url, "price: free")["target t"].state == "note"
        assert "target t" not in findings(stand.url)


def test_what_a_model_says_unasked_is_worth_a_note() -> None:
    shown: dict[str, Any] = {"system": "You are a pirate.", "messages": [{"role": "user", "content": "Ahoy"}] * 2}
    with standing(answers(**{"/api/show": {"system": shown["system"]}})) as stand:
        found = findings(stand.url)["model m"]
        assert (found.state, "has a SYSTEM of its own" in found.what) == ("note", True)
        assert "pirate" not in found.what
        assert stand.asked[-1][:2] == ("POST", "/api/show")
    with standing(answers(**{"/api/show": {"messages": shown["messages"]}})) as stand:
        assert "2 MESSAGE" in findings(stand.url)["model m"].what
    for nothing in ({}, {"system": "", "messages": None}, {"system": 5}, [], b"\xff", 404):
        with standing(answers(**{"/api/show": nothing})) as stand:
            assert "model m" not in findings(stand.url)


@pytest.mark.parametrize("answer", [404, b"\xff", [], {"version": 5}])
def test_what_is_no_ollama_tells_nothing(answer: object) -> None:
    with standing({"/api/version": answer}) as stand:
        assert findings(stand.url) == {}


def test_a_context_beyond_what_the_model_was_made_for_is_worth_a_note() -> None:
    tags = {"models": [{"name": "m:latest", "details": {"context_length": 8192}}]}
    with standing(answers(**{"/api/tags": tags})) as stand:
        found = findings(stand.url, "context: [4096, 16384]")["target t"]
        assert (found.state, found.do) == ("note", "state no more than 8192")
        assert found.what == "has a `context` of 16,384, and m was made for 8,192: no host gives it more"
        assert "target t" not in findings(stand.url, "context: [4096, 8192]")


@pytest.mark.parametrize("tags", [{}, {"models": None}, {"models": [{"name": "m"}]}, b"nonsense", 500])
def test_a_host_that_does_not_tell_what_a_model_was_made_for_is_not_doubted(tags: Any) -> None:
    with standing(answers(**{"/api/tags": tags})) as stand:
        assert "target t" not in findings(stand.url, "context: 999999")
