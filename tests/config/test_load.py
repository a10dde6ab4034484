"""Every problem a person would make, with its place and what is said about it."""

import os
from pathlib import Path

import pytest

from earthward.config.load import ConfigErrors, Configuration, load, read
from earthward.config.snapshot import ABILITIES, DATA_CLASSES
from earthward.providers import KINDS

FILE = Path("/etc/earthward/earthward.yaml")
KEYS = ", ".join(
    [
        "accepted_for",
        "access_log",
        "admin",
        "admin_token",
        "auth",
        "boundary",
        "budgets",
        "content_key",
        "cors",
        "durability",
        "fetch_from",
        "limits",
        "listen",
        "metrics",
        "notify",
        "observe",
        "own_costs",
        "prices",
        "providers",
        "responses",
        "retention",
        "rollouts",
        "routes",
        "state",
        "store",
        "targets",
        "tls",
    ]
)
KEYS_OF_A_PROVIDER = (
    "api_key, balance, base_url, deadlines, eject_after, endpoints, headers, kind, proxy, queue, tls, zone"
)
KEYS_OF_A_CONDITION = "app, data, key, model, needs, priority, task, team, time, tokens"
KINDS_NOW = "anthropic, azure, embedded, gemini, ollama, openai, openai_compatible, vertex"
GOOD = """\
listen: 127.0.0.1:4000
auth: keys
providers:
  openai: {kind: openai, api_key: env:OPENAI_API_KEY}
  gpus: {kind: openai_compatible, endpoints: [http://gpu-1:8000/v1, {url: http://gpu-2:8000/v1, slots: 4}]}
targets:
  mini: {provider: openai, model: gpt-4o-mini}
  llama: {provider: gpus, model: "llama3.1:8b", context: 16384}
routes:
  - {name: trial, when: {model: "gpt-*"}, baseline: mini, candidate: llama, share: 25%, fallback: [mini]}
"""


def sound(text: str, file: Path = FILE) -> Configuration:
    return read(text.encode(), file)


def problems(text: str, file: Path = FILE) -> list[str]:
    """Each as `line:column: message`."""
    with pytest.raises(ConfigErrors) as error:
        read(text.encode(), file)
    return [str(problem).removeprefix(f"{file}:") for problem in error.value.problems]


def one_problem(text: str, file: Path = FILE) -> str:
    found = problems(text, file)
    assert len(found) == 1, found
    return found[0]


def with_line(line: str) -> str:
    """The good file with a line of the top level in front."""
    return f"{line}\n{GOOD}"


def with_provider(fields: str) -> str:
    return GOOD.replace("providers:\n", f"providers:\n  mine: {{{fields}}}\n")


def with_target(fields: str) -> str:
    return GOOD.replace("targets:\n", f"targets:\n  mine: {{{fields}}}\n")


def with_route(fields: str) -> str:
    return GOOD.replace("routes:\n", f"routes:\n  - {{name: mine, when: {{model: x}}, {fields}}}\n")


def test_what_is_left_out_has_its_default() -> None:
    found = sound(GOOD)
    assert found.listen == ("127.0.0.1", 4000)
    assert found.admin == ("127.0.0.1", 4001)
    assert found.state == Path("/etc/earthward/earthward-state")
    assert found.store == "sqlite:////etc/earthward/earthward.db"
    assert (found.auth, found.durability, found.access_log, found.cors) == ("keys", "group", False, ())


def test_relative_paths_begin_at_the_file_and_absolute_ones_stay() -> None:
    found = sound(with_line("store: sqlite:///data/x.db\nstate: run\nadmin_token: file:secret/token"))
    assert found.store == "sqlite:////etc/earthward/data/x.db"
    assert found.state == Path("/etc/earthward/run")
    assert found.admin_token == "file:/etc/earthward/secret/token"
    found = sound(with_line("store: sqlite:////var/x.db\nstate: /run/earthward\nadmin_token: file:/run/token"))
    assert found.store == "sqlite:////var/x.db"
    assert found.state == Path("/run/earthward")
    assert found.admin_token == "file:/run/token"


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "earthward.yaml"
    file.write_text(GOOD)
    found = load(file)
    assert found.file == file
    assert len(found.digest) == 64
    assert found == read(GOOD.encode(), file)


