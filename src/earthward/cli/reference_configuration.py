"""The page on the configuration: every key, what it takes, its default and what it does.

Keys, types and defaults come from the models; what a key does is said here, and a key that is missing fails a test.
"""

from collections.abc import Iterable
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from earthward.cli.markdown import page, table
from earthward.config import models, money, quotas, snapshot, values
from earthward.config.section import Section
from earthward.control.watch import FIXED, NAMES
from earthward.providers import KINDS
from earthward.rollout.notices import TOLD
from earthward.routing.balance import POLICIES

TAKES: dict[Any, str] = {
    money.Day: "day: `2026-03-01`",
    money.Factor: "number from 1 to 10",
    money.Grams: "grams",
    money.Watts: "watts",
    models.Balance: ", ".join(f"`{name}`" for name in POLICIES),
    quotas.Budgets: "dollars for a time, or a list: `100/month`, `5/day`, `20/week`",
    values.Characters: "whole number up to 100,000",
    values.Contexts: "whole number, or a list of up to 8",
    values.Count: "whole number",
    values.Daily: "dollars a day: `5 USD/day`",
    values.Dollars: "dollars",
    values.Drill: "percentage: `0.5%`, or requests an hour: `6/hour`",
    values.Duration: "time: `500ms`, `10s`, `5m`, `1h`",
    values.File: "path",
    values.Flag: "`true`, `false`",
    values.Headers: "`{name: value}`",
    values.KeepAlive: "`-1`, seconds, or a time: `30m`, `24h`",
    values.Listen: "`host:port`",
    values.Name: "name",
    values.Number: "whole number, 0 included",
    values.Period: "time: `12h`, `30d`, `4w`",
    values.Origins: "list of origins",
    values.Proxy: "`http://host:port`",
    values.Secret: "`env:NAME` or `file:PATH`",
    values.Secrets: "one or a list of `env:NAME`, `file:PATH`",
    values.Objective: "percentage: `99.5%`",
    values.Share: "percentage: `25%`",
    values.Size: "size: `64 KB`, `32 MB`",
    values.SpansOfWeek: "one or a list of `mon-fri 08:00-18:00`, `22:00-06:00`",
    values.Texts: "text, or a list",
    values.TokenRange: "`<= 8000`, `> 8000`, `1000-8000`",
    values.Url: "URL",
    values.Webhook: "URL, `env:NAME` or `file:PATH`",
    str: "text",
}

DEFAULTS: dict[str, Any] = {
    "limits": snapshot.Limits(),
    "providers.NAME.deadlines": snapshot.Deadlines(),
    "providers.NAME.queue": snapshot.Queue(),
}
"""Where a key that is left out gets its value from later."""

Keys = dict[str, str]

SETTINGS: Keys = {
    "listen": "where callers connect. Port 0 takes any free one",
    "admin": "where `/metrics` and the admin API are. Never give callers access",
    "store": "the ledger and the callers' keys: a file in SQLite, relative to this file",
    "state": "a folder for the spool, the last snapshot and the gateway's own secrets, relative to this file",
    "auth": "`keys`: callers need a key made with `earthward keys create`; `passthrough`: they bring their vendor's, "
    "which goes to that vendor only; `open`: anybody, on loopback only",
    "accepted_for": "with `auth: passthrough`, how long a key opens local targets after its vendor accepted it; "
    "left out, 5m",
    "boundary": "`local`: no route may name a target in the cloud",
    "limits": "what a request may not exceed; see below",
    "cors": "browsers' origins that may call, as in `https://app.example`, or `*`",
    "tls": "serve HTTPS; see below",
    "access_log": "a line of JSON on stderr for each exchange, without content",
    "durability": "`strict` waits for the disk before a request goes out and before the last bytes of its answer do; "
    "`group` syncs in groups of 50 ms, of which a power cut may take the last",
    "metrics": "bad events of your own, by name; see below",
    "notify": "where people are told what happens to rollouts, by name; see below",
    "fetch_from": "hosts from which the gateway fetches images and documents that a request names by an `https` "
    "address, for targets in the house; `.example.com` stands for all below it. Left out, such requests are "
    "refused there",
    "admin_token": "the bearer token of the admin port; left out, one is made and kept in the state folder",
    "content_key": "what content in the store is sealed with, 32 characters or more (`openssl rand -hex 32`). Of "
    "several the first seals, and all open: put a new one in front. Left out, no responses are stored, and samples are "
    "sealed with a secret of the state folder",
    "responses": "of those that callers had stored; see below",
    "observe": "count, without content, what requests ask for that breaks on the way to Ollama: "
    "`earthward assess compat STATE/observed` shows it",
    "prices": "prices you have agreed on, in place of the public list; see below",
    "own_costs": "what targets in the house cost, by their names; see below",
    "budgets": "what spend or savings are told of; see below",
    "retention": "how long records are kept; see below",
}

