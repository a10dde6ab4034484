"""Log probabilities, both ways: two lists side by side here, and in the vocabulary OpenAI's list of tokens."""

from typing import Any


def read_logprobs(wire: Any) -> list[dict[str, Any]] | None:
    """None if there are none, or they have another form."""
    chosen = wire.get("chosenCandidates") if isinstance(wire, dict) else None
    if not isinstance(chosen, list) or not chosen:
        return None
    tops = wire.get("topCandidates")
    tokens = []
    for place, token in enumerate(chosen):
        top = tops[place] if isinstance(tops, list) and place < len(tops) else None
        others = top.get("candidates") if isinstance(top, dict) else None
        read = [_read(other) for other in others] if isinstance(others, list) else []
        tokens.append({**_read(token), "top_logprobs": read})
    return tokens


def wire_logprobs(logprobs: Any) -> dict[str, Any] | None:
    tokens = [token for token in logprobs if isinstance(token, dict)] if isinstance(logprobs, list) else []
    if not tokens:
        return None
    tops = [[_written(top) for top in _list(token.get("top_logprobs")) if isinstance(top, dict)] for token in tokens]
    wire: dict[str, Any] = {"chosenCandidates": [_written(token) for token in tokens]}
    if any(tops):
        wire["topCandidates"] = [{"candidates": candidates} for candidates in tops]
    return wire


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _read(wire: Any) -> dict[str, Any]:
    token, value = (wire.get("token"), wire.get("logProbability")) if isinstance(wire, dict) else (None, None)
    text = token if isinstance(token, str) else ""
    # Google leaves out what is zero, a certain token.
    number = value if isinstance(value, int | float) else 0.0
    return {"token": text, "logprob": number, "bytes": [*text.encode("utf-8", "replace")]}


def _written(token: dict[str, Any]) -> dict[str, Any]:
    return {"token": token.get("token"), "logProbability": token.get("logprob")}