def test_every_problem_of_a_file_is_told_at_once() -> None:
    text = """\
listen: 0.0.0.0
auth: opne
stroe: x
rollouts: {slow: {stages: [5%, 4%]}}
providers:
  openai: {kind: openai, api_key: sk-plain, base_ulr: "https://api.openai.com/v1"}
  gpus: {kind: openai_compatible, endpoints: [http://models.example.com/v1], tls: {ca: nowhere.pem}}
  other: {kind: opena}
targets:
  mini: {provider: opnai, model: gpt-4o-mini}
  llama: {provider: gpus, model: 4.1, price: {input: cheap}}
routes:
  - {name: trial, when: {modle: "gpt-*"}, candidate: llama, share: 125%}
  - {name: rest, use: smol, fallback: [mini, lama], when: {data: helth}}
  - {name: last, rollout: fats, use: mini}
"""
    told = [
        "1:9: `listen` has no port; write it as in 127.0.0.1:4000 or [::1]:4000",
        "2:7: `auth` takes keys, passthrough, open; not `opne`, did you mean `open`?",
        "3:1: unknown key `stroe`, did you mean `store`? Known: " + KEYS,
        "4:32: rollouts.slow.stages[1]: is 4% after 5%; shares must rise",
        "6:35: `api_key` takes a reference, env:NAME or file:PATH; a secret itself does not belong in this file",
        "6:45: unknown key `base_ulr`, did you mean `base_url`? Known: " + KEYS_OF_A_PROVIDER,
        "7:88: `ca` names a file that is not there: /etc/earthward/nowhere.pem",
        "8:17: unknown kind `opena`, did you mean `openai`? Known: " + ", ".join(KINDS),
        "10:20: unknown provider `opnai`, did you mean `openai`? Known: gpus, openai, other",
        "11:34: `model` must be text; put it in quotes",
        "11:39: `output` is missing",
        "11:54: `input` must be a number",
        "13:26: unknown key `modle`, did you mean `model`? Known: " + KEYS_OF_A_CONDITION,
        "13:68: `share` is more than 100%",
        "14:23: unknown target `smol`. Known: llama, mini",
        "14:46: unknown target `lama`, did you mean `llama`? Known: llama, mini",
        "14:66: `data` takes public, internal, personal, health, payment, secret; not `helth`, did you mean `health`?",
        "15:18: `rollout` is for routes with a `candidate`",
        "15:27: unknown rollout `fats`, did you mean `fast`? Known: careful, fast, playbook, slow",
    ]
    assert problems(text) == told


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("listen: 4000", "1:9: `listen` takes a host and a port, as in 127.0.0.1:4000"),
        ("listen: localhost", "1:9: `listen` has no port; write it as in 127.0.0.1:4000 or [::1]:4000"),
        ("listen: ::1", "1:9: `listen` has no port; write it as in 127.0.0.1:4000 or [::1]:4000"),
        ("listen: 127.0.0.1:70000", "1:9: `listen` has a port that is no number from 0 to 65535"),
        ("listen: 127.0.0.1:http", "1:9: `listen` has a port that is no number from 0 to 65535"),
        ("listen: 'a b:1'", "1:9: `listen` has no valid host; write it as in 127.0.0.1:4000"),
        ("admin: 127.0.0.1:4000", "1:8: `admin` and `listen` are the same address; give each its own port"),
        ("store: postgresql://db/x", "1:8: PostgreSQL is not yet supported; use sqlite:///earthward.db"),
        ("store: earthward.db", "1:8: `store` takes a file in SQLite, as in sqlite:///earthward.db"),
        ("durability: fsync", "1:13: `durability` takes group, strict; not `fsync`"),
        ("access_log: yes", "1:13: `access_log` must be true or false"),
        ("cors: [app.example]", "1:8: `cors` must begin with http:// or https:// and a host"),
        ("cors: https://app.example/", "1:7: `cors` is no origin; write it as in https://app.example, or `*` for all"),
        ("tls: {certificate: a.pem}", "1:20: `certificate` names a file that is not there: /etc/earthward/a.pem"),
        ("limits: {body: 32}", "1:16: `body` takes a size above zero, such as 64 KB or 32 MB"),
        ("limits: {body: 0 MB}", "1:16: `body` takes a size above zero, such as 64 KB or 32 MB"),
        ("limits: {json_depth: 0}", "1:22: `json_depth` must be above 0"),
        ("limits: {headers: many}", "1:19: `headers` must be a whole number"),
        ("limits: {head_deadline: 10}", "1:25: `head_deadline` takes a time above zero, such as 500ms, 10s, 5m or 1h"),
        ("limits: 5", "1:9: `limits` takes keys and values, as in {key: value}"),
        ("admin_token: hunter2",
         "1:14: `admin_token` takes a reference, env:NAME or file:PATH; a secret itself does not belong in this file"),
        ("unmatched: openai", "1:1: `unmatched` is not yet supported"),
        ("accepted_for: 5m", "1:1: `accepted_for` is for `auth: passthrough`"),
        ("accepted_for: 5", "1:15: `accepted_for` takes a time above zero, such as 500ms, 10s, 5m or 1h"),
    ],
)  # fmt: skip
def test_top_level_problems(line: str, message: str) -> None:
    text = with_line(line)
    if line.startswith("listen"):
        text = line + GOOD.removeprefix("listen: 127.0.0.1:4000")
    found = problems(text)
    assert message in found
    assert len(found) == (2 if line.startswith("tls") else 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"])
def test_open_is_for_loopback(host: str) -> None:
    text = GOOD.replace("auth: keys", "auth: open").replace(
        "listen: 127.0.0.1", f"listen: {host}".replace("[", "'[", 1)
    )
    sound(text.replace("]:4000", "]:4000'"))


@pytest.mark.parametrize("host", ["0.0.0.0", "'[::]", "10.0.0.1", "gateway", "127.0.0.1.example.com"])
def test_open_beyond_loopback_is_refused(host: str) -> None:
    quote = "'" if host.startswith("'") else ""
    text = GOOD.replace("auth: keys", "auth: open").replace("127.0.0.1:4000", f"{host}:4000{quote}")
    assert one_problem(text).startswith("2:7: `auth: open` is for loopback only")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("kind: openai", "4:3: `kind: openai` needs an `api_key`, such as env:OPENAI_API_KEY"),
        ("api_key: env:X", "4:3: `kind` is missing"),
        ("kind: 5", "4:16: `kind` must be text; put it in quotes"),
        ("kind: bedrock", "4:16: unknown kind `bedrock`. Known: " + KINDS_NOW),
        ("kind: gemini", "4:3: `kind: gemini` needs an `api_key`, such as env:GEMINI_API_KEY"),
        ("kind: azure, api_key: env:X", "4:3: `kind: azure` needs a `base_url`, or `endpoints`"),
        ("kind: azure, base_url: https://acme.openai.azure.com",
         "4:3: `kind: azure` needs an `api_key`, such as env:AZURE_API_KEY"),
        ("kind: azure, base_url: https://acme.openai.azure.com, api_key: env:X, zone: local",
         "4:86: `kind: azure` is always cloud"),
        ("kind: azure, base_url: https://acme.openai.azure.com, api_key: env:X, api_version: ''",
         "4:93: `api_version` must not be empty"),
        ("kind: openai_compatible", "4:3: `kind: openai_compatible` needs a `base_url`, or `endpoints`"),
        ("kind: openai_compatible, base_url: http://a/v1, endpoints: [http://b/v1]",
         "4:45: `base_url` or `endpoints`, not both"),
        ("kind: openai_compatible, endpoints: [http://b/v1, http://b/v1/]", "4:60: the same endpoint is here twice"),
        ("kind: openai_compatible, base_url: https://api.example.com/v1",
         "4:3: can't tell from its address whether it is in the house: add `zone: cloud` or `zone: local`"),
        ("kind: openai_compatible, endpoints: [http://gpu-1/v1, https://api.example.com/v1]",
         "4:3: can't tell from its address whether it is in the house: add `zone: cloud` or `zone: local`"),
        ("kind: openai, api_key: env:X, zone: local", "4:46: `kind: openai` is always cloud"),
        ("kind: embedded, zone: cloud", "4:32: `kind: embedded` is always local"),
        ("kind: embedded, base_url: http://a/v1",
         "4:9: the gateway runs a provider of `kind: embedded` itself: no address"),
        ("kind: embedded, api_key: env:X", "4:26: `kind: embedded` takes no `api_key`"),
        ("kind: embedded, model: none.gguf", "4:33: `model` names a file that is not there: /etc/earthward/none.gguf"),
        ("kind: embedded, slots: 0", "4:33: `slots` must be above 0"),
        ("kind: openai, api_key: env:X, slots: 3",
         "4:40: unknown key `slots`. Known: " + KEYS_OF_A_PROVIDER),
        ("kind: openai_compatible, base_url: http://gpu/v1, balance: hottest",
         "4:69: `balance` takes fastest, least_busy, round_robin, sticky, warmest; not `hottest`"),
        ("kind: openai_compatible, base_url: http://gpu/v1, keep_alive: 5m",
         "4:60: unknown key `keep_alive`. Known: " + KEYS_OF_A_PROVIDER.replace("kind,", "kind, profile,")),
        ("kind: ollama, keep_alive: forever",
         "4:36: `keep_alive` takes -1 for ever, 0 for not at all, seconds, or a time such as 30m or 24h"),
        ("kind: anthropic", "4:3: `kind: anthropic` needs an `api_key`, such as env:ANTHROPIC_API_KEY"),
        ("kind: anthropic, base_url: https://api.anthropic.com/v1",
         "4:3: `kind: anthropic` needs an `api_key`, such as env:ANTHROPIC_API_KEY"),
        ("kind: anthropic, api_key: env:X, zone: local",
         "4:49: api.anthropic.com is a vendor's own: it is always cloud"),
        ("kind: ollama, base_url: https://ollama.com, api_key: env:X, zone: local",
         "4:76: ollama.com is a vendor's own: it is always cloud"),
        ("kind: openai_compatible, base_url: https://eu.API.openai.com./v1, zone: local",
         "4:82: eu.api.openai.com. is a vendor's own: it is always cloud"),
        ("kind: openai_compatible, endpoints: [http://gpu/v1, https://api.anthropic.com], zone: local",
         "4:96: api.anthropic.com is a vendor's own: it is always cloud"),
        ("kind: ollama, endpoints: [http://b:11434, http://b:11434/api]", "4:52: the same endpoint is here twice"),
        ("kind: vertex, location: europe-west4",
         "4:3: `kind: vertex` needs a `project`, or an `api_key` for express mode"),
        ("kind: vertex, project: acme, api_key: env:X",
         "4:24: `project` or `api_key`, not both: express mode has a key and knows the project by it"),
        ("kind: vertex, project: acme, credentials: nowhere.json",
         "4:52: `credentials` names a file that is not there: /etc/earthward/nowhere.json"),
        ("kind: openai_compatible, base_url: http://gpu/v1, profile: vlm",
         "4:69: `profile` takes llama_cpp, lm_studio, sglang, vllm; not `vlm`, did you mean `vllm`?"),
        ("kind: openai_compatible, base_url: gpu-1:8000",
         "4:45: `base_url` must begin with http:// or https:// and a host"),
        ("kind: openai, api_key: env:X, base_url: http://api.example.com/v1",
         "4:50: http:// would send the API key in the clear; use https://"),
        ("kind: openai_compatible, base_url: http://gpu/v1, deadlines: {idle: 5}",
         "4:78: `idle` takes a time above zero, such as 500ms, 10s, 5m or 1h"),
        ("kind: openai_compatible, base_url: http://gpu/v1, headers: {Host: x}",
         "4:70: `Host` is a header that the gateway sets itself"),
        ("kind: openai_compatible, base_url: http://gpu/v1, headers: {x-a: bé}",
         "4:75: `x-a` has characters that no header may carry"),
        ("kind: openai_compatible, base_url: http://gpu/v1, headers: {'x a': b}", "4:70: `x a` is no name of a header"),
        ("kind: openai_compatible, base_url: http://gpu/v1, proxy: https://p:1",
         "4:67: `proxy` must be a plain http:// URL of a host and port, which is told to CONNECT"),
    ],
)  # fmt: skip
def test_problems_of_providers(fields: str, message: str) -> None:
    assert one_problem(with_provider(fields)) == message


