import pytest

from earthward.config.snapshot import DATA_CLASSES
from earthward.routing import egress
from earthward.routing.egress import may_leave


@pytest.mark.parametrize("data_class", [*DATA_CLASSES, "", "nonsense", "PUBLIC"])
def test_everything_may_go_to_a_local_target(data_class: str) -> None:
    assert may_leave(data_class, "local")


@pytest.mark.parametrize("data_class", ["personal", "health", "payment", "secret"])
def test_sensitive_classes_stay(data_class: str) -> None:
    assert not may_leave(data_class, "cloud")


@pytest.mark.parametrize("data_class", ["public", "internal", ""])
def test_public_internal_and_unclassified_data_may_leave(data_class: str) -> None:
    assert may_leave(data_class, "cloud")


@pytest.mark.parametrize("data_class", ["nonsense", "Public", "public ", "0"])
def test_a_word_that_is_no_class_is_in_doubt_and_stays(data_class: str) -> None:
    assert not may_leave(data_class, "cloud")


def test_no_class_may_leave_that_is_stricter_than_one_that_stays() -> None:
    leaves = [may_leave(data_class, "cloud") for data_class in DATA_CLASSES]
    assert leaves == sorted(leaves, reverse=True)


def test_a_boundary_binds_every_class() -> None:
    for data_class in ("", *DATA_CLASSES):
        assert egress.why_not(data_class, "local", "cloud") is not None
        assert egress.why_not(data_class, "local", "local") is None


def test_the_strictest_of_several_classes_binds_and_a_word_that_is_none_binds_most() -> None:
    assert egress.strictest(("public", "health", "internal")) == "health"
    assert egress.strictest(("", "public")) == "", "what nobody has put in a class is internal"
    assert egress.strictest(("", "personal")) == "personal"
    assert egress.strictest(("secret", "typo")) == "typo"
