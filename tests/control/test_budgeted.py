import pytest

from earthward.chat import ChatRequest
from earthward.control.budgeted import MOST_ANSWERED, most_of


@pytest.mark.parametrize(("stated", "most"), [(None, MOST_ANSWERED), (0, MOST_ANSWERED), (-1, MOST_ANSWERED), (7, 7)])
def test_a_shadow_whose_request_states_no_limit_in_any_way_gets_one(stated, most):
    assert most_of(ChatRequest("m", (), max_tokens=stated)) == most
