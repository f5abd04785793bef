"""What GraphQL answers of learning streams at two times: the same as where nothing else was ever recorded."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from graph.given import Asked
from histories.machine import NUDGES, TERMS
from histories.mixed import make_mixed
from infra.projecting.registries import PAST, organisation_events, seen_at
from knelpunt.domain.event import Event
from knelpunt.infra.identity.development import DevelopmentIssuer

STREAM = (
    "id begunAt organisations { identifier } gaps(counts: null) { id kind from until open days toAct { identifier } } "
    "conflicts { code event { id } }"
)
LISTS = {
    "causes": "statement locus theme barrier { slug } status owner { identifier } proposals { owner { identifier } "
    "proposedAt accepted } endedAt links { obstacle { id } linkedAt } failureCostTotals { per euros } "
    "ladder { level } nextStep { level because candidates { identifier } } months { month obstacles } "
    "measures { id due implementedAt recurrence { before after stopped } evaluations { stopped } }",
    "dialogues": "convener { identifier } theme problem status participants { role } experiences { text } "
    "bottlenecks { causes { id status } } firstPartClosedAt views { text } options { proposal } actionTeam { "
    "organisations { identifier } } steps { due status overdue settledAt organisation { identifier } } concludedAt "
    "causes { id } policyDossiers { id }",
    "investigations": "question programme status cases { id } dialogues { id status } findings { removed causes { id "
    "} } publishedAt followUps { due doneAt }",
    "policyDossiers": "owner { identifier } theme status openQuestions questions { question versions { occurredAt } } "
    "involvements { stage how influence } barriersMet { barrier { slug } } promises { due status overdue keptAt } "
    "causes { id } dialogues { id } signals { reply }",
    "networks": "name status members { identifier } memberships { organisation { identifier } occurredAt leftAt } "
    "themes signals { to { identifier } members { identifier } respondBy reply } challenges { takenUp { organisation { "
    "identifier } } } helpAsked { offers { organisation { identifier } } } vitality { lastDoneAt activeMembers "
    "members }",
    "experiments": "runBy { identifier } theme status causes { id } finding concludedAt adoptions { organisation { "
    "identifier } }",
}


def answers(asked: Asked, as_of: datetime, known_at: datetime | None) -> dict[str, Any]:
    """What a registry answers about all that it learnt; the moments of recording are in none of it."""
    lens = f'asOf: "{as_of.isoformat()}"' + (f', knownAt: "{known_at.isoformat()}"' if known_at else "")
    found: dict[str, Any] = {}
    for name, selection in LISTS.items():
        found[name] = asked.ask(
            f"{{ registry({lens}) {{ {name}(first: 20) {{ totalCount nodes {{ {STREAM} {selection} }} }} }} }}"
        )["registry"][name]
    return found


def asked_at(rng: Random, log: Sequence[Event]) -> tuple[datetime, datetime]:
    """Two times that matter, late enough that there is something to tell."""
    as_of = rng.choice(log[len(log) // 3 :]).occurred_at + rng.choice(TERMS) + rng.choice(NUDGES)
    return as_of, rng.choice(log[len(log) // 2 :]).recorded_at + rng.choice(NUDGES)


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param((0,), id="0"),
        pytest.param(range(1, 30), id="many", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_answers_are_those_of_a_registry_that_knew_no_more(
    new_registry: Callable[[], str], tmp_path: Path, seeds: Sequence[int]
) -> None:
    """Every list, and all that is asked of what stands in it, at (A, K): as where only what was known by K is held."""
    issuer = DevelopmentIssuer.at(tmp_path)
    for seed in seeds:
        rng = Random(f"answers {seed}")
        log = make_mixed(rng, organisation_events(rng), PAST)
        with asyncio.Runner() as runner, closing(Asked(new_registry(), issuer, runner)) as whole:
            whole.history(log)
            assert all(one["totalCount"] for one in answers(whole, datetime.now(UTC), None).values())
            for _ in range(2):
                as_of, known_at = asked_at(rng, log)
                with closing(Asked(new_registry(), issuer, runner)) as fresh:
                    fresh.history([replace(event, source="a test") for event in seen_at(log, as_of, known_at)])
                    assert answers(whole, as_of, known_at) == answers(fresh, as_of, None), (seed, as_of, known_at)
