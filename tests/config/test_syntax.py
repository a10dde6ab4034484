"""That what is no YAML is told where it went wrong, and with what it most often is."""

import pytest

from earthward.config.document import parse
from earthward.config.problems import ConfigErrors


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n  b: 1\n   c: 2\n", "f:3:5: mapping values are not allowed in this context; indent it like"),
        ("a:\n   b: 1\n  c: 2\n", "indent it like the lines around it"),
        ("- a\nb: 1\n", "indent it like the lines around it"),
        ("model: llama3.1: 8b\n", "a value with `: ` in it needs quotes"),
        ("a: {b: x, c: llama3.1: 8b}\n", "a value with `: ` or `, ` in it needs quotes"),
        ("a: 'it's'\n", "or a quote or a bracket before it is one too many"),
        ("a: 1\nb: {c: y\nd: 1\n", "(while parsing a flow mapping that begins in line 2); close what was opened there"),
        ("a: {b:, c: 1}\n", "put a space behind the colon"),
        ('{"t": 1}\n{"t": 2}\n', "did not find expected <document start>; is this a configuration?"),
        ("a: @x\n", "f:1:4: found character that cannot start any token (while scanning for the next token); a value"),
        ("a: {b: *}\n", "a value that begins with `*` or `&` needs quotes"),
        ('a: "C:\\models"\n', "write a backslash twice between double quotes"),
        ('a: 1\nb: "x\nc: 2\n', "f:2:4: a quote opens here, and nothing closes it"),
        ("a: 1\nb: 'x\nc: 2\n", "f:2:4: a quote opens here, and nothing closes it"),
        ("a:\n\tb: 1\n", "f:2:1: a tab is used to indent; YAML takes spaces only"),
    ],
)
def test_what_is_no_yaml_is_told_with_what_it_most_often_is(text, told):
    with pytest.raises(ConfigErrors) as refused:
        parse(text.encode(), "f")
    assert told in str(refused.value)
