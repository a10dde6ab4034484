"""What a target may lack, by name: the gateway makes up for it."""

from typing import Literal

Lack = Literal["tools", "choice", "parallel", "several", "form", "addresses", "free_text"]
"""`tools`: the model's template knows none. `choice`: nobody sees to it that a tool is called that must be.

`parallel`: several calls come whether they are wanted or not. `several`: one request has one answer. `form`: a form
that was asked for may not be kept. `addresses`: what a request names by its address must not be fetched there.
`free_text`: tools take objects alone.
"""
