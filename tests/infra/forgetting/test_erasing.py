"""Forgetting a person: two people, legal holds, every step with its receipt, and no way back."""

import signal
from base64 import b64encode
from multiprocessing import get_context
from uuid import UUID, uuid4

import pytest

from infra.forgetting.dying import WITHIN, approve
from infra.forgetting.given import ANNA, BERT, MASTER, begin, erasing, readable, record, told_of
from infra.store.given import OFFICE, command, log, open_case, recorded
from knelpunt.domain.case.facts import AccountGiven, FactCorrected, Party, StepTaken, SubjectRelated
from knelpunt.domain.command import RefusalCode, Refused
from knelpunt.domain.erasure import ErasureStep, SubjectErased
from knelpunt.domain.event import Event
from knelpunt.domain.text import Clear, Erased, clear
from knelpunt.domain.vocabulary import Stance, StepKind, SubjectRelation
from knelpunt.infra.cli.checks import findings
from knelpunt.infra.forgetting.erasing import EraserError
from knelpunt.infra.settings import Settings
from knelpunt.infra.store.connection import DatabaseRole, connect


def erased(events: list[Event]) -> list[SubjectErased]:
    """What the log tells of erasures."""
    return [event.data for event in events if isinstance(event.data, SubjectErased)]


def keys(url: str) -> set[object]:
    """Of whom the vault has keys."""
    with connect(url, DatabaseRole.OWNER) as owner:
        return {subject for (subject,) in owner.execute("SELECT subject_id FROM vault.key")}


def test_two_people_erase_one(registry_url) -> None:
    """Approved by another, a subject's texts are gone and the other's of the same event stay; the log tells it once."""
    first, second, case = uuid4(), uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        record(parts, told_of(first, second, case, "kanarie"))
        before = log(parts.registry)
        request = eraser.request(first, "op verzoek van kanarie", ANNA)
        with pytest.raises(EraserError, match="cannot approve it"):
            eraser.approve([request], ANNA)
        assert readable(parts) == ["kanarie eerste", "kanarie titel", "kanarie tweede"]
        (done,) = eraser.approve([request], BERT)
        assert done.completed_at is not None
        assert readable(parts) == ["kanarie tweede"]
        events = log(parts.registry)
        assert events[: len(before)] == before
        (told,) = erased(events)
        assert (told.subject, told.requested_by, told.approved_by) == (first, ANNA, BERT)
        assert [receipt.step for receipt in told.receipts] == list(ErasureStep)
        assert {receipt.step: receipt.count for receipt in told.receipts}[ErasureStep.KEYS] == 1
        assert events[-1].position == done.position
        # Once more changes nothing, and asking again leads to the same request.
        assert eraser.approve([request], BERT) == [done]
        assert eraser.approve([request], ANNA) == [done]
        assert eraser.request(first, "nog eens", BERT) == request
        assert log(parts.registry) == events
        (standing,) = eraser.requests()
        assert standing.reason == Erased(first)
    assert keys(registry_url) == {second}


def test_a_hold_refuses(registry_url) -> None:
    """Under a legal hold neither a request nor an approval goes through; reason and refusals are on record."""
    subject, other = uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        record(parts, told_of(subject, other, uuid4(), "x"))
        request = eraser.request(subject, "verzoek", ANNA)
        hold = eraser.place_hold(subject, "procedure bij de rechtbank", ANNA)
        placed = eraser.place_hold(other, "bezwaar", ANNA)
        with pytest.raises(EraserError, match=f"legal hold {hold} .*procedure bij de rechtbank"):
            eraser.approve([request], BERT)
        with pytest.raises(EraserError, match="bezwaar"):
            eraser.request(other, "verzoek", ANNA)
        assert len(readable(parts)) == 3
        refusals = [(one.subject, one.hold, one.asked_by) for one in eraser.refusals()]
        assert refusals == [(subject, hold, BERT), (other, placed, ANNA)]
        eraser.lift_hold(hold, BERT)
        eraser.approve([request], BERT)
        with pytest.raises(EraserError, match="approved already"):
            eraser.place_hold(subject, "te laat", ANNA)
        first, second = eraser.holds()
        assert (first.reason, first.hold.lifted_by) == (Erased(subject), BERT)
        assert second.reason == clear("bezwaar", other)
        assert len(eraser.refusals()) == 2
        with pytest.raises(EraserError, match="There is no hold"):
            eraser.lift_hold(uuid4(), BERT)
        with pytest.raises(EraserError, match="There is no request"):
            eraser.approve([uuid4()], BERT)


def test_one_refused_among_several(registry_url) -> None:
    """Of several requests those that may be approved are carried out, and the first other one is told of."""
    subject, other = uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        record(parts, told_of(subject, other, uuid4(), "x"))
        requests = [eraser.request(subject, "verzoek", ANNA), eraser.request(other, "verzoek", BERT)]
        with pytest.raises(EraserError, match=str(requests[1])):
            eraser.approve(requests, BERT)
        assert readable(parts) == ["x tweede"]


