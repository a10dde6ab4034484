import asyncio
import json
import socket
from hashlib import sha256
from typing import Any

import pytest
from openai import AsyncOpenAI

from earthward.simulator import Simulator


def test_the_same_seed_gives_the_same_answers(stage):
    requests = [{"sim": {"text": "words"}, "messages": [{"role": "user", "content": text}]} for text in ("a", "b")]

    def said(seed: int) -> list[tuple[str, str]]:
        answers = [seen.json for seen in stage.answers(*requests, seed=seed)]
        return [(answer["id"], answer["choices"][0]["message"]["content"]) for answer in answers]

    assert said(1) == said(1)
    assert said(1) != said(2)
    assert len(set(said(1))) == 2


def test_whole_and_streamed_answers_say_the_same(stage):
    whole, streamed = stage.answers({"sim": {"tokens": 40}}, {"sim": {"tokens": 40}, "stream": True})
    assert whole.json["choices"][0]["message"]["content"] == streamed.content
    assert streamed.content == " ".join(f"t{index}" for index in range(40))


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": (("x-sim", '{"tokens": 3}'),)},
        {"headers": (("x-sim", "tokens=3"),)},
        {"model": "gpt-4o-mini sim:tokens=3"},
        {"messages": [{"role": "user", "content": "sim:tokens=3"}, {"role": "assistant", "content": "sim:tokens=4"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "sim:tokens=3"}]}]},
    ],
    ids=["header", "header of pairs", "model", "message", "part of a message"],
)
def test_a_request_may_say_how_it_is_answered(stage, request_):
    (seen,) = stage.answers(request_)
    assert seen.json["choices"][0]["message"]["content"] == "t0 t1 t2"


def test_the_python_api_scripts_the_next_requests(stage):
    async def play() -> list[int]:
        async with Simulator() as simulator:
            simulator.script.default(tokens=2)
            simulator.script.queue({"fault": "500"}, {"fault": "429"})
            return [(await stage.ask(simulator)).status for _ in range(3)]

    assert stage.run(play()) == [500, 429, 200]


def test_a_request_seen_before_obeys_a_script_that_has_changed_since(stage):
    async def play() -> list[int]:
        async with Simulator() as simulator:
            tokens = []
            for count in (2, 3):
                simulator.script.default(tokens=count)
                tokens += [(await stage.ask(simulator)).json["usage"]["completion_tokens"] for _ in range(2)]
            return tokens

    assert stage.run(play()) == [2, 2, 3, 3]


def test_a_refused_request_is_in_the_log_with_its_digest(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            await stage.ask(simulator, raw_body=b"{")
            return simulator.log()[0]

    entry = stage.run(play())
    assert (entry["status"], entry["digest"]) == (400, sha256(b"{").hexdigest())


def test_headers_of_an_answer_may_be_given(stage):
    (seen,) = stage.answers({"sim": {"headers": {"x-ratelimit-remaining-requests": "7"}}})
    assert seen.headers["x-ratelimit-remaining-requests"] == "7"


def test_the_log_tells_what_came_and_what_became_of_it_without_the_key(stage):
    async def play() -> tuple[Any, str]:
        async with Simulator(bodies=True) as simulator:
            bearer = (("authorization", "Bearer sk-secret-0123456789"),)
            await stage.ask(simulator, headers=bearer, sim={"tokens": 3})
            return simulator.log(bodies=True)[0], json.dumps(simulator.log(bodies=True))

    entry, text = stage.run(play())
    assert (entry["method"], entry["path"], entry["status"], entry["how"]) == (
        "POST",
        "/v1/chat/completions",
        200,
        "finished",
    )
    assert (entry["model"], entry["tokens"], entry["fault"]) == ("gpt-4o-mini", 3, None)
    assert entry["ended_at"] >= entry["received_at"]
    assert entry["digest"] == sha256(entry["body"].encode()).hexdigest()
    assert "sk-secret" not in text
    assert ["authorization", f"Bearer sha256:{sha256(b'sk-secret-0123456789').hexdigest()[:12]}"] in json.loads(text)[
        0
    ]["headers"]


def test_the_bill_adds_up_to_list_prices(stage):
    async def play() -> tuple[list[Any], Any]:
        async with Simulator() as simulator:
            seen = [await stage.ask(simulator, model=model, sim={"tokens": 7}) for model in ("gpt-4o", "gpt-4o-mini")]
            await stage.ask(simulator, sim={"fault": "500"})
            return [each.json["usage"] for each in seen], simulator.stats()

    (large, mini), stats = stage.run(play())
    expected = large["prompt_tokens"] * 2500 + 7 * 10_000 + mini["prompt_tokens"] * 150 + 7 * 600
    assert stats["nano_dollars"] == expected
    assert (stats["attempts"], stats["requests"], stats["output"]) == (3, 2, 14)
    assert stats["models"]["gpt-4o"]["nano_dollars"] == large["prompt_tokens"] * 2500 + 7 * 10_000


def test_an_answer_that_breaks_off_is_billed_for_what_was_said(stage):
    async def play() -> tuple[Any, Any]:
        async with Simulator() as simulator:
            await stage.ask(simulator, stream=True, sim={"fault": "early_eof", "after": 4, "tokens": 20})
            return simulator.log()[0], simulator.stats()

    entry, stats = stage.run(play())
    assert (entry["how"], entry["tokens"], stats["output"], stats["broken"]) == ("broken", 4, 4, 1)


def test_a_client_that_leaves_in_mid_stream_is_seen_to_have_left(stage):
    async def play() -> Any:
        async with Simulator() as simulator, AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="x") as client:
            messages: Any = [{"role": "user", "content": "sim:tokens=100000,rate=500"}]
            stream = await client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content == " t3":
                    break
            assert simulator.log()[0]["how"] == "open"
            await stream.close()
            await stage.until(lambda: simulator.log()[0]["how"] != "open")
            return simulator.log()[0], simulator.stats()

    entry, stats = stage.run(play())
    assert entry["how"] == "cancelled"
    assert 4 <= entry["tokens"] < 100_000
    assert stats["output"] == entry["tokens"]
    assert stats["open"] == 0


