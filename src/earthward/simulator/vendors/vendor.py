"""What the simulator has to know of a vendor: how its requests read and how its answers are written."""

from collections.abc import Callable, Collection, Container, Iterator

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import Behaviour
from earthward.simulator.draft import Asked, Draft
from earthward.simulator.machine import Seat, Visit
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Step, Whole


class Made(msgspec.Struct, frozen=True):
    """Everything an answer is written from. `clock` gives nanoseconds for stamps; `created` is in Unix seconds.

    `seat` is what it got on the machine, if it is answered there.
    """

    asked: Asked
    draft: Draft
    behaviour: Behaviour
    model: Model
    id: str
    seed: int
    created: int
    headers: Headers
    clock: Callable[[], int]
    seat: Seat | None = None


def no_words(name: str, created: int) -> Problem | None:
    """For vendors that say to every fault what the fault table says."""
    return None


def path_of(request: Request) -> bytes:
    """For vendors whose requests need nothing of the query."""
    return request.path


def nowhere(made: Made) -> Visit | None:
    """For vendors whose machines are not simulated."""
    return None


def unchanged(made: Made, seat: Seat) -> Made:
    return made


class Vendor(msgspec.Struct, frozen=True):
    """One wire format.

    `speaks` claims a request as this vendor's. Answers are asked for by POST at the paths in `asks`; everything else
    is a question `about` models. `refused` looks at the head: credentials (any, if `keys` is empty) and what else is
    demanded. `at` is the path, with what of the query counts. `read` understands a body, given with that and its
    digest, or says what is wrong with it; `find` finds the model it names, and `fits` holds the request against that
    model. `head` gives the headers of every answer from its id and time, `whole` and `stream` write the answer, `event`
    frames an error for the stream, `around` is what stands before and after the text of an answer (or an event).
    `error` writes a problem of the answer with this id, `refusal` words a fault in the vendor's own way. `visit` is
    what an answer needs of the machine, and `seated` the answer once it got that, `busy` what is said when too many
    wait.
    """

    name: str
    asks: Container[bytes]
    speaks: Callable[[Request], bool]
    refused: Callable[[Request, Collection[str]], Problem | None]
    read: Callable[[bytes, bytes, str], Asked | Problem]
    find: Callable[[Offer, str], Model | None]
    fits: Callable[[Asked, Model, Offer], Asked | Problem]
    no_model: Callable[[str], Problem]
    no_path: Callable[[bytes, bytes], Whole | Problem]
    about: Callable[[Request, Offer], Whole | Problem | Iterator[Step] | None]
    head: Callable[[str, int], Headers]
    whole: Callable[[Made], Iterator[Step]]
    stream: Callable[[Made], Iterator[Step]]
    event: Callable[[bytes], bytes]
    error: Callable[[Problem, str], bytes]
    around: Callable[[bool], tuple[bytes, bytes]]
    at: Callable[[Request], bytes] = path_of
    refusal: Callable[[str, int], Problem | None] = no_words
    visit: Callable[[Made], Visit | None] = nowhere
    seated: Callable[[Made, Seat], Made] = unchanged
    busy: Problem = Problem(503, "server busy")


def bearer(request: Request) -> str | None:
    """The credential of an `authorization` header."""
    value = request.get(b"authorization") or b""
    return value[7:].strip().decode("latin-1") if value[:7].lower() == b"bearer " else None
