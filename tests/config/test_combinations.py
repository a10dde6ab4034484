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
