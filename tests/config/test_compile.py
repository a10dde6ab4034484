from datetime import date
from pathlib import Path

import msgspec
import pytest

from earthward.config.compile import compile
from earthward.config.load import Configuration, read
from earthward.config.money import unpacked
from earthward.config.snapshot import DeadlineChange, Deadlines, Limits, Price, Snapshot, Tls
from earthward.engine.server import Settings
from earthward.providers import KINDS

DAY = date(2026, 1, 1)
TEXT = """\
auth: open
access_log: true
durability: strict
cors: https://app.example
limits: {body: 8 MB, head_deadline: 5s}
providers:
  openai: {kind: openai, api_key: [env:A, "file:keys/b"], headers: {OpenAI-Project: p1}}
  gpus:
    kind: openai_compatible
    endpoints: [http://gpu-1:8000/v1, {url: http://gpu-2:8000/v1, slots: 4}]
    deadlines: {connect: 500ms, first_byte: 2m}
    proxy: http://proxy:3128
  groq: {kind: openai_compatible, base_url: https://api.groq.com/openai/v1, api_key: env:G, zone: cloud}
  tiny: {kind: embedded}
targets:
  mini: {provider: openai, model: gpt-4o-mini, abilities: [stream, tools]}
  own: {provider: openai, model: gpt-4o-mini, price: {input: 1, output: 2.5}}
  odd: {provider: openai, model: no-such-model}
  llama: {provider: gpus, model: "llama3.1:8b", context: 16384, price: free}
  groq: {provider: groq, model: llama-3.3-70b-versatile}
  smol: {provider: tiny, model: smollm2}
routes:
  - {name: trial, when: {model: ["gpt-*", o3], task: chat}, baseline: mini, candidate: llama, share: 12.5%,
     pilots: [ann], fallback: [smol], candidate_may_rescue: true, on_ledger_down: refuse}
  - {name: rest, use: smol}
"""


def configuration(text: str = TEXT) -> Configuration:
    return read(text.encode(), Path("/etc/earthward.yaml"))


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return compile(configuration(), day=DAY)


def test_a_snapshot_reads_back_as_what_was_written(snapshot: Snapshot) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot) == snapshot


def test_the_same_file_compiles_to_the_same_snapshot(snapshot: Snapshot) -> None:
    assert compile(configuration(), day=DAY) == snapshot
    assert snapshot.version == snapshot.digest[:12] == configuration().digest[:12]
    assert compile(configuration(TEXT + "\n"), day=DAY).version != snapshot.version


def test_what_the_file_says_is_in_the_snapshot(snapshot: Snapshot) -> None:
    assert (snapshot.auth, snapshot.access_log, snapshot.durability) == ("open", True, "strict")
    assert snapshot.cors == ("https://app.example",)
    assert snapshot.limits == Limits(body=8 * 1024 * 1024, head_deadline=5.0)


def test_providers(snapshot: Snapshot) -> None:
    openai, gpus, groq, tiny = snapshot.providers
    assert openai.api_keys == ("env:A", "file:/etc/keys/b")
    assert openai.headers == (("openai-project", "p1"),)
    assert (openai.zone, openai.dialect, openai.tls) == ("cloud", "openai_chat", Tls())
    assert [endpoint.url for endpoint in openai.endpoints] == ["https://api.openai.com/v1"]
    assert (gpus.zone, gpus.proxy) == ("local", "http://proxy:3128")
    assert gpus.deadlines == Deadlines(connect=0.5, first_byte=120.0)
    assert [endpoint.slots for endpoint in gpus.endpoints] == [None, 4]
    assert groq.zone == "cloud"
    assert (tiny.zone, tiny.kind) == ("local", "embedded")
    assert [endpoint.slots for endpoint in tiny.endpoints] == [Settings(Path("m"), "m").slots], (
        "the engine's own default"
    )


def test_targets_take_zone_and_abilities_from_their_provider(snapshot: Snapshot) -> None:
    targets = {target.name: target for target in snapshot.targets}
    assert (targets["mini"].zone, targets["llama"].zone) == ("cloud", "local")
    assert targets["mini"].abilities == {"stream", "tools"}
    assert targets["own"].abilities == KINDS["openai"].abilities
    assert targets["llama"].abilities == KINDS["openai_compatible"].abilities
    assert targets["llama"].context == 16384


