"""What `test_load` does not already show: how the checks look at what could only be read in part."""

from pathlib import Path

import pytest

from earthward.config.combinations import MOST_ENDPOINTS
from earthward.config.load import ConfigErrors, read
from earthward.gateway.board import ENDPOINTS


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as error:
        read(text.encode(), Path("/f.yaml"))
    return [problem.message for problem in error.value.problems]


def fleet(count: int) -> str:
    urls = ", ".join(f"http://gpu-{number}/v1" for number in range(count))
    return (
        f"providers: {{gpus: {{kind: openai_compatible, endpoints: [{urls}]}}}}\n"
        "targets: {t: {provider: gpus, model: m}}\nroutes: [{name: r, use: t}]\n"
    )


def test_there_is_room_for_as_many_endpoints_as_the_board_has_columns() -> None:
    assert MOST_ENDPOINTS == ENDPOINTS
    read(fleet(MOST_ENDPOINTS).encode(), Path("/f.yaml"))
    assert problems(fleet(MOST_ENDPOINTS + 1)) == ["513 endpoints; there is room for 512"]


def test_a_name_counts_as_known_whatever_is_wrong_with_what_it_names() -> None:
    text = """\
providers: {gpus: {kind: openai_compatible, base_url: nonsense}}
targets: {t: {provider: gpus, model: m, context: nonsense}}
routes: [{name: r, use: t}]
"""
    assert [message.partition("`")[2].partition("`")[0] for message in problems(text)] == ["base_url", "context"]


def test_a_mistake_in_a_route_hides_none_of_its_unknown_names() -> None:
    text = """\
providers: {gpus: {kind: openai_compatible, base_url: http://gpu/v1}}
targets: {t: {provider: gpus, model: m}}
routes: [{name: r, baseline: x, candidate: y, share: nonsense, fallback: [z]}]
"""
    found = problems(text)
    assert len(found) == 4
    assert [name for name in "xyz" if any(f"unknown target `{name}`" in message for message in found)] == list("xyz")


def test_a_value_that_could_not_be_read_is_not_called_missing() -> None:
    """Else one mistake would be told twice, the second time wrongly."""
    text = """\
providers: {openai: {kind: openai, api_key: sk-plain}}
targets: {t: {provider: openai, model: m}}
routes: [{name: r, baseline: t, candidate: t2, share: 200%}]
"""
    assert len(problems(text)) == 3


ROUTES = "targets: {t: {provider: first, model: m}}\nroutes: [{name: r, use: t}]\nauth: passthrough\n"


def found(text: str) -> list[str]:
    try:
        read(text.encode(), Path("/f.yaml"))
    except ConfigErrors as errors:
        return [problem.message for problem in errors.problems]
    return []


@pytest.mark.parametrize("listen", ["127.0.0.1:4000", "0.0.0.0:4000", "'[::]:4000'"])
def test_with_passthrough_a_vendor_needs_no_key_of_ours_and_the_gateway_may_be_reached_from_afar(listen: str) -> None:
    text = f"listen: {listen}\nproviders: {{first: {{kind: openai}}, house: {{kind: ollama}}}}\n"
    assert found(text + ROUTES + "accepted_for: 10m\n") == []


def test_passthrough_without_a_vendor_to_accept_keys_lets_nobody_in() -> None:
    needs = "`auth: passthrough` needs a provider in the cloud without `api_key`, whose keys the callers bring"
    assert found("providers: {first: {kind: ollama}}\n" + ROUTES) == [needs]
    assert found("providers: {first: {kind: openai, api_key: env:X}}\n" + ROUTES) == [needs]


def test_a_vendor_that_no_target_is_at_accepts_no_key() -> None:
    text = "providers: {vendor: {kind: openai}, first: {kind: ollama}}\n" + ROUTES
    assert found(text) == ["no target is at `vendor`, so no caller's key could be accepted"]


def test_a_callers_key_is_for_one_vendor_alone() -> None:
    two = "providers: {first: {kind: openai}, second: {kind: openai_compatible, base_url: 'https://api.groq.com/v1'}}\n"
    assert found(two + ROUTES) == [
        "with `auth: passthrough`, is a caller's key for `first` or for this? Give one an `api_key`"
    ]
    assert found("providers: {first: {kind: openai}, second: {kind: anthropic}}\n" + ROUTES) == []


def test_a_callers_key_does_not_travel_in_the_clear_either() -> None:
    text = "providers: {first: {kind: openai, base_url: 'http://api.openai.com/v1'}}\n" + ROUTES
    assert found(text) == ["http:// would send the API key in the clear; use https://"]


def test_a_server_that_speaks_as_anthropic_does_needs_no_key_in_the_house() -> None:
    text = "providers: {first: {kind: anthropic, base_url: 'http://gpu:8000/v1'}}\n" + ROUTES.replace(
        "passthrough", "keys"
    )
    assert found(text) == []


def test_a_vendors_host_is_in_the_cloud_without_being_told_so() -> None:
    text = "providers: {first: {kind: openai_compatible, base_url: 'https://api.mistral.ai/v1', api_key: env:X}}\n"
    assert found(text + ROUTES.replace("passthrough", "keys")) == []


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ("lama: {amortisation: 1}", "unknown target `lama`, did you mean `llama`?"),
        ("cloud: {amortisation: 1}", "`cloud` is in the cloud; its price belongs to `prices`"),
    ],
)
def test_own_costs_are_of_targets_in_the_house(costs: str, words: str) -> None:
    text = f"""\
own_costs: {{{costs}}}
providers: {{gpus: {{kind: openai_compatible, base_url: "http://gpu-1/v1"}}, o: {{kind: openai, api_key: env:A}}}}
targets: {{llama: {{provider: gpus, model: m}}, cloud: {{provider: o, model: gpt-4o}}}}
routes: [{{name: r, use: llama}}]
"""
    assert any(words in message for message in problems(text)), problems(text)


def test_responses_are_kept_only_with_a_key_to_seal_them() -> None:
    served = fleet(1) + "responses: {keep: 7d}\n"
    assert problems(served) == ["`responses` are only stored with a `content_key`, such as env:EARTHWARD_CONTENT_KEY"]
    read((served + "content_key: env:K\n").encode(), Path("/f.yaml"))
