"""Google's generateContent, as the Gemini API and Vertex AI speak it.

Both directions, and a way to listen to bytes that only pass through. The model, and whether to stream, stand in the
URL: whoever reads or writes that tells them.
"""

from earthward.dialects.gemini.answer import read_answer, write_answer
from earthward.dialects.gemini.count_tokens import count_request, read_count, read_count_request, write_count
from earthward.dialects.gemini.enums import BareWriter, is_one_of, with_bare_words
from earthward.dialects.gemini.errors import error_event, failure_of, write_failure
from earthward.dialects.gemini.finish import FILTERED
from earthward.dialects.gemini.grounding import can_cite
from earthward.dialects.gemini.hints import Glance, answers, conversation_root, features, glance
from earthward.dialects.gemini.listen import StreamListener, left_out, listen_answer, prepare
from earthward.dialects.gemini.models import Offer, write_model, write_models
from earthward.dialects.gemini.read_request import read_request
from earthward.dialects.gemini.read_stream import StreamReader
from earthward.dialects.gemini.write_request import losses, write_request
from earthward.dialects.gemini.write_stream import HEARTBEAT, StreamWriter

__all__ = [
    "FILTERED",
    "HEARTBEAT",
    "BareWriter",
    "Glance",
    "Offer",
    "StreamListener",
    "StreamReader",
    "StreamWriter",
    "answers",
    "can_cite",
    "conversation_root",
    "count_request",
    "error_event",
    "failure_of",
    "features",
    "glance",
    "is_one_of",
    "left_out",
    "listen_answer",
    "losses",
    "prepare",
    "read_answer",
    "read_count",
    "read_count_request",
    "read_request",
    "with_bare_words",
    "write_answer",
    "write_count",
    "write_failure",
    "write_model",
    "write_models",
    "write_request",
]