def test_prices_are_the_operators_else_the_vendors_else_unknown(snapshot: Snapshot) -> None:
    prices = {target.name: target.price for target in snapshot.targets}
    assert (prices["mini"].input, prices["mini"].output, prices["mini"].cached) == (150_000, 600_000, 75_000)
    assert prices["own"] == Price(1_000_000, 2_500_000, 1_000_000, 1_000_000, 0, "configuration", 1_000_000)
    assert prices["llama"] == Price(0, 0, 0, 0, 0, "configuration", 0)
    assert prices["groq"].input is not None
    assert prices["odd"] == prices["smol"] == Price()


def test_routes(snapshot: Snapshot) -> None:
    trial, rest = snapshot.routes
    assert (trial.baseline, trial.candidate, trial.share) == ("mini", "llama", 1250)
    assert (trial.when.model, trial.when.task) == (("gpt-*", "o3"), ("chat",))
    assert (trial.pilots, trial.fallback, trial.candidate_may_rescue) == ({"ann"}, ("smol",), True)
    assert trial.on_ledger_down == "refuse"
    assert (rest.use, rest.baseline, rest.share) == ("smol", None, 0)


def cells(snapshot: Snapshot) -> dict[str, int]:
    return {endpoint.url: endpoint.cell for provider in snapshot.providers for endpoint in provider.endpoints}


def fleet(*hosts: str, name: str = "gpus") -> Configuration:
    urls = ", ".join(f"http://{host}/v1" for host in hosts)
    return configuration(
        f"providers: {{{name}: {{kind: openai_compatible, endpoints: [{urls}]}}}}\n"
        f"targets: {{t: {{provider: {name}, model: m}}}}\nroutes: [{{name: r, use: t}}]\n"
    )


def test_each_endpoint_has_a_column_of_its_own(snapshot: Snapshot) -> None:
    assert sorted(cells(snapshot).values()) == [0, 1, 2, 3, 4]


def test_an_endpoint_keeps_its_column_whatever_comes_and_goes_around_it() -> None:
    first = compile(fleet("a", "b", "c"))
    second = compile(fleet("x", "c", "y", "a"), first)
    assert cells(second)["http://a/v1"] == cells(first)["http://a/v1"]
    assert cells(second)["http://c/v1"] == cells(first)["http://c/v1"]
    assert len(set(cells(second).values())) == 4


def test_a_column_just_given_up_is_not_given_to_another() -> None:
    """Requests to the one that is gone may still be in flight, and would count for the new one."""
    first = compile(fleet("a", "b"))
    second = compile(fleet("a", "c"), first)
    assert cells(second)["http://c/v1"] not in cells(first).values()


def test_when_no_other_is_left_a_given_up_column_is_taken() -> None:
    first = compile(fleet(*(f"a{number}" for number in range(512))))
    second = compile(fleet(*(f"b{number}" for number in range(512))), first)
    assert sorted(cells(second).values()) == list(range(512))


def test_the_same_address_at_another_provider_is_another_endpoint() -> None:
    first = compile(fleet("a"))
    assert cells(compile(fleet("a", name="other"), first)) != cells(first)


OLLAMA = """\
boundary: local
providers:
  house: {kind: ollama, keep_alive: 30 m, endpoints: ["http://gpu-1:11434", "http://gpu-2:11434/api", "http://gpu-3/v1/"]}
  speaks-anthropic: {kind: anthropic, base_url: "http://gpu-4:8000/v1"}
targets:
  llama: {provider: house, model: "llama3.1:8b", context: 16384}
  kept: {provider: house, model: "llama3.1:8b", keep_alive: -1}
  claude: {provider: speaks-anthropic, model: c}
  sent-on: {provider: house, model: "gpt-oss:120b-Cloud"}
routes:
  - {name: r, use: llama, deadlines: {first_byte: 20s}}
"""


def test_ollama_is_reached_by_its_own_api_however_its_address_is_written() -> None:
    house, other = compile(configuration(OLLAMA)).providers
    assert [it.url for it in house.endpoints] == ["http://gpu-1:11434", "http://gpu-2:11434", "http://gpu-3"]
    assert [KINDS["ollama"].path(it.url, "chat") for it in house.endpoints] == [b"/api/chat"] * 3
    assert KINDS["anthropic"].path(other.endpoints[0].url, "chat") == b"/v1/messages"


def test_a_model_stays_in_memory_as_long_as_its_target_says_or_else_its_provider() -> None:
    kept = {target.name: target.keep_alive for target in compile(configuration(OLLAMA)).targets}
    assert kept == {"llama": "30m", "kept": -1, "claude": None, "sent-on": "30m"}


def test_a_model_that_ollama_sends_on_is_in_the_cloud() -> None:
    zones = {target.name: target.zone for target in compile(configuration(OLLAMA)).targets}
    assert zones == {"llama": "local", "kept": "local", "claude": "local", "sent-on": "cloud"}


