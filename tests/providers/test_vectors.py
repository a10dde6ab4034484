import pytest

from earthward.providers.vectors import gives_vectors, space_of


@pytest.mark.parametrize(
    "model",
    [
        *("text-embedding-3-small", "nomic-embed-text:latest", "mxbai-embed-large", "bge-m3", "BAAI/bge-large-en"),
        *("all-minilm:22m", "intfloat/e5-large", "gemini-embedding-001", "snowflake-arctic-embed2", "gte-large"),
        *("hf.co/Qwen/Qwen3-Embedding-8B-GGUF", "text-multilingual-embedding-002", "textembedding-gecko@003"),
    ],
)
def test_models_that_give_vectors_are_known_by_their_names(model: str) -> None:
    assert gives_vectors(model)


@pytest.mark.parametrize("model", ["gpt-4o-mini", "llama3.2:latest", "qwen3:8b", "gemini-2.5-pro", "claude-opus-4-5"])
def test_models_that_talk_are_not_taken_for_them(model: str) -> None:
    assert not gives_vectors(model)


def test_a_tag_that_ollama_adds_makes_no_other_model() -> None:
    assert space_of("Nomic-embed-text:latest") == space_of("nomic-embed-text")
    assert space_of("nomic-embed-text:v1") != space_of("nomic-embed-text")
    assert space_of("a", "ours") == space_of("b", "ours")
