"""Ollama's own API: `/api/chat` and `/api/generate`, not what it offers under `/v1`.

Both directions, and a way to listen to bytes that only pass through. Requests are always written for `/api/chat`.
"""

from earthward.dialects.ndjson import CONTENT_TYPE
from earthward.dialects.ollama.answer import read_answer, write_answer
from earthward.dialects.ollama.calls import custom_tools
from earthward.dialects.ollama.errors import error_line, failure_of, write_failure
from earthward.dialects.ollama.hints import (
    Glance,
    answers,
    check,
    conversation_root,
    features,
    glance,
    only_loads,
    unit_hint,
    wants_stream,
)
from earthward.dialects.ollama.listen import Heard, StreamListener, listen_answer
from earthward.dialects.ollama.model import LOAD_OPTIONS, Model, is_cloud_model, read_show, stops_in
from earthward.dialects.ollama.models import (
    VERSION,
    Offer,
    write_loaded,
    write_ps,
    write_show,
    write_tags,
    write_version,
)
from earthward.dialects.ollama.output import format_instruction, with_format_in_prompt
from earthward.dialects.ollama.read_generate import read_generate
from earthward.dialects.ollama.read_request import read_request
from earthward.dialects.ollama.read_stream import StreamReader
from earthward.dialects.ollama.usage import Durations
from earthward.dialects.ollama.write_request import left_out, losses, prepare, write_request
from earthward.dialects.ollama.write_stream import StreamWriter

__all__ = [
    "CONTENT_TYPE",
    "LOAD_OPTIONS",
    "VERSION",
    "Durations",
    "Glance",
    "Heard",
    "Model",
    "Offer",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "answers",
    "check",
    "conversation_root",
    "custom_tools",
    "error_line",
    "failure_of",
    "features",
    "format_instruction",
    "glance",
    "is_cloud_model",
    "left_out",
    "listen_answer",
    "losses",
    "only_loads",
    "prepare",
    "read_answer",
    "read_generate",
    "read_request",
    "read_show",
    "stops_in",
    "unit_hint",
    "wants_stream",
    "with_format_in_prompt",
    "write_answer",
    "write_failure",
    "write_loaded",
    "write_ps",
    "write_request",
    "write_show",
    "write_tags",
    "write_version",
]