def test_a_cold_local_model_has_time_to_load_and_a_route_may_be_less_patient() -> None:
    found = compile(configuration(OLLAMA))
    assert found.providers[0].deadlines == Deadlines(first_byte=590.0, idle=180.0, total=1800.0)
    assert found.providers[1].deadlines == Deadlines()
    assert found.routes[0].deadlines == DeadlineChange(first_byte=20.0)
    shorter = compile(configuration(OLLAMA.replace("kind: ollama,", "kind: ollama, deadlines: {total: 1h},")))
    assert shorter.providers[0].deadlines == Deadlines(first_byte=590.0, idle=180.0, total=3600.0)


def test_a_boundary_at_the_top_is_every_routes_own() -> None:
    assert compile(configuration(OLLAMA)).routes[0].boundary == "local"
    assert compile(configuration()).routes[0].boundary is None


def test_how_long_a_callers_key_is_taken_for_accepted_is_in_the_snapshot() -> None:
    text = "auth: passthrough\nproviders: {o: {kind: openai}}\ntargets: {t: {provider: o, model: m}}\n"
    text += "routes: [{name: r, use: t}]\n"
    assert compile(configuration(text)).accepted_for == 300.0
    found = compile(configuration(text + "accepted_for: 90s"))
    assert (found.auth, found.accepted_for, found.providers[0].api_keys) == ("passthrough", 90.0, ())


def test_what_a_route_matches_counts_as_its_class_at_least() -> None:
    text = TEXT.replace("use: smol}", "use: smol, data: health}")
    assert [route.data_class for route in compile(configuration(text)).routes] == ["", "health"]


def test_targets_whose_keys_callers_bring_know_whose_callers_may() -> None:
    text = "auth: passthrough\nproviders: {o: {kind: openai}, h: {kind: ollama}}\n"
    text += "targets: {t: {provider: o, model: m}, l: {provider: h, model: m}}\nroutes: [{name: r, use: t}]\n"
    assert [target.callers_key for target in compile(configuration(text)).targets] == ["openai_chat", None]
    text = text.replace("auth: passthrough", "auth: keys").replace("kind: openai}", "kind: openai, api_key: env:K}")
    assert [target.callers_key for target in compile(configuration(text)).targets] == [None, None]


def test_the_operators_own_prices_replace_those_of_the_list_and_a_targets_own_replaces_both() -> None:
    money = 'prices: [{model: "gpt-4o*", discount: 50%}, {model: llama-3.3-70b-versatile, input: 1, output: 2}]\n'
    found = {target.name: target for target in compile(configuration(money + TEXT), day=DAY).targets}
    assert found["mini"].price.input == 75_000
    assert found["groq"].price.output == 2_000_000
    assert found["own"].price.input == 1_000_000
    assert found["smol"].price == Price()


def test_a_target_whose_price_depends_on_the_prompt_has_all_its_rates() -> None:
    text = TEXT.replace("model: no-such-model", "model: gpt-5.4")
    (odd,) = [target for target in compile(configuration(text), day=date(2026, 11, 1)).targets if target.name == "odd"]
    assert {rate.above for rate in odd.rates if rate.above > 0}


def test_what_is_said_of_money_rides_in_the_snapshot_for_the_books() -> None:
    found = compile(configuration("retention: {exchanges: 30}\nown_costs: {llama: {amortisation: 0.2}}\n" + TEXT))
    assert unpacked(found.money).retention.exchanges == 30
    assert unpacked(found.money).own_costs["llama"].amortisation == 200_000


def test_several_contexts_are_tiers_and_the_greatest_is_the_targets() -> None:
    text = """\
auth: open
providers: {gpus: {kind: ollama}, others: {kind: ollama, base_url: "http://gpu-2:11434"}}
targets:
  tiered: {provider: gpus, model: llama3, context: [32768, 4096, 16384]}
  small: {provider: gpus, model: "llama3:latest", context: 8192}
  large: {provider: gpus, model: llama3, context: 65536}
  elsewhere: {provider: others, model: llama3, context: 8192}
  unstated: {provider: gpus, model: llama3}
routes: [{name: all, use: tiered}]
"""
    found = {it.name: (it.context, it.tiers, it.widest) for it in compile(configuration(text)).targets}
    assert found == {
        "tiered": (32768, (4096, 16384, 32768), 65536),
        "small": (8192, (), 65536),
        "large": (65536, (), None),
        "elsewhere": (8192, (), None),
        "unstated": (None, (), None),
    }
