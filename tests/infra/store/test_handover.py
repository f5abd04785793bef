"""Answers that cross from the writer's thread into an event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from infra.store.given import open_case
from knelpunt.domain.command import RefusalCode, Refused
from knelpunt.infra.store.handover import Handover
from knelpunt.infra.store.writer import Recorded, StoreUnavailable


def test_those_who_wait_in_a_loop_are_answered(writer) -> None:
    """Commands handed in from one loop, and from the next, each get their own answer."""
    for _ in range(2):

        async def ask() -> list[Recorded | Refused]:
            return await asyncio.gather(*(writer.ask(open_case(uuid4())) for _ in range(50)))

        answers = asyncio.run(ask())
        assert len({answer.event_id for answer in answers if isinstance(answer, Recorded)}) == 50


def test_what_cannot_be_recorded_is_raised_where_it_is_waited_for(writer) -> None:
    """Refusals are answers; a writer that is closed is an exception."""

    async def ask() -> Recorded | Refused:
        case = uuid4()
        await writer.ask(open_case(case))
        return await writer.ask(open_case(case))

    refused = asyncio.run(ask())
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.ALREADY_EXISTS
    writer.close()
    with pytest.raises(StoreUnavailable):
        asyncio.run(ask())


def test_all_that_come_together_wake_the_loop_once() -> None:
    """A hundred answers from four threads all arrive, and those given while the loop is busy take one wake-up."""

    async def wait() -> tuple[list[int], int]:
        loop = asyncio.get_running_loop()
        woken = 0
        call = loop.call_soon_threadsafe

        def counting(*given):
            nonlocal woken
            woken += 1
            return call(*given)

        setattr(loop, call.__name__, counting)
        handover: Handover[int] = Handover(loop)
        given = [handover.awaited() for _ in range(100)]
        with ThreadPoolExecutor(4) as threads:  # leaving it blocks the loop until all are given
            for number, awaited in enumerate(given):
                threads.submit(awaited.set_result, number)
        return await asyncio.gather(*(awaited.future for awaited in given)), woken

    answers, woken = asyncio.run(wait())
    assert answers == list(range(100))
    assert woken == 1


def test_who_no_longer_waits_is_left_alone() -> None:
    """An answer for who gave up goes nowhere, one to a closed loop as well; what was given up before is not begun."""

    async def give_up() -> Handover[int]:
        handover: Handover[int] = Handover(asyncio.get_running_loop())
        gone, waiting = handover.awaited(), handover.awaited()
        gone.future.cancel()
        assert not gone.set_running_or_notify_cancel()
        assert waiting.set_running_or_notify_cancel()
        gone.set_result(1)
        waiting.set_exception(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            await waiting.future
        return handover

    handover = asyncio.run(give_up())
    handover.put(handover.loop.create_future(), lambda: None)
