from pathlib import Path

import pytest

from earthward.config.secrets import content_keys, is_reference, resolve

SECRET = "sk-9f8e7d6c5b4a"


def read(path: str) -> str:
    return Path(path).read_text()


def test_a_secret_comes_from_the_environment() -> None:
    assert resolve("env:KEY", {"KEY": SECRET}, read) == SECRET


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"  {SECRET}\r\n")
    assert resolve(f"file:{tmp_path / 'key'}", {}, read) == SECRET


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}, {"KEY": " \n"}])
def test_a_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(LookupError, match="the environment variable KEY is not set or empty"):
        resolve("env:KEY", environ, read)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"can't read the file .*/none: No such file or directory"):
        resolve(f"file:{tmp_path / 'none'}", {}, read)


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(LookupError, match="is empty"):
        resolve(f"file:{tmp_path / 'key'}", {}, read)


def test_a_file_that_is_no_text_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff" + SECRET.encode())
    with pytest.raises(ValueError, match="is no text") as error:
        resolve(f"file:{tmp_path / 'key'}", {}, read)
    assert SECRET not in repr(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "reference", [SECRET, "", "env:", "env:1A", "env:A B", f"env:{SECRET}", "file:", "vault:x", "ENV:A"]
)
def test_what_is_no_reference_is_refused_and_not_repeated(reference: str) -> None:
    assert not is_reference(reference)
    with pytest.raises(ValueError) as error:
        resolve(reference, {}, read)
    assert SECRET not in str(error.value)


def test_content_keys_are_looked_up_like_all_secrets_and_must_not_be_guessable() -> None:
    environ = {"NEW": "n" * 32, "SHORT": "hunter2" * 4}
    assert content_keys(["env:NEW"], environ, str) == ("n" * 32,)
    with pytest.raises(ValueError, match="fewer than 32 characters") as error:
        content_keys(["env:NEW", "env:SHORT"], environ, str)
    assert "hunter2" not in str(error.value)
    with pytest.raises(LookupError, match="OLD is not set"):
        content_keys(["env:OLD"], environ, str)
