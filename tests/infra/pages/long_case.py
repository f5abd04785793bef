"""A case with as many events as one asks for, told as a registry hears it."""

from typing import Any

from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from knelpunt.domain.vocabulary import Role

OBSTACLES = 6
DAYS = 1_500
ROUND = 8
"""Events of one round over an obstacle: asked and refused, referred, asked and taken over, and what is done with it."""


def tell_long_case(asked: Asked, events: int) -> str:
    """Record a case of so many events over some four years, with obstacles that go round; return its reference.

    The registry must know the organisations.
    """
    story = Story(asked, DAYS)
    held = {story.report(1 + number): GEMEENTE for number in range(OBSTACLES)}
    told = 1 + OBSTACLES
    obstacles = list(held)

    def done(mutation: str, **given: Any) -> Any:
        nonlocal told
        told += 1
        who = asked.asker(given.pop("by"), Role.AGENCY)
        return story.done(mutation, 10 + told * (DAYS - 20) / events, given.pop("selection", ""), who, **given)

    for obstacle in obstacles:
        done("takeCustody", by=GEMEENTE, obstacle=obstacle, organisation=GEMEENTE)
    turn = 0
    while told + ROUND <= events:
        obstacle = obstacles[turn % OBSTACLES]
        holder = held[obstacle]
        first, second = (one for one in (GEMEENTE, SVB, ZORG) if one != holder)
        for to, answer in ((first, "refuseHandoff"), (second, "acceptHandoff")):
            offered = done(
                "offerHandoff", by=holder, obstacle=obstacle, **{"from": holder, "to": to}, selection="handoff"
            )["handoff"]
            more = {"ground": "NO_CAPACITY"} if answer == "refuseHandoff" else {}
            done(answer, by=to, handoff=offered, **more)
        held[obstacle] = second
        done(
            "makeContact",
            by=second,
            obstacles=[obstacle],
            organisation=second,
            channel="PHONE",
            initiatedBy="ORGANISATION",
        )
        for kind in ("INQUIRY", "LETTER", "VISIT"):
            done("takeStep", by=second, obstacle=obstacle, organisation=second, kind=kind)
        turn += 1
    while told < events:
        obstacle = obstacles[0]
        done("takeStep", by=held[obstacle], obstacle=obstacle, organisation=held[obstacle], kind="LETTER")
    return story.reference
