"""The list of models."""

import json

from openai.types import Model

from earthward.dialects.openai_chat import write_model, write_models


def test_models_are_listed_as_the_official_sdk_reads_them() -> None:
    listed = json.loads(write_models(["gpt-4o", "llama3.1:8b"], 1744700000))
    assert listed["object"] == "list"
    models = [Model.model_validate(model) for model in listed["data"]]
    assert [model.id for model in models] == ["gpt-4o", "llama3.1:8b"]
    assert {model.created for model in models} == {1744700000}


def test_one_model_is_described_as_in_the_list() -> None:
    assert json.loads(write_models(["a"], 1))["data"] == [json.loads(write_model("a", 1))]
