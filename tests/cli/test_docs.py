"""What the documentation shows works: configurations load, commands exist, SQL runs, links lead somewhere."""

import ast
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer.main
import yaml

from earthward.cli import application
from earthward.config.compile import compile
from earthward.config.load import read
from earthward.store import tables

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BASE = """\
providers:
  openai: {kind: openai, api_key: env:OPENAI_API_KEY}
  house: {kind: openai_compatible, base_url: "http://127.0.0.1:8080/v1"}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  small: {provider: house, model: smollm2}
routes:
  - {name: chat, use: mini}
"""
"""What a page need not say again: examples that show a part are parts of this."""


def blocks(language: str) -> list[pytest.param]:
    """The blocks marked with this and nothing else, wherever they are."""
    found = []
    for page in PAGES:
        for block in re.finditer(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            line = page.read_text()[: block.start()].count("\n") + 1
            found.append(pytest.param(block[1], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


def whole(example: str) -> str:
    """The example as a whole configuration."""
    said, base = yaml.safe_load(example), yaml.safe_load(BASE)
    for section in ("providers", "targets"):
        base[section] |= said.pop(section, {})
    return yaml.safe_dump(base | said)


@pytest.mark.parametrize("example", blocks("yaml"))
def test_every_configuration_is_sound(example, tmp_path):
    for name in re.findall(r"[\w./-]+\.(?:pem|py)\b", example):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    file = tmp_path / "earthward.yaml"
    snapshot = compile(read(whole(example).encode(), file))
    assert snapshot.routes
    if {"providers", "targets", "routes"} <= yaml.safe_load(example).keys():
        read(example.encode(), file)


@pytest.mark.parametrize("example", blocks("sh"))
def test_every_command_is_one_there_is(example):
    root = typer.main.get_command(application())
    for line in example.replace("\\\n", " ").splitlines():
        words = shlex.split(re.sub(r"\$\([^)]*\)", "x", line), comments=True)
        for command in piped(words):
            if command[:1] == ["earthward"] and len(command) > 1:
                assert_understood(root, command[1:])


def piped(words):
    """The commands of a line, each without where its output goes."""
    while words:
        end = words.index("|") if "|" in words else len(words)
        command, words = words[:end], words[end + 1 :]
        yield command[: command.index(">")] if ">" in command else command


def assert_understood(command, words):
    """As typer would, but nothing is done."""
    while getattr(command, "commands", None):
        assert words, f"{command.name} needs a command"
        assert words[0] in command.commands, words
        command, words = command.commands[words[0]], words[1:]
    command.make_context("x", [word.strip("<>") for word in words])


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_query_runs(query, tmp_path):
    tables.open(f"sqlite:///{tmp_path}/ledger.db").dispose()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute(query).fetchall()


@pytest.mark.parametrize("code", [*blocks("python"), *blocks("py")])
def test_python_is_python(code):
    ast.parse(code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+://", target):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve() if path else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index():
    linked = {
        (page.parent / target).resolve()
        for page in (ROOT / "docs" / "index.md", ROOT / "README.md")
        for target in re.findall(r"\]\(([^)\s#]+)\)", page.read_text())
    }
    assert [str(page) for page in PAGES if page not in linked and page != ROOT / "README.md"] == []
