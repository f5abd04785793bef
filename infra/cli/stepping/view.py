"""Where somebody stands in a story; the screen is drawn from it, whatever its size."""

from dataclasses import dataclass, field
from enum import Enum

from .story import State, Story, What


class Shown(Enum):
    """What fills the screen."""

    STORY = "story"
    HELP = "help"
    MORE = "more"
    """All of a step."""
    CHOICE = "choice"
    """The organisations, to look through the eyes of one."""


@dataclass
class View:
    """What is shown, and where in it we are."""

    story: Story
    here: int = 0
    state: State | None = None
    """How things stand here; none while that is being asked."""
    before: State | None = None
    """How they stood where we last knew it, which the lanes go by until we know it here."""
    before_at: int = 0
    shown: Shown = Shown.STORY
    top: int = 0
    """The first row that can be seen of a text to read: the help, or all of a step."""
    eyes: dict[str, str] = field(default_factory=dict[str, str])
    """Through whose eyes one may look: every organisation seen in any telling so far, with its name."""
    chosen: int = 0
    message: str = ""
    pattern: str = ""
    count: str = ""
    """Digits typed before a key, as in 12g."""

    def __post_init__(self) -> None:
        self.eyes |= self.story.organisations

    def choose(self) -> None:
        """Begin to choose through whose eyes to look, at those that we look through."""
        known_to = self.story.replay.known_to
        self.shown = Shown.CHOICE
        self.chosen = list(self.eyes).index(known_to) + 1 if known_to in self.eyes else 0

    def whose(self) -> str | None:
        """Return whom was chosen; none is everyone."""
        return None if self.chosen == 0 else list(self.eyes)[self.chosen - 1]

    def learn(self, state: State | None) -> None:
        """Take in how things stand here; none if that has yet to come."""
        self.state = state
        if state is not None:
            self.before, self.before_at = state, self.here

    def go(self, step: int) -> None:
        """Stand at a step, or at the nearest there is."""
        last = len(self.story.steps) - 1
        if step > last:
            self.message = "This is the end; q quits, g goes to the beginning."
        elif step < 0:
            self.message = "This is the beginning."
        target = min(max(step, 0), last)
        if target != self.here:
            self.here = target
            self.state = None

    def take_count(self) -> int | None:
        """Return the number typed before a key, and forget it."""
        typed, self.count = self.count, ""
        return int(typed) if typed else None

    def go_to_event(self, number: int) -> None:
        """Stand at an event by its number in the timeline."""
        for place, step in enumerate(self.story.steps):
            if step.number == number:
                self.go(place)
                return
        self.message = f"There is no event {number}: this case has {len(self.story.replay.events)}."

    def go_to_gap(self, direction: int) -> None:
        """Stand where the next gap begins, or the one before."""
        place = self.here + direction
        while 0 <= place < len(self.story.steps):
            if self.story.steps[place].what is What.BEGINS:
                self.go(place)
                return
            place += direction
        self.message = "No gap begins later." if direction > 0 else "No gap begins earlier."

    def search(self, direction: int) -> None:
        """Stand at the next step, or the one before, in which the pattern occurs; small letters find capitals too."""
        if not self.pattern:
            self.message = "Nothing to search for: / and some letters, then Enter."
            return
        folded = self.pattern == self.pattern.lower()
        place = self.here + direction
        while 0 <= place < len(self.story.steps):
            text = self.story.steps[place].searched()
            if self.pattern in (text.lower() if folded else text):
                self.go(place)
                return
            place += direction
        where = "later" if direction > 0 else "earlier"
        self.message = f"No {where} step says “{self.pattern}”; n and N search on either side."

    def stand_in(self, story: Story) -> None:
        """Go on in another telling of the case, at the same event, or else at the same moment."""
        before = self.story.steps[self.here]
        ids = {step.event["id"]: place for place, step in enumerate(story.steps) if step.event is not None}
        self.story, self.state, self.before = story, None, None
        self.eyes |= story.organisations
        if before.what is What.END:
            self.here = len(story.steps) - 1
        elif before.event is not None and before.event["id"] in ids:
            self.here = ids[before.event["id"]]
        else:
            earlier = sum(time <= before.at for time in story.times)
            self.here = min(max(earlier - 1, 0), len(story.steps) - 1)
