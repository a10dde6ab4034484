"""Everything a worker needs to decide, compiled, immutable, versioned.

Made from a checked configuration, sent to workers as msgpack and kept on disk. Holds no secret: credentials stay
references (`env:NAME`, `file:PATH`) until the process that sends them resolves them.
"""

from datetime import date
from typing import Literal

import msgspec

Zone = Literal["cloud", "local"]

DATA_CLASSES = ("public", "internal", "personal", "health", "payment", "secret")
"""What a request may contain, from harmless to never-leaves; each is stricter than the one before."""

ABILITIES = frozenset({"tools", "images", "documents", "audio", "video", "schema", "stream", "insert", "raw"})
"""What a request may need of a target.

Video is sent in Google's dialect alone. `schema` is output held to a JSON Schema, `stream` an answer in pieces. Filling
a gap in a text (`insert`) and going around the model's template (`raw`) is asked for in Ollama's API alone. """

EMBEDDINGS = "embeddings"
"""What a target can do that gives vectors: an ability of its own, that hardly any model has beside the others."""


PILOT_USER = "user:"
PILOT_GROUPS = ("key:", "app:", "team:")
"""What pilots' names begin with: whoever a request is for, or all that call with a key, or with one of a group."""

ACCEPTED_FOR = 300.0
"""Seconds."""


RESPONSES_KEPT = 30 * 86_400
"""Seconds; as long as OpenAI keeps them."""


class Price(msgspec.Struct, frozen=True, array_like=True):
    """Pico-dollars per token ($1 per million tokens is 1,000,000), and per request. None is unknown, never free."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    request: int = 0
    source: str = ""
    written_for_an_hour: int | None = None


DAY_MINUTES = 24 * 60


class Rate(msgspec.Struct, frozen=True, array_like=True):
    """`price` holds from day `since` until day `until` (UTC; not included), for requests with more than `above` and at
    most `up_to` input tokens, from minute `begin` until `end` of the day (UTC)."""

    price: Price
    batch: bool = False
    since: date | None = None
    until: date | None = None
    above: int = -1
    up_to: int | None = None
    begin: int = 0
    end: int = DAY_MINUTES


class Deadlines(msgspec.Struct, frozen=True, array_like=True):
    """Seconds: until connected, until the answer's head, between two pieces of the answer, and in all."""

    connect: float = 5.0
    first_byte: float = 300.0
    idle: float = 120.0
    total: float = 900.0


class DeadlineChange(msgspec.Struct, frozen=True, array_like=True):
    """What a route says of its own about the deadlines of the providers it uses; None leaves the provider's."""

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    total: float | None = None


