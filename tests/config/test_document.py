import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.document import Document, Mapping, parse
from earthward.config.problems import ConfigErrors, Problem


def read(text: str | bytes) -> Document:
    return parse(text.encode() if isinstance(text, str) else text, "f.yaml")


def plain(text: str) -> Any:
    found = read(text)
    assert not found.problems
    return found.plain(found.root)


def refused(text: str | bytes) -> Problem:
    with pytest.raises(ConfigErrors) as error:
        read(text)
    assert len(error.value.problems) == 1
    return error.value.problems[0]


def noted(text: str) -> list[str]:
    return [str(problem) for problem in read(text).problems]


def test_values_are_what_yaml_1_2_takes_them_for() -> None:
    text = "{a: 1, b: -2.5, c: true, d: null, e: ~, f: text, g: '1', h: !!str 2, i: 1e3, j: , k: .5}"
    assert plain(text) == {
        "a": 1,
        "b": -2.5,
        "c": True,
        "d": None,
        "e": None,
        "f": "text",
        "g": "1",
        "h": "2",
        "i": 1000.0,
        "j": None,
        "k": 0.5,
    }


@pytest.mark.parametrize("word", ["no", "on", "off", "yes", "Y", "0x10", "1_000", "12:30:45", "2001-01-01", "010.1.1"])
def test_what_only_yaml_1_1_reads_otherwise_is_text(word: str) -> None:
    assert plain(f"a: {word}") == {"a": word}


def test_numbers_too_long_for_a_number_stay_text() -> None:
    assert plain(f"a: {'9' * 5000}") == {"a": "9" * 5000}
    assert plain("a: 1e999") == {"a": "1e999"}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert plain("{4: a, true: b, null: c}") == {"4": "a", "true": "b", "null": "c"}


def test_everything_knows_its_line_and_column() -> None:
    found = read("a:\n  - b\n  - {c: d}\n")
    assert found.problem(("a", 0), "x") == Problem("f.yaml", 2, 5, "x")
    assert found.problem(("a", 1, "c"), "x") == Problem("f.yaml", 3, 9, "x")
    assert found.key_problem(("a", 1, "c"), "x") == Problem("f.yaml", 3, 6, "x")


def test_a_problem_with_what_is_not_there_is_told_at_what_lacks_it() -> None:
    found = read("top:\n  mine:\n    a: 1\nlist:\n  - x: 1\n")
    assert found.key_problem(("top", "mine", "b"), "x") == Problem("f.yaml", 2, 3, "x")
    assert found.key_problem(("list", 0, "b"), "x") == Problem("f.yaml", 5, 5, "x")
    assert found.key_problem(("nothing",), "x") == Problem("f.yaml", 1, 1, "x")
    assert found.problem(("top", "mine", "a", "deeper"), "x") == Problem("f.yaml", 3, 8, "x")


def test_aliases_stand_for_what_they_name() -> None:
    assert plain("a: &x {k: 1}\nb: *x\n&k c: 2\nd: *k") == {"a": {"k": 1}, "b": {"k": 1}, "c": 2, "d": "c"}


def test_merges_fill_in_what_is_not_given() -> None:
    assert plain("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}") == {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}
    assert plain("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}")["c"] == {"k": 1, "m": 3}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert plain("'<<': {a: 1}") == {"<<": {"a": 1}}


def test_a_merge_of_something_else_is_a_problem() -> None:
    assert noted("a: {<<: 3}") == ["f.yaml:1:5: `<<` merges mappings, as in `<<: *name`"]


def test_a_key_that_is_here_twice_is_a_problem_that_names_both_lines() -> None:
    assert noted("a: 1\nb: 2\na: 3\n") == ["f.yaml:3:1: `a` is here twice, first in line 1"]
    assert noted("{x: {y: 1, y: 2}}") == ["f.yaml:1:12: `y` is here twice, first in line 1"]


