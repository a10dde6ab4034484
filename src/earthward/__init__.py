"""Earthward: move LLM traffic from cloud APIs to models you host."""

__version__ = "0.1.0"
