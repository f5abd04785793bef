"""Learning streams in the read model: incremental equals rebuilt in every column, also after a grace was changed."""

from collections.abc import Sequence
from contextlib import closing
from random import Random
from uuid import uuid5

import pytest

from histories.causes import make_cause
from histories.recording import one_log
from infra.projecting.registries import everything, fill
from knelpunt.domain.event import Actor, Event, Fact
from knelpunt.domain.ids import NAMESPACE
from knelpunt.domain.registry.facts import STREAM, GraceChanged, TermChanged
from knelpunt.domain.vocabulary import GapKind, Role, Term
from knelpunt.infra.projecting import bringing
from knelpunt.infra.projecting import projector as projecting
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild

CAUSES = 12


def log_of(seed: int, changes: Sequence[Fact] = ()) -> list[Event]:
    """Several causes as recorded side by side, and changes of the registry's own in the midst of them."""
    rng = Random(seed)
    events = one_log([event for _ in range(CAUSES) for event in make_cause(rng)])
    actor = Actor("urn:org:GEM", Role.ADMINISTRATOR, "somebody")
    for number, fact in enumerate(changes):
        near = events[len(events) * (number + 1) // (len(changes) + 1)]
        id_ = uuid5(NAMESPACE, f"change {seed} {number}")
        at = near.recorded_at
        events.append(Event(id_, STREAM, number + 1, 0, at, at, actor, id_, fact))
    return one_log(events)


def catch_up(url: str) -> int:
    with closing(Projector(url)) as projector:
        return projector.catch_up()


@pytest.mark.parametrize(("batch", "seed"), [(1, 1), (7, 2), (1_000, 3)])
def test_batches_of_any_size_equal_a_rebuild(registry_url, monkeypatch, batch, seed) -> None:
    """Live rows equal rebuilt ones in every column, whatever came in one transaction, under changing graces."""
    monkeypatch.setattr(projecting, "BATCH_EVENTS", batch)
    monkeypatch.setattr(bringing, "TIMELINES_KEPT", 4)
    log = log_of(seed, (GraceChanged(GapKind.CAUSE_UNOWNED, 3), TermChanged(Term.RESPOND_BY, 30)))
    fill(registry_url, log)
    assert catch_up(registry_url) == len(log) - 1
    live = everything(registry_url)
    assert rebuild(registry_url, workers=1) == len(log) - 1
    assert everything(registry_url) == live
    assert live["stream_state"]
    assert live["stream_link"]
    assert live["gap_state"]
    assert live["todo_state"]
