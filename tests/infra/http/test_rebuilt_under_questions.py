"""A rebuild while people ask: nobody notices, save that answers follow the new definition afterwards."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from graph.given import Asked
from infra.http.given import PLAIN, Service, projecting, serving
from infra.projecting.registries import fill, some_registry
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import DatabaseRole, connect

QUESTION = """{ registry(asOf: "2025-06-01T00:00:00Z") { position
    cases(first: 50) { totalCount nodes { id obstacles { chain { daysOpen } } } }
    gaps(filter: {counts: null}, first: 50) { totalCount nodes { id kind } } chains { totalCount } } }"""

ASKERS = 4


@pytest.mark.long
def test_a_rebuild_is_noticed_by_nobody_who_asks(registry_url: str, tmp_path: Path) -> None:
    """While it is built, swapped and swapped again: no error, no answer that goes back, none that differs at rest.

    Somebody also reads for longer than the swap waits at a time, whom it waits for and nobody behind it suffers from.
    """
    fill(registry_url, some_registry(77, cases=8))
    issuer = DevelopmentIssuer.at(tmp_path)
    told: list[list[tuple[int, str]]] = [[] for _ in range(ASKERS)]
    wrong: list[str] = []
    stop = threading.Event()

    def ask(service: Service, own: list[tuple[int, str]]) -> None:
        token = issuer.token(Role.INVESTIGATOR, "urn:org:team", lifetime_seconds=600)
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=20, verify=PLAIN) as client:
            while not stop.is_set():
                answer = client.post(f"http://{service.address}/graphql", json={"query": QUESTION})
                if answer.status_code != 200 or "errors" in answer.json():
                    wrong.append(answer.text[:500])
                else:
                    registry = answer.json()["data"]["registry"]
                    own.append((registry.pop("position"), repr(registry)))

    with asyncio.Runner() as runner:
        asked = Asked(registry_url, issuer, runner)
        with projecting(registry_url), serving(asked) as address:
            service = Service(asked, issuer, address)
            threads = [threading.Thread(target=ask, args=(service, own)) for own in told]
            for thread in threads:
                thread.start()
            with connect(registry_url, DatabaseRole.READER) as reading:
                reading.execute("BEGIN; SELECT FROM read.projected")
                ending = threading.Timer(1.5, reading.rollback)
                ending.start()
                for _ in range(3):
                    rebuild(registry_url, workers=1)
                ending.join()
            stop.set()
            for thread in threads:
                thread.join(30)
        asked.close()
    assert wrong == []
    for own in told:
        assert len(own) > 3
        assert [position for position, _ in own] == sorted(position for position, _ in own)
    assert len({answer for own in told for _, answer in own}) == 1
