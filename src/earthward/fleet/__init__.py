"""Ollama hosts: what they hold, what they have loaded, and how to warm, pull and unload. May wait."""
