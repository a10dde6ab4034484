"""The configuration as a user writes it, section by section; frozen once it is read.

What a section means together with others is checked in `combinations`. `later` are keys that are known to come
and are refused until then.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from earthward.config.boot import Boot, Engine
from earthward.config.money import BudgetSection, Money, OwnCost, OwnPrice, RetentionSection, money
from earthward.config.quotas import Budgets, spends
from earthward.config.section import Section
from earthward.config.snapshot import ABILITIES, DATA_CLASSES, EMBEDDINGS, Quota, Zone
from earthward.config.snapshot import Tls as TlsFiles
from earthward.config.values import (
    Address,
    Characters,
    Contexts,
    Count,
    Daily,
    Dollars,
    Drill,
    Duration,
    File,
    Flag,
    Headers,
    HostNames,
    KeepAlive,
    Listen,
    Name,
    Number,
    Objective,
    Origins,
    Period,
    Proxy,
    Secret,
    Secrets,
    Share,
    Size,
    SpansOfWeek,
    Texts,
    TokenRange,
    Url,
    Webhook,
    listed,
    one_of,
)
from earthward.providers import KINDS
from earthward.providers.kind import Kind, Setting
from earthward.rollout.notices import TOLD
from earthward.rollout.plan import Plan
from earthward.routing.balance import POLICIES

Auth = Literal["keys", "passthrough", "open"]
Balance = Annotated[str, one_of(*POLICIES)]
Boundary = Annotated[Literal["local"], one_of("local")]

Api = Annotated[Literal["chat", "responses"], one_of("chat", "responses")]

Ability = Annotated[str, one_of(*sorted({*ABILITIES, EMBEDDINGS}))]


class Tls(Section):
    """Files of PEM for a provider: whom to trust, and who we are."""

    ca: File | None = None
    certificate: File | None = None
    key: File | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("needs `certificate` and `key`, or neither")
        return self


class ListenerTls(Section):
    """With `client_ca`, callers must show a certificate that it has signed."""

    certificate: File
    key: File
    client_ca: File | None = None


class Deadlines(Section):
    connect: Duration | None = None
    first_byte: Duration | None = None
    idle: Duration | None = None
    total: Duration | None = None

    @model_validator(mode="after")
    def _parts_within_the_whole(self) -> Self:
        if self.total is not None and any(part and part > self.total for part in (self.first_byte, self.idle)):
            raise ValueError("has a `total` that is shorter than one of its parts")
        return self


class Queue(Section):
    length: Count | None = None
    deadline: Duration | None = None
    overflow: Duration | None = None


class Endpoint(Section):
    url: Url
    slots: Count | None = None


def _endpoint(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class Provider(Section):
    """What all kinds have in common; `provider_model` adds what one kind has of its own."""

    kind: str
    api_key: Secrets = ()
    base_url: Url | None = None
    endpoints: Annotated[tuple[Annotated[Endpoint, BeforeValidator(_endpoint)], ...], BeforeValidator(listed)] = ()
    zone: Annotated[Zone, one_of("cloud", "local")] | None = None
    headers: Headers = Field(default_factory=dict)
    tls: Tls = Tls()
    proxy: Proxy | None = None
    deadlines: Deadlines = Deadlines()
    balance: Balance | None = None
    queue: Queue = Queue()
    eject_after: Count = 5

    @property
    def its_kind(self) -> Kind:
        return KINDS[self.kind]

    @property
    def addresses(self) -> tuple[Endpoint, ...]:
        """Its endpoints, their URLs up to where the paths of its kind begin."""
        kind = self.its_kind
        url = self.base_url or (kind.home(self.settings) if kind.home else kind.base_url)
        stated = self.endpoints or ((Endpoint(url=url),) if url else ())
        return tuple(endpoint.model_copy(update={"url": self.its_kind.base(endpoint.url)}) for endpoint in stated)

    @property
    def settings(self) -> dict[str, str]:
        """Those of its kind that are text, by name; what is left out and has no default isn't among them."""
        named = ((setting.name, getattr(self, setting.name)) for setting in self.its_kind.settings)
        return {name: value for name, value in named if isinstance(value, str)}

    @property
    def loads_models(self) -> bool:
        """Whether its hosts load models when they are asked for, as they are told to."""
        return "keep_alive" in type(self).model_fields

    @property
    def is_in(self) -> Zone | None:
        """The zone: as stated, else as its addresses tell, else unknown. Endpoints of two zones are unknown too."""
        if self.zone is not None:
            return self.zone
        zones = {self.its_kind.zone_of(address.url) for address in self.addresses}
        return zones.pop() if len(zones) == 1 else None