PRICE: Keys = {
    "input": "per million tokens",
    "output": "per million tokens",
    "cached": "per million tokens of input read from a prompt cache; left out, as `input`",
    "cache_written": "per million tokens of input written to a prompt cache; left out, as `input`",
}

OWN_PRICE: Keys = {
    "model": "as the vendor calls it; `*`, `?` and `[…]` match as in a shell",
    **PRICE,
    "batch_input": "the same of a batch",
    "batch_output": "the same of a batch",
    "discount": "off the public list, instead of prices",
    "since": "from this day on (UTC): before it, the entry above or the list holds",
}

OWN_COST: Keys = {
    "amortisation": "of the machine, per million tokens",
    "idle_watts": "what it draws without work",
    "busy_watts": "what it draws at work",
    "kwh_price": "of a kilowatt-hour",
    "pue": "what the building takes on top: 1.5 is half as much again",
    "slots": "how many exchanges share that power",
    "carbon": "grams of CO₂ a kilowatt-hour, for the report",
}

BUDGET: Keys = {
    "name": "in alerts",
    "spend": "dollars that may be spent, retries, shadows and judges included; or",
    "savings": "dollars that are to be saved",
    "every": "`day` or `month` (UTC)",
    "at": "the shares of it at which to tell, each once in a period",
    "app": "only what this application's keys asked for",
    "team": "only what this team's keys asked for",
    "webhook": "where to POST the alert, as JSON with a `text`; left out, it is logged",
}

RETENTION: Keys = {
    "exchanges": "days that single exchanges are kept; left out, for ever",
    "minutes": "days that sums by the minute are kept",
    "hours": "days that sums by the hour are kept; left out, for ever. Those by the day always are, and 32 days "
    "where there are budgets",
}

RESPONSES: Keys = {
    "keep": "how long one can be fetched and gone on from, after its conversation's last; left out, 30d",
}

OWN_METRIC: Keys = {
    "file": "Python with a function `is_bad(exchange)`; or, instead of a section, its path alone",
    "url": "instead of `file`: who is asked by POST",
    "timeout": "for up to 100 exchanges; left out, 2s",
}

NOTIFY: Keys = {
    "url": "where to; a reference where the address is a secret, as Slack's is",
    "secret": "signs what is sent, in the header `x-earthward-signature`",
    "format": "`json`: all that is known; `slack`: one line, for Slack and what takes the same",
    "events": "only these of " + ", ".join(f"`{name}`" for name in TOLD) + "; left out, all",
    "routes": "only those of these routes; left out, all",
}

LIMITS: Keys = {
    "line": "of the request line",
    "head": "of all headers together",
    "headers": "how many",
    "body": "of a request",
    "json_depth": "how deep a request's JSON may be nested",
    "head_deadline": "from a request's first byte to the end of its headers",
    "body_deadline": "between two pieces of a request's body",
    "keep_alive": "an idle connection is closed after it",
    "connections": "open at a time, in each worker",
    "answer": "of an answer that is not streamed",
    "teams": "what keys of a team may use together, by the team's name; see below",
    "apps": "the same by application",
    "webhook": "gets a POST when a soft budget of a key, team, application or target is spent",
}

QUOTA: Keys = {
    "rpm": "requests per minute",
    "tpm": "tokens per minute, of prompts and answers",
    "parallel": "requests at a time",
    "budget": "what may be spent in the cloud; past it only targets in the house are asked. "
    "A number alone is for the month",
    "budget_soft": "past it callers are told in the header `x-earthward-budget`, and the webhook once",
}

LISTENER_TLS: Keys = {
    "certificate": "PEM, with the chain",
    "key": "PEM",
    "client_ca": "PEM; callers must then show a certificate that it has signed",
}

PROVIDER: Keys = {
    "kind": "what it is; see the kinds below",
    "api_key": "what the gateway presents there. Of several, the next is used when one is refused or out of quota",
    "base_url": "its address, up to what comes before `/chat/completions`",
    "endpoints": "instead of `base_url`: several addresses that serve the same, each a URL or `{url, slots}`",
    "zone": "where it is, and so which data may go there; needed where the address doesn't tell",
    "headers": "sent with every request; none that carry secrets",
    "tls": "for its https:// address; see below",
    "proxy": "which is told to CONNECT. Left out, `HTTPS_PROXY` and so on are heeded for the cloud, none for the house",
    "deadlines": "see below",
    "balance": "how requests are spread over `endpoints`; left out, `warmest` for Ollama, else `round_robin`",
    "eject_after": "how many failures in a row until an endpoint, or a target, is left alone for a while",
    "queue": "of requests that wait for a free slot; see below",
}

