"""Owns the listening sockets, starts the processes, and starts again whatever dies.

Holds no configuration beyond what it takes to start, and touches no request. Single-threaded, so that forking is safe.
"""

import contextlib
import errno
import fcntl
import logging
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from earthward.config.boot import Boot
from earthward.gateway import board, meters
from earthward.gateway.board import Board
from earthward.gateway.sockets import is_too_long
from earthward.gateway.state import State
from earthward.gateway.worker import DRAIN, Seat, run_worker

log = logging.getLogger("earthward.supervisor")

BACKLOG = 1024
SETTLED_AFTER = 2.0
"""Seconds a process must live for its next death not to count as one of a row."""
LONGEST_PAUSE = 5.0


class CannotStart(Exception):
    """The gateway can't run here; the message says why and what to do."""


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Raises CannotStart where the state folder can't be written to."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        message = f"can't write in the state folder {folder}: {why}; let this user write there, or set another `state`"
        raise CannotStart(message) from error


class Child:
    """One process to keep alive. `start` runs in the child after the fork and never returns."""

    def __init__(self, name: str, start: Callable[[], None]) -> None:
        self.name = name
        self.start = start
        self.pid = 0
        self.started = 0.0
        self.deaths = 0
        self.due = 0.0


class Supervisor:
    """`control` is the control process's whole life, given from outside so that this file need not know it.

    `listen` is where to listen, if not where the configuration says.
    """

    def __init__(
        self,
        boot: Boot,
        workers: int,
        control: "Callable[[Supervisor], None]",
        listen: tuple[str, int] | None = None,
    ) -> None:
        self.boot = boot
        self._listen = listen or (boot.host, boot.port)
        self.state = State(Path(boot.state))
        self.generation = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.workers = workers
        self._control = control
        self._lifeline = (-1, -1)
        self.started = 0
        self._lock = -1
        self._wake = (-1, -1)
        self._ears = select.poll()
        self._stopping = False
        self._children: list[Child] = []
        self.listeners: list[socket.socket] = []
        self.admin_listener: socket.socket | None = None
        self.engines: dict[str, str] = {}
        self.watched: list[Callable[[], None]] = []
        self.on_up: Callable[[], None] = lambda: None

    def run(self) -> int:
        """Starts everything, keeps it running until told to stop; the exit status."""
        with writing_to(self.state.folder):
            self.state.make()
            if is_too_long(self.state.responses_socket):
                raise CannotStart(f"the path of the state folder is too long for a unix socket: {self.state.folder}")
            self._lock = self._take_lock()
        self._open_listeners()
        self._lifeline = os.pipe()
        with writing_to(self.state.folder):
            board.create(self.state.board)
            meters.fresh(self.state.meters, self.generation)
        self.started = time.time_ns()
        self.board = Board(self.state.board, rows=self.workers)
        self._catch_signals()
        for row in range(self.workers):
            self._children.append(Child(f"worker {row}", self._worker(row)))
        control = Child("control process", self._run_control)
        self._children.append(control)
        for child in self._children:
            self._spawn(child)
        self.state.supervisor.write_text(self.generation)
        log.info("listening on %s with %d workers, admin on %s", self.url, self.workers, self.admin_url)
        self.on_up()
        while not self._stopping:
            self._revive()
            self._wait()
        return self._stop()

    @property
    def host(self) -> str:
        """Where this gateway really listens."""
        return self._listen[0]

    @property
    def url(self) -> str:
        return _url(self.listeners[0], tls=self.boot.tls is not None)

    @property
    def admin_url(self) -> str:
        return _url(self.admin_listener, tls=False) if self.admin_listener else ""

    # -- start ---------------------------------------------------------------------------------------------------

    def _take_lock(self) -> int:
        lock = os.open(self.state.supervisor_lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"another gateway runs with the state folder {self.state.folder}; stop it, or set another `state`"
            ) from None
        return lock

    def _open_listeners(self) -> None:
        host, port = self._listen
        if not self._left_orphans():
            refuse_if_taken(host, port)
            refuse_if_taken(self.boot.admin_host, self.boot.admin_port)
        for _ in range(self.workers if hasattr(socket, "SO_REUSEPORT") else 1):
            listener = open_listener(host, port)
            port = listener.getsockname()[1]
            self.listeners.append(listener)
        if len(self.listeners) < self.workers:
            self.listeners *= self.workers
        self.admin_listener = open_listener(self.boot.admin_host, self.boot.admin_port)

    def _left_orphans(self) -> bool:
        """Whether the supervisor before this one was killed: its workers may still hold the port, to our good."""
        try:
            return bool(self.state.supervisor.read_text())
        except OSError:
            return False

    def _worker(self, row: int) -> Callable[[], None]:
        def start() -> None:
            mine = self.listeners[row]
            for listener in self.listeners:
                if listener is not mine:
                    listener.close()
            if self.admin_listener is not None:
                self.admin_listener.close()
            board = self.board.as_row(row)
            seat = Seat(row, self.boot, self.engines, mine, self._lifeline[0], self.generation, board, self.workers)
            run_worker(seat)

        return start

    def _run_control(self) -> None:
        for listener in self.listeners:
            listener.close()
        self._control(self)

    @property
    def lifeline(self) -> int:
        """Readable once this supervisor is dead: the children's end of a pipe nobody writes to."""
        return self._lifeline[0]

    def _spawn(self, child: Child) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        child.started = time.monotonic()
        child.pid = os.fork()
        if child.pid:
            return
        status = 1
        try:
            self._become_child()
            child.start()
            status = 0
        except KeyboardInterrupt:
            status = 130
        except BaseException:
            log.exception("%s failed", child.name)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)

    def _become_child(self) -> None:
        """Drops what belongs to the supervisor alone: a lock or pipe end kept here would outlive it.

        SIGTERM waits until the child can end in good order: it unblocks it once it listens for it.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        os.close(self._lifeline[1])
        os.close(self._lock)
        signal.set_wakeup_fd(-1)
        for end in self._wake:
            os.close(end)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    # -- keep alive ----------------------------------------------------------------------------------------------

    def _revive(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.pid and (ended := _exit_status(child.pid)) is not None:
                self._bury(child, ended, now)
            if not child.pid and child.due <= now:
                self._spawn(child)
        for look in self.watched:
            look()

    def _bury(self, child: Child, status: int, now: float) -> None:
        lived = now - child.started
        child.pid = 0
        child.deaths = child.deaths + 1 if lived < SETTLED_AFTER else 0
        pause = min(0.05 * 2**child.deaths, LONGEST_PAUSE) if child.deaths > 1 else 0.0
        child.due = now + pause
        if child.name.startswith("worker"):
            self.board.clear(int(child.name.removeprefix("worker ")))
        log.warning("%s ended (%s) after %.1f s; starting it again", child.name, _how(status), lived)

    def _wait(self) -> None:
        for number in self._signals(0.25):
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stopping = True
            elif number == signal.SIGHUP:
                self.signal_control(signal.SIGHUP)

    def _signals(self, patience: float) -> bytes:
        """The numbers of those that came, waited for at most so many seconds."""
        return os.read(self._wake[0], 4096) if self._ears.poll(patience * 1000) else b""

    def _catch_signals(self) -> None:
        self._wake = os.pipe()
        # Other than `select.select`, it can hear of any descriptor, however many are open.
        self._ears.register(self._wake[0], select.POLLIN)
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def signal_control(self, number: int) -> None:
        control = self._children[-1]
        if control.pid:
            os.kill(control.pid, number)

    # -- stop ----------------------------------------------------------------------------------------------------

    def _stop(self) -> int:
        """Workers first, so that the control process takes in their last records; a second signal kills."""
        *workers, control = self._children
        log.info("stopping: letting what is under way end")
        # As long as one process holds a listener, the kernel goes on accepting what nobody will serve.
        for listener in self.listeners:
            listener.close()
        clean = self._end(workers, DRAIN + 2.0)
        clean = self._end([control], 10.0) and clean
        with contextlib.suppress(OSError):
            self.state.supervisor.write_text("")
        return 0 if clean else 1

    def _end(self, children: list[Child], patience: float) -> bool:
        alive = [child for child in children if child.pid]
        for child in alive:
            _kill(child.pid, signal.SIGTERM)
        end = time.monotonic() + patience
        impatient = False
        while alive and time.monotonic() < end and not impatient:
            numbers = self._signals(0.05)
            impatient = signal.SIGINT in numbers or signal.SIGTERM in numbers
            alive = [child for child in alive if _exit_status(child.pid) is None]
        for child in alive:
            log.warning("%s did not end by itself; killing it", child.name)
            _kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        return not alive


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket that others of the same user may share. Raises CannotStart when the address can't be had."""
    listener = _bound(host, port, shared=True)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def refuse_if_taken(host: str, port: int) -> None:
    """Raises CannotStart if somebody listens there; sharing a port with a stranger would split the traffic."""
    _bound(host, port, shared=False).close()


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared and hasattr(socket, "SO_REUSEPORT"):
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        why = "something else listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise CannotStart(f"can't listen on {host}:{port}: {why}") from error
    return bound


def _url(listener: socket.socket, *, tls: bool) -> str:
    host, port = listener.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _exit_status(pid: int) -> int | None:
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -1
    return status if ended else None


def _how(status: int) -> str:
    if status >= 0 and os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"status {os.waitstatus_to_exitcode(status)}" if status >= 0 else "unknown"


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