class Price(Section):
    """Dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    cache_written: Dollars | None = None


def _free(value: Any) -> Any:
    if value == "free":
        return {"input": 0, "output": 0}
    if not isinstance(value, dict | Price):
        raise ValueError("takes `free`, or {input: 0.15, output: 0.60} in dollars per million tokens")
    return value


class QuotaSection(Section):
    """Per minute, at a time, and dollars for a day, a week or a month."""

    rpm: Count | None = None
    tpm: Count | None = None
    parallel: Count | None = None
    budget: Budgets = ()
    budget_soft: Budgets = ()

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        spends(self.budget, self.budget_soft)
        if self == type(self).model_construct():
            raise ValueError("limits nothing: give `rpm`, `tpm`, `parallel`, `budget` or `budget_soft`")
        return self

    def quota(self) -> Quota:
        return Quota(self.rpm, self.tpm, self.parallel, spends(self.budget, self.budget_soft))


class Target(Section):
    provider: str
    model: Annotated[str, Field(min_length=1)]
    api: Api = "chat"
    context: Contexts = ()
    keep_alive: KeepAlive | None = None
    warm: Number | None = None
    price: Annotated[Price, BeforeValidator(_free)] | None = None
    limits: QuotaSection | None = None
    objective: Objective | None = None
    abilities: Annotated[tuple[Ability, ...], BeforeValidator(listed)] | None = None
    vectors: Name | None = None
    tools: Annotated[Literal["native", "words"], one_of("native", "words")] | None = None


class When(Section):
    model: Texts = ()
    task: Texts = ()
    priority: Texts = ()
    data: Annotated[tuple[Annotated[str, one_of(*DATA_CLASSES)], ...], BeforeValidator(listed)] = ()
    key: Texts = ()
    app: Texts = ()
    team: Texts = ()
    needs: Annotated[tuple[Ability, ...], BeforeValidator(listed)] = ()
    tokens: TokenRange | None = None
    time: SpansOfWeek = ()


class Sampling(Section):
    """Which exchanges are kept with their content, sealed, and for how long."""

    rate: Share = 0
    retention: Period | None = None
    tasks: Texts = ()


class Shadow(Section):
    """Which requests the other arm answers too, unseen by the caller; what that may cost a day, the judge included."""

    rate: Share = 0
    budget: Daily = 0


class Route(Section):
    """`share` is in 1/10,000. `boundary` is its own; the top level's counts for all routes.

    What the route matches counts as `data` at least.
    """

    later = frozenset({"budget", "limits"})

    name: Name
    when: When = When()
    use: str | None = None
    baseline: str | None = None
    candidate: str | None = None
    share: Share | None = None
    rollout: Name | None = None
    pilots: Texts = ()
    fallback: Texts = ()
    candidate_may_rescue: Flag = False
    unit: Annotated[Literal["conversation", "key"], one_of("conversation", "key")] = "conversation"
    on_ledger_down: Annotated[Literal["serve", "refuse"], one_of("serve", "refuse")] = "serve"
    boundary: Boundary | None = None
    data: Annotated[str, one_of(*DATA_CLASSES)] | None = None
    deadlines: Deadlines = Deadlines()
    buffer: Characters = 0
    sampling: Sampling | None = None
    shadow: Shadow | None = None
    judge: str | None = None
    drill: Drill | None = None
    objective: Objective | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """All targets it names, in the order in which they would be tried."""
        return tuple(name for name in (self.use, self.baseline, self.candidate, *self.fallback) if name)


class Limits(Section):
    """Left out, each has the default of the snapshot."""

    line: Size | None = None
    head: Size | None = None
    headers: Count | None = None
    body: Size | None = None
    json_depth: Count | None = None
    head_deadline: Duration | None = None
    body_deadline: Duration | None = None
    keep_alive: Duration | None = None
    connections: Count | None = None
    answer: Size | None = None
    teams: dict[str, QuotaSection] = Field(default_factory=dict)
    apps: dict[str, QuotaSection] = Field(default_factory=dict)
    webhook: Webhook | None = None


class Responses(Section):
    """Left out, `keep` has the default of the snapshot."""

    keep: Period | None = None


class Notify(Section):
    """Where people are told what happens to rollouts."""

    url: Webhook
    secret: Secret | None = None
    format: Annotated[Literal["json", "slack"], one_of("json", "slack")] = "json"
    events: Annotated[tuple[Annotated[str, one_of(*TOLD)], ...], BeforeValidator(listed)] = ()
    routes: Texts = ()


LONGEST_ASKED = 10.0
"""Seconds."""


class OwnMetric(Section):
    """A bad event of the user's own, and who says whether an exchange is one."""

    file: File | None = None
    url: Webhook | None = None
    timeout: Duration | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("needs a `file` of Python, or a `url`, and not both")
        if self.timeout is not None and self.timeout > LONGEST_ASKED:
            raise ValueError(f"takes a `timeout` of at most {LONGEST_ASKED:g}s: rollouts wait for it")
        return self


