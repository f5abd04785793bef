"""When what failed is tried again, and when no more."""

from datetime import timedelta
from typing import Final

ATTEMPTS_MAX: Final = 12
"""How often an event is sent; then it is a dead letter. With the waits below that takes one to two and a half days."""

FIRST_WAIT: Final = timedelta(seconds=5)
GROWTH: Final = 4
LONGEST_WAIT: Final = timedelta(hours=12)
"""Between attempts at one event: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 6 h, and then 12 h each."""

LONGEST_REST: Final = timedelta(minutes=15)
"""Between looks whether a receiver is there again: 5 s, doubled each time, up to this."""

RETRY_AFTER_MAX: Final = timedelta(hours=1)
"""What a receiver may ask for by ``Retry-After``; more would be a way to fill our tables."""


def wait_after(attempts: int, jitter: float) -> timedelta:
    """Return how long an event waits after so many attempts; ``jitter``, from 0 to 1, takes off up to a half.

    So that a thousand events that failed together do not all come back at one moment.
    """
    return _shortened(min(FIRST_WAIT * GROWTH ** (attempts - 1), LONGEST_WAIT), jitter)


def rest_after(failures: int, jitter: float) -> timedelta:
    """Return for how long a receiver is left alone that did not answer so many times in a row."""
    return _shortened(min(FIRST_WAIT * 2 ** min(failures - 1, 16), LONGEST_REST), jitter)


def _shortened(wait: timedelta, jitter: float) -> timedelta:
    return wait * (1 - jitter / 2)
