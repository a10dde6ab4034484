"""Lists of models, as Ollama's clients read them."""

import json

from earthward.dialects.ollama import (
    VERSION,
    Offer,
    write_loaded,
    write_ps,
    write_show,
    write_tags,
    write_version,
)

OFFERS = [Offer("gpt-4o"), Offer("llama3.1:8b", ("completion", "tools"), 16384)]


def test_tags_list_every_offer_with_the_fields_clients_take_for_granted() -> None:
    models = json.loads(write_tags(OFFERS, 1787313600.5))["models"]
    assert [model["name"] for model in models] == [model["model"] for model in models] == ["gpt-4o", "llama3.1:8b"]
    for model in models:
        assert model["modified_at"] == "2026-08-21T12:00:00.500000Z"
        assert len(model["digest"]) == 64
        assert model["details"]["families"]
    assert models[1]["details"]["context_length"] == 16384
    assert models[1]["capabilities"] == ["completion", "tools"]
    assert len({model["digest"] for model in models}) == 2


def test_show_says_what_clients_plan_by() -> None:
    shown = json.loads(write_show(OFFERS[1], 0))
    architecture = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{architecture}.context_length"] == 16384
    assert shown["capabilities"] == ["completion", "tools"]
    assert not [name for name in json.loads(write_show(OFFERS[0], 0))["model_info"] if name.endswith("context_length")]


def test_ps_lists_what_is_loaded() -> None:
    (model,) = json.loads(write_ps(OFFERS[1:], 0))["models"]
    assert (model["name"], model["context_length"]) == ("llama3.1:8b", 16384)
    assert model["expires_at"] == "1970-01-01T00:00:00.000000Z"


def test_the_version_is_one_clients_can_compare() -> None:
    assert json.loads(write_version()) == {"version": VERSION}
    assert all(part.isdigit() for part in VERSION.split("."))


def test_loading_and_unloading_are_answered_in_ollama_s_words() -> None:
    loaded = json.loads(write_loaded("m", 0, unload=False))
    assert (loaded["message"]["content"], loaded["done"], loaded["done_reason"]) == ("", True, "load")
    unloaded = json.loads(write_loaded("m", 0, unload=True, generate=True))
    assert (unloaded["response"], unloaded["done_reason"]) == ("", "unload")