def test_names_that_would_not_fit_in_a_header_are_refused() -> None:
    text = GOOD.replace("openai: {kind", "'open ai': {kind").replace("provider: openai", "provider: 'open ai'")
    assert one_problem(text).startswith("4:3: `open ai` is no name")


CONTEXTS = "7:45: `context` takes tokens, such as 16384, or several such as [4096, 16384, 32768]"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("provider: openai", "7:3: `model` is missing"),
        ("provider: openai, model: ''", "7:35: `model` must not be empty"),
        ("provider: gpu, model: x", "7:20: unknown provider `gpu`, did you mean `gpus`? Known: gpus, openai"),
        ("provider: gpus, model: x, context: 8k", CONTEXTS),
        ("provider: gpus, model: x, context: [4096, 0]",
         CONTEXTS),
        ("provider: gpus, model: x, context: []",
         CONTEXTS),
        ("provider: gpus, model: x, context: [4096, 4096]", "7:45: `context` has the same size twice"),
        ("provider: gpus, model: x, context: [1, 2, 3, 4, 5, 6, 7, 8, 9]",
         "7:45: `context` has 9 sizes; each is a load of its own, so give 8 at most"),
        ("provider: gpus, model: x, context: [4096, 8192]",
         "7:45: several sizes are for Ollama; `gpus` is of `kind: openai_compatible`, which has one"),
        ("provider: gpus, model: x, keep_alive: -1",
         "7:36: `keep_alive` is for Ollama; `gpus` is of `kind: openai_compatible`"),
        ("provider: gpus, model: x, api: messages", "7:41: `api` takes chat, responses; not `messages`"),
        ("provider: gpus, model: x, limits: {}",
         "7:44: `limits` limits nothing: give `rpm`, `tpm`, `parallel`, `budget` or `budget_soft`"),
        ("provider: gpus, model: x, limits: {rpm: 0}", "7:50: `rpm` must be above 0"),
        ("provider: gpus, model: x, limits: {budget: 5/year}",
         "7:53: `budget` takes dollars for a day, a week or a month, such as `100/month` or `2.50/day`"),
        ("provider: gpus, model: x, limits: {budget: [5/day, 6/day]}",
         "7:44: `limits` has a `budget` for the day twice"),
        ("provider: gpus, model: x, limits: {budget: 5, budget_soft: 6}",
         "7:44: `limits` has a `budget_soft` above the `budget` of the month: nobody would ever be told"),
        ("provider: gpus, model: x, price: cheap",
         "7:43: `price` takes `free`, or {input: 0.15, output: 0.60} in dollars per million tokens"),
        ("provider: gpus, model: x, price: {input: -1, output: 1}", "7:51: `input` must be at least 0"),
        ("provider: gpus, model: x, abilities: [tool]",
         f"7:48: `abilities` takes {', '.join(sorted({*ABILITIES, 'embeddings'}))}; not `tool`, did you mean `tools`?"),
    ],
)  # fmt: skip
def test_problems_of_targets(fields: str, message: str) -> None:
    assert one_problem(with_target(fields)) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("unit: key", "10:5: the route names no target: add `use`, or `baseline` and `candidate`"),
        ("use: mini, baseline: llama",
         "10:36: `use` is for routes with one target; with `baseline` and `candidate` leave it out"),
        ("candidate: llama, share: 5%", "10:36: `candidate` needs a `baseline` to be compared with"),
        ("use: mini, share: 5%", "10:47: `share` is for routes with a `candidate`"),
        ("baseline: mini, pilots: [ann]", "10:52: `pilots` is for routes with a `candidate`"),
        ("baseline: mini, candidate: llama, pilots: ['user:a'], unit: key",
         "10:79: `user:a` is never seen with `unit: key`; name a `key:`, `app:` or `team:`"),
        ("baseline: mini, candidate: llama, pilots: [ann, 'team:']",
         "10:84: `team:` names nobody; write a name behind it"),
        ("use: mini, candidate_may_rescue: true", "10:47: `candidate_may_rescue` is for routes with a `candidate`"),
        ("baseline: mini, candidate: mini, share: 5%", "10:52: `candidate` and `baseline` are the same target"),
        ("baseline: mini, candidate: llama",
         "10:52: `candidate` gets no traffic: add a `share`, such as 5%, a `rollout`, or `pilots`"),
        ("baseline: mini, candidate: llama, share: 5%, rollout: fast",
         "10:70: `share` is what the rollout `fast` sets; leave out one of them"),
        ("baseline: mini, candidate: llama, share: 101%", "10:77: `share` is more than 100%"),
        ("baseline: mini, candidate: llama, share: 25", "10:77: `share` takes a percentage, such as 25%"),
        ("baseline: mini, candidate: llama, share: 0.001%", "10:77: `share` is finer than 0.01%"),
        ("baseline: mini, candidate: llama, share: 5%, fallback: llama",
         "10:81: `fallback` lists the candidate; if it may rescue the baseline, add `candidate_may_rescue: true`"),
        ("use: mini, fallback: [lama]", "10:58: unknown target `lama`, did you mean `llama`? Known: llama, mini"),
        ("use: mini, fallback: lama", "10:57: unknown target `lama`, did you mean `llama`? Known: llama, mini"),
        ("use: mini, unit: user", "10:53: `unit` takes conversation, key; not `user`"),
        ("use: mini, on_ledger_down: stop", "10:63: `on_ledger_down` takes serve, refuse; not `stop`"),
        ("use: mini, rollout: fast", "10:47: `rollout` is for routes with a `candidate`"),
        ("use: mini, shadow: 20%", "10:55: `shadow` takes keys and values, as in {key: value}"),
        ("use: mini, shadow: {rate: 20%}",
         "10:47: `shadow` asks the other arm, so it is for routes with a `baseline` and a `candidate`"),
        ("use: mini, budget: 5", "10:47: `budget` is not yet supported"),
        ("use: mini, boundary: local", "10:41: `mini` is in the cloud; `boundary: local` lets nothing leave"),
        ("use: mini, data: personal",
         "10:53: data of class personal may not leave, and all targets here are in the cloud"),
        ("use: mini, data: secrets",
         f"10:53: `data` takes {', '.join(DATA_CLASSES)}; not `secrets`, did you mean `secret`?"),
        ("use: mini, boundary: cloud", "10:57: `boundary` takes local; not `cloud`"),
        ("use: llama, boundary: local, fallback: [mini]",
         "10:76: `mini` is in the cloud; `boundary: local` lets nothing leave"),
        ("use: llama, boundary: local, fallback: mini",
         "10:75: `mini` is in the cloud; `boundary: local` lets nothing leave"),
        ("baseline: mini, candidate: llama, share: 5%, boundary: local",
         "10:46: `mini` is in the cloud; `boundary: local` lets nothing leave"),
        ("baseline: llama, candidate: mini, share: 5%, boundary: local",
         "10:64: `mini` is in the cloud; `boundary: local` lets nothing leave"),
        ("use: mini, fallback: [llama, mini]",
         "10:65: `mini` is what the route tries first; a fallback is another target"),
        ("baseline: mini, fallback: mini",
         "10:62: `mini` is what the route tries first; a fallback is another target"),
        ("use: mini, fallback: [llama, llama]", "10:65: `llama` is in `fallback` twice; each target is tried once"),
        ("use: mini, deadlines: {idle: 2m, total: 60s}",
         "10:58: `deadlines` has a `total` that is shorter than one of its parts"),
        ("use: mini, deadlines: {first: 2s}",
         "10:59: unknown key `first`, did you mean `first_byte`? Known: connect, first_byte, idle, total"),
    ],
)  # fmt: skip
def test_problems_of_routes(fields: str, message: str) -> None:
    assert one_problem(with_route(fields)) == message


