"""Agents of several frameworks, as a program of its own: their environment is not that of the tests.

Takes a task as JSON and prints what came of each agent. A stand-in of a vendor is told beforehand that its next answers
are four calls and a word.
"""

import json
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import Any, Literal

import anthropic
import instructor
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

TURNS = 5
ASKED = "What is the weather in Oslo, Rome, Lima and Cairo?"
called: list[str] = []


class Weather(BaseModel):
    """The weather of a city."""

    city: str = Field(max_length=20)
    sky: Literal["clear", "cloudy"]


def weather(city: str) -> str:
    """Tells the weather of a city."""
    called.append(city)
    return f"It rains in {city}."


def langchain(model: Any, streamed: bool) -> str:
    asks = model.bind_tools([tool(weather)])
    messages: list[Any] = [HumanMessage(ASKED)]
    for _ in range(TURNS + 1):
        answer = reduce(add, asks.stream(messages)) if streamed else asks.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return str(answer.text)
        messages += [ToolMessage(weather(**call["args"]), tool_call_id=call["id"]) for call in answer.tool_calls]
    raise AssertionError("it never ends")


def loops(url: str, model: str) -> Iterator[tuple[str, Callable[[], str]]]:
    v1 = f"{url}/v1"
    chat = ChatOpenAI(model=model, base_url=v1, api_key="none", max_retries=0)
    claude = ChatAnthropic(model_name=model, base_url=url, api_key="none", max_retries=0, max_tokens=500)
    yield "langchain-openai", lambda: langchain(chat, False)
    yield "langchain-openai, streamed", lambda: langchain(chat, True)
    yield "langchain-anthropic", lambda: langchain(claude, False)
    yield "langchain-anthropic, streamed", lambda: langchain(claude, True)
    by_openai = OpenAIProvider(base_url=v1, api_key="none")
    by_anthropic = AnthropicProvider(
        anthropic_client=anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0)
    )
    models = (
        ("chat", OpenAIChatModel(model, provider=by_openai)),
        ("responses", OpenAIResponsesModel(model, provider=by_openai)),
        ("anthropic", AnthropicModel(model, provider=by_anthropic)),
    )
    for name, asks in models:
        yield f"pydantic-ai, {name}", lambda asks=asks: Agent(asks, tools=[weather]).run_sync(ASKED).output


def forms(url: str, model: str) -> Iterator[tuple[str, Callable[[], Weather]]]:
    """Structured answers by instructor."""
    sdk = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    claude = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
    asked: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": "The weather in Oslo is clear."}],
        "max_tokens": 200,
        "response_model": Weather,
        "max_retries": 0,
    }
    for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA):
        client = instructor.from_openai(sdk, mode=mode)
        yield f"instructor, {mode.name}", lambda client=client: client.chat.completions.create(**asked, temperature=0)
    by_claude = instructor.from_anthropic(claude, mode=instructor.Mode.TOOLS)
    yield "instructor, anthropic", lambda: by_claude.chat.completions.create(**asked, extra_body={"temperature": 0})


def told(sim: str) -> None:
    queue = {"queue": [{"behaviour": {"calls": 1}, "times": TURNS - 1}]}
    request = urllib.request.Request(f"{sim}/sim/script", json.dumps(queue).encode())
    urllib.request.urlopen(request, timeout=20).close()


def run(task: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, ask in loops(task["url"], task["model"]) if "sim" in task else ():
        called.clear()
        told(task["sim"])
        results[name] = tried(lambda ask=ask: {"said": ask(), "calls": len(called)})
    for name, ask in forms(task["url"], task["model"]):
        results[name] = tried(lambda ask=ask: {"form": ask().model_dump()})
    return results


def tried(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except Exception:  # noqa: BLE001 - each framework has its own, and the next agent is to be tried
        return {"failed": traceback.format_exc()[-1500:]}


if __name__ == "__main__":
    json.dump([run(task) for task in json.loads(sys.argv[1])], sys.stdout)
