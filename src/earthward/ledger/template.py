"""Packed entries that differ from each other in a few fields only: the others are packed once.

What comes out is byte for byte what packing the whole entry gives, as long as the values are of the fields' types.
"""

from typing import Any

import msgspec

from earthward.ledger.record import Opened, Record

_pack = msgspec.msgpack.Encoder().encode

Constants = tuple[msgspec.Raw, ...]
"""One more than there are fields that vary: what stands before, between and behind them."""


def opened(example: Opened, varying: tuple[str, ...]) -> Constants:
    """`varying` names fields in their order."""
    return _constants(b"\xdc" + (len(example.__struct_fields__) + 1).to_bytes(2) + _pack("opened"), example, varying)


def settled(example: Record, varying: tuple[str, ...]) -> Constants:
    head = b"\x92" + _pack("settled") + b"\xdc" + len(example.__struct_fields__).to_bytes(2)
    return _constants(head, example, varying)


def filled(values: tuple[Any, ...]) -> bytes:
    """The entry, given its constants and values in turn, beginning and ending with a constant: 16 to 255 in all, or
    fewer than 16."""
    return _pack(values)[1 if len(values) < 16 else 3 :]


def _constants(head: bytes, example: Opened | Record, varying: tuple[str, ...]) -> Constants:
    constants = [head]
    for name in example.__struct_fields__:
        if len(constants) <= len(varying) and name == varying[len(constants) - 1]:
            constants.append(b"")
        else:
            constants[-1] += _pack(getattr(example, name))
    assert len(constants) == len(varying) + 1, "fields are named in their order"
    return tuple(map(msgspec.Raw, constants))
