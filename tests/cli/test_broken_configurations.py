"""What the page on broken configurations says is what `check` says. As a program, prints the page as it should be."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from typer.testing import CliRunner

from earthward.cli import application

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "broken-configurations.md"
CASE = re.compile(r"```yml\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)


def said(example: str, folder: Path) -> str:
    """What `check` says of the example, in the folder that holds it."""
    file = folder / "earthward.yaml"
    file.write_text(example)
    result = CliRunner().invoke(application(("check", "serve")), ["check", "-c", str(file)])
    assert result.exit_code == 2
    return result.output.replace(f"{folder}{os.sep}", "")


def rewritten(page: str, told: Callable[[str], str]) -> str:
    return CASE.sub(lambda case: f"```yml\n{case[1]}```\n\n```text\n{told(case[1])}```\n", page)


def test_check_says_of_each_what_the_page_says(tmp_path: Path) -> None:
    page = PAGE.read_text()
    for example, told in CASE.findall(page):
        assert said(example, tmp_path) == told, "`make docs` writes the page anew"
    assert len(CASE.findall(page)) == page.count("```yml") == page.count("\n## ") >= 10


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        sys.stdout.write(rewritten(PAGE.read_text(), lambda example: said(example, Path(folder))))
