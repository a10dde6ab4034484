"""OpenAI's chat completions, and what the servers that speak the same have made of it.

Both directions, and a way to listen to bytes that only pass through.
"""

from earthward.dialects.openai_chat.annotations import can_cite
from earthward.dialects.openai_chat.answer import read_answer, write_answer
from earthward.dialects.openai_chat.errors import error_event, failure_of, write_failure
from earthward.dialects.openai_chat.hints import Glance, answers, conversation_root, features, glance, unit_hint
from earthward.dialects.openai_chat.listen import StreamListener, listen_answer, prepare, wants_usage
from earthward.dialects.openai_chat.models import write_model, write_models
from earthward.dialects.openai_chat.read_request import read_request
from earthward.dialects.openai_chat.read_stream import StreamReader
from earthward.dialects.openai_chat.write_request import losses, write_request
from earthward.dialects.openai_chat.write_stream import StreamWriter

__all__ = [
    "Glance",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "answers",
    "can_cite",
    "conversation_root",
    "error_event",
    "failure_of",
    "features",
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
