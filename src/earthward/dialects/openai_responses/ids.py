"""Ids of the items of a response, made from its own: the same however the events came, and known again as ours."""

import re

OURS = "_ew_"
"""Stands in every id that was made here: OpenAI knows none of these and refuses a request for it."""

_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_FOREIGN = re.compile(r"[^A-Za-z0-9]")


def item_id(kind: str, response_id: str, place: int) -> str:
    return f"{_PREFIXES[kind]}{OURS}{_FOREIGN.sub('', response_id.removeprefix('resp_'))}_{place}"


def is_ours(id: object) -> bool:
    return isinstance(id, str) and OURS in id
