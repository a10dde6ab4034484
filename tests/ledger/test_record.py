"""Spools outlive the version that wrote them, so what is on disk here must read for ever."""

import msgspec

from earthward.chat.usage import Usage
from earthward.ledger.record import Attempt, Entry, Opened, Record, Settled

FIELDS = (
    "id accepted_at status queued first_content duration dialect path requested_model stream key app team task "
    "data_class unit route arm share stage epoch snapshot target endpoint upstream_dialect model attempts http_status "
    "failure message finish_reason usage characters_in characters_out cost dropped"
)
OPENED = "id attempt at route arm share unit key app team requested_model dialect target endpoint snapshot"
ATTEMPT = "target endpoint why started_at duration status failure message usage cost"


def test_fields_are_only_added_at_the_end():
    assert f"{' '.join(Attempt.__struct_fields__)} ".startswith(f"{ATTEMPT} ")
    assert f"{' '.join(Record.__struct_fields__)} ".startswith(f"{FIELDS} ")
    assert f"{' '.join(Opened.__struct_fields__)} ".startswith(f"{OPENED} ")


def test_a_record_of_an_older_version_reads_with_what_it_did_not_know_left_empty():
    old = msgspec.msgpack.encode(["settled", ["x-1", 5, "ok"]])
    assert msgspec.msgpack.decode(old, type=Entry) == Settled(Record("x-1", 5, "ok"))


def test_an_attempt_of_an_older_version_reads_as_one_that_used_nothing_known():
    # Its record has the only cost that version knew.
    old = msgspec.msgpack.encode(["mini", "http://mini", "candidate", 5, 6, 200, None, None])
    read = msgspec.msgpack.decode(old, type=Attempt)
    assert (read.status, read.usage, read.cost) == (200, Usage(), 0)


def test_a_record_of_a_newer_version_reads_without_what_it_knows_more():
    values = msgspec.to_builtins(Record("x-1", 5, "ok"))
    new = msgspec.msgpack.encode(["settled", [*values, "new"]])
    assert msgspec.msgpack.decode(new, type=Entry) == Settled(Record("x-1", 5, "ok"))
