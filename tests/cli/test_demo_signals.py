import signal

import pytest

from earthward.cli.demo_signals import ENDINGS, Ended, Signals


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_ends_it_as_an_error_does(number):
    before = signal.getsignal(number)
    with pytest.raises(Ended) as ended, Signals():
        signal.raise_signal(number)
    assert ended.value.status == 128 + number
    assert signal.getsignal(number) is before


def test_what_is_under_way_comes_to_its_end_first():
    done = []
    with pytest.raises(Ended), Signals() as signals, signals.hold():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        done.append("started and noted down")
    assert done


def test_an_error_on_the_way_is_not_hidden_by_a_signal():
    with pytest.raises(ZeroDivisionError), Signals() as signals, signals.hold():
        signal.raise_signal(signal.SIGTERM)
        raise ZeroDivisionError
