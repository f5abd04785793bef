"""A registry with texts about two people in one case, put together as its programs are, and one who erases."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from uuid import UUID, uuid4

from infra.store.given import CLERK, OFFICE, command, log, open_case, recorded, register_office
from knelpunt.domain.case.facts import ObstacleReported, SubjectRelated
from knelpunt.domain.command import Command
from knelpunt.domain.text import Clear, clear
from knelpunt.domain.vocabulary import Origin, SubjectRelation
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.forgetting.erasing import Eraser

MASTER = bytes(range(32))
ANNA, BERT = "anna", "bert"


@contextmanager
def erasing(url: str, master: bytes = MASTER) -> Iterator[tuple[Parts, Eraser]]:
    """The registry at ``url``, and an eraser over it that does not wait for other processes: there are none."""
    with (
        bootstrap(url, master) as parts,
        closing(Eraser(url, parts.vault, parts.writer.submit, settling_seconds=0)) as eraser,
    ):
        yield parts, eraser


def told_of(first: UUID, second: UUID, case: UUID, words: str) -> list[Command]:
    """A case about two people, with words about the first and about the second in one and the same event."""
    story = ObstacleReported(
        uuid4(), Origin.UNKNOWN, OFFICE, clear(f"{words} eerste"), clear(f"{words} tweede", second), received_by=OFFICE
    )
    return [
        open_case(case, clear(f"{words} titel"), first),
        command(case, SubjectRelated(second, first, SubjectRelation.HOUSEHOLD)),
        command(case, story),
    ]


def record(parts: Parts, commands: Sequence[Command]) -> None:
    """Record commands, after the office that they name if it is not there."""
    for one in commands:
        recorded(parts.writer.submit(one).result(30))


def begin(parts: Parts) -> None:
    """Register the office."""
    recorded(parts.writer.submit(register_office()).result(30))


def readable(parts: Parts) -> list[str]:
    """Every text of the log that still opens, in order."""
    opened = parts.vault.open(log(parts.registry))
    return sorted(text.content.reveal() for text in opened.values() if isinstance(text, Clear))


__all__ = ["ANNA", "BERT", "CLERK", "MASTER", "begin", "erasing", "readable", "record", "told_of"]
