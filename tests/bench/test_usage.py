from pathlib import Path

import pytest

from earthward.bench.usage import FORMS, measure


@pytest.mark.parametrize("form", FORMS)
def test_every_record_that_was_written_is_assessed_and_priced(form: str, tmp_path: Path) -> None:
    found = measure(form, 5_000, tmp_path)
    assert found.requests == 5_000
    assert found.cost > 0
