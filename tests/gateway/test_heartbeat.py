import pytest

from earthward.dialects.sse import Reader
from earthward.gateway.doors import DOORS
from earthward.gateway.heartbeat import HEARTBEATS


@pytest.mark.parametrize("dialect", HEARTBEATS)
def test_a_heartbeat_is_no_event_for_whoever_reads_the_stream(dialect: str) -> None:
    reader = Reader()
    assert list(reader.feed(HEARTBEATS[dialect] * 3)) == []
    assert len(list(reader.feed(b'data: {"a": 1}\n\n'))) == 1


def test_heartbeats_are_for_dialects_of_server_sent_events_alone() -> None:
    doors = DOORS.values() if isinstance(DOORS, dict) else DOORS
    types = {door.dialect: door.stream_type for door in doors}
    assert HEARTBEATS.keys() <= types.keys()
    assert all(types[dialect].startswith(b"text/event-stream") for dialect in HEARTBEATS)
    assert "ollama" not in HEARTBEATS
    assert "gemini" not in HEARTBEATS, "Google's SDKs take a comment for broken JSON"
