"""What is known of a model of Anthropic's by its name."""

import pytest

from earthward.dialects.anthropic_messages.claude import Claude, claude, version_of


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-2.1", (2, 1)),
        ("claude-instant-1.2", (1, 2)),
        ("claude-3-haiku-20240307", (3, 0)),
        ("claude-3-5-sonnet-v2@20241022", (3, 5)),
        ("claude-3-7-sonnet-latest", (3, 7)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-opus-4-1@20250805", (4, 1)),
        ("claude-sonnet-4-5@20250929", (4, 5)),
        ("claude-sonnet-4-5", (4, 5)),
        ("anthropic/claude-opus-4.6", (4, 6)),
        ("claude-opus-4-10", (4, 10)),
        ("claude-sonnet-5", (5, 0)),
        ("claude-sonnet-5-20260630", (5, 0)),
        ("claude-", None),
        ("claude-next", None),
        ("claude-\u00b2", None),
        ("kimi-k2-5", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_every_form_of_the_name(model: str, version: tuple[int, int] | None) -> None:
    assert version_of(model) == version


def test_every_generation_is_told_how_to_think_and_draw_in_its_own_way() -> None:
    assert claude("claude-3-5-haiku-latest") == Claude("never", "as_told", False)
    assert claude("claude-3-7-sonnet-latest") == Claude("by_budget", "as_told", False)
    assert claude("claude-sonnet-4-0") == Claude("by_budget", "as_told", False)
    assert claude("claude-opus-4-1") == Claude("by_budget", "by_one", False)
    assert claude("claude-opus-4-5") == Claude("by_budget", "by_one", False)
    assert claude("claude-sonnet-4-6") == Claude("either", "by_one", False)
    assert claude("claude-opus-4-7") == Claude("by_itself", "as_it_will", True)
    assert claude("claude-sonnet-5") == Claude("by_itself", "as_it_will", True)
    assert claude("of-another-vendor") == Claude("either", "as_told", True)
