"""OpenAI's completions, the old way to ask: a text to go on from.

Both directions. Errors, and what passes through, are as in chat.
"""

from earthward.dialects.openai_chat import (
    StreamListener,
    error_event,
    failure_of,
    listen_answer,
    prepare,
    wants_usage,
    write_failure,
    write_model,
    write_models,
)
from earthward.dialects.openai_completions.answer import read_answer, write_answer
from earthward.dialects.openai_completions.hints import Glance, answers, glance, unit_hint
from earthward.dialects.openai_completions.read_request import read_request
from earthward.dialects.openai_completions.streams import StreamReader, StreamWriter
from earthward.dialects.openai_completions.write_request import losses, write_request

__all__ = [
    "Glance",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "answers",
    "error_event",
    "failure_of",
    "glance",
    "listen_answer",
    "losses",
    "prepare",
    "read_answer",
    "read_request",
    "unit_hint",
    "wants_usage",
    "write_answer",
    "write_failure",
    "write_model",
    "write_models",
    "write_request",
]
