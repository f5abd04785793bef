"""Questions to a real streaming replica: as right as those to the main database, whatever becomes of the replica."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from graph.given import SVB, Asked
from infra.http.given import Service, projecting, serving
from infra.http.standby import Standby, wait_until
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.migrate import migrate

OPEN = """mutation M($title: String) { openCase(input: {theme: "zorg", noticedBy: SUBJECT, title: $title}) {
    ... on OpenCasePayload { position case { id } } ... on Refused { code message } } }"""
LOOK = "query Q($p: Position) { registry(atLeast: $p) { position cases(first: 200) { totalCount nodes { title } } } }"


@pytest.fixture
def main(open_folder: Path) -> Iterator[EmbeddedServer]:
    """A server of this test alone, with a registry: others' databases would all have to be copied."""
    with EmbeddedServer.start(open_folder / "main") as server:
        migrate(server.url())
        yield server


@pytest.fixture
def standby(main: EmbeddedServer, open_folder: Path) -> Iterator[Standby]:
    """A replica of it, which runs."""
    found = Standby(open_folder / "main", open_folder / "standby")
    found.start()
    yield found
    found.gone()


class Pair:
    """A registry with a replica, served twice, as by two hosts."""

    def __init__(self, asked: Asked, standby: Standby, addresses: tuple[str, str]) -> None:
        self.asked = asked
        self.standby = standby
        self.services = [Service(asked, asked.issuer, address) for address in addresses]

    def opened(self, title: str) -> int:
        """Open a case, and return its position."""
        answer = self.services[0].post({"query": OPEN, "variables": {"title": title}}, self.services[0].token(SVB))
        return answer.json()["data"]["openCase"]["position"]

    def look(self, at: int = 0, at_least: int | None = None) -> dict:
        """Ask one of both for all cases."""
        service = self.services[at]
        answer = service.post({"query": LOOK, "variables": {"p": at_least}}, service.token(SVB))
        found = answer.json()
        assert "errors" not in found, found
        return found["data"]["registry"]

    def by(self, at: int = 0) -> dict[str, float]:
        """How many questions each kind of server answered."""
        text = self.services[at].get("/metrics").text
        return {
            who: float(line.rpartition(" ")[2])
            for who in ("replica", "primary")
            for line in text.splitlines()
            if line.startswith(f'knelpunt_questions_total{{by="{who}"}}')
        }

    def caught_up(self) -> None:
        """Wait until the replica is where the main database is."""
        wait_until(lambda: self.standby.has_come_to(self.asked.url))


@pytest.fixture
def pair(main: EmbeddedServer, standby: Standby, tmp_path: Path) -> Iterator[Pair]:
    """Both services, with a projector."""
    issuer = DevelopmentIssuer.at(tmp_path)
    with asyncio.Runner() as runner:
        asked = Asked(main.url(), issuer, runner)
        asked.organisations()
        asked.project()
        changes = {"replica_urls": (standby.url(),)}
        with (
            projecting(asked.url),
            serving(asked, None, None, **changes) as one,
            serving(asked, None, None, **changes) as other,
        ):
            yield Pair(asked, standby, (one, other))
        asked.close()


def test_questions_go_to_a_replica_and_obey_the_same_rules(pair: Pair) -> None:
    """It shows what was just recorded, to those who may see it, and texts only once the reading is on record."""
    position = pair.opened("Brief bleef liggen")
    assert pair.look(at_least=position)["cases"] == {"totalCount": 1, "nodes": [{"title": "Brief bleef liggen"}]}
    pair.caught_up()
    before = pair.by()
    noted = readings(pair.asked.url)
    assert pair.look()["cases"]["nodes"] == [{"title": "Brief bleef liggen"}]
    assert pair.by() == before | {"replica": before["replica"] + 1}
    assert readings(pair.asked.url) == noted + 1, "the record is in the main database before the answer leaves"
    others = pair.services[0].post({"query": LOOK}, pair.services[0].token("urn:org:zorg")).json()
    assert others["data"]["registry"]["cases"]["totalCount"] == 0, "row security holds there too"
    with psycopg.connect(pair.asked.url, autocommit=True) as owner:
        owner.execute("ALTER TABLE logbook.processing RENAME TO away")
        refused = pair.services[0].post({"query": LOOK}, pair.services[0].token(SVB))
        owner.execute("ALTER TABLE logbook.away RENAME TO processing")
    assert refused.status_code == 503
    assert "Brief" not in refused.text


def readings(url: str) -> int:
    """How many readings are on record."""
    with psycopg.connect(url, autocommit=True) as owner:
        row = owner.execute("SELECT count(*) FROM logbook.processing").fetchone()
    assert row is not None
    return row[0]


def test_a_replica_that_was_started_again_answers_soon(pair: Pair) -> None:
    """One broken connection is enough to throw out all that broke: found one by one, each would cost a longer rest."""
    position = pair.opened("Eerst")
    pair.caught_up()
    pair.look(at_least=position)
    pair.standby.stop()
    pair.standby.start()
    by = pair.by()
    deadline = time.monotonic() + 10
    while pair.by()["replica"] == by["replica"]:
        assert time.monotonic() < deadline
        assert pair.look()["position"] == position
        time.sleep(0.05)


@pytest.mark.long
def test_no_answer_goes_back_whatever_becomes_of_the_replica(pair: Pair) -> None:
    """Delayed by ten seconds, stopped, started again: two services answer one client by turns, and never go back.

    Meanwhile commands come in. Every answer is whole or a typed error that says to ask again; no hand is needed.
    """
    stop, failures = threading.Event(), []
    seen: list[int] = []

    def record() -> None:
        number = 0
        while not stop.is_set():
            try:
                pair.opened(f"Zaak {number}")
            except Exception as error:  # noqa: BLE001  shown below
                failures.append(error)
            number += 1
            time.sleep(0.02)

    def ask() -> None:
        number = 0
        while not stop.is_set():
            try:
                seen.append(pair.look(number % 2)["position"])
            except Exception as error:  # noqa: BLE001  shown below
                failures.append(error)
            number += 1

    threads = [threading.Thread(target=record), threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2)
        by = pair.by()
        assert by["replica"] > 0
        pair.standby.delay("10s")
        pair.standby.reload()
        time.sleep(4)
        assert pair.by()["primary"] > by["primary"], "the replica is ten seconds behind"
        pair.standby.stop()
        time.sleep(3)
        pair.standby.delay("0")
        pair.standby.start()
        by = pair.by()
        wait_until(lambda: pair.by()["replica"] > by["replica"], 30)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failures == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 10


@pytest.mark.long
def test_a_promoted_replica_is_asked_no_more(pair: Pair) -> None:
    """From then on it goes its own way: what is recorded there is nobody's answer here."""
    position = pair.opened("Eerst")
    assert pair.look(at_least=position)["cases"]["totalCount"] == 1
    pair.caught_up()
    by = pair.by()
    assert pair.look()["position"] == position
    assert pair.by()["replica"] == by["replica"] + 1
    pair.standby.promote()
    with psycopg.connect(pair.standby.url(), autocommit=True) as elsewhere:
        elsewhere.execute("UPDATE read.part SET streams = streams + 1000, over_cases = over_cases + 1000")
    for _ in range(5):
        assert pair.look()["position"] == position
    assert pair.by()["primary"] >= by["primary"] + 5
    assert pair.look(1)["position"] == position
