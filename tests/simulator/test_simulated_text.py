from hypothesis import given
from hypothesis import strategies as st

from earthward.simulator.text import fragments, numbered, spoken, tokens_in, words


def test_numbered_tokens_show_every_loss_and_swap():
    assert "".join(numbered(4)) == "t0 t1 t2 t3"
    assert numbered(0) == ()


@given(st.integers(0, 200), st.text(max_size=5))
def test_the_same_seed_says_the_same_words(count, seed):
    said = words(count, seed)
    assert said == words(count, seed)
    assert len(said) == count
    assert not count or "".join(said).endswith(".")


def test_another_seed_says_other_words():
    assert words(20, "a") != words(20, "b")


@given(st.text())
def test_a_given_text_is_said_without_loss(text):
    assert "".join(spoken(text)) == text


@given(st.text(), st.integers(1, 9))
def test_fragments_are_the_text_again(text, size):
    assert "".join(fragments(text, size)) == text
    assert all(len(part) <= size for part in fragments(text, size))


def test_tokens_are_counted_by_four_bytes():
    assert [tokens_in(text) for text in ("", "a", "abcd", "abcde", "ää\ud800")] == [0, 1, 1, 2, 2]
