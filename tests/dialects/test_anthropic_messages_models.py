"""The list of models."""

import json

from earthward.dialects.anthropic_messages import write_model, write_models


def test_a_list_has_its_models_on_one_page() -> None:
    wire = json.loads(write_models(["b", "a"], 1744700000))
    assert [model["id"] for model in wire["data"]] == ["b", "a"]
    assert (wire["has_more"], wire["first_id"], wire["last_id"]) == (False, "b", "a")


def test_an_empty_list_has_no_first() -> None:
    assert json.loads(write_models([], 0)) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_a_model_says_since_when() -> None:
    assert json.loads(write_model("a", 1744700000)) == {
        "type": "model",
        "id": "a",
        "display_name": "a",
        "created_at": "2025-04-15T06:53:20Z",
        "lifecycle": "active",
    }