def test_a_key_that_is_no_text_is_a_problem() -> None:
    assert noted("? [a, b]\n: c\n") == ["f.yaml:1:3: a key must be text"]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!secret", "!!binary", "!!set", "!!python/name:os.x"]
)
def test_tags_that_make_something_are_refused_and_make_nothing(tag: str) -> None:
    found = noted(f"a: {tag} ['x']" if tag != "!!set" else f"a: {tag} {{x}}")
    assert len(found) == 1
    assert "is not for configurations" in found[0]


def test_an_alias_without_an_anchor_is_a_problem() -> None:
    assert str(refused("a: *nobody")).startswith("f.yaml:1:4: `*nobody` is used before `&nobody` is complete")
    assert str(refused("when: {model: *-mini}")).endswith("a value that begins with `*` needs quotes")


def test_an_alias_within_its_own_anchor_is_a_problem() -> None:
    assert "before `&x` is complete" in str(refused("a: &x [1, *x]"))


def test_a_billion_laughs_are_counted_and_refused() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    found = read("\n".join(lines))
    with pytest.raises(ConfigErrors, match="more than 200000 values, aliases counted each time"):
        found.plain(found.root)


def test_a_billion_merges_stay_small() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], k{n}: v}}" for n in range(1, 20)]
    root = read("\n".join(lines)).root
    assert isinstance(root, Mapping)
    last = root.entries["a19"]
    assert isinstance(last, Mapping)
    assert len(last.entries) == 20


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 50_000, "? " * 50_000])
def test_nesting_is_bounded_before_it_costs_anything(text: str) -> None:
    assert "nested deeper than 32 levels" in str(refused(text))


def test_the_number_of_values_is_bounded() -> None:
    assert "more than 200000 values" in str(refused("[" + "1," * 200_001 + "]"))


def test_ten_megabytes_are_no_configuration() -> None:
    assert str(refused(b"a: " + b"x" * 10_000_000)) == "f.yaml: larger than 4 MB: no configuration"


def test_a_binary_file_is_recognised_as_one() -> None:
    assert str(refused(b"\x7fELF\x02\x01\x01\x00\x00")).startswith("f.yaml:1:")
    assert "binary" in str(refused(b"a: b\n\x00\x01"))
    assert str(refused(b"a: b\nc: \x00")).startswith("f.yaml:2:4: ")


def test_what_is_not_utf_8_is_told_by_line_and_column() -> None:
    assert str(refused("a: b\nc: ä".encode("latin-1"))) == "f.yaml:2:4: not UTF-8 text; save the file as UTF-8"
    assert "not UTF-8" in str(refused("a: b".encode("utf-16")))


def test_a_byte_order_mark_is_no_matter() -> None:
    assert plain("\ufeffa: b") == {"a": "b"}


def test_a_tab_that_indents_is_called_one() -> None:
    assert str(refused("a:\n\tb: 1\n")) == "f.yaml:2:1: a tab is used to indent; YAML takes spaces only"


def test_a_second_document_is_refused() -> None:
    assert str(refused("a: 1\n---\nb: 2\n")) == "f.yaml:2:1: a second document begins here; a configuration is one"


@pytest.mark.parametrize("text", ["", "   \n\n", "# only a comment\n"])
def test_an_empty_file_says_so(text: str) -> None:
    assert "the file is empty" in str(refused(text))


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "{a: 1", "a: b: c", "a: 'x", "- a\nb: 1", "%FOO\n--- a", "a: @x", "---\n...\nx"]
)
def test_what_is_no_yaml_is_a_problem_with_a_place(text: str) -> None:
    assert refused(text).line >= 1


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
        found.plain(found.root)
    except ConfigErrors:
        pass


@given(st.text("[]{}:,-?&*!|>'\"%@`#<ab1~ \n\t", max_size=60))
def test_any_punctuation_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
        found.plain(found.root)
    except ConfigErrors:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(data)
    except ConfigErrors:
        pass


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]))
)


@given(
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner)
    )
)
def test_json_reads_back_as_what_it_was(value: object) -> None:
    found = read(json.dumps(value, ensure_ascii=False))
    assert found.plain(found.root) == value