def test_a_client_that_leaves_before_the_answer_costs_nothing(stage):
    async def play() -> Any:
        async with Simulator() as simulator:
            await stage.ask(simulator, sim={"fault": "blackhole"}, silence=0.05)
            await stage.until(lambda: simulator.log()[0]["how"] == "cancelled")
            return simulator.stats()

    assert stage.run(play())["nano_dollars"] == 0


def test_a_client_that_stops_reading_stops_the_answer(stage):
    async def play() -> int:
        async with Simulator() as simulator:
            with socket.socket() as sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(sock, ("127.0.0.1", simulator.port))
                body = b'{"model":"gpt-4o sim:fault=huge_body,size=30000000","messages":[{"role":"user"}]}'
                head = (
                    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                )
                await loop.sock_sendall(sock, head % len(body) + body)
                await stage.until(lambda: simulator.log() and simulator.stats()["attempts"])
                # All that can be written is written in one go: it is either over by now or waits for the reader.
                assert simulator.log()[0]["how"] == "open"
                seen = await stage.read_all(sock, 5.0)
                assert (seen.end, simulator.log()[0]["how"]) == ("eof", "finished")
                return len(seen.raw)

    assert stage.run(play()) > 30_000_000


def test_a_simulator_can_go_away_and_come_back_at_its_port(stage):
    async def play() -> tuple[str, int]:
        async with Simulator() as simulator:
            port = simulator.port
            hanging = asyncio.create_task(stage.ask(simulator, stream=True, sim={"tokens": 1000, "rate": 10}))
            await stage.until(lambda: simulator.stats()["attempts"])
            simulator.refuse()
            with pytest.raises(ConnectionRefusedError):
                await stage.ask(simulator)
            await simulator.accept()
            assert simulator.port == port
            return (await hanging).end, (await stage.ask(simulator)).status

    assert stage.run(play()) == ("reset", 200)


def test_stopping_leaves_no_connection_and_no_port_behind(stage):
    async def play() -> tuple[str, int]:
        simulator = await Simulator().start()
        hanging = asyncio.create_task(stage.ask(simulator, sim={"fault": "blackhole"}))
        await stage.until(lambda: simulator.stats()["attempts"])
        await simulator.stop()
        return (await hanging).end, simulator.port

    end, port = stage.run(play())
    assert end in ("eof", "reset")
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


def test_random_faults_strike_the_same_requests_again(stage):
    async def play() -> list[int]:
        async with Simulator(seed=5) as simulator:
            simulator.script.mix(**{"500": 0.3})
            return [(await stage.ask(simulator)).status for _ in range(20)]

    first = stage.run(play())
    assert first == stage.run(play())
    assert set(first) == {200, 500}


def test_many_streams_at_once_each_say_all_they_should(stage):
    async def play() -> list[str]:
        async with Simulator() as simulator:
            sim = {"tokens": 20, "rate": 200, "jitter": 0.5}
            seen = await asyncio.gather(*(stage.ask(simulator, stream=True, sim=sim) for _ in range(50)))
            return [each.content for each in seen if each.events[-1] == "[DONE]"]

    assert stage.run(play()) == [" ".join(f"t{index}" for index in range(20))] * 50
