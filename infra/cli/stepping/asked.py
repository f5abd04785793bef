"""Asking behind the screen: no key waits for an answer.

One thread asks, one question at a time: first for another telling of the case if one is wanted, then for the state
where somebody stands, then for those beside it, which they are likely to want next. Whoever holds a key down asks only
for where they come to rest.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Condition, Thread
from time import monotonic
from typing import Final

from ..asking import Asking
from ..failure import sentence_of
from ..replayed import replay_of, state_of
from .story import State, Story

KEPT: Final = 128
"""How many states are kept: some dozens of kilobytes each, and going back a page shall be quick."""

LOOK_SECONDS: Final = 1.0
"""How often to look whether somebody was erased, so that nothing of them stays on a screen that nobody touches."""

REST_SECONDS_MAX: Final = 0.15
"""How long to wait at most before asking; keys that are held down repeat every 0.03 s."""

UNKNOWN: Final = "The case is not known of there; this is what was shown before."


@dataclass(frozen=True)
class Lens:
    """Through what to look at a case: both times, none being now, and whose eyes, none being everyone's."""

    as_of: datetime | None
    known_at: datetime | None
    known_to: str | None


@dataclass(frozen=True)
class Told:
    """Another telling of the case, through a lens; none if there is none, and ``wrong`` says why."""

    lens: Lens
    story: Story | None
    wrong: str = ""


class Asked:
    """What has been asked, and what is to be."""

    def __init__(self, ask: Asking, story: Story, lens: Lens, changed: Callable[[], None]) -> None:
        """Ask for the states of a story, which was told through ``lens``.

        ``changed`` is called, in the asking thread, when something has come in.
        """
        self._ask = ask
        self._told_through = lens
        self._erased = ask.erased_so_far()
        self._story = story
        self._changed = changed
        self._states: OrderedDict[str, State] = OrderedDict()
        self._asked: Sequence[str] = ()
        self._wanted: Sequence[str] = ()
        self._lens: Lens | None = None
        self._told: Told | None = None
        self._wrong = ""
        self._moved = False
        self._took = 0.0
        self._stopped = False
        self._turn = Condition()

    @contextmanager
    def asking(self) -> Generator[None]:
        """Ask until the end of the block, which waits for the question that is under way."""
        thread = Thread(target=self._run, name="replay-asking", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._turn:
                self._stopped = True
                self._turn.notify()
            thread.join()

    def state(self, story: Story, moments: Sequence[str]) -> State | None:
        """Return the state at the first of some moments of a story, none if it has yet to come; ask for them all."""
        with self._turn:
            if story is not self._story:
                self._story = story
                self._states.clear()
                self._asked = ()
            # What failed is asked again only when somebody moves: a database that is away is not asked without end.
            if moments != self._asked:
                self._asked = moments
                self._wanted = [moment for moment in moments if moment not in self._states]
                self._moved = True
                self._turn.notify()
            if moments[0] in self._states:
                # What is looked at is never the one to make room for others.
                self._states.move_to_end(moments[0])
            return self._states.get(moments[0])

    def look_through(self, lens: Lens) -> None:
        """Ask for another telling of the case; ``told`` has it when it has come."""
        with self._turn:
            self._lens = lens
            self._turn.notify()

    def told(self) -> Told | None:
        """Return another telling that has come, once."""
        with self._turn:
            told, self._told = self._told, None
            return told

    def wrong(self) -> str:
        """Return what went wrong with a state, once."""
        with self._turn:
            wrong, self._wrong = self._wrong, ""
            return wrong

    def _run(self) -> None:
        while True:
            with self._turn:
                while not (self._stopped or self._lens or self._wanted):
                    if not self._turn.wait(LOOK_SECONDS):
                        self._lens = self._told_anew()
                # Where an answer takes long, wait until nobody has moved for a moment: a key that is held down would
                # otherwise compete with answers to where it no longer is.
                while self._moved and not (self._stopped or self._lens):
                    self._moved = False
                    self._turn.wait(min(self._took, REST_SECONDS_MAX))
                if self._stopped:
                    return
                lens, self._lens = self._lens, None
                story = self._story
                if lens is None and not self._wanted:
                    continue
                moment = self._wanted[0] if lens is None else ""
            if lens is not None:
                self._tell(story, lens)
            else:
                began = monotonic()
                self._stand(story, moment)
                self._took = monotonic() - began
            self._changed()

    def _told_anew(self) -> Lens | None:
        """Return through what to look at the case anew because somebody was erased; none while nobody was."""
        try:
            erased = self._ask.erased_so_far()
        except Exception:  # noqa: BLE001  the next look, or the next key, tells what is wrong
            return None
        before, self._erased = self._erased, erased
        return None if erased == before else self._told_through

    def _tell(self, story: Story, lens: Lens) -> None:
        self._told_through = lens
        try:
            case = story.replay.case["id"]
            replay = replay_of(self._ask, case, lens.as_of, lens.known_at, lens.known_to, story.language)
            told = Told(lens, Story(replay, story.language)) if replay else Told(lens, None, UNKNOWN)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told in a sentence, and the replay goes on
            told = Told(lens, None, sentence_of(error))
        with self._turn:
            self._told = told

    def _stand(self, story: Story, moment: str) -> None:
        try:
            state, wrong = State(state_of(self._ask, story.replay, moment)), ""
        except Exception as error:  # noqa: BLE001  as above
            state, wrong = None, sentence_of(error)
        with self._turn:
            if story is not self._story:
                return
            if state is None:
                self._wanted, self._wrong = (), wrong
                return
            self._states[moment] = state
            while len(self._states) > KEPT:
                self._states.popitem(last=False)
            self._wanted = [one for one in self._wanted if one != moment]