def test_a_route_without_a_name_is_refused() -> None:
    assert one_problem(GOOD.replace("name: trial, ", "")) == "10:5: `name` is missing"


def test_two_routes_of_one_name_are_refused() -> None:
    text = with_route("use: mini").replace("name: mine", "name: trial")
    assert one_problem(text) == "11:12: there are two routes `trial`"


@pytest.mark.parametrize("when", ["", "when: {}, ", "when: {model: '*'}, ", "when: {model: [x, '*']}, ", "when: , "])
def test_a_route_behind_one_that_takes_everything_is_refused(when: str) -> None:
    text = GOOD.replace("routes:\n", f"routes:\n  - {{name: all, {when}use: mini}}\n")
    assert one_problem(text) == "11:5: never reached: `all` before it takes every request; the first match wins"


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("")
    provider = "kind: openai_compatible, base_url: https://gpu/v1, tls: {certificate: a.pem}"
    message = "4:66: `tls` needs `certificate` and `key`, or neither"
    assert one_problem(with_provider(provider), tmp_path / "f.yaml") == message


def test_a_key_that_is_here_twice_is_refused() -> None:
    text = GOOD + "listen: 127.0.0.1:5000\n"
    assert one_problem(text) == "11:1: `listen` is here twice, first in line 1"


