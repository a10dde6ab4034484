"""The vocabulary every dialect is translated to and from.

A request, the events an answer is made of, what can go wrong, and what was used.
Knows no wire format, no provider and no socket; imports nothing else of ours.
"""

from earthward.chat.answer import Answer, Choice, collect, events_of
from earthward.chat.embedding import Embeddings, EmbedRequest, Task
from earthward.chat.events import (
    Event,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    is_content,
)
from earthward.chat.failures import Failure, FailureKind
from earthward.chat.request import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningControl,
    Refusal,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from earthward.chat.usage import Count, Source, Usage

__all__ = [
    "Answer",
    "Audio",
    "ChatRequest",
    "Choice",
    "Count",
    "Document",
    "EmbedRequest",
    "Embeddings",
    "Event",
    "Failed",
    "Failure",
    "FailureKind",
    "FinishReason",
    "Finished",
    "Image",
    "Message",
    "OutputFormat",
    "Part",
    "Reasoning",
    "ReasoningControl",
    "ReasoningDelta",
    "Refusal",
    "RefusalDelta",
    "Role",
    "Sampling",
    "Source",
    "Started",
    "Task",
    "Text",
    "TextDelta",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolChoice",
    "ToolResult",
    "Usage",
    "UsageReported",
    "collect",
    "events_of",
    "is_content",
]
