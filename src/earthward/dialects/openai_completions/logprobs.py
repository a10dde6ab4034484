"""Log probabilities, both ways: lists side by side here, and in the vocabulary chat's list of tokens."""

from typing import Any


def read_logprobs(wire: Any) -> list[dict[str, Any]] | None:
    """None if there are none, or they have another form."""
    fields = wire if isinstance(wire, dict) else {}
    tokens, values, tops = (fields.get(name) for name in ("tokens", "token_logprobs", "top_logprobs"))
    if not isinstance(tokens, list) or not tokens:
        return None
    read = []
    for place, token in enumerate(tokens):
        top = _at(tops, place)
        others = [_token(text, value) for text, value in top.items()] if isinstance(top, dict) else []
        read.append({**_token(token, _at(values, place)), "top_logprobs": others})
    return read


def wire_logprobs(logprobs: Any, offset: int = 0) -> dict[str, Any] | None:
    """`offset` is how many characters of text came before."""
    tokens = [token for token in logprobs if isinstance(token, dict)] if isinstance(logprobs, list) else []
    if not tokens:
        return None
    texts = [str(token.get("token", "")) for token in tokens]
    offsets = [offset + sum(map(len, texts[:place])) for place in range(len(texts))]
    tops = [
        {
            str(top.get("token", "")): top.get("logprob")
            for top in _list(token.get("top_logprobs"))
            if isinstance(top, dict)
        }
        for token in tokens
    ]
    values = [token.get("logprob") for token in tokens]
    return {"tokens": texts, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _at(values: Any, place: int) -> Any:
    return values[place] if isinstance(values, list) and place < len(values) else None


def _token(token: Any, value: Any) -> dict[str, Any]:
    text = token if isinstance(token, str) else str(token)
    number = value if isinstance(value, int | float) else 0.0
    return {"token": text, "logprob": number, "bytes": [*text.encode("utf-8", "replace")]}
