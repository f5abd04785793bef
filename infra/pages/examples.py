"""Questions in GraphQL to begin with: those of the documents, and some more, each a file in ``examples``.

A test holds that every question of the documents is among them as it stands there.
"""

from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("examples")

GROUPS: Final = (
    (
        "To begin with",
        (
            ("Open gaps, the most pressing first", "open-gaps"),
            ("Gaps that lasted a hundred days", "gaps-of-a-hundred-days"),
            ("One case: who had what, and until when", "who-had-what"),
            ("The same case as it was known on an earlier day", "as-known-earlier"),
            ("One case with its figures, and what proves its gaps", "one-case"),
            ("Who loses people to whom", "who-loses-whom"),
            ("The handovers of one organisation", "one-organisation"),
            ("What you may do", "what-you-may-do"),
        ),
    ),
    (
        "Everything, by example",
        (
            ("Who asks, and at which moments", "who-asks"),
            ("A case, its obstacles and its events", "a-case"),
            ("Gaps, and what was said of them", "gaps"),
            ("Cases, obstacles and organisations as lists", "lists"),
            ("A cause, from its beginning to its end", "a-cause"),
            ("Causes, with their ladder and measures", "causes-of-the-demo"),
            ("Searching, and one thing by its id", "searching"),
            ("Lists of what was learnt, page by page", "learnt"),
            ("Answers over many cases, page by page", "learnt-further"),
            ("What is published of an event", "published"),
            ("The published log", "checkpoint"),
        ),
    ),
    (
        "Answers over many cases",
        (
            ("Which causes cost people most time", "repeat-offenders"),
            ("Who waits for whom", "waiting"),
            ("Solved for one, not for all", "solved-for-one"),
            ("Which promises were kept", "promises"),
            ("Who had to tell their story again", "retold"),
            ("Who tells of their own gaps", "honesty"),
        ),
    ),
    (
        "What was learnt",
        (
            ("A dialogue, and what came of it", "a-dialogue"),
            ("Promises that are overdue", "overdue-commitments"),
            ("An investigation and its findings", "an-investigation"),
            ("Programmes of investigations", "programmes"),
            ("Policy dossiers", "policy-dossiers"),
            ("Networks", "networks"),
            ("Experiments", "experiments"),
            ("Strategies", "strategies"),
        ),
    ),
)
"""Groups of questions: each has a title, and what each of its questions asks with the name of its file."""

FIRST: Final = GROUPS[0][1][0][1]
"""The name of the question that stands there before anybody chose one."""


@cache
def text_of(name: str) -> str:
    """Return a question's text."""
    return (FOLDER / f"{name}.graphql").read_text("utf-8").rstrip()
