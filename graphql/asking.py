"""What resolvers have at hand for one request: who asks, and the views that the request's fields look through."""

import asyncio
from datetime import UTC, datetime

from ..projections.queries.lens import LATEST, Moment, position_at
from .ports import Asker, Pinned, Session
from .problems import Problem, ProblemCode
from .view import View, ViewOfEvents

__all__ = ["Asking"]


class Asking:
    """One request. All its views see one moment of the database, taken after every ``atLeast`` it names."""

    def __init__(self, session: Session, asker: Asker) -> None:
        self.session = session
        self.asker = asker
        self._now = datetime.now(UTC)
        self._at_least = -1
        self._pinning: asyncio.Task[Pinned] | None = None

    def wants(self, position: int | None) -> None:
        """Note a position that the answer must take in. Said by every field before any of them reads."""
        if position is not None:
            self._at_least = max(self._at_least, position)

    async def view(self, as_of: datetime | None = None, known_at: datetime | None = None) -> View:
        """Return the view at two times; each is now where it is not given. Raises ``Problem``."""
        if self._pinning is None:
            self._pinning = asyncio.get_running_loop().create_task(self._pin())
        pinned = await self._pinning
        if known_at is None:
            # While projections lag, the answer is as of the last event that they take in, and says so.
            shown = self._now if pinned.caught_up or pinned.recorded_at is None else pinned.recorded_at
            moment = Moment(as_of or self._now, LATEST)
            return View(self.session, self.asker, moment.as_of, shown, pinned.position, moment)
        moment = Moment(as_of or self._now, known_at)
        position = pinned.position
        if pinned.recorded_at is not None and known_at < pinned.recorded_at:
            position = (await self.session.rows(*position_at(known_at, pinned.position)))[0][0]
        return View(self.session, self.asker, moment.as_of, known_at, position, moment)

    def view_after(self, position: int, occurred_at: datetime | None = None) -> ViewOfEvents:
        """Return the view of now that takes in what was recorded up to a position; it reads no lists."""
        now = datetime.now(UTC)
        moment = Moment(max(now, occurred_at) if occurred_at else now, LATEST)
        return ViewOfEvents(self.session, self.asker, moment.as_of, now, position, moment)

    def view_at(self, moment: datetime, position: int) -> View:
        """Return the view of what was so at a moment by what had been recorded then, up to a position."""
        return View(self.session, self.asker, moment, moment, position, Moment(moment, moment))

    async def _pin(self) -> Pinned:
        if self._at_least >= 0 and not await self.session.reach(self._at_least):
            message = f"The projections have not reached position {self._at_least} yet; ask again in a moment."
            raise Problem(ProblemCode.NOT_YET, message, position=self._at_least)
        return await self.session.pin()