def test_anchors_save_writing() -> None:
    text = with_provider("kind: openai_compatible, base_url: http://a/v1, deadlines: &short {idle: 5s}")
    text = text.replace("gpus: {", "gpus: {deadlines: *short, ")
    assert sound(text).providers["gpus"].deadlines.idle == 5.0


@pytest.mark.parametrize("text", ["just text", "- a\n- b", "5"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "1:1: a configuration is a mapping, as in `listen: 127.0.0.1:4000`" in problems(text)


@pytest.mark.parametrize("section", ["providers", "targets", "routes"])
def test_a_section_of_the_wrong_shape_is_refused(section: str) -> None:
    lines = {"providers": "providers: [a]", "targets": "targets: text", "routes": "routes: {a: b}"}
    takes = "a list" if section == "routes" else "a mapping of names"
    assert any(f"`{section}` takes {takes}" in problem for problem in problems(lines[section]))


def test_a_file_that_serves_nothing_says_what_is_missing() -> None:
    assert problems("listen: 127.0.0.1:4000") == [
        f"1:1: there are no `{section}`, so nothing could be served" for section in ("providers", "routes", "targets")
    ]


SECRET = "sk-proj-9f8e7d6c5b4a"


@pytest.mark.parametrize(
    "text",
    [
        with_provider(f"kind: openai, api_key: {SECRET}"),
        with_provider(f"kind: openai, api_key: [{SECRET}]"),
        with_provider(f"kind: openai, api_key: {{key: {SECRET}}}"),
        with_provider(f"kind: openai, api_key: env:{SECRET}"),
        with_provider(f"kind: openai_compatible, base_url: 'http://u:{SECRET}@gpu/v1'"),
        with_provider(f"kind: openai_compatible, base_url: 'http://gpu/v1?key={SECRET}'"),
        with_provider(f"kind: openai_compatible, base_url: '{SECRET}'"),
        with_provider(f"kind: openai_compatible, base_url: http://gpu/v1, headers: {{authorization: Bearer {SECRET}}}"),
        with_provider(f"kind: openai_compatible, base_url: http://gpu/v1, headers: {{x-api-key: {SECRET}}}"),
        with_provider(f"kind: openai_compatible, base_url: http://gpu/v1, headers: {{x-a: [{SECRET}]}}"),
        with_provider(f"kind: openai_compatible, base_url: http://gpu/v1, proxy: 'http://u:{SECRET}@p:1'"),
        with_line(f"admin_token: {SECRET}"),
        with_line(f"admin_token: [{SECRET}]"),
        with_line(f"store: postgresql://u:{SECRET}@db/x"),
        with_line(f"admin: {SECRET}"),
    ],
)
def test_no_problem_repeats_a_secret(text: str) -> None:
    with pytest.raises(ConfigErrors) as error:
        read(text.encode(), FILE)
    assert SECRET not in str(error.value)
    assert SECRET not in repr(error.value.problems)


def test_a_file_that_is_not_there_is_a_problem_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="can't be read: No such file or directory"):
        load(tmp_path / "none.yaml")


def test_a_folder_or_a_device_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(ConfigErrors, match="is not a file"):
            load(path)


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    with file.open("wb") as out:
        out.truncate(10**12)
    with pytest.raises(ConfigErrors, match="larger than 4 MB"):
        load(file)


def test_a_thousand_routes_are_read_in_reasonable_time() -> None:
    text = GOOD + "".join(f"  - {{name: r{n}, when: {{model: m{n}, team: [a, b]}}, use: mini}}\n" for n in range(1000))
    assert len(sound(text).routes) == 1001
