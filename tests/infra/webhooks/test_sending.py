"""Webhooks against real receivers: each event once and in order per case, or a dead letter, whatever they do."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from infra.store.given import report
from infra.webhooks.given import (
    AUDITOR,
    CANARY,
    CLERK,
    MASTER,
    SUBJECT,
    Clock,
    Got,
    Receiver,
    in_order,
    project,
    record_cases,
    records,
    send_due,
    subscribe,
    subscriptions,
)
from knelpunt.infra.bootstrap import Parts, bootstrap
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, Principal, connect, connect_as_registry
from knelpunt.infra.webhooks import signing, wire
from knelpunt.infra.webhooks.retries import ATTEMPTS_MAX
from knelpunt.infra.webhooks.sending import LOCK
from knelpunt.infra.webhooks.subscriptions import WebhookError

PROGRAM = Path(__file__).parent / "sending_program.py"
EVENTS = 1 + 3 * 4
"""The office, and three cases of four events each."""

MINUTE = timedelta(minutes=1)


@pytest.fixture
def parts(registry_url: str) -> Iterator[Parts]:
    with bootstrap(registry_url, MASTER) as found:
        yield found


@pytest.fixture
def cases(parts: Parts) -> list[UUID]:
    return record_cases(parts, 3, 2)


def states(url: str, webhook: UUID) -> Counter[str]:
    return Counter(state for _, state, _ in records(url, webhook))


def test_each_event_once_and_a_rebuild_sends_nothing(parts, cases) -> None:
    """A receiver that works gets all there is, signed, in order per case and once, with nothing of any text or subject;
    a rebuild of the read model sends nothing, and neither does looking again."""
    with Receiver().listening() as receiver:
        webhook = subscribe(parts.url, receiver.url)
        clock = Clock()
        send_due(parts.url, clock)
        assert sorted(got.event["data"]["position"] for got in receiver.got) == list(range(EVENTS))
        assert len({got.id for got in receiver.got}) == EVENTS
        assert in_order(receiver.got)
        assert states(parts.url, webhook) == {"DELIVERED": EVENTS}
        secret = signing.secret_of(MASTER, webhook, 1)
        for got in receiver.got:
            assert CANARY.encode() not in got.body
            assert str(SUBJECT).encode() not in got.body
            assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
            assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
            made = signing.headers((secret,), got.id, clock(), got.body)
            assert made.items() <= got.headers.items()
        rebuild(parts.url)
        send_due(parts.url, clock, every=timedelta(days=1), times=3)
        assert len(receiver.got) == EVENTS


def test_a_case_waits_for_its_event_and_others_do_not(parts, cases) -> None:
    """An event that is refused holds up its case alone; after its last attempt it is a dead letter and the case goes
    on; sent again later it is taken, under the id that it always had."""
    refused = str(cases[0])
    ids: set[str] = set()

    def answer(got: Got) -> tuple[int, dict[str, str]]:
        poison = got.event["data"]["stream"] == refused and got.event["data"]["version"] == 2
        ids.update([got.id] if poison else [])
        return (500 if poison and refusing else 204), {}

    refusing = True
    with Receiver(answer).listening() as receiver:
        webhook = subscribe(parts.url, receiver.url)
        clock = Clock()
        send_due(parts.url, clock)
        assert states(parts.url, webhook) == {"DELIVERED": EVENTS - 3, "WAITING": 3}
        send_due(parts.url, clock, every=timedelta(hours=6), times=40)
        assert states(parts.url, webhook) == {"DELIVERED": EVENTS - 1, "DEAD": 1}
        assert in_order(receiver.got)
        assert Counter(got.id for got in receiver.got)[next(iter(ids))] == ATTEMPTS_MAX
        with subscriptions(parts.url) as found:
            (dead,) = found.dead(webhook)
            assert (str(dead.stream), dead.attempts) == (refused, ATTEMPTS_MAX)
            assert dead.problem == "The receiver answered 500."
            assert found.resend(webhook, [dead.position + 1]) == 0
            refusing = False
            assert found.resend(webhook, [dead.position]) == 1
        send_due(parts.url, clock)
        assert states(parts.url, webhook) == {"DELIVERED": EVENTS}
        assert len(ids) == 1


def test_down_for_an_hour(parts, cases) -> None:
    """A receiver that is away for an hour gets each event once and in order when it is back, within a quarter of an
    hour and without a dead letter."""
    away = Receiver()
    with away.listening():
        pass  # a port that nobody listens on any more
    webhook = subscribe(parts.url, away.url)
    clock = Clock()
    send_due(parts.url, clock, every=3 * MINUTE, times=20)
    assert states(parts.url, webhook) == {"WAITING": EVENTS}
    assert sum(attempts for _, _, attempts in records(parts.url, webhook)) < 20, "one event finds out, not all"
    with away.listening():
        send_due(parts.url, clock, every=3 * MINUTE, times=6)
    assert states(parts.url, webhook) == {"DELIVERED": EVENTS}
    assert len(away.got) == len({got.id for got in away.got}) == EVENTS
    assert in_order(away.got)


def test_one_that_hangs_holds_up_nobody_else(parts, cases, monkeypatch) -> None:
    """A receiver that never answers is broken off, and another one gets everything meanwhile."""
    monkeypatch.setattr(wire, "ATTEMPT_SECONDS_MAX", 0.5)
    with Receiver(seconds=3).listening() as hanging, Receiver().listening() as other:
        held_up, free = subscribe(parts.url, hanging.url), subscribe(parts.url, other.url)
        started = time.monotonic()
        send_due(parts.url, Clock())
        assert time.monotonic() - started < 3
        assert states(parts.url, held_up) == {"WAITING": EVENTS}
        assert states(parts.url, free) == {"DELIVERED": EVENTS}
        with subscriptions(parts.url) as found:
            first = next(one for one in found.all() if one.webhook_id == held_up)
            assert first.resting_until is not None


def test_gone_ends_it(parts, cases) -> None:
    """410 Gone ends a subscription for good, and what waited is there as dead letters."""
    with Receiver(lambda _: (410, {})).listening() as receiver:
        webhook = subscribe(parts.url, receiver.url)
        clock = Clock()
        send_due(parts.url, clock)
        asked = len(receiver.got)
        assert states(parts.url, webhook) == {"DEAD": EVENTS}
        send_due(parts.url, clock, every=timedelta(days=1), times=5)
        assert len(receiver.got) == asked
        with subscriptions(parts.url) as found:
            assert [one.ended_because for one in found.all()] == [
                "The receiver answered 410 Gone, which ends the subscription."
            ]
            for change in (found.pause, found.resume, found.rotate, found.end):
                with pytest.raises(WebhookError, match="has ended"):
                    change(webhook)


def test_redirects_are_not_followed(parts, cases) -> None:
    """What a redirect points to gets nothing."""
    with Receiver().listening() as elsewhere:
        with Receiver(lambda _: (307, {"location": elsewhere.url})).listening() as receiver:
            webhook = subscribe(parts.url, receiver.url)
            send_due(parts.url, Clock())
        assert receiver.got
        assert not elsewhere.got
        assert not states(parts.url, webhook)["DELIVERED"]


def test_asked_to_wait(parts, cases) -> None:
    """A receiver that asks for ten minutes gets ten minutes without a single request."""
    with Receiver(lambda _: (429, {"retry-after": "600"})).listening() as receiver:
        subscribe(parts.url, receiver.url)
        clock = Clock()
        send_due(parts.url, clock, every=MINUTE, times=10)
        asked = len(receiver.got)
        send_due(parts.url, clock, every=MINUTE)
        assert len(receiver.got) == asked + 1


def test_what_a_reader_may_see_is_sent(parts, cases) -> None:
    """An agency is sent the cases that it has to do with, an outsider nothing of any, and both what is everybody's."""
    outsider = Principal("AGENCY", "urn:knelpunt:test:outsider", "clerk")
    with Receiver().listening() as receiver, Receiver().listening() as outside:
        subscribe(parts.url, receiver.url, CLERK)
        subscribe(parts.url, outside.url, outsider)
        send_due(parts.url, Clock())
    assert len(receiver.got) == EVENTS
    assert [got.event["type"] for got in outside.got] == ["nl.knelpunt.organisation-registered.v1"]


