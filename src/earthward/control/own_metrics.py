"""Asks the user's own metrics about exchanges: a file of Python in a process apart, or a service by HTTP.

One that can't be asked is left alone for a minute, and one that is slow is not asked about all: what waits behind it
is the store, and whatever else might roll a candidate back.
"""

import contextlib
import http.client
import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from earthward.config.snapshot import OwnMetric
from earthward.control.webhooks import address
from earthward.ledger.record import Record
from earthward.rollout.own import Verdict, shown

log = logging.getLogger("earthward.rollout")

BATCH = 100
LEFT_ALONE = 60.0
AT_MOST = 1.0
"""Seconds for which one metric is asked in a turn, from batch to batch."""
TOO_SLOW = "it is too slow for this traffic, so it is not asked about all of it"
LARGEST = 1 << 20
LOUDEST = 500
STARTING = 5.0
"""Seconds more for the first answer: Python has to start, and the file to be loaded."""


class CantMeasure(Exception):
    """It could not be asked, or has no verdict, with the reason."""


class FromFile:
    """A file with a function `is_bad(exchange)`, which says True, False, or None where it has nothing to say."""

    def __init__(self, metric: OwnMetric) -> None:
        self._metric = metric
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._has_answered = False
        self._stamp: int | None = None

    @property
    def is_new(self) -> bool:
        """Whether the file has changed since it was loaded."""
        return self._stamp != _stamp(self._metric.file)

    def ask(self, exchanges: Sequence[Mapping[str, Any]]) -> Any:
        if self._child is not None and self.is_new:
            self.close()
        try:
            child = self._child or self._started()
            return json.loads(self._line(child, json.dumps(exchanges).encode() + b"\n"))
        except (OSError, ValueError, RecursionError) as error:
            words = self.close()
            raise CantMeasure(words or f"{type(error).__name__}: {error}") from None

    def close(self) -> str:
        """Ends the child and whatever it has started; its last words."""
        child, errors = self._child, self._errors
        self._child = self._errors = None
        if child is None or errors is None:
            if errors is not None:
                errors.close()
            return ""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        # Not read to their ends: one that left the group may hold them open.
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        with errors:
            size = errors.seek(0, os.SEEK_END)
            errors.seek(max(0, size - LOUDEST * 4))
            lines = errors.read(LOUDEST * 4).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:LOUDEST] if lines else ""

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "earthward.control.own_metric_child", str(self._metric.file)]
        # To append, so that what is cut off when it gets long stays cut off.
        self._errors = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115  as long as the child lives
        self._has_answered, self._stamp = False, _stamp(self._metric.file)
        plain = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=plain,
            bufsize=0,
            start_new_session=True,
        )
        assert self._child.stdin is not None
        os.set_blocking(self._child.stdin.fileno(), False)
        return self._child

    def _line(self, child: "subprocess.Popen[bytes]", question: bytes) -> bytes:
        """What it answers. A child that does not even read must not keep us waiting either."""
        assert child.stdin is not None
        assert child.stdout is not None
        end = time.monotonic() + self._metric.timeout + (0.0 if self._has_answered else STARTING)
        self._keep_short()
        data = b""
        while not data.endswith(b"\n"):
            left = end - time.monotonic()
            # Other than `select`, it can hear of any descriptor, however many are open.
            ends = select.poll()
            ends.register(child.stdout, select.POLLIN)
            if question:
                ends.register(child.stdin, select.POLLOUT)
            spoken = {end for end, _ in ends.poll(max(left, 0) * 1000)}
            heard, ready = child.stdout.fileno() in spoken, child.stdin.fileno() in spoken
            if left <= 0 or not (heard or ready):
                raise TimeoutError(f"no answer within {self._metric.timeout:g} s")
            if ready:
                question = question[os.write(child.stdin.fileno(), question) :]
            if heard:
                piece = os.read(child.stdout.fileno(), LARGEST)
                data += piece
                if not piece or len(data) > LARGEST:
                    raise OSError("it ended" if not piece else "its answer is too long")
        self._has_answered = True
        return data

    def _keep_short(self) -> None:
        """What it prints is kept for its last words alone."""
        if self._errors is not None and os.fstat(self._errors.fileno()).st_size > LARGEST:
            self._errors.truncate(0)


def _words(said: object) -> str:
    """What is told of a verdict that is none; a text says itself why."""
    if not isinstance(said, str):
        return f"it said {type(said).__name__}, not true, false or null"
    return said[:LOUDEST].encode("utf-8", "backslashreplace").decode()


def _stamp(file: str | None) -> int | None:
    """Tells one state of the file from another."""
    try:
        return Path(file).stat().st_mtime_ns if file else None
    except OSError:
        return None


