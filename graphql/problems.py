"""Errors that a client gets to see: one sentence for people, and a code for programs in ``extensions``.

Everything else that goes wrong is masked: see ``engine``.
"""

from enum import StrEnum

from graphql import GraphQLError


class ProblemCode(StrEnum):
    """What went wrong, in ``extensions.code``; programs may rely on these."""

    BAD_INPUT = "BAD_INPUT"
    TOO_COMPLEX = "TOO_COMPLEX"
    INVALID = "INVALID"
    FORBIDDEN = "FORBIDDEN"
    NOT_YET = "NOT_YET"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    UNREADABLE = "UNREADABLE"
    UNKNOWN_DOCUMENT = "UNKNOWN_DOCUMENT"
    RATE_LIMITED = "RATE_LIMITED"
    NOT_LOGGED = "NOT_LOGGED"
    INTERNAL = "INTERNAL"


class Problem(GraphQLError):  # noqa: N818  named for what clients see
    """An error whose sentence may be shown."""

    def __init__(self, code: ProblemCode, message: str, **facts: object) -> None:
        """Say what is wrong and what to do about it; ``facts`` stand beside the code."""
        super().__init__(message, extensions={"code": code.value, **facts})


def bad_input(message: str) -> Problem:
    """Return the error for a value that cannot be what it should be."""
    return Problem(ProblemCode.BAD_INPUT, message)


def expect_between(name: str, given: int, least: int, most: int) -> None:
    """Raise ``Problem`` for a number that lies beyond its bounds."""
    if not least <= given <= most:
        raise bad_input(f"{name}: {given} is not between {least} and {most}.")
