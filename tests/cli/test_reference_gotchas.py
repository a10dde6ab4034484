"""The page on gotchas tells of tests that are there, and of each gotcha once."""

import ast
from pathlib import Path

import pytest

from earthward.cli.reference_gotchas import all_gotchas, gotchas

ROOT = Path(__file__).parents[2]


def test_each_number_is_told_of_once():
    assert [number for number, *_ in all_gotchas()] == list(range(1, 67))


@pytest.mark.parametrize("gotcha", all_gotchas(), ids=lambda gotcha: str(gotcha[0]))
def test_every_test_that_is_named_exists(gotcha):
    for name in gotcha[3].split():
        path, _, test = name.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert test in there, name


@pytest.mark.parametrize("gotcha", all_gotchas(), ids=lambda gotcha: str(gotcha[0]))
def test_what_is_not_handled_says_why(gotcha):
    _, title, does, _ = gotcha
    assert title
    assert does


def test_what_has_no_test_counts_as_not_handled():
    assert ("not handled" in gotchas()) == any(not tested for *_, tested in all_gotchas())
