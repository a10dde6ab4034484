"""What happens when a target fails: before the first content event another serves, after it nothing is restarted."""

import json

import openai
import pytest

from harness import Gateway, Simulator, attempts_of, config, running

RESCUED = ("reset_before_head", "429", "500", "502", "503", "529", "401", "html", "empty", "gzip_bomb")


def sdk(gateway):
    return openai.OpenAI(base_url=gateway.v1, api_key="unused", max_retries=0, timeout=90)


HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.parametrize("stream", [False, True])
def test_a_candidate_that_fails_is_rescued_by_the_baseline(start, cloud, local, stream):
    gateway = start(cloud, local, share="100%")
    for number, fault in enumerate([*RESCUED, *(["error_first"] if stream else [])], 1):
        local.script(default={"fault": fault})
        raw = sdk(gateway).chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=HELLO, stream=stream)
        answer = raw.parse()
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
        else:
            text = answer.choices[0].message.content
        assert text, fault
        row = gateway.rows(number)[-1]
        assert (row["status"], row["arm"], row["target"]) == ("ok", "candidate", "mini"), fault
        assert raw.headers["x-earthward-target"] == "mini"
        attempts = attempts_of(row)
        assert len(attempts) == 2, fault
        assert "llama" in json.dumps(attempts[0])


def test_a_dead_candidate_costs_one_attempt_and_no_answer(start, cloud, local):
    gateway = start(cloud, local, share="100%")
    local.stop()
    for _ in range(3):
        assert gateway.chat()[1]["x-earthward-target"] == "mini"


def test_an_answer_the_client_has_begun_to_read_is_never_restarted(start, cloud, local):
    gateway = start(cloud, local, share="100%")
    local.script(default={"fault": "reset_mid_body", "tokens": 200, "rate": 400})
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in sdk(gateway).chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True):
            seen.append(chunk.choices[0].delta.content or "")
    assert "".join(seen)
    assert not [entry for entry in cloud.seen() if entry["path"].endswith("completions")]
    (row,) = gateway.rows(1)
    assert (row["status"], row["failure"]) == ("failed", "broken_stream")
    assert row["output_tokens"] > 0, "what was generated until then is estimated, not free"


def test_a_request_at_fault_is_not_tried_elsewhere(start, cloud, local):
    gateway = start(cloud, local, share="100%")
    local.script(default={"fault": "400"})
    status, _, answer = gateway.chat()
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert not [entry for entry in cloud.seen() if entry["path"].endswith("completions")]


def test_the_next_key_takes_over_when_one_is_refused(start, tmp_path):
    cloud = Simulator(tmp_path, "--key", "sk-good")
    with running(cloud):
        env = {"UPSTREAM_KEY": "sk-bad", "SECOND_KEY": "sk-good"}
        gateway = start(cloud, env=env, keys="[env:UPSTREAM_KEY, env:SECOND_KEY]")
        for _ in range(5):
            assert gateway.chat()[0] == 200
        first, *later = gateway.rows(5)
        assert len(attempts_of(first)) == 2
        assert all(len(attempts_of(row)) == 1 for row in later), "the refused key rests"


def test_retries_stay_within_their_budget_when_everything_fails(start, cloud, local):
    gateway = start(cloud, local, share="100%")
    local.script(default={"fault": "500"})
    cloud.script(default={"fault": "500"})
    asked = 200
    for _ in range(asked):
        assert gateway.chat()[0] in (500, 502, 503)
    attempts = len([e for e in local.seen() + cloud.seen() if e["path"].endswith("completions")])
    seconds = (gateway.rows(asked)[-1]["accepted_at"] - gateway.rows(asked)[0]["accepted_at"]) / 1e9
    assert asked <= attempts <= asked * 1.2 + 10 * (seconds + 10)


def test_a_last_target_that_can_t_be_asked_doesn_t_hide_why_the_one_before_it_failed(cloud, local, tmp_path):
    text = config(cloud).replace("targets:", f'  house: {{kind: ollama, base_url: "{local.url}"}}\ntargets:')
    text = text.replace("routes:", "  llama: {provider: house, model: llama}\nroutes:")
    cloud.script(default={"fault": "503"})
    gateway = Gateway(tmp_path, text.replace("use: mini", "use: mini, fallback: [llama]"))
    with running(gateway):
        status, _, answer = gateway.chat(n=9)
        assert (status, answer["error"]["code"]) == (503, "overloaded")
        (row,) = gateway.rows(1)
        assert [attempt[0] for attempt in attempts_of(row)] == ["mini", "llama"]
