import contextlib
from pathlib import Path

import pytest

from earthward.config.problems import ConfigErrors
from earthward.store.location import STATE, STORE, Location, location

CONFIG = """\
store: sqlite:///ledger.db
state: here
auth: open
providers:
  cloud: {kind: openai, api_key: env:KEY}
targets:
  mini: {provider: cloud, model: gpt-4o-mini}
routes:
  - {name: everything, use: mini}
"""


@pytest.fixture
def empty(tmp_path):
    with contextlib.chdir(tmp_path):
        yield tmp_path


def test_without_a_configuration_it_is_where_a_gateway_would_put_it(empty):
    assert location(None, None, None) == Location(STORE, STATE)


def test_what_is_stated_goes_before_what_is_configured(empty):
    (empty / "mine.yaml").write_text(CONFIG)
    configured = location(Path("mine.yaml"), None, None)
    assert configured == Location(f"sqlite:///{empty}/ledger.db", empty / "here", frozenset({"everything"}))
    stated = location(Path("mine.yaml"), "sqlite:///other.db", Path("there"))
    assert (stated.store, stated.state) == ("sqlite:///other.db", Path("there"))


def test_the_usual_configuration_is_found_without_being_named(empty):
    (empty / "earthward.yaml").write_text(CONFIG)
    assert location(None, None, None).state == empty / "here"


def test_a_configuration_that_is_not_needed_is_not_read(empty):
    (empty / "earthward.yaml").write_text("nonsense: [")
    assert location(None, "sqlite:///other.db", Path("there")).routes is None
    with pytest.raises(ConfigErrors):
        location(None, "sqlite:///other.db", None)


def test_a_configuration_that_is_named_and_missing_is_an_error(empty):
    with pytest.raises(ConfigErrors):
        location(Path("nowhere.yaml"), None, None)