class FromService:
    """A service that takes a list of exchanges by POST and answers with a list of true, false or null.

    A thread asks it, since no timeout of a socket is one of the whole: neither of an answer that comes byte by byte,
    nor of looking its name up.
    """

    is_new = False

    def __init__(self, metric: OwnMetric) -> None:
        self._metric = metric
        self._asking: threading.Thread | None = None

    def ask(self, exchanges: Sequence[Mapping[str, Any]]) -> Any:
        if self._asking is not None and self._asking.is_alive():
            raise CantMeasure("it has not answered what it was asked before")
        answer: list[Any] = []
        self._asking = threading.Thread(target=lambda: answer.append(self._answer(exchanges)), daemon=True)
        self._asking.start()
        self._asking.join(self._metric.timeout)
        if not answer:
            raise CantMeasure(f"no answer within {self._metric.timeout:g} s")
        if isinstance(answer[0], CantMeasure):
            raise answer[0]
        return answer[0]

    def _answer(self, exchanges: Sequence[Mapping[str, Any]]) -> Any:
        data = json.dumps(exchanges).encode()
        try:
            url = address(str(self._metric.url))
            request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310  checked
            with urllib.request.urlopen(request, timeout=self._metric.timeout) as answer:  # noqa: S310
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            with error:
                return CantMeasure(f"it answered {error.code}")
        except (OSError, http.client.HTTPException, LookupError, ValueError, RecursionError) as error:
            # Without the address, which may be a secret.
            return CantMeasure(f"it can't be asked: {type(error).__name__}")

    def close(self) -> None:
        """There is nothing to end."""


class OwnMetrics:
    """All of a configuration. One thread calls it; `problems` may be read by any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._metrics: dict[str, tuple[OwnMetric, FromFile | FromService]] = {}
        self._alone_until: dict[str, float] = {}
        self._spent: dict[str, float] = {}
        self._slow_until: dict[str, float] = {}
        self.problems: dict[str, str] = {}

    def take_over(self, metrics: Iterable[OwnMetric]) -> None:
        wanted = {it.name: it for it in metrics}
        for name, (metric, asked) in list(self._metrics.items()):
            if wanted.get(name) != metric:
                asked.close()
                del self._metrics[name]
                self._alone_until.pop(name, None)
                self.problems.pop(name, None)
        for name, metric in wanted.items():
            if name not in self._metrics:
                self._metrics[name] = metric, FromFile(metric) if metric.file else FromService(metric)

    def begin_turn(self) -> None:
        """Each of them may be asked for a while again."""
        self._spent = {}

    def verdicts(self, names: Iterable[str], records: Sequence[Record]) -> list[dict[str, Verdict]]:
        """What each of these metrics says of each record. Waits for them, within their timeouts."""
        found: list[dict[str, Verdict]] = [{} for _ in records]
        for name in names:
            for first in range(0, len(records), BATCH):
                part = records[first : first + BATCH]
                for place, verdict in enumerate(self._asked(name, part), first):
                    found[place][name] = verdict
        return found

    def close(self) -> None:
        self.take_over(())

    def _asked(self, name: str, records: Sequence[Record]) -> Sequence[Verdict]:
        if name not in self._metrics:
            return [CantMeasure("it is not in the configuration")] * len(records)
        if self._clock() < self._alone_until.get(name, float("-inf")) and not self._metrics[name][1].is_new:
            return [CantMeasure(self.problems[name])] * len(records)
        if self._spent.get(name, 0.0) >= AT_MOST:
            self._slow_until[name] = self._clock() + LEFT_ALONE
            self._tell(name, TOO_SLOW)
            return [CantMeasure(TOO_SLOW)] * len(records)
        began = self._clock()
        try:
            said = self._metrics[name][1].ask([shown(it) for it in records])
            if not isinstance(said, list) or len(said) != len(records):
                raise CantMeasure("its answer is no list with a verdict for each exchange")
        except CantMeasure as problem:
            self._alone_until[name] = self._clock() + LEFT_ALONE
            self._tell(name, str(problem))
            return [problem] * len(records)
        self._spent[name] = self._spent.get(name, 0.0) + self._clock() - began
        verdicts = [it if it is None or isinstance(it, bool) else CantMeasure(_words(it)) for it in said]
        failed = next((str(it) for it in verdicts if isinstance(it, CantMeasure)), "")
        is_slow = self._clock() < self._slow_until.get(name, float("-inf"))
        self._tell(name, failed or (TOO_SLOW if is_slow else ""))
        return verdicts

    def _tell(self, name: str, problem: str) -> None:
        if problem and self.problems.get(name) != problem:
            log.error("the metric `%s` can't measure: %s", name, problem)
        self.problems = {**self.problems, name: problem}
        if not problem:
            self.problems = {known: it for known, it in self.problems.items() if known != name}
