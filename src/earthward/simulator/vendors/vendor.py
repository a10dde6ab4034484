"""What the simulator has to know of a vendor: how its requests read and how its answers are written."""

from collections.abc import Callable, Iterator

import msgspec

from earthward.simulator.behaviour import Behaviour
from earthward.simulator.draft import Asked, Draft
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Step, Whole


class Made(msgspec.Struct, frozen=True):
    """Everything an answer is written from. `clock` gives nanoseconds for stamps; `created` is in Unix seconds."""

    asked: Asked
    draft: Draft
    behaviour: Behaviour
    model: Model
    id: str
    seed: int
    created: int
    headers: Headers
    clock: Callable[[], int]


class Vendor(msgspec.Struct, frozen=True):
    """One wire format.

    Answers are asked for by POST at `chat`, everything else at paths it `speaks` is a question about models.
    `read` understands a body, given with its digest, or says what is wrong with it. `key` finds the caller's
    credential, `head` gives the headers of every answer from its id, `whole` and `stream` write the answer, `event`
    frames a payload for the stream. The others are its errors.
    """

    name: str
    chat: bytes
    speaks: Callable[[bytes], bool]
    read: Callable[[bytes, str], Asked | Problem]
    key: Callable[[Headers], str | None]
    bad_key: Callable[[str | None], Problem]
    no_model: Callable[[str], Problem]
    too_long: Callable[[Model, int], Problem]
    no_path: Callable[[bytes, bytes], Problem]
    listed: Callable[[bytes, Offer], Whole | Problem | None]
    head: Callable[[str], Headers]
    whole: Callable[[Made], Iterator[Step]]
    stream: Callable[[Made], Iterator[Step]]
    event: Callable[[bytes], bytes]
    error: Callable[[Problem], bytes]
