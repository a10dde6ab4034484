"""One JSON line per exchange, for those who want it. Holds no content and no secret."""

from typing import TextIO

import msgspec

from earthward.ledger.record import Record

_encoder = msgspec.json.Encoder()
FLUSH_AT = 200


class AccessLog:
    """Buffers lines; the worker's heartbeat flushes what a quiet moment leaves behind.

    `lost` counts lines that could not be written.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines: list[bytes] = []
        self.lost = 0

    def write(self, record: Record) -> None:
        self._lines.append(_encoder.encode(_line(record)))
        if len(self._lines) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            text = b"\n".join(self._lines).decode() + "\n"
            self._lines.clear()
            try:
                self._out.write(text)
                self._out.flush()
            except OSError:
                # Whoever reads the log is gone, or its disk is full: that must not end an answer.
                self.lost += text.count("\n")


def _line(record: Record) -> dict[str, object]:
    return {
        "id": record.id,
        "at": record.accepted_at,
        "path": record.path,
        "status": record.http_status,
        "ms": round(record.duration / 1e6, 3),
        "ttft_ms": None if record.first_content is None else round(record.first_content / 1e6, 3),
        "model": record.requested_model,
        "route": record.route,
        "arm": record.arm,
        "target": record.target,
        "attempts": len(record.attempts),
        "failure": record.failure,
        "key": record.key,
        "app": record.app,
        "tokens_in": record.usage.input.tokens,
        "tokens_out": record.usage.output.tokens,
        "cost": record.cost,
    }
