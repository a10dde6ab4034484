from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from harness import Gateway, Simulator, config


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path, name="cloud")
    yield simulator
    simulator.stop()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path, name="local")
    yield simulator
    simulator.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway with the configuration that `harness.config` makes of the arguments."""
    started: list[Gateway] = []

    def begin(cloud: Simulator, local: Simulator | None = None, *, workers: int = 1, **options: Any) -> Gateway:
        env = options.pop("env", None)
        gateway = Gateway(tmp_path, config(cloud, local, **options), workers=workers, env=env)
        started.append(gateway)
        return gateway

    yield begin
    for gateway in started:
        gateway.stop()


@pytest.fixture
def sdk(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """OpenAI's, before a test file's own gateway."""
    with openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def claude(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key="unused", max_retries=0) as sdk:
        yield sdk