def test_what_a_reader_may_see_when_it_is_sent(parts, cases) -> None:
    """An event that waited while its reader lost sight of it is not sent any more."""
    with Receiver().listening() as receiver:
        webhook = subscribe(parts.url, receiver.url, CLERK)
        with subscriptions(parts.url) as found:
            found.pause(webhook)
        clock = Clock()
        send_due(parts.url, clock)
        assert not receiver.got
        with subscriptions(parts.url) as found:
            found.resume(webhook)
        # Looked at and written down, and refused once; then the reader is somebody else.
        receiver.answer = lambda _: (500, {})
        send_due(parts.url, clock)
        receiver.got.clear()
        receiver.answer = lambda _: (204, {})
        with connect_as_registry(parts.url, DatabaseRole.APPENDER) as connection:
            connection.execute(
                """UPDATE knelpunt.webhook SET principal = '{"role": "AGENCY", "organisation": "urn:x:outsider"}'"""
            )
        send_due(parts.url, clock, every=MINUTE, times=3)
        assert states(parts.url, webhook) == {"WITHDRAWN": EVENTS - 1, "DELIVERED": 1}
        assert len(receiver.got) == 1


def test_only_some_kinds_from_some_position_and_again(parts, cases) -> None:
    """A subscription to some kinds of events gets those; a replay sends what follows a position again, by its id."""
    with Receiver().listening() as receiver:
        webhook = subscribe(parts.url, receiver.url, topics=("case-opened", "step-taken"), after=2)
        clock = Clock()
        send_due(parts.url, clock)
        first = [(got.id, got.place) for got in receiver.got]
        assert {got.event["data"]["topic"] for got in receiver.got} == {"case-opened", "step-taken"}
        assert min(position for _, (_, position) in first) > 2
        receiver.got.clear()
        with subscriptions(parts.url) as found:
            found.replay(webhook, 6)
        send_due(parts.url, clock)
        again = [(got.id, got.place) for got in receiver.got]
        assert sorted(again) == sorted(one for one in first if one[1][1] > 6)
        assert in_order(receiver.got)


