"""Anthropic's messages, and what the servers that speak the same have made of them.

Both directions, and a way to listen to bytes that only pass through.
"""

from earthward.dialects.anthropic_messages.answer import read_answer, write_answer
from earthward.dialects.anthropic_messages.citations import can_cite
from earthward.dialects.anthropic_messages.count_tokens import count_request, read_count, write_count
from earthward.dialects.anthropic_messages.errors import error_event, failure_of, write_failure
from earthward.dialects.anthropic_messages.hints import Glance, check, conversation_root, features, glance, unit_hint
from earthward.dialects.anthropic_messages.listen import StreamListener, listen_answer
from earthward.dialects.anthropic_messages.models import write_model, write_models
from earthward.dialects.anthropic_messages.passing import left_out, prepare
from earthward.dialects.anthropic_messages.read_request import read_request
from earthward.dialects.anthropic_messages.read_stream import StreamReader
from earthward.dialects.anthropic_messages.vertex import at_vertex, count_at_vertex
from earthward.dialects.anthropic_messages.write_request import losses, write_request
from earthward.dialects.anthropic_messages.write_stream import StreamWriter

__all__ = [
    "Glance",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "at_vertex",
    "can_cite",
    "check",
    "conversation_root",
    "count_at_vertex",
    "count_request",
    "error_event",
    "failure_of",
    "features",
    "glance",
    "left_out",
    "listen_answer",
    "losses",
    "prepare",
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
