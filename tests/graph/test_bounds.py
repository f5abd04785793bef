"""What an answer may hold: a small question is refused once its lists hold too much, and nobody waits for it."""

import asyncio
from itertools import pairwise
from time import process_time
from typing import Any

import pytest

from graph.given import Asked, Story
from knelpunt.graphql import engine, executor
from knelpunt.graphql.asking import Asking
from knelpunt.infra.http.origin import Origin

OBSTACLES = 12


@pytest.fixture
def story(asked: Asked) -> Story:
    """A case with a dozen obstacles."""
    asked.organisations()
    story = Story(asked)
    for _ in range(OBSTACLES):
        story.report()
    asked.project()
    return story


def obstacles(levels: int) -> str:
    """The obstacles of a case, those of their case, and so on: as many as a dozen to the power of the levels."""
    selection = "id"
    for _ in range(levels - 1):
        selection = f"case {{ obstacles {{ {selection} }} }}"
    return f"obstacles {{ {selection} }}"


def question(levels: int) -> str:
    return f"query Q($reference: String!) {{ registry {{ case(reference: $reference) {{ {obstacles(levels)} }} }} }}"


def test_lists_within_each_other(asked, story):
    """Of what would be a quarter of a million obstacles none is shown, and it takes less than a second to say so."""
    started = process_time()
    found = asked.response(question(5), reference=story.reference)
    assert process_time() - started < 1
    assert found["data"] is None
    (error,) = found["errors"]
    assert error["extensions"]["code"] == "TOO_COMPLEX"
    assert f"more than {executor.ITEMS_MAX} items" in error["message"]
    assert len(asked.ask(question(2), reference=story.reference)["registry"]["case"]["obstacles"]) == OBSTACLES


def test_others_have_their_turn(asked, story):
    """While twenty thousand obstacles are answered with, whatever else the process does goes on."""

    async def stretches() -> list[float]:
        """How long the processor was busy at a time with nothing but the answer."""
        ask = asked.running.ask(asked.asker(), question(4), {"reference": story.reference})
        answering, found = asyncio.create_task(ask), [process_time()]
        while not answering.done():
            await asyncio.sleep(0)
            found.append(process_time())
        assert "errors" not in await answering
        return [after - before for before, after in pairwise(found)]

    busy = asked.run(stretches())
    assert max(busy) < sum(busy) / 3


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # graphql-core's, when it is broken off
def test_the_limit_of_time_breaks_off_what_waits_for_nothing(asked, story, monkeypatch):
    """Also an answer for which everything is at hand takes no longer than it may."""
    monkeypatch.setattr(executor, "ITEMS_MAX", 10**6)
    monkeypatch.setattr(engine, "EXECUTION_SECONDS_MAX", 0.5)
    monkeypatch.setattr(engine, "WAITING_SECONDS_MAX", 0)
    started = process_time()
    assert asked.error(question(5), reference=story.reference)["extensions"]["code"] == "TIMEOUT"
    assert process_time() - started < 2


def test_each_answer_of_a_subscription_is_counted_by_itself(asked, story, monkeypatch):
    """What is told later is not refused for what was told before; what holds too much is refused each time."""
    monkeypatch.setattr(executor, "ITEMS_MAX", 2 * OBSTACLES)

    async def told(levels: int) -> list[dict[str, Any]]:
        text = f"subscription {{ events(after: -1) {{ case {{ {obstacles(levels)} }} }} }}"
        async with asked.running.session(asked.asker(), Origin("test")) as session:
            stream = asked.running.engine.stream(
                asked.running.engine.prepare(text), None, Asking(session, asked.asker())
            )
            return [await anext(stream) for _ in range(story.position + 1)]

    assert not any("errors" in answer for answer in asked.run(told(1)))
    last = asked.run(told(2))[-1]
    assert [error["extensions"]["code"] for error in last["errors"]] == ["TOO_COMPLEX"]


def test_a_command_whose_answer_holds_too_much(asked, story):
    """It may have had its effect, which the refusal says."""
    given = {"case": story.case}
    found = asked.response(
        f"mutation M($input: CloseCaseInput!) {{ closeCase(input: $input) {{ "
        f"... on CloseCasePayload {{ case {{ {obstacles(5)} }} }} }} }}",
        input=given,
    )
    assert "commandId" in found["errors"][0]["message"]
    assert asked.registry("case(reference: $r) { status }", declared="($r: String!)", r=story.reference)["case"] == {
        "status": "CLOSED"
    }
