"""A derived answer in the oracle's plain form, so that the two can be held side by side."""

from collections.abc import Sequence
from typing import Any

from knelpunt.domain.event import Event
from knelpunt.projections.derivation.answer import CaseAnswer
from knelpunt.projections.derivation.shapes import Figures
from oracle.answers import OAnswer, OFigures, OGap, OSegment


def plainly(given: CaseAnswer) -> OAnswer:
    """Return an answer as the oracle would have written it, in the order in which it was given."""
    return OAnswer(
        segments=[
            OSegment(s.obstacle, str(s.kind), s.organisation, s.claimed, s.from_, s.until, s.entered_by, s.left_by)
            for s in given.segments
        ],
        gaps=[
            OGap(
                obstacle=gap.obstacle,
                kind=gap.kind,
                from_=gap.from_,
                until=gap.until,
                open=gap.open,
                counts=gap.counts(given.as_of),
                lasted=gap.lasted(given.as_of),
                to_act=gap.to_act,
                involved=gap.involved,
                length=gap.length,
                begun_by=gap.begun_by,
            )
            for gap in given.gaps
        ],
        conflicts={conflict.event for conflict in given.conflicts},
        figures={one.obstacle: _figures(one.figures) for one in given.obstacles},
        said={(event.id, target) for event, target in given.said},
    )


def _figures(figures: Figures) -> OFigures:
    return OFigures(
        organisations=len(figures.organisations),
        offered=figures.handoffs_offered,
        accepted=figures.handoffs_accepted,
        refused=figures.handoffs_refused,
        referrals=figures.referrals,
        contacts=figures.contacts,
        story_retold=figures.story_retold,
        days_open=figures.open_for,
        days_in_gap=figures.in_a_gap,
        longest_gap=figures.longest_gap,
        fell=figures.fell_between_the_cracks,
    )


def in_one_order(plain: OAnswer) -> dict[str, Any]:
    """Return the parts of an answer in an order that both sides can be brought into.

    Segments keep their order within an obstacle's chain, which is part of the answer; gaps have none of their own.
    """
    return {
        "segments": sorted(plain.segments, key=lambda s: str(s.obstacle)),
        "gaps": sorted(plain.gaps, key=repr),
        "conflicts": plain.conflicts,
        "figures": plain.figures,
        "said": plain.said,
    }


def differences(one: OAnswer, other: OAnswer) -> dict[str, Any]:
    """Return the parts in which two answers differ, each as (one's, the other's): empty if they say the same."""
    left, right = in_one_order(one), in_one_order(other)
    return {part: (left[part], right[part]) for part in left if left[part] != right[part]}


def shown(history: Sequence[Event]) -> str:
    """Return a history for a person who looks for a mistake: one line an event, in the order of recording."""
    return "\n".join(
        f"{e.position:3} {e.occurred_at:%Y-%m-%d %H:%M:%S.%f} recorded {e.recorded_at:%Y-%m-%d %H:%M:%S.%f} "
        f"by {e.actor.organisation}{' (inferred)' if e.inferred else ''} {e.id} {e.data}"
        for e in history
    )
