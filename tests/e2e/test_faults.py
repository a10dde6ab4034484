"""Every fault an upstream can show, whole and streamed: the right error, one record, no hang."""

import json

import pytest

from earthward.simulator.faults import FAULTS

DEADLINES = ", deadlines: {connect: 0.5s, first_byte: 0.5s, idle: 0.5s, total: 1s}"


@pytest.mark.parametrize("stream", [False, True])
def test_every_fault_ends_in_one_answer_and_one_record(start, cloud, stream):
    gateway = start(cloud, cloud_extra=DEADLINES)
    for number, fault in enumerate(sorted(FAULTS), 1):
        cloud.script(queue=[{"behaviour": {"fault": fault, "tokens": 30, "rate": 1000}}])
        status, headers, body = gateway.chat(stream=stream)
        row = gateway.rows(number)[-1]
        assert row["id"] == headers["x-earthward-id"], fault
        assert len(gateway.rows(number)) == number, fault
        if status == 200 and stream:
            whole = body.rstrip().endswith(b"data: [DONE]")
            assert whole == (row["status"] == "ok"), (fault, body[-200:])
            assert whole or b'"error"' in body, fault
        elif status == 200:
            assert row["status"] == "ok", fault
            assert body["choices"], fault
        else:
            error = body if isinstance(body, dict) else json.loads(body)
            assert row["status"] == "failed", fault
            assert error["error"]["message"], fault
            assert row["failure"], fault
