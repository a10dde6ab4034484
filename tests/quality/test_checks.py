import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.quality.case import Call, Case, Said
from earthward.quality.checks import CHECKS, METRICS, checked, metrics_of
from earthward.quality.checks.language import language
from earthward.quality.checks.numbers import numbers
from earthward.rollout.metrics import METRICS as ROLLOUT_METRICS

ENGLISH = "The invoice is due on the first of the month, and it can be paid by card or by transfer to our account."
GERMAN = "Die Rechnung ist am Ersten des Monats fällig und kann mit Karte oder auf das Konto überwiesen werden."
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def case(baseline: str | Said = ENGLISH, candidate: str | Said = ENGLISH, prompt: str = "", **fields: object) -> Case:
    said = [it if isinstance(it, Said) else Said(it) for it in (baseline, candidate)]
    return Case(prompt, *said, **fields)


def calling(*calls: tuple[str, str]) -> Said:
    return Said(calls=tuple(Call(*call) for call in calls))


def state(name: str, it: Case) -> str:
    return CHECKS[name](it).state


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_content_with_the_baselines_own_answer(name):
    assert state(name, case()) != "bad"


@pytest.mark.parametrize("name", CHECKS)
@given(
    st.text(max_size=80),
    st.text(max_size=80),
    st.text(max_size=80),
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=2),
)
def test_no_answer_breaks_any_check(name, prompt, baseline, candidate, calls):
    said = Said(candidate, tuple(Call(*call) for call in calls))
    assert state(name, Case(prompt, Said(baseline), said, SCHEMA))


@pytest.mark.parametrize("name", METRICS)
def test_every_check_that_feeds_a_metric_feeds_one_that_there_is(name):
    assert name in CHECKS
    assert METRICS[name] in ROLLOUT_METRICS


def test_what_was_looked_at_is_told_beside_what_is_bad():
    found = checked(case(candidate="", schema=None))
    assert metrics_of(found) == (("refusal", "truncated"), ("refusal",))
    assert metrics_of(checked(case(schema=SCHEMA)))[1] == ("invalid_output",)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_answer_is_bad_unless_the_baseline_is_empty_too(text):
    assert state("empty", case(candidate=text)) == "bad"
    assert state("empty", case(text, text)) == "good"
    assert state("empty", case(candidate=calling(("pay", "{}")))) == "good"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "As an AI language model, I do not have opinions.",
        "Dabei kann ich dir leider nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, no puedo ayudarte.",
        "Mi dispiace, non posso farlo.",
    ],
)
def test_a_refusal_is_bad_where_the_baseline_answered(text):
    assert state("refusal", case(candidate=text)) == "bad"
    assert state("refusal", case(text, text)) == "not applicable"


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, "x" * 300 + " I can't", "He said he is sorry about the delay."])
def test_an_answer_is_no_refusal(text):
    assert state("refusal", case(candidate=text)) == "good"


def test_an_answer_that_calls_a_tool_refuses_nothing_whatever_it_says_beside():
    sorry = Said("I'm sorry, I can't see that from here, so I look it up.", (Call("look_up", "{}"),))
    assert state("refusal", case(candidate=sorry)) == "good"


def test_where_the_baseline_was_cut_off_too_nothing_is_said_of_that():
    cut = Said(ENGLISH[:60], finish="length")
    assert state("truncated", case(cut, cut)) == "not applicable"
    assert state("truncated", case(ENGLISH, cut)) == "bad"


def test_a_refusal_in_its_own_place_is_one():
    assert state("refusal", case(candidate=Said(refusal="No."))) == "bad"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"age": 7}', "good"),
        ('{"age": "7"}', "bad"),
        ("{}", "bad"),
        ('```json\n{"age": 7}\n```', "bad"),
        ("seven", "bad"),
        ("[" * 5000, "bad"),
    ],
)
def test_output_must_be_what_its_schema_says(text, expected):
    assert state("json_schema", case(candidate=text, schema=SCHEMA)) == expected


def test_a_refusal_is_held_to_no_schema():
    assert state("json_schema", case(candidate=Said(refusal="No."), schema=SCHEMA)) == "not applicable"


@pytest.mark.parametrize("schema", [None, {"type": 7}, {"$ref": "#/nowhere"}, {"$ref": "http://localhost:1/x"}])
def test_without_a_schema_that_can_be_followed_nothing_is_said(schema):
    assert state("tool_use", case(candidate=calling(("f", "{}")), tools={"f": schema or {}})) == "good"
    assert state("json_schema", case(candidate="{}", schema=schema)) == "not applicable"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([("pay", '{"to": "ada", "sum": 5}')], "good"),
        ([("pay", '{"sum":5,"to":"ada"}')], "good"),
        ([("pay", '{"to": "eve", "sum": 5}')], "bad"),
        ([("send", '{"to": "ada", "sum": 5}')], "bad"),
        ([("pay", '{"to": "ada"')], "bad"),
        ([("pay", "[]")], "bad"),
        ([], "bad"),
        ([("pay", '{"to": "ada", "sum": 5}')] * 2, "bad"),
    ],
)
def test_a_tool_call_must_have_the_baselines_name_and_arguments(made, expected):
    wanted = calling(("pay", '{"to": "ada", "sum": 5}'))
    assert state("tool_calls", case(wanted, calling(*made))) == expected


