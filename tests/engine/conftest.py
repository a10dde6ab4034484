from collections.abc import Iterator

import openai
import pytest

from earthward.engine import EngineProcess, Ready


@pytest.fixture(scope="session")
def engine() -> Iterator[Ready]:
    with EngineProcess.start(context=2048, slots=2, name="smollm2") as process:
        yield process.wait_ready(250)


@pytest.fixture
def client(engine: Ready) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{engine.url}/v1", api_key="unused", max_retries=0) as client:
        yield client
