"""Lines of JSON: one for each thing that happens, and nobody in them."""

import io
import logging

import msgspec
import psycopg
import pytest

from knelpunt.domain.command import RefusalCode
from knelpunt.infra.observing import lines
from knelpunt.infra.store.writer import StoreUnavailable

SECRET = "mevrouw Jansen is uit huis gezet"


@pytest.fixture
def written():
    """What loggers of ours and of others write as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(lines.JsonLines())
    loggers = [logging.getLogger("knelpunt.told"), logging.getLogger("another")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    yield lambda: [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    for logger in loggers:
        logger.removeHandler(handler)


def test_what_happens_is_one_line(written) -> None:
    """Its time, its level, who says it, what happened and the numbers, in one object."""
    lines.tell(logging.getLogger("knelpunt.told"), "answered", route="/graphql", status=200, milliseconds=1.5)
    (line,) = written()
    assert line.pop("time").endswith("+00:00")
    assert line.pop("process") > 0
    assert line == {
        "level": "info",
        "from": "knelpunt.told",
        "event": "answered",
        "route": "/graphql",
        "status": 200,
        "milliseconds": 1.5,
    }


def test_errors_are_told_by_their_type_and_place(written) -> None:
    """Messages of others' errors may quote what was sent, in the sentence, the arguments and the traceback."""
    ours, others = logging.getLogger("knelpunt.told"), logging.getLogger("another")
    try:
        raise psycopg.errors.UniqueViolation(SECRET)
    except psycopg.Error as error:
        ours.exception("a command could not be handled")
        ours.warning("it cannot be written: %s", error)
        others.error("task failed: %s\n%s", SECRET, error)
        others.error("first line\nexception=%r", error)
    traced, told, filled_in, two = written()
    assert SECRET not in repr(written())
    assert traced["error"] == "UniqueViolation"
    assert any("test_lines.py" in place for place in traced["at"])
    assert told["event"] == "it cannot be written: UniqueViolation"
    assert filled_in["event"] == "task failed: %s"
    assert two["event"] == "first line"


def test_our_own_errors_are_told_as_the_sentences_that_they_are(written) -> None:
    """They are written for people, and hold nobody's words."""
    ours = logging.getLogger("knelpunt.told")
    ours.warning("tried again: %s (%s)", StoreUnavailable("The database is away."), RefusalCode.MALFORMED)
    (line,) = written()
    assert line["event"] == f"tried again: The database is away. ({RefusalCode.MALFORMED})"
