"""Responses that callers have stored: gone on from at any target, fetched, deleted, sealed, and let go in time."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import openai
import pytest

from harness import PATIENCE, Gateway, Simulator, config, http, until

SECRET = "the content key of a test, long enough"
STORED = "content_key: env:CONTENT_KEY\nresponses: {keep: 2d}"
PHRASE = "the zebra's PIN is 4711"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("cloud"), "--bodies", name="cloud")
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, cloud):
    made = config(cloud, auth="keys", extra=STORED)
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), made, env={"CONTENT_KEY": SECRET})
    until((gateway.state / "responses.sock").exists, "the socket for content")
    gateway.until_store()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def straight(tmp_path_factory, cloud):
    """A gateway whose target is asked in the callers' own dialect, so that bytes pass through."""
    made = config(cloud, extra=STORED, target_extra=", api: responses")
    gateway = Gateway(tmp_path_factory.mktemp("straight"), made, env={"CONTENT_KEY": SECRET})
    until((gateway.state / "responses.sock").exists, "the socket for content")
    gateway.until_store()
    yield gateway
    gateway.stop()


@pytest.fixture
def passing(straight):
    with openai.OpenAI(base_url=straight.v1, api_key="unused", max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def key(gateway):
    return gateway.new_key("--app", "one")


@pytest.fixture(scope="module")
def other(gateway):
    return gateway.new_key("--app", "two")


@pytest.fixture
def sdk(gateway, key):
    with openai.OpenAI(base_url=gateway.v1, api_key=key, max_retries=0) as sdk:
        yield sdk


def last_asked(simulator):
    """The messages of the last chat that the simulated vendor was asked for."""
    return simulator.bodies("/v1/chat/completions")[-1]["messages"]


def last_passed(simulator):
    """The last request for a response that the simulated vendor was sent."""
    return simulator.bodies("/v1/responses")[-1]


def texts(messages):
    return [part if isinstance(part, str) else part["text"] for it in messages for part in _parts(it["content"])]


def _parts(content):
    return [content] if isinstance(content, str) else content


def files_of(gateway):
    return b"".join(path.read_bytes() for path in gateway.database.parent.rglob("*") if path.is_file())


def rows_of(gateway):
    with closing(sqlite3.connect(gateway.database, timeout=PATIENCE)) as connection:
        return connection.execute("SELECT id, expires_at - created_at FROM responses ORDER BY created_at").fetchall()


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_goes_on_from_a_response_that_is_kept(sdk, cloud, stream):
    first = sdk.responses.create(model="gpt-4o-mini", input="Alpha. sim: tokens=4", instructions="Be kind.")
    assert first.store is True
    asked = {"model": "gpt-4o-mini", "input": "Beta. sim: tokens=4", "previous_response_id": first.id}
    if stream:
        with sdk.responses.stream(**asked) as events:
            second = events.get_final_response()
    else:
        second = sdk.responses.create(**asked)
    assert (second.previous_response_id, second.store) == (first.id, True)
    said = texts(last_asked(cloud))
    assert said == ["Alpha. sim: tokens=4", first.output_text, "Beta. sim: tokens=4"]
    third = sdk.responses.create(model="gpt-4o-mini", input="Gamma.", previous_response_id=second.id)
    assert texts(last_asked(cloud)) == [*said, second.output_text, "Gamma."]
    assert len({first.id, second.id, third.id}) == 3


def _made(sdk, stream, **asked):
    """The response, and the id that each event gave it."""
    asked["model"] = "gpt-4o-mini"
    if not stream:
        made = sdk.responses.create(**asked)
        return made, {made.id}
    with sdk.responses.stream(**asked) as events:
        ids = {event.response.id for event in events if hasattr(event, "response")}
        return events.get_final_response(), ids


@pytest.mark.parametrize("stream", [False, True])
def test_where_bytes_pass_through_a_conversation_goes_on_and_the_vendor_keeps_nothing(passing, cloud, stream):
    first, named = _made(passing, stream, input="Alpha. sim: tokens=4", instructions="Be kind.")
    assert (named, first.store, first.previous_response_id) == ({first.id}, True, None)
    assert last_passed(cloud)["store"] is False
    second, named = _made(passing, stream, input="Beta. sim: tokens=4", previous_response_id=first.id)
    assert (named, second.store, second.previous_response_id) == ({second.id}, True, first.id)
    sent = last_passed(cloud)
    said = ["Alpha. sim: tokens=4", first.output_text, "Beta. sim: tokens=4"]
    assert texts(sent["input"]) == said
    assert not {"previous_response_id", "instructions"} & set(sent)
    assert not any("id" in item for item in sent["input"])
    third, _ = _made(passing, stream, input="Gamma.", previous_response_id=second.id)
    assert texts(last_passed(cloud)["input"]) == [*said, second.output_text, "Gamma."]
    assert len({first.id, second.id, third.id}) == 3
    found = passing.responses.retrieve(third.id)
    assert (found.output_text, found.previous_response_id) == (third.output_text, second.id)
    passing.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError, match="an earlier response of this conversation was deleted"):
        passing.responses.create(model="gpt-4o-mini", input="x", previous_response_id=third.id)