def test_a_new_subscription_hears_of_what_comes(parts, cases) -> None:
    """Without a position, only what is recorded from then on is sent."""
    with Receiver().listening() as receiver:
        subscribe(parts.url, receiver.url, after=None)
        clock = Clock()
        send_due(parts.url, clock)
        assert not receiver.got
        parts.writer.submit(report(cases[0], UUID(int=7))).result(30)
        project(parts.url)
        send_due(parts.url, clock)
        assert [got.place for got in receiver.got] == [(str(cases[0]), EVENTS)]


def test_a_new_secret(parts, cases) -> None:
    """After a rotation both secrets sign for a day, and then the new one alone; neither stands in the database."""
    with Receiver().listening() as receiver:
        webhook = subscribe(parts.url, receiver.url)
        with subscriptions(parts.url) as found:
            new = found.rotate(webhook)
        clock = Clock()
        send_due(parts.url, clock)
        assert {len(got.headers["webhook-signature"].split()) for got in receiver.got} == {2}
        receiver.got.clear()
        with subscriptions(parts.url) as found:
            found.replay(webhook, -1)
        clock.forward(timedelta(days=1, minutes=1))
        send_due(parts.url, clock)
        secret = signing.secret_of(MASTER, webhook, 2)
        assert new == signing.shown(secret)
        for got in receiver.got:
            expected = signing.headers((secret,), got.id, clock(), got.body)
            assert got.headers["webhook-signature"] == expected["webhook-signature"]
        with psycopg.connect(parts.url) as admin:
            held = admin.execute("SELECT string_agg(w::text, ' ') FROM knelpunt.webhook w").fetchone()
        assert held is not None
        assert new.removeprefix("whsec_") not in held[0]
        assert secret.hex() not in held[0]


def test_nobody_else_sees_them(parts, cases) -> None:
    """Subscriptions and what became of events are the registry's alone: no reader gets at them, whoever they are."""
    with Receiver().listening() as receiver:
        subscribe(parts.url, receiver.url)
        send_due(parts.url, Clock())
    for table in ("webhook", "webhook_delivery"):
        for role in DatabaseRole:
            if role in {DatabaseRole.OWNER, DatabaseRole.APPENDER}:
                continue
            with connect(parts.url, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT FROM knelpunt.{table}".encode())
        with connect(parts.url, DatabaseRole.APPENDER) as connection, connection.transaction():
            connection.execute("SELECT set_config('knelpunt.principal', '{\"role\": \"AUDITOR\"}', true)")
            assert not connection.execute(f"SELECT FROM knelpunt.{table}".encode()).fetchall()


def test_killed_again_and_again(parts) -> None:
    """A sender that is killed with -9 while it sends leaves one record for each event; the next one sends what was
    under way again, by the same id, and all arrives in order."""
    record_cases(parts, 7, 3)
    with ExitStack() as closing:
        receiver = closing.enter_context(Receiver(seconds=0.1).listening())
        webhook = subscribe(parts.url, receiver.url)
        total = 0
        for enough in (6, 18):
            program = subprocess.Popen([sys.executable, str(PROGRAM), parts.url], env=_environment())
            _until(lambda enough=enough: len(receiver.got) >= enough)
            program.send_signal(signal.SIGKILL)
            program.wait()
            total = len(receiver.got)
        clock = Clock()
        clock.forward(MINUTE)  # beyond the wait after the attempts that were under way
        receiver.seconds = 0
        _until(lambda: _alone(parts.url))
        send_due(parts.url, clock, every=MINUTE, times=3)
    found = records(parts.url, webhook)
    assert [position for position, _, _ in found] == list(range(1 + 7 * 5))
    assert {state for _, state, _ in found} == {"DELIVERED"}
    assert total < len(receiver.got), "it was killed before it was done"
    assert len({got.id for got in receiver.got}) == len(found)
    assert len(found) < len(receiver.got) <= sum(attempts for _, _, attempts in found), "what was under way came twice"
    assert in_order(receiver.got)


def _alone(url: str) -> bool:
    """Whether the database has noticed that the killed sender is gone."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND (classid::bigint << 32) | objid::bigint = %s",
            (LOCK,),
        ).fetchone()
    return row == (0,)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def _until(done) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_auditor_is_sent_the_log(parts, cases) -> None:
    """Whoever sees the log is sent what is not projected yet, too: nothing hangs on the read model."""
    parts.writer.submit(report(cases[0], UUID(int=9))).result(30)
    with Receiver().listening() as receiver, Receiver().listening() as clerks:
        subscribe(parts.url, receiver.url, AUDITOR)
        subscribe(parts.url, clerks.url, CLERK)
        send_due(parts.url, Clock())
    assert len(receiver.got) == EVENTS + 1
    assert len(clerks.got) == EVENTS
