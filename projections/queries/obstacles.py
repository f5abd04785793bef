"""In which case an obstacle stands: commands and answers may name an obstacle of another case."""

from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

CASES_OF: Final = "SELECT obstacle_id, case_id FROM knelpunt.known_obstacle WHERE obstacle_id = ANY(%(obstacles)s)"


def cases_of(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[UUID, UUID]]:
    """Yield each obstacle found with its case."""
    yield from rows
