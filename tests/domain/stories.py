"""The situations that the tests of decisions start from, told as facts."""

from datetime import timedelta

from domain.given import CASE, GEM, START, SVB, UWV, Told, some_id
from knelpunt.domain.case import facts as f
from knelpunt.domain.ids import reference_of
from knelpunt.domain.vocabulary import NoticedBy, Origin, Outcome, RefusalGround, WaitingGround

OBSTACLE, SECOND, THIRD = some_id("obstacle"), some_id("second obstacle"), some_id("third obstacle")
HANDOFF, ANOTHER_HANDOFF = some_id("handoff"), some_id("another handoff")
SUBJECT, RELATIVE = some_id("subject"), some_id("relative")
LATER = START + timedelta(days=30)

OPENED = f.CaseOpened(reference_of(CASE), (SUBJECT,), "schulden", NoticedBy.SUBJECT)
FREE_REPORT = f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV)
HELD_REPORT = f.ObstacleReported(OBSTACLE, Origin.UNKNOWN, UWV, received_by=GEM)
SECOND_REPORT = f.ObstacleReported(SECOND, Origin.UNKNOWN, UWV, received_by=GEM)
OFFER = f.HandoffOffered(HANDOFF, OBSTACLE, GEM, UWV)
RESOLUTION = f.ObstacleResolved(OBSTACLE, GEM, Outcome.REMOVED)
CONTEST = f.ResolutionContested(OBSTACLE, f.Party(subject=SUBJECT), LATER)
WAITING = f.WaitingBegan(OBSTACLE, GEM, WaitingGround.ADVICE)

OPEN_CASE = (OPENED,)
FREE = (OPENED, FREE_REPORT)
HELD = (OPENED, HELD_REPORT)
TWO = (*HELD, SECOND_REPORT)
OFFERED = (*HELD, OFFER)
REFUSED = (*OFFERED, Told(f.HandoffRefused(HANDOFF, RefusalGround.NO_CAPACITY), UWV))
SETTLED = (*HELD, RESOLUTION)
CONTESTED = (*SETTLED, CONTEST)
WAITING_CASE = (*HELD, WAITING)
CLOSED = (*HELD, f.CaseClosed(SVB))
"""Whose obstacle nobody holds from then on."""