@pytest.mark.parametrize("stream", [False, True])
def test_where_bytes_pass_through_thoughts_and_calls_go_on(passing, cloud, stream):
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}, "strict": False}
    cloud.script(default={"calls": 1})
    try:
        first, _ = _made(passing, stream, input="Weather?", tools=[tool], reasoning={"effort": "low"})
    finally:
        cloud.script(default={})
    # Whoever keeps nothing has to seal what it thought.
    assert last_passed(cloud)["include"] == ["reasoning.encrypted_content"]
    call = next(item for item in first.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    _made(passing, stream, input=[result], tools=[tool], previous_response_id=first.id)
    assert [item["type"] for item in last_passed(cloud)["input"]] == [
        "message",
        "function_call",
        "function_call_output",
    ]


def test_where_bytes_pass_through_what_broke_off_is_not_kept(straight, passing, cloud):
    before = rows_of(straight)
    cloud.script(default={"tokens": 40, "fault": "reset_mid_body"})
    try:
        with pytest.raises(openai.APIError), passing.responses.stream(model="gpt-4o-mini", input="Hello.") as events:
            events.get_final_response()
    finally:
        cloud.script(default={})
    assert rows_of(straight) == before


def test_where_bytes_pass_through_an_id_of_the_vendors_own_is_left_to_the_vendor(passing, cloud):
    asked = {"model": "gpt-4o-mini", "input": "Hello.", "previous_response_id": "resp_0123"}
    made = passing.responses.create(**asked)
    assert last_passed(cloud)["previous_response_id"] == "resp_0123"
    with pytest.raises(openai.NotFoundError):
        passing.responses.retrieve(made.id)


def test_a_response_is_fetched_with_what_was_asked_and_deleted(sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello. sim: tokens=4", metadata={"a": "b"})
    found = sdk.responses.retrieve(made.id)
    assert found == made
    items = sdk.responses.input_items.list(made.id, order="asc")
    assert [item.content[0].text for item in items.data] == ["Hello. sim: tokens=4"]
    sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.delete(made.id)


def test_a_streamed_response_is_kept_as_it_ended(sdk):
    with sdk.responses.stream(model="gpt-4o-mini", input="Hello. sim: tokens=4") as events:
        made = events.get_final_response()
    assert sdk.responses.retrieve(made.id).output_text == made.output_text


def test_another_key_finds_nothing_and_ids_can_not_be_guessed(gateway, sdk, other):
    made = sdk.responses.create(model="gpt-4o-mini", input="Mine.")
    with openai.OpenAI(base_url=gateway.v1, api_key=other, max_retries=0) as stranger:
        with pytest.raises(openai.NotFoundError):
            stranger.responses.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            stranger.responses.delete(made.id)
        with pytest.raises(openai.BadRequestError) as error:
            stranger.responses.create(model="gpt-4o-mini", input="x", previous_response_id=made.id)
    assert error.value.code == "previous_response_not_found"
    assert sdk.responses.retrieve(made.id).id == made.id
    assert len(made.id) >= 48


def test_no_file_of_the_gateway_has_a_word_of_what_is_kept(gateway, sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input=PHRASE)
    assert sdk.responses.retrieve(made.id).id == made.id
    data = files_of(gateway)
    assert made.id.encode() in data
    assert b"zebra" not in data
    assert made.output_text[:24].encode() not in data
    assert SECRET.encode() not in data


def test_what_is_deleted_leaves_no_row(gateway, sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    assert made.id in dict(rows_of(gateway))
    sdk.responses.delete(made.id)
    assert made.id not in dict(rows_of(gateway))


def test_a_conversation_is_kept_as_long_as_its_last_turn_and_not_longer(gateway, sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    before = dict(rows_of(gateway))[made.id]
    assert before == 2 * 86_400 * 10**9
    sdk.responses.create(model="gpt-4o-mini", input="On.", previous_response_id=made.id)
    assert dict(rows_of(gateway))[made.id] > before
    with closing(sqlite3.connect(gateway.database, timeout=PATIENCE)) as connection, connection:
        connection.execute("UPDATE responses SET expires_at = 1 WHERE id = ?", (made.id,))
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)


def test_a_conversation_of_which_a_turn_was_deleted_can_not_be_gone_on_from(sdk):
    first = sdk.responses.create(model="gpt-4o-mini", input="One.")
    second = sdk.responses.create(model="gpt-4o-mini", input="Two.", previous_response_id=first.id)
    sdk.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError, match="an earlier response of this conversation was deleted"):
        sdk.responses.create(model="gpt-4o-mini", input="Three.", previous_response_id=second.id)


def test_who_wants_nothing_kept_has_nothing_kept(gateway, sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.", store=False)
    assert made.store is False
    assert made.id not in dict(rows_of(gateway))
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(made.id)


def test_who_goes_on_from_what_is_kept_may_have_this_turn_kept_or_not(gateway, sdk):
    first = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    before = rows_of(gateway)
    made = sdk.responses.create(model="gpt-4o-mini", input="On.", previous_response_id=first.id, store=False)
    assert made.store is False
    assert rows_of(gateway) == before


def test_who_misspells_that_nothing_be_kept_is_told_and_has_nothing_kept(gateway, sdk):
    before = rows_of(gateway)
    with pytest.raises(openai.BadRequestError, match="must be true or false") as error:
        sdk.responses.create(model="gpt-4o-mini", input="Hello.", extra_body={"store": "false"})
    assert error.value.param == "store"
    assert rows_of(gateway) == before


def test_a_response_in_the_background_is_refused_by_name(sdk):
    with pytest.raises(openai.BadRequestError, match="background") as error:
        sdk.responses.create(model="gpt-4o-mini", input="Hello.", background=True)
    assert error.value.param == "background"
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    with pytest.raises(openai.BadRequestError, match="none to cancel"):
        sdk.responses.cancel(made.id)


def test_a_call_and_its_result_go_on_over_a_kept_response(sdk, cloud):
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}, "strict": False}
    cloud.script(default={"calls": 1})
    try:
        first = sdk.responses.create(model="gpt-4o-mini", input="Weather?", tools=[tool])
    finally:
        cloud.script(default={})
    call = next(item for item in first.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    sdk.responses.create(model="gpt-4o-mini", input=[result], tools=[tool], previous_response_id=first.id)
    sent = last_asked(cloud)
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"]


@pytest.mark.parametrize(
    "path", ["?stream=true", "/input_items?limit=0", "/input_items?limit=101", "/input_items?order=up"]
)
def test_what_can_not_be_fetched_is_said(gateway, sdk, key, path):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    status, _, body = http("GET", f"{gateway.v1}/responses/{made.id}{path}", headers={"authorization": f"Bearer {key}"})
    assert status == 400, body


def test_without_a_key_of_the_gateway_nothing_is_told(gateway, sdk):
    made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
    for method in ("GET", "DELETE"):
        assert http(method, f"{gateway.v1}/responses/{made.id}")[0] == 401


def test_pages_of_a_requests_items_follow_each_other(gateway, sdk):
    said = [{"role": "user", "content": f"part {number}"} for number in range(5)]
    made = sdk.responses.create(model="gpt-4o-mini", input=said)
    listed = [item.content[0].text for item in sdk.responses.input_items.list(made.id, limit=2, order="asc")]
    assert listed == [f"part {number}" for number in range(5)]


def test_without_a_control_process_an_answer_comes_and_says_that_it_is_not_kept(tmp_path, cloud):
    gateway = Gateway(tmp_path, config(cloud, extra=STORED), env={"CONTENT_KEY": SECRET})
    try:
        socket = gateway.state / "responses.sock"
        until(socket.exists, "the socket for content")
        socket.unlink()
        asked = {"model": "gpt-4o-mini", "input": "Hello."}
        with openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0) as sdk:

            def streamed() -> Any:
                with sdk.responses.stream(**asked) as events:
                    return events.get_final_response()

            with ThreadPoolExecutor(1) as pool:
                # Each waits for seconds, should the control process only be about to start.
                stream = pool.submit(streamed)
                status, headers, body = http("POST", f"{gateway.v1}/responses", asked)
                assert stream.result().store is False
            answer = json.loads(body)
            assert (status, answer["store"], answer["status"]) == (200, False, "completed")
            assert headers["x-earthward-dropped"] == "store"
            with pytest.raises(openai.InternalServerError):
                sdk.responses.create(model="gpt-4o-mini", input="x", previous_response_id=answer["id"])
    finally:
        gateway.stop()


def test_without_a_content_key_nothing_is_stored_and_it_is_said(tmp_path, cloud):
    gateway = Gateway(tmp_path, config(cloud))
    try:
        with openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0) as sdk:
            made = sdk.responses.create(model="gpt-4o-mini", input="Hello.")
            assert made.store is False
            with pytest.raises(openai.BadRequestError, match="`content_key`") as error:
                sdk.responses.create(model="gpt-4o-mini", input="Hello.", store=True)
            assert error.value.param == "store"
            with pytest.raises(openai.NotFoundError, match="`content_key`"):
                sdk.responses.retrieve(made.id)
    finally:
        gateway.stop()


