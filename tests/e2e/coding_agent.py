"""What a coding agent sends, in the middle of its work: written after what such agents send, field by field."""

from typing import Any

RULES = "You are a coding agent on the command line. Read before you write; run the tests; say what you did. "
SYSTEM = "\n".join(f"{number}. {RULES}" for number in range(200))
NAMES = (
    *("Read", "Write", "Edit", "MultiEdit", "Glob", "Grep", "LS", "Bash", "BashOutput", "KillShell"),
    *("WebFetch", "WebSearch", "TodoWrite", "Task", "NotebookRead", "NotebookEdit", "ExitPlanMode"),
    *("mcp__git__status", "mcp__git__diff", "mcp__issues__list"),
)
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "An absolute path"},
        "limit": {"type": "integer", "minimum": 0, "default": 2000},
        "mode": {"type": "string", "enum": ["content", "files_with_matches", "count"]},
        "edits": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"old": {"type": "string"}, "new": {"type": "string"}},
                "required": ["old", "new"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["path"],
    "additionalProperties": False,
}
DESCRIPTION = "Does what its name says.\n\nUsage:\n- Paths are absolute.\n- Prefer it to the shell."
KEPT = {"type": "ephemeral"}
THOUGHT = "I should look at the file first."
FILE = "\n".join(f"{number:>6}\tdef step_{number}(): ..." for number in range(100))
BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14"


def by_messages(model: str) -> dict[str, Any]:
    """In Anthropic's dialect: marks for the prompt cache, signed thoughts between calls, two calls at once."""
    return {
        "model": model,
        "max_tokens": 32000,
        "stream": True,
        "temperature": 1,
        "metadata": {"user_id": "user_0a1b_account__session_7c2d"},
        "thinking": {"type": "enabled", "budget_tokens": 31999},
        "system": [
            {"type": "text", "text": "You are a coding agent.", "cache_control": KEPT},
            {"type": "text", "text": SYSTEM, "cache_control": KEPT},
        ],
        "tools": [{"name": name, "description": DESCRIPTION, "input_schema": SCHEMA} for name in NAMES],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "<system-reminder>\nToday is Monday.\n</system-reminder>"},
                    {"type": "text", "text": "Rename step_7, and see that nothing breaks."},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": THOUGHT, "signature": "c2lnbmVk"},
                    {"type": "text", "text": "I'll look at it."},
                    {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"path": "/app/steps.py"}},
                    {"type": "tool_use", "id": "toolu_02", "name": "Grep", "input": {"path": "/app", "mode": "count"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_01", "content": [{"type": "text", "text": FILE}]},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_02",
                        "content": "no such folder",
                        "is_error": True,
                        "cache_control": KEPT,
                    },
                ],
            },
        ],
    }


def by_responses(model: str) -> dict[str, Any]:
    """In OpenAI's responses: nothing is stored, thoughts go along encrypted, one tool takes free text."""
    return {
        "model": model,
        "instructions": SYSTEM,
        "stream": True,
        "store": False,
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium", "summary": "auto"},
        "text": {"verbosity": "low"},
        "prompt_cache_key": "0198c0de-0000-7000-8000-000000000000",
        "tools": [
            {"type": "function", "name": name, "description": DESCRIPTION, "strict": False, "parameters": SCHEMA}
            for name in NAMES
        ],
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Sandbox: on."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rename step_7."}]},
            {
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": THOUGHT}],
                "content": None,
                "encrypted_content": "Z2lnYW50aWM=",
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I'll look at it.", "annotations": []}],
            },
            {"type": "function_call", "name": "Read", "arguments": '{"path":"/app/steps.py"}', "call_id": "call_01"},
            {"type": "function_call_output", "call_id": "call_01", "output": FILE},
        ],
    }
