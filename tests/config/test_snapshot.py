import msgspec

from earthward.config.snapshot import DATA_CLASSES, Key, Snapshot


def test_an_empty_snapshot_reads_back() -> None:
    snapshot = Snapshot("v", "d", (), (), ())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot) == snapshot


def test_a_key_reads_back() -> None:
    key = Key("k", b"\x00\xff", "app", "team", ("r",), 5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(key), type=Key) == key


def test_data_classes_go_from_harmless_to_never_leaves() -> None:
    assert DATA_CLASSES == ("public", "internal", "personal", "health", "payment", "secret")