ENDPOINT: Keys = {
    "url": "as `base_url`",
    "slots": "how many requests it answers at a time; the others wait in the gateway's queue. Left out, 4 for Ollama "
    "and what the gateway runs itself, else as many as come",
}

QUEUE: Keys = {
    "length": "how many may wait, in each worker; half of them for one key at most",
    "deadline": "how long one may wait",
    "overflow": "how long one waits where another target may serve it",
}

TLS: Keys = {
    "ca": "PEM of the only authority to trust; left out, the system's",
    "certificate": "PEM to show where it is asked for",
    "key": "PEM of that certificate",
}

DEADLINES: Keys = {
    "connect": "until there is a connection",
    "first_byte": "from sending to the head of the answer",
    "idle": "between two pieces of the answer",
    "total": "for the whole answer",
}

TARGET: Keys = {
    "provider": "the name of one above",
    "model": "what the model is called there; at `kind: azure`, what its deployment is called",
    "api": "`responses`: it is asked by OpenAI's responses, at `kind: openai`, `azure` or `openai_compatible`",
    "context": "its context window in tokens; at an Ollama, what the model is loaded with (`num_ctx`), or a list of a "
    "few such as `[4096, 16384, 32768]`, of which each request gets the least that holds it "
    "([how](../howto/fleet.md#several-contexts))",
    "keep_alive": "at an Ollama, how long the model stays in memory after a request; -1 for ever, 0 not at all. "
    "Left out, as its provider says, or as Ollama does",
    "warm": "at an Ollama, on how many hosts it is loaded before anybody asks; left out, 1 with `keep_alive: -1`",
    "limits": "what may be asked of it; past them the next target is tried; see below",
    "objective": "what it is to answer of all that it is asked, such as `99.5%`; the error budget that leaves is told",
    "price": "`free`, or as below; left out, the vendor's list price in the cloud, and unknown in the house",
    "abilities": f"of {', '.join(f'`{word}`' for word in sorted({*snapshot.ABILITIES, snapshot.EMBEDDINGS}))}; left "
    "out, what its kind can do, and `embeddings` alone where the model has the name of one that gives vectors. A "
    "request that needs more goes elsewhere",
    "vectors": "what its vectors may be compared with, a name, where one model has several names; left out, its model. "
    "No route may lead to two ([embeddings](../howto/embeddings.md))",
    "tools": "how its model is told of tools: `native`, by its own template, or in `words`, its answer held to a "
    "schema. Left out, as its kind does; an Ollama tells itself what a model knows",
}

ROUTE: Keys = {
    "name": "in records, metrics and the header `x-earthward-route`",
    "when": "which requests it is for; left out, all. The first route that matches serves",
    "use": "the one target; or",
    "baseline": "the target of today, and",
    "candidate": "the one to compare it with",
    "share": "of the units that are on the candidate",
    "rollout": "instead of `share`: `fast`, or the name of one under `rollouts`, which then sets the share",
    "pilots": "always on the candidate: `user:`, `key:`, `app:` or `team:` and a name; without it a user or a key",
    "fallback": "targets to try after the arm's own, in this order",
    "drill": "what the fallback in the cloud serves although the house has all the traffic, so that the emergency path "
    "is known to work: a part of the units, such as `0.5%`, or so many requests an hour, such as `6/hour`",
    "objective": "what is to be answered of all its requests, such as `99.5%`; the error budget that leaves is told",
    "candidate_may_rescue": "whether the candidate is tried when the baseline fails",
    "unit": "who is kept on one arm: the conversation (or who the request names), or the caller's key",
    "buffer": "how many characters of a stream are held back: one that breaks within them begins anew elsewhere, "
    "unseen. With 0 everything passes on at once, and a stream that breaks ends with an error",
    "on_ledger_down": "when the ledger can't be written to: `serve` all the same, or `refuse` with 503",
    "boundary": "`local`: none of its targets may be in the cloud; refused here, and again before anything is sent",
    "data": "what it matches counts as of this class at least, whatever callers say",
    "deadlines": "its own, where they differ from its providers'; see below",
    "sampling": "which exchanges are kept with their content, sealed; see below and [quality](../howto/quality.md)",
    "shadow": "which requests the other arm answers too, unseen by the caller; see below",
    "judge": "the target that compares the two answers where checks don't decide; of another family than both arms",
}

