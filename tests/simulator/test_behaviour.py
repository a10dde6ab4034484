import pytest

from earthward.simulator.behaviour import BadScript, behaviour, directive, layer, split_model


def test_later_layers_lie_over_earlier_ones():
    made = behaviour({"tokens": 5, "rate": 10}, {"tokens": 7}, {})
    assert (made.tokens, made.rate) == (7, 10)


def test_numbers_may_be_written_as_text():
    made = behaviour({"tokens": "5", "rate": "2.5", "stamp": "1", "fault": 500})
    assert (made.tokens, made.rate, made.stamp, made.fault) == (5, 2.5, True, "500")


def test_an_unknown_field_is_refused_with_the_nearest_and_all_known_names():
    with pytest.raises(BadScript, match=r"unknown field 'tokns' \(did you mean 'tokens'\?\); known: text, say"):
        behaviour({"tokns": 5})


@pytest.mark.parametrize(
    "wrong", [{"tokens": "many"}, {"tokens": -1}, {"chunk": 0}, {"fragment": 0}, {"jitter": 2}, {"text": "poems"}]
)
def test_values_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadScript):
        behaviour(wrong)


def test_the_pause_follows_from_the_rate_unless_a_gap_is_given():
    assert behaviour({"rate": 50}).pause == pytest.approx(0.02)
    assert behaviour({"rate": 50, "chunk": 5}).pause == pytest.approx(0.1)
    assert behaviour({"rate": 50, "gap": 0.5}).pause == 0.5
    assert behaviour().pause == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", None),
        ("my sim: card does not work", None),
        ("hello sim:tokens=5", "tokens=5"),
        ("sim: tokens=5, fault=500 and then prose", "tokens=5, fault=500"),
        ('sim: {"tokens": 5}', '{"tokens": 5}'),
        ("sim:tokens=1\nsim:tokens=2", "tokens=2"),
        ("maxsim:tokens=5", None),
    ],
)
def test_a_directive_is_found_where_it_can_be_read_as_one(text, found):
    assert directive(text) == found


@pytest.mark.parametrize(
    ("model", "split"),
    [
        ("gpt-4o", ("gpt-4o", None)),
        ("gpt-4o sim:tokens=5", ("gpt-4o", "tokens=5")),
        ("gpt-4o+sim:fault=500", ("gpt-4o", "fault=500")),
        ('gpt-4o sim:{"tokens":5}', ("gpt-4o", '{"tokens":5}')),
    ],
)
def test_a_model_name_is_freed_of_its_directive(model, split):
    assert split_model(model) == split


def test_a_layer_is_an_object_or_a_list_of_names_and_values():
    assert layer('{"tokens": 5}') == {"tokens": 5}
    assert layer("tokens=5 fault=500") == {"tokens": "5", "fault": "500"}


@pytest.mark.parametrize("written", ["{", '{"tokens"}', "tokens", "{]"])
def test_what_cannot_be_read_is_refused_by_its_text(written):
    with pytest.raises(BadScript, match="cannot read"):
        layer(written)