@pytest.mark.parametrize(("secret", "told"), [("", "CONTENT_KEY is not set"), ("short", "fewer than 32 characters")])
def test_a_content_key_that_is_none_is_told_at_the_start(tmp_path, cloud, secret, told):
    with pytest.raises(AssertionError, match=told):
        Gateway(tmp_path, config(cloud, extra=STORED), env={"CONTENT_KEY": secret})


def test_what_was_kept_is_there_after_a_restart_and_under_a_newer_key(tmp_path, cloud):
    env = {"CONTENT_KEY": SECRET}
    gateway = Gateway(tmp_path, config(cloud, extra=STORED), env=env)

    def kept():
        _, _, body = http("POST", f"{gateway.v1}/responses", {"model": "gpt-4o-mini", "input": "Hello."})
        return json.loads(body) if b'"store":true' in body else None

    made = until(kept, "the store to be open")
    gateway.stop()
    newer = STORED.replace("env:CONTENT_KEY", "[env:NEWER_KEY, env:CONTENT_KEY]")
    gateway = Gateway(tmp_path, config(cloud, extra=newer), env={**env, "NEWER_KEY": SECRET[::-1]})
    try:

        def found():
            status, _, body = http("GET", f"{gateway.v1}/responses/{made['id']}")
            return body if status == 200 else None

        assert json.loads(until(found, "the kept response")) == made
    finally:
        gateway.stop()
