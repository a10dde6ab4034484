import msgspec

from earthward.chat.failures import FailureKind
from earthward.chat.usage import Count, Usage
from earthward.ledger.plain import plain
from earthward.ledger.record import Attempt, Record

USAGE = Usage(Count.reported(3))
RECORD = Record(
    "x-1",
    5,
    "failed",
    attempts=(Attempt("mini", "http://mini", "baseline", 6, 7, 500, FailureKind.UPSTREAM_ERROR, "no", USAGE, None),),
    usage=USAGE,
)


def test_every_field_of_a_record_is_told_by_its_name():
    assert list(plain(RECORD)) == list(Record.__struct_fields__)


def test_it_is_json_in_which_unknown_is_null():
    told = msgspec.json.decode(msgspec.json.encode(plain(RECORD)))
    assert told["usage"]["input"] == {"tokens": 3, "source": "reported"}
    assert told["usage"]["output"] == {"tokens": None, "source": "unknown"}
    assert told["attempts"][0]["failure"] == "upstream_error"
    assert told["attempts"][0]["usage"] == told["usage"]
    assert told["attempts"][0]["cost"] is None
    assert told["cost"] is None