class Tls(msgspec.Struct, frozen=True):
    """Paths of PEM files."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class Endpoint(msgspec.Struct, frozen=True):
    """`cell` is its column on the board, given once per name and url and kept while the gateway runs."""

    url: str
    cell: int
    slots: int | None = None


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """How many requests may wait for a free slot, in each worker; how many seconds at most; and after how many the next
    target is tried where the plan has another."""

    length: int = 256
    deadline: float = 30.0
    overflow: float = 2.0


class Provider(msgspec.Struct, frozen=True):
    """`api_keys` are references; `proxy` is an http:// URL that CONNECTs. After `eject_after` failures in a row an
    endpoint, and a target, is left alone for a while. `settings` are those that only its kind has, by name."""

    name: str
    kind: str
    dialect: str
    zone: Zone
    endpoints: tuple[Endpoint, ...]
    api_keys: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tls: Tls = Tls()
    proxy: str | None = None
    deadlines: Deadlines = Deadlines()
    balance: str = "round_robin"
    queue: Queue = Queue()
    eject_after: int = 5
    settings: tuple[tuple[str, str], ...] = ()


Period = Literal["day", "week", "month"]


class Spend(msgspec.Struct, frozen=True, array_like=True):
    """What may be spent in the cloud in each period (UTC, weeks from Monday), in nano-dollars: past `soft` callers are
    told, past `hard` nothing goes to the cloud any more."""

    every: Period
    hard: int | None = None
    soft: int | None = None


class Quota(msgspec.Struct, frozen=True, array_like=True):
    """Requests and tokens per minute, requests at a time, and money; None is without limit. Each period is in
    `budgets` once at most."""

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budgets: tuple[Spend, ...] = ()


CELLS_OF_CONFIGURATION = 1024
"""So many teams, applications and targets may have limits. The meters of keys come after them."""

Scope = Literal["key", "team", "app", "target"]


class Account(msgspec.Struct, frozen=True, array_like=True):
    """Somebody or something with limits. `cell` is its place among the meters, kept while the gateway runs."""

    scope: Scope
    name: str
    cell: int
    quota: Quota


class Shown(msgspec.Struct, frozen=True, array_like=True):
    """What an Ollama host shows of a model. `capabilities` are its own words, None from hosts too old to tell.

    `stop` is the Modelfile's list, `context` how many tokens the model was made for.
    """

    model: str
    capabilities: tuple[str, ...] | None = None
    stop: tuple[str, ...] = ()
    thinks_in_levels: bool = False
    context: int | None = None


class Target(msgspec.Struct, frozen=True):
    """`context` is in tokens. `abilities` are words such as `tools`, `images`, `schema`, `stream`.

    `tiers` are the contexts with which an Ollama may have the model loaded, the least first and `context` the last of
    them, where there are several; `widest` is the greatest with which any target of its provider has the same model
    loaded, where that is more than `context`.

    `keep_alive` is how long an Ollama host keeps the model after its last request: seconds, a duration such as `10m`,
    or -1 for ever. A model that its host would send on to a cloud is in the cloud, wherever the host stands.
    `warm` is how many hosts are to have it loaded before anybody asks. `callers_key` is the dialect of those who call
    it with their own keys, None where the gateway has its own. `rates` are there where `price`, which is that of a
    short prompt now, is not the only one. `cell` is its column among the verdicts on the board, -1 where there is no
    room for it. `api` is the way in which it is asked, where that is stated and another than its provider's usual one.
    `tools` is how it is told of tools: by its own template, or in words, its answer held to a schema; None leaves it to
    what is known of its kind.
    `states_abilities` is whether the configuration said what it can do; `shown` is what its hosts show of its model,
    for workers to fill in. `objective` is the share of what it is asked that it is to answer.
    """

    name: str
    provider: str
    model: str
    zone: Zone
    context: int | None = None
    abilities: frozenset[str] = frozenset({"tools", "images", "schema", "stream"})
    price: Price = Price()
    keep_alive: int | float | str | None = None
    callers_key: str | None = None
    warm: int = 0
    rates: tuple[Rate, ...] = ()
    cell: int = -1
    api: str | None = None
    tools: Literal["native", "words"] | None = None
    states_abilities: bool = False
    shown: Shown | None = None
    objective: float | None = None
    tiers: tuple[int, ...] = ()
    widest: int | None = None


class When(msgspec.Struct, frozen=True):
    """All conditions that are given must hold; within one, any of the values. Models match as globs.

    Of `needs` the request must need every one. `tokens` are the least and the most that its prompt is estimated to
    have. `time` are spans of minutes of the week, from Monday 0:00, by the gateway's own clock; their ends lie outside.
    """

    model: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    app: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    tokens: tuple[int, int] | None = None
    time: tuple[tuple[int, int], ...] = ()


class Sampling(msgspec.Struct, frozen=True, array_like=True):
    """Which of a route's exchanges are looked at later, content and all. Shares are in 1/10,000.

    `share` are kept for `retention` seconds; `shadow` are sent to the other arm as well, which keeps them too. Where
    there are `tasks`, no others count. `judge` is the target that compares answers; `budget` what shadows and judge
    together may cost a day (UTC), in nano-dollars.
    """

    share: int = 0
    shadow: int = 0
    tasks: tuple[str, ...] = ()
    retention: float = 7 * 86_400.0
    judge: str = ""
    budget: int = 0


class Route(msgspec.Struct, frozen=True):
    """Either `use` or `baseline`, with or without `candidate`. `share` is the candidate's, in units of 1/10,000.

    `candidate_may_rescue` allows fallback from baseline to candidate. With `boundary: local` nothing of a request may
    go to a cloud target, whatever its class. Whatever the route matches counts as `data_class` at least. Of a stream
    `buffer` characters are held back, so that one that breaks within them can begin anew elsewhere. `plan` is that of
    its rollout, packed, for the control process alone; the rollout then says `share`, `stage` and `epoch`. `drill`, in
    1/10,000, is the part of the units that goes through the emergency path once nobody else does; with `drill_every` it
    is one request in so many seconds. `objective` is the share of its requests that is to be answered.
    """

    name: str
    when: When = When()
    use: str | None = None
    baseline: str | None = None
    candidate: str | None = None
    share: int = 0
    pilots: frozenset[str] = frozenset()
    fallback: tuple[str, ...] = ()
    candidate_may_rescue: bool = False
    unit: Literal["conversation", "key"] = "conversation"
    stage: int = 0
    epoch: int = 0
    on_ledger_down: Literal["serve", "refuse"] = "serve"
    boundary: Literal["local"] | None = None
    data_class: str = ""
    deadlines: DeadlineChange = DeadlineChange()
    buffer: int = 0
    plan: bytes = b""
    sampling: Sampling | None = None
    drill: int = 0
    drill_every: float = 0.0
    objective: float | None = None


class Hook(msgspec.Struct, frozen=True):
    """Somewhere to tell what happens to rollouts. `url` may be a reference as `secret` is, which signs what is told.

    Of all events and all routes, where none are named.
    """

    name: str
    url: str
    secret: str | None = None
    format: Literal["json", "slack"] = "json"
    events: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class OwnMetric(msgspec.Struct, frozen=True):
    """A bad event of the user's own: a file of Python, or a URL, that says of exchanges whether they are bad.

    `timeout` is in seconds, for 100 exchanges at most.
    """

    name: str
    file: str | None = None
    url: str | None = None
    timeout: float = 2.0


class Limits(msgspec.Struct, frozen=True):
    """Bytes and counts a request may not exceed; seconds a caller may take."""

    line: int = 16 * 1024
    head: int = 64 * 1024
    headers: int = 100
    body: int = 32 * 1024 * 1024
    json_depth: int = 64
    head_deadline: float = 10.0
    body_deadline: float = 30.0
    keep_alive: float = 75.0
    connections: int = 20_000
    answer: int = 64 * 1024 * 1024


class Snapshot(msgspec.Struct, frozen=True):
    """`digest` names the configuration it was made from; `version` also counts changes made at run time.

    `switch` sends everything to one zone, whatever the routes say. `accepted_for`, in seconds, is how long a caller's
    own vendor key opens local targets after its vendor took it. `content_key` are references to what stored content
    is sealed with, the first, and still opened with, all; without one nothing is stored. `responses_kept` is in
    seconds. `money` is what the operator says of it, packed, for the control process alone, and so are `notify` and
    `metrics`.
    `accounts` are the limits of teams, applications and targets; keys bring their own. `limits_webhook` is told of
    their budgets. With `observe`
    workers count what requests ask for that breaks on the way to Ollama.
    `fetch_from` are hosts from which images and documents may be fetched that requests name by their address; one that
    begins with a dot stands for all below it.
    """

    version: str
    digest: str
    providers: tuple[Provider, ...]
    targets: tuple[Target, ...]
    routes: tuple[Route, ...]
    auth: Literal["keys", "passthrough", "open"] = "keys"
    limits: Limits = Limits()
    cors: tuple[str, ...] = ()
    access_log: bool = False
    durability: Literal["group", "strict"] = "group"
    accepted_for: float = ACCEPTED_FOR
    switch: Zone | None = None
    money: bytes = b""
    content_key: tuple[str, ...] = ()
    responses_kept: int = RESPONSES_KEPT
    observe: bool = False
    notify: tuple[Hook, ...] = ()
    metrics: tuple[OwnMetric, ...] = ()
    accounts: tuple[Account, ...] = ()
    limits_webhook: str | None = None
    fetch_from: tuple[str, ...] = ()


class Key(msgspec.Struct, frozen=True, array_like=True):
    """A caller's key as workers know it: by the keyed hash of what the caller presents, never by the key itself.

    Whatever is asked with it counts as `data_class` at least. `may_explain` lets `x-earthward-explain` be asked.
    With a `quota` it has a `meter`, a place of its own among those of keys.
    """

    id: str
    digest: bytes
    app: str = ""
    team: str = ""
    routes: tuple[str, ...] = ()
    expires_at: int | None = None
    data_class: str = ""
    may_explain: bool = False
    quota: Quota | None = None
    meter: int = -1
