"""OpenAI's responses.

Both directions, and a way to listen to bytes that only pass through. A request may go on from an earlier response:
whoever reads it has kept that conversation, or refuses.
"""

from earthward.dialects.openai_chat.models import write_model, write_models
from earthward.dialects.openai_responses.annotations import can_cite
from earthward.dialects.openai_responses.answer import read_answer, write_answer
from earthward.dialects.openai_responses.count_tokens import read_count, write_count
from earthward.dialects.openai_responses.errors import failure_of, write_failure
from earthward.dialects.openai_responses.hints import (
    Glance,
    conversation_root,
    features,
    glance,
    is_stored,
    previous_response_id,
    unit_hint,
)
from earthward.dialects.openai_responses.listen import StreamListener, left_out, listen_answer, prepare
from earthward.dialects.openai_responses.read_request import conversation, read_request
from earthward.dialects.openai_responses.read_stream import StreamReader
from earthward.dialects.openai_responses.response import echo
from earthward.dialects.openai_responses.write_request import losses, write_request
from earthward.dialects.openai_responses.write_stream import StreamWriter, error_event

__all__ = [
    "Glance",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "can_cite",
    "conversation",
    "conversation_root",
    "echo",
    "error_event",
    "failure_of",
    "features",
    "glance",
    "is_stored",
    "left_out",
    "listen_answer",
    "losses",
    "prepare",
    "previous_response_id",
    "read_answer",
    "read_count",
    "read_request",
    "unit_hint",
    "write_answer",
    "write_count",
    "write_failure",
    "write_model",
    "write_models",
    "write_request",
]
