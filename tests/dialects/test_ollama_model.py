"""What is known of a model, and what its name says."""

import json

import pytest

from earthward.chat import Failure
from earthward.dialects.ollama import Model, is_cloud_model, read_show, stops_in


@pytest.mark.parametrize(
    "name",
    ["gpt-oss:120b-cloud", "x:cloud", "ns/x:Cloud", "kimi-cloud", " x:cloud ", "x:cloud@sha256:1", "GPT-OSS:20B-CLOUD"],
)
def test_a_cloud_model_is_known_by_its_name(name: str) -> None:
    assert is_cloud_model(name)


@pytest.mark.parametrize("name", ["llama3.1:8b", "cloud", "cloudy:8b", "x:cloud-8b", "cloud/x:8b", ""])
def test_other_models_are_not_taken_for_cloud(name: str) -> None:
    assert not is_cloud_model(name)


def test_the_stop_strings_of_a_modelfile_are_read() -> None:
    parameters = 'num_ctx      4096\nstop         "<|eot_id|>"\nstop "a \\"b\\""\nstop  bare\n'
    assert stops_in(parameters) == ("<|eot_id|>", 'a "b"', "bare")
    assert stops_in("stopping 1\nstop\n") == ()


def test_what_ollama_shows_of_a_model_is_read() -> None:
    shown = {
        "capabilities": ["completion", "thinking"],
        "parameters": 'stop "x"',
        "details": {"family": "gptoss"},
        "model_info": {"general.architecture": "gptoss"},
    }
    assert read_show(json.dumps(shown).encode()) == Model(
        frozenset({"completion", "thinking"}), thinks_in_levels=True, stop=("x",)
    )
    assert read_show(b"{}") == Model()
    assert isinstance(read_show(b"[]"), Failure)


def test_what_a_model_is_loaded_with_is_one_set() -> None:
    assert Model(num_ctx=1, load_options={"num_gpu": 2}).loading() == {"num_gpu": 2, "num_ctx": 1}
    assert Model().loading() == {}
