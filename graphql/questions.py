"""The schema without commands and subscriptions, for programs that only ask: it is made in a third of the time.

What it has is as it is in the whole schema.
"""

from typing import Final

from .making import made

QUESTIONS: Final = made()
"""The schema of every question."""
