"""What servers that speak OpenAI's chat differ in, as data: one line for each engine."""

from typing import Any, Literal

import msgspec

from earthward.chat import ChatRequest, ReasoningControl

Engine = Literal["vllm", "llama_cpp", "sglang", "lm_studio"]


class Profile(msgspec.Struct, frozen=True):
    """`budget` is the field for a budget of thinking in tokens.

    `switches_by_template` is whether thinking is turned on and off by an argument to the model's template.
    `enforces_choice` is whether the engine sees to it that a tool is called that must be.
    """

    budget: str | None
    switches_by_template: bool
    enforces_choice: bool


PROFILES: dict[Engine, Profile] = {
    "vllm": Profile("thinking_token_budget", switches_by_template=True, enforces_choice=True),
    "llama_cpp": Profile("thinking_budget_tokens", switches_by_template=True, enforces_choice=True),
    "sglang": Profile(None, switches_by_template=True, enforces_choice=True),
    "lm_studio": Profile(None, switches_by_template=False, enforces_choice=False),
}


def for_engine(request: ChatRequest, profile: Profile) -> ChatRequest:
    """The request with its wish for thinking in the engine's own words, beside OpenAI's."""
    control = request.reasoning
    if control is None:
        return request
    rest = dict(request.rest)
    if profile.budget is not None and control.budget is not None and control.budget > 0:
        rest[profile.budget] = control.budget
    if profile.switches_by_template:
        told = rest.get("chat_template_kwargs")
        given: dict[str, Any] = told if isinstance(told, dict) else {}
        rest["chat_template_kwargs"] = {"enable_thinking": not _is_off(control), **given}
    return msgspec.structs.replace(request, rest=rest)


def _is_off(control: ReasoningControl) -> bool:
    return control.effort == "none" or (control.effort is None and control.budget == 0)