def test_the_order_of_calls_is_free():
    one, two = ("a", ""), ("b", '{"x": 1}')
    assert state("tool_calls", case(calling(one, two), calling(two, one))) == "good"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nprint(1)\n```", "good"),
        ("- so:\n  ```py\n  if x:\n      y()\n  ```", "good"),
        ("```python\nprint(1\n```", "bad"),
        ("```json\n{1}\n```", "bad"),
        ("```rust\nfn main( {\n```", "not applicable"),
        ("no code", "not applicable"),
        ("```python\n" + "(" * 5000 + "\n```", "bad"),
        ("```python\nx = '\\0'\n\x00\n```", "bad"),
        ('```json\n{"line": "one\u2028two"}\n```', "good"),
        ("```python\n>>> 1 + 1\n2\n```", "good"),
        ("```python\n!pip install httpx\nimport httpx\n```", "good"),
        ("```python\nx = 1\n  y = 2\n``` \n", "bad"),
        ("```python\nx = (", "not applicable"),
        ("```python\nx = (\n```py\n", "not applicable"),
        ("~~~json\r\n{}\r\n~~~\r\n", "good"),
    ],
)
def test_code_must_compile(text, expected):
    assert state("code", case(candidate=text)) == expected


@pytest.mark.parametrize(
    "text", ["```" + "a" * 200_000, "```" + " " * 200_000, "```python\n" * 20_000, "```\n~~~" * 9_000]
)
def test_fences_without_an_end_take_no_longer_than_others(text):
    """Where time grew with the square of the length, each of these took minutes."""
    assert state("code", case(candidate=text)) == "not applicable"


def test_code_is_never_run():
    text = "```python\nraise SystemExit(1)\n```"
    assert state("code", case(candidate=text)) == "good"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You owe 1250.50 by 14 May.", "good"),
        ("Sie schulden 1.250,50 bis zum 14. Mai.", "good"),
        ("You owe 1,250.50.", "bad"),
        ("You owe a lot.", "bad"),
    ],
)
def test_numbers_that_the_baseline_kept_must_be_kept(text, expected):
    prompt = "Invoice of 1,250.50, due 14 May, customer 99."
    assert state("numbers", case("1,250.50 is due on 14 May.", text, prompt)) == expected


def test_a_number_of_the_baselines_own_need_not_be_kept():
    assert state("numbers", case("It is 1250 in all.", "It is much.", prompt="How much is it?")) == "not applicable"


def test_a_call_must_be_of_a_tool_that_was_offered_with_arguments_that_it_takes():
    tools = {"pay": {"type": "object", "required": ["sum"]}}
    for made, expected in ((("pay", '{"sum": 5}'), "good"), (("pay", "{}"), "bad"), (("send", '{"sum": 5}'), "bad")):
        assert state("tool_use", case(candidate=calling(made), tools=tools)) == expected
    assert state("tool_use", case(candidate=calling(("send", "{}")))) == "good", "of what was offered nothing is known"


def test_numbers_are_the_same_however_they_are_written():
    assert numbers("1,250.50 1.250,5 1250.5 1 250,50") == {"1250.5"}
    assert numbers("7 a12 v1.2.3") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://docs.example/a.", "good"),
        ("See https://docs.example/b.", "bad"),
        ("See above.", "not applicable"),
    ],
)
def test_links_must_come_from_somewhere(text, expected):
    assert state("citations", case(candidate=text, prompt="as in https://docs.example/a/")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, "English"),
        (GERMAN, "German"),
        ("Les factures sont dues le premier du mois et vous pouvez payer par carte ou par virement.", "French"),
        ("La factura se paga el primero del mes y se puede pagar con tarjeta o por transferencia.", "Spanish"),
        ("Счёт оплачивается первого числа каждого месяца.", "Cyrillic"),
        ("請求書は毎月一日に支払われます。", "Japanese"),
        ("发票在每月的第一天到期，可以用卡支付。", "Cjk"),
        ("OK.", None),
        ("", None),
        ("xyzzy plugh quux frobnicate zork grue nitfol gnusto rezrov", None),
    ],
)
def test_a_language_is_told_or_left_open(text, expected):
    assert language(text) == expected


def test_an_answer_in_another_language_is_bad():
    assert state("language", case(ENGLISH, GERMAN)) == "bad"
    assert state("language", case(ENGLISH, "OK.")) == "not applicable"


@pytest.mark.parametrize(
    ("length", "expected"), [(0, "not applicable"), (20, "bad"), (60, "good"), (400, "good"), (900, "bad")]
)
def test_a_length_far_from_the_baselines_is_bad(length, expected):
    assert state("length", case("x" * 200, "x" * length)) == expected
