"""What is sent to a caller who waits for a stream to begin, so that no proxy in between takes the silence for the end.

A heartbeat commits the status: an error can then only be told as an event, and which target serves is not known yet.
"""

SILENCE = 15.0
"""Seconds without a word until one is sent, and between two. Proxies commonly wait for sixty."""
LOOK = 2.0

HEARTBEATS: dict[str, bytes] = {
    "openai_chat": b": waiting\n\n",
    "openai_completions": b": waiting\n\n",
    "openai_responses": b": waiting\n\n",
    "anthropic_messages": b": waiting\n\n",
}
"""By the caller's dialect. Readers of server-sent events skip comments; Ollama's lines and Google's SDKs know no such
thing, and get none."""