SAMPLING: Keys = {
    "rate": "of the exchanges. What is shadowed is kept as well",
    "retention": "how long content is kept; left out, 7d. Figures without content stay",
    "tasks": "only of these tasks (`x-earthward-task`), for shadows too; left out, of all",
}

SHADOW: Keys = {
    "rate": "of the requests; in a shadow stage of a rollout, its plan says how many",
    "budget": "what shadows and judge of this route may cost a day (UTC); needed where they ask a cloud. Nothing is "
    "sent whose worst case might break it",
}

WHEN: Keys = {
    "model": "as the caller names it; `*`, `?` and `[…]` match as in a shell",
    "task": "the header `x-earthward-task`",
    "priority": "the header `x-earthward-priority`",
    "data": f"the header `x-earthward-data-class`: {', '.join(f'`{word}`' for word in snapshot.DATA_CLASSES)}",
    "key": "the id of the caller's key",
    "app": "the key's application",
    "team": "the key's team",
    "needs": "what the request takes, all of it: " + ", ".join(f"`{word}`" for word in sorted(snapshot.ABILITIES)),
    "tokens": "the estimated length of the prompt",
    "time": "by the gateway's own clock. Hours that end before they begin run into the next day",
}

TOP = (
    "Beside these there are `providers`, `targets`, `routes` and `rollouts`, which are "
    "[plans by name](../explanation/rollouts.md#writing-a-plan)."
)

OF_QUOTAS = "Counted over all workers; what is left out has no limit. [How limits work](../howto/limits.md)."

SECTIONS: tuple[tuple[str, type[Section], Keys, str], ...] = (
    ("Top level", models.Settings, SETTINGS, TOP),
    ("prices[]", money.OwnPrice, OWN_PRICE, "In US dollars; either prices or a `discount`."),
    ("own_costs.NAME", money.OwnCost, OWN_COST, "Of a target in the house; in US dollars and watts."),
    ("budgets[]", money.BudgetSection, BUDGET, "Either `spend` or `savings`."),
    ("retention", money.RetentionSection, RETENTION, ""),
    ("limits", models.Limits, LIMITS, "Sizes in bytes of 1,024 to the KB."),
    ("responses", models.Responses, RESPONSES, "See [stored responses](../howto/responses.md)."),
    (
        "metrics.NAME",
        models.OwnMetric,
        OWN_METRIC,
        "Bad events of your own, for gates of that name. [How to write one](../howto/own-metrics.md).",
    ),
    ("notify.NAME", models.Notify, NOTIFY, "[How to hear of rollouts](../howto/rollout-notifications.md)."),
    ("limits.teams.NAME", models.QuotaSection, QUOTA, OF_QUOTAS),
    ("tls", models.ListenerTls, LISTENER_TLS, "The listener's own."),
    ("providers.NAME", models.Provider, PROVIDER, "Services that speak a protocol."),
    ("providers.NAME.endpoints[]", models.Endpoint, ENDPOINT, ""),
    ("providers.NAME.queue", models.Queue, QUEUE, "Interactive requests come before those of priority `batch`."),
    ("providers.NAME.tls", models.Tls, TLS, ""),
    ("providers.NAME.deadlines", models.Deadlines, DEADLINES, ""),
    ("targets.NAME", models.Target, TARGET, "A model at a provider."),
    ("targets.NAME.limits", models.QuotaSection, QUOTA, OF_QUOTAS),
    ("targets.NAME.price", models.Price, PRICE, "In US dollars."),
    ("routes[]", models.Route, ROUTE, "Either `use`, or `baseline`, alone or with a `candidate`."),
    ("routes[].sampling", models.Sampling, SAMPLING, ""),
    ("routes[].shadow", models.Shadow, SHADOW, ""),
    ("routes[].deadlines", models.Deadlines, DEADLINES, "Left out, those of the provider that serves."),
    ("routes[].when", models.When, WHEN, "All that are given must hold; of several values, one."),
)


