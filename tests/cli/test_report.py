"""A whole report, from a store with two months of sums."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earthward.bench.report import fill
from earthward.cli import application
from earthward.store.report import QUERIES
from earthward.store.tables import open as open_store


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/ledger.db"
    engine = open_store(url)
    fill(engine, 100_000)
    engine.dispose()
    return url


def report(*arguments: str) -> Result:
    return CliRunner().invoke(application(("report", "check")), ["report", *arguments])


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if name == "href":
                self.links.append(value or "")
            if name in ("src", "href", "action") and not (value or "").startswith("#"):
                self.outside.append(value or "")


def page(tmp_path: Path, url: str, *more: str) -> tuple[str, Reader]:
    path = tmp_path / "report.html"
    result = report(str(path), "--store", url, *more)
    assert result.exit_code == 0, result.output
    text, reader = path.read_text(), Reader()
    reader.feed(text)
    return text, reader


def test_the_page_needs_nothing_from_outside_and_runs_nothing(tmp_path: Path, url: str) -> None:
    text, reader = page(tmp_path, url)
    assert reader.outside == []
    assert "script" not in reader.tags
    assert "url(" not in text
    assert "@import" not in text


def test_what_callers_choose_is_escaped(tmp_path: Path, url: str) -> None:
    text, _ = page(tmp_path, url, "--title", "<b>us</b> & them")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<title>&lt;b&gt;us&lt;/b&gt; &amp; them</title>" in text


def test_every_figure_links_to_the_query_that_made_it(tmp_path: Path, url: str) -> None:
    _, reader = page(tmp_path, url)
    assert {link.removeprefix("#query-") for link in reader.links} <= QUERIES.keys()
    assert all(link.removeprefix("#") in reader.ids for link in reader.links)
    assert len(reader.links) >= len(QUERIES)


def test_savings_progress_quality_privacy_and_the_next_step_are_all_there(tmp_path: Path, url: str) -> None:
    text, _ = page(tmp_path, url, "--capex", "45000")
    for words in ("Saved to date", "Break-even", "Next step", "Who served", "How well it went", "What left", "Energy"):
        assert words in text, words


def test_the_file_is_its_owners_alone(tmp_path: Path, url: str) -> None:
    page(tmp_path, url)
    assert (tmp_path / "report.html").stat().st_mode & 0o077 == 0


def test_markdown_says_the_same_and_no_name_breaks_its_tables(tmp_path: Path, url: str) -> None:
    path = tmp_path / "report.md"
    assert report(str(path), "--store", url, "--title", "a | b").exit_code == 0
    text = path.read_text()
    assert "# a \\| b" in text
    assert "<script>" not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_a_pdf_is_one_or_the_way_to_one_is_told(tmp_path: Path, url: str) -> None:
    path = tmp_path / "report.pdf"
    result = report(str(path), "--store", url)
    if result.exit_code == 0:
        assert path.read_bytes().startswith(b"%PDF")
    else:
        assert "write .html" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report.doc",), ".html, .md or .pdf"),
        (("report.html", "--since", "soon"), "takes a day"),
        (("report.html", "--since", "2030-01-02", "--until", "2030-01-01"), "no days"),
        (("report.html", "--capex", "-1"), "--capex"),
        (("report.html", "--capex", "nan"), "--capex"),
        (("nowhere/report.html",), "can't be written"),
    ],
)
def test_wrong_use_says_what_to_do(arguments: tuple[str, ...], words: str, tmp_path: Path, url: str) -> None:
    result = report(str(tmp_path / arguments[0]), *arguments[1:], "--store", url)
    assert result.exit_code == 2
    assert words in result.output


def test_an_empty_ledger_is_not_enough_evidence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    open_store(url).dispose()
    assert report(str(tmp_path / "report.html"), "--store", url).exit_code == 3
