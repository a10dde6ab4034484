"""Figures for Prometheus on rollouts, and on who is told of them."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from earthward.control.drills import Drilled
from earthward.control.notifier import Told
from earthward.control.standing import Standing
from earthward.rollout.event import WHOLE

Family = GaugeMetricFamily | CounterMetricFamily


def rollout_families(rollouts: Iterable[Standing]) -> Iterator[Family]:
    share = GaugeMetricFamily("earthward_rollout_share", "The candidate's share, as a fraction.", labels=["route"])
    text = "Where the rollout stands; `problem` is 1 where it can't go on."
    phase = GaugeMetricFamily("earthward_rollout_phase", text, labels=["route", "phase", "paused", "problem"])
    moves = GaugeMetricFamily("earthward_rollout_moves", "Entries in the rollout's history.", labels=["route"])
    for it in rollouts:
        share.add_metric([it.route], it.share / WHOLE)
        phase.add_metric([it.route, it.phase, it.paused or "", "1" if it.problem else ""], 1)
        moves.add_metric([it.route], it.moves)
    yield from (share, phase, moves)


def drill_families(drills: Mapping[str, Drilled]) -> Iterator[Family]:
    labels = ["route", "result"]
    went = CounterMetricFamily("earthward_drills", "Requests drilled through the emergency path.", labels=labels)
    text = "1 where the last drills failed: the emergency path does not work."
    failing = GaugeMetricFamily("earthward_drill_failing", text, labels=["route"])
    for route, it in list(drills.items()):
        went.add_metric([route, "worked"], it.worked)
        went.add_metric([route, "failed"], it.failed)
        failing.add_metric([route], it.is_failing)
    yield from (went, failing)


def notice_families(notices: Iterable[Told]) -> Iterator[Family]:
    waiting = GaugeMetricFamily("earthward_notices_waiting", "Events a hook was not told of yet.", labels=["hook"])
    told = CounterMetricFamily("earthward_notices", "Events a hook was told of.", labels=["hook"])
    text = "Events a hook is not told of any more: too many waited, or for too long."
    given_up = CounterMetricFamily("earthward_notices_given_up", text, labels=["hook"])
    for it in notices:
        waiting.add_metric([it.hook], it.waiting)
        told.add_metric([it.hook], it.told)
        given_up.add_metric([it.hook], it.given_up)
    yield from (waiting, told, given_up)