def configuration() -> str:
    parts = [part for section in SECTIONS for part in _section(*section)]
    fixed = sorted({f"`{NAMES.get(name, name)}`" for name in FIXED} - {"`engines`"})
    return page(
        "Configuration",
        "earthward.config",
        "One file of YAML. `earthward check` tells every problem it has, with line and column. A change is applied "
        "while the gateway runs, whole or not at all; only "
        f"{', '.join(fixed)} and the settings of `kind: embedded` need a restart.",
        *parts,
        "## Kinds of providers",
        table(("Kind", "Zone", "Default `base_url`", "`api_key`", "Abilities", "Settings of its own"), _kinds()),
        "A zone of `by host` is local for loopback, private addresses and names without a dot; for any other host "
        "`zone` must say it.",
        "A model whose name ends in `:cloud` or `-cloud` is in the cloud wherever its server stands: Ollama sends on "
        "what it is asked. `base_url` may end in `/v1` or not at `kind: anthropic`, in `/api`, `/v1` or neither at "
        "`kind: ollama`. An `api_key` is needed at the vendor's own address only.",
        *_own_deadlines(),
        "Of `kind: embedded`, `model` is the path of a GGUF (left out, SmolLM2-135M from the extra `engine`), "
        "`context` is in tokens for each request (4,096), `slots` is how many requests run at a time (4), `threads` is "
        "half of the cores.",
        "Of `kind: vertex`, `project` and `location` (`global`) say where in Google's cloud, and `credentials` is the "
        "file of a service account or of a workload identity. Without that file it is the one that "
        "`GOOGLE_APPLICATION_CREDENTIALS` names, or what the machine is there. With an `api_key` instead of "
        "a `project` it is express mode. Models called `claude-*` are asked as Anthropic's.",
        "Of `kind: azure`, `base_url` is that of the resource, as in `https://acme.openai.azure.com`. With an "
        "`api_version`, such as `2024-10-21`, the older paths are used, which name the deployment.",
        "Of `kind: openai_compatible`, `profile` is "
        f"{' or '.join(f'`{word}`' for word in KINDS['openai_compatible'].settings[0].choices)}: how that engine calls "
        "thoughts, what it can be told about them, and whether calls that must be made are seen to by the gateway.",
    )


def _section(title: str, model: type[Section], keys: Keys, intro: str) -> Iterable[str]:
    yield f"## {title}"
    yield intro
    hints = get_type_hints(model, include_extras=True)
    rows = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _written(_default(title, model, name))
        rows.append((f"`{name}`", _takes(hints[name]), default, keys[name]))
    yield table(("Key", "Takes", "Default", "What it does"), rows)
    if model.later:
        yield f"Known, and refused until they are supported: {', '.join(f'`{key}`' for key in sorted(model.later))}."


def _default(title: str, model: type[Section], name: str) -> Any:
    default = model.model_fields[name].get_default(call_default_factory=True)
    return getattr(DEFAULTS[title], name, None) if default is None and title in DEFAULTS else default


def _takes(hint: Any) -> str:
    if hint in TAKES:
        return TAKES[hint]
    inner = [part for part in get_args(hint) if part is not NoneType]
    if get_origin(hint) is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if get_origin(hint) is tuple:
        return "list"
    if get_origin(hint) is dict:
        return "section for each name"
    if isinstance(hint, type) and issubclass(hint, Section):
        return "section"
    return _takes(inner[0])


def _written(default: Any) -> str:
    """A default as one would write it in the file."""
    match default:
        case None | () | {} | Section():
            return ""
        case (money.PARTS_OF_ALL,):
            return "`100%`"
        case bool():
            return f"`{str(default).lower()}`"
        case values.Address(host, port):
            return f"`{host}:{port}`"
        case float():
            return f"`{default:g}s`"
        case int() if default >= 1024 and default % 1024 == 0:
            kilobytes = default // 1024
            return f"`{kilobytes} KB`" if kilobytes % 1024 else f"`{kilobytes // 1024} MB`"
    return f"`{default}`"


def _own_deadlines() -> Iterable[str]:
    """Where a kind's defaults differ from those of the table."""
    for kind in KINDS.values():
        usual, own = snapshot.Deadlines(), kind.deadlines
        names = [name for name in own.__struct_fields__ if getattr(own, name) != getattr(usual, name)]
        if names:
            told = ", ".join(f"`{name}: {getattr(own, name):g}s`" for name in names)
            yield f"Deadlines of `kind: {kind.name}` are, if not stated, {told}."


def _kinds() -> Iterable[tuple[str, ...]]:
    for kind in KINDS.values():
        key = "required" if kind.needs_key else "optional" if kind.credential else "none"
        url = "none: the gateway runs it" if kind.is_embedded else f"`{kind.base_url}`" if kind.base_url else "required"
        abilities = ", ".join(f"`{word}`" for word in sorted(kind.abilities))
        own = ", ".join(f"`{setting.name}`" for setting in kind.settings)
        yield f"`{kind.name}`", kind.zone.replace("_", " "), url, key, abilities, own
