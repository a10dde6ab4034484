"""What is put on record of a question that no caller asked: booked as a shadow or a judge, and as nothing else."""

from earthward.chat.failures import FailureKind
from earthward.control.asking import Answered
from earthward.gateway.crossing import ON_RECORD
from earthward.gateway.samples import Sample
from earthward.gateway.serving import ServingTarget
from earthward.ledger.record import Attempt, Record, Status

MADE_ROOM = "given up, since users needed the slot"


def record_of(sample: Sample, path: str, id: str, target: ServingTarget, answered: Answered, why: str) -> Record:
    """The record. Its arm is `only`: nobody was drawn, and what it says of an arm is told in pairs."""
    failure = answered.failure
    kind = FailureKind.CLIENT_GONE if answered.gave_way else failure.kind if failure else None
    message = MADE_ROOM if answered.gave_way else failure.for_the_record if failure else None
    status: Status = "cancelled" if answered.gave_way else "failed" if failure else "ok"
    answer = answered.answer
    attempt = Attempt(
        target.name,
        answered.endpoint,
        why,
        answered.started_at,
        answered.duration,
        answered.status,
        kind,
        message,
        answered.usage,
        answered.cost,
    )
    return Record(
        id,
        answered.started_at,
        status,
        first_content=answered.first_content,
        duration=answered.duration,
        dialect=target.dialect,
        path=path,
        requested_model=target.target.model,
        stream=answered.stream,
        app=sample.app,
        team=sample.team,
        task=sample.task,
        data_class=sample.data_class,
        unit=sample.unit,
        route=sample.route,
        target=target.name,
        endpoint=answered.endpoint,
        upstream_dialect=target.dialect,
        model=target.target.model,
        attempts=(attempt,),
        http_status=answered.status or 0,
        failure=kind,
        message=message,
        finish_reason=ON_RECORD[answer.choices[0].reason] if answer is not None and answer.choices else None,
        usage=answered.usage,
        cost=answered.cost,
    )