def _own_metric(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


class Settings(Section):
    """The keys of the file's top level, sections with names of the user's own left aside."""

    later = frozenset({"unmatched"})

    listen: Listen = Address("127.0.0.1", 4000)
    admin: Listen = Address("127.0.0.1", 4001)
    store: str = "sqlite:///earthward.db"
    state: Annotated[str, Field(min_length=1)] = "earthward-state"
    auth: Annotated[Auth, one_of("keys", "passthrough", "open")] = "keys"
    accepted_for: Duration | None = None
    boundary: Boundary | None = None
    limits: Limits = Limits()
    cors: Origins = ()
    tls: ListenerTls | None = None
    access_log: Flag = False
    durability: Annotated[Literal["group", "strict"], one_of("group", "strict")] = "group"
    admin_token: Secret | None = None
    content_key: Secrets = ()
    responses: Responses = Responses()
    observe: Flag = False
    prices: tuple[OwnPrice, ...] = ()
    own_costs: dict[Name, OwnCost] = Field(default_factory=dict)
    budgets: tuple[BudgetSection, ...] = ()
    retention: RetentionSection = RetentionSection()

    @property
    def money(self) -> Money:
        return money(self.prices, self.own_costs, self.budgets, self.retention)

    notify: dict[Name, Notify] = Field(default_factory=dict)
    metrics: dict[Name, Annotated[OwnMetric, BeforeValidator(_own_metric)]] = Field(default_factory=dict)
    fetch_from: HostNames = ()


class Configuration(BaseModel):
    """All of a file that was found sound. Paths are absolute; `digest` is the SHA-256 of the file's bytes.

    `rollouts` are those of the file and the presets.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    file: Path
    digest: str
    listen: Address
    admin: Address
    store: str
    state: Path
    auth: Auth
    accepted_for: float | None
    boundary: Literal["local"] | None
    providers: dict[str, Provider]
    targets: dict[str, Target]
    routes: tuple[Route, ...]
    rollouts: dict[str, Plan]
    limits: Limits
    cors: tuple[str, ...]
    tls: ListenerTls | None
    access_log: bool
    durability: Literal["group", "strict"]
    admin_token: str | None
    content_key: tuple[str, ...]
    responses: Responses
    observe: bool
    money: Money = Money()
    notify: dict[str, Notify] = Field(default_factory=dict)
    metrics: dict[str, OwnMetric] = Field(default_factory=dict)
    fetch_from: tuple[str, ...] = ()

    def boot(self) -> Boot:
        """What the supervisor needs of it."""
        tls = self.tls
        return Boot(
            host=self.listen.host,
            port=self.listen.port,
            admin_host=self.admin.host,
            admin_port=self.admin.port,
            state=str(self.state),
            store=self.store,
            digest=self.digest,
            auth=self.auth,
            tls=TlsFiles(tls.client_ca, tls.certificate, tls.key) if tls else None,
            admin_token=self.admin_token,
            engines=tuple(_engine(name, it) for name, it in self.providers.items() if it.its_kind.is_embedded),
        )


@cache
def provider_model(kind: str) -> type[Provider]:
    """The model of a provider of this kind, its own settings included."""
    text = Annotated[str, Field(min_length=1)]
    types: dict[str, Any] = {"text": text, "count": Count, "path": File, "keep_alive": KeepAlive}
    fields: dict[str, Any] = {setting.name: _field(setting, types) for setting in KINDS[kind].settings}
    return create_model(f"Provider of kind {kind}", __base__=Provider, **fields)


def _field(setting: Setting, types: dict[str, Any]) -> tuple[Any, Any]:
    taken = Annotated[str, one_of(*setting.choices)] if setting.choices else types[setting.type]
    return (taken, ...) if setting.is_required else (taken | None, setting.default)


def _engine(name: str, provider: Provider) -> Engine:
    return Engine(name, **{setting.name: getattr(provider, setting.name) for setting in provider.its_kind.settings})