def test_nothing_new_about_who_was_erased(registry_url) -> None:
    """Texts about an erased subject and facts that name them are refused; their case goes on, and no key is made."""
    first, second, case = uuid4(), uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        story = told_of(first, second, case, "x")
        record(parts, story)
        obstacle = story[2].data.obstacle  # pyright: ignore[reportAttributeAccessIssue]
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        opened = log(parts.registry)[1].id
        office = Party(subject=first)
        refused = [
            command(case, StepTaken(obstacle, OFFICE, StepKind.NOTE, clear("over de eerste"))),
            command(case, StepTaken(obstacle, OFFICE, StepKind.NOTE, clear("over de eerste", first))),
            open_case(uuid4(), None, first),
            command(case, SubjectRelated(second, first, SubjectRelation.HOUSEHOLD)),
            command(case, AccountGiven(office, Stance.DISPUTES, event=opened)),
            command(case, FactCorrected(opened, "subjects", (str(first), str(second)))),
        ]
        answers = [parts.writer.submit(one).result(30) for one in refused]
        codes = [answer.code if isinstance(answer, Refused) else answer for answer in answers]
        assert codes == [RefusalCode.SUBJECT_ERASED] * len(refused)
        for one in (
            command(case, StepTaken(obstacle, OFFICE, StepKind.LETTER)),
            command(case, StepTaken(obstacle, OFFICE, StepKind.NOTE, clear("over de tweede", second))),
        ):
            recorded(parts.writer.submit(one).result(30))
        assert readable(parts) == ["over de tweede", "x tweede"]
    assert keys(registry_url) == {second}


def test_erasing_who_never_had_a_key(registry_url) -> None:
    """Someone of whom nothing was ever sealed can be erased too, and then gets no key."""
    subject = uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        assert not eraser.knows(subject)
        eraser.approve([eraser.request(subject, "verzoek", ANNA)], BERT)
        answer = parts.writer.submit(open_case(uuid4(), clear("titel"), subject)).result(30)
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.SUBJECT_ERASED
    assert keys(registry_url) == set()


# Forked from a server that has imported all of it: a process for each step takes a tenth of a second.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["infra.forgetting.dying"])

MASTER_TEXT = b64encode(MASTER).decode()

STEPS = [*range(len(ErasureStep) + 1), WITHIN]


def test_killed_at_every_step(registry_url, tmp_path) -> None:
    """Killed after any step, or within one, and begun again, it comes to the same end: one event, five receipts."""
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        requests, others = [], []
        for number in range(len(STEPS)):
            first, second = uuid4(), uuid4()
            record(parts, told_of(first, second, uuid4(), f"verhaal {number}"))
            requests.append(eraser.request(first, "verzoek", ANNA))
            others.append(f"verhaal {number} tweede")
        for step, request in zip(STEPS, requests, strict=True):
            assert run(registry_url, step, request) == -signal.SIGKILL
        half_done = [one.erasure for one in eraser.requests()]
        assert all(one.approved_at is not None for one in half_done)
        left = sum(one.completed_at is None for one in half_done)
        looked = list(findings(Settings(data_dir=tmp_path, database_url=registry_url, master_key_text=MASTER_TEXT)))
        assert [f"{left} approved erasures are not" in one.text for one in looked if one.about == "vault"] == [True]
        # From the fence on nobody gets to read anything, however much of the rest is still to be done.
        assert readable(parts) == others
        assert run(registry_url, -1, *requests) == 0
        assert readable(parts) == others
        told = erased(log(parts.registry))
        assert sorted(one.request for one in told) == sorted(requests)
        assert all([receipt.step for receipt in one.receipts] == list(ErasureStep) for one in told)
        assert all(receipt.count == 1 for one in told for receipt in one.receipts if receipt.step is ErasureStep.KEYS)
        assert all(one.erasure.completed_at is not None for one in eraser.requests())


def run(url: str, step: int, *requests: UUID) -> int | None:
    """Approve requests in a process that dies after a step; how that ended."""
    process = PROCESSES.Process(target=approve, args=(url, step, requests))
    process.start()
    process.join(60)
    return process.exitcode


def test_reasons_open_only_at_their_place(registry_url) -> None:
    """The reason of a request is sealed for that request and that subject."""
    subject = uuid4()
    with erasing(registry_url) as (parts, eraser):
        request = eraser.request(subject, "omdat zij het vraagt", ANNA)
        ((standing),) = eraser.requests()
        assert isinstance(standing.reason, Clear)
        assert standing.erasure.request == request
        sealed = standing.erasure.reason
        assert b"omdat" not in sealed.box
        with pytest.raises(Exception, match="is not what was sealed there"):
            parts.vault.open_record(uuid4(), "erasure-request", sealed)
        with pytest.raises(EraserError, match="4096 bytes"):
            eraser.request(uuid4(), "x" * 5000, ANNA)
