import pytest

from earthward.chat.usage import UNKNOWN, Count, Usage
from earthward.ledger.by_field import by_field


def test_each_field_comes_with_the_values_of_all_in_their_order():
    usage = by_field([Usage(Count.reported(1)), Usage(Count.estimated(2), written_for_an_hour=3)])
    assert by_field(usage.input).tokens == (1, 2)
    assert by_field(usage.input).source == ("reported", "estimated")
    assert usage.output == (UNKNOWN, UNKNOWN)
    assert usage.written_for_an_hour == (0, 3)


def test_structs_of_two_types_are_no_columns():
    with pytest.raises(ValueError, match="argument"):
        by_field([Usage(), Count()])
