"""Embeddings in the forms of OpenAI, Google and Ollama, each both ways: one file per vendor."""
