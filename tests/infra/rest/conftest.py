"""A service over a registry that its tests only read: two agencies share a case, a third has its own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from infra.http.given import PLAIN, serving
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.rest.resources import BASE


@dataclass
class World:
    """Where the service is, and what it has been told."""

    asked: Asked
    issuer: DevelopmentIssuer
    address: str
    client: httpx.Client
    shared: Story
    other: Story

    def token(self, role: Role = Role.INVESTIGATOR, organisation: str | None = GEMEENTE) -> str:
        subject = UUID(self.shared.subject) if role is Role.SUBJECT else None
        return self.issuer.token(role, organisation, subject=subject)

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {token or self.token()}"} | headers
        where = path if path.startswith("/api") else BASE + path
        return self.client.get(f"http://{self.address}{where}", headers=given)

    def found(self, path: str, token: str | None = None) -> Any:
        answer = self.get(path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def world(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    issuer = DevelopmentIssuer.at(Path(tmp_path_factory.mktemp("issuer")))
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, issuer, runner)
        asked.organisations()
        stories = []
        for agency in (GEMEENTE, ZORG):
            clerk = Asker(agency, Role.AGENCY, "clerk", datetime.now(UTC) + timedelta(hours=1))
            asked.project()
            story = Story(asked, 100, clerk, title=f"Titel van {agency}")
            asked.project()
            given = {"experiencedAt": agency, "receivedBy": agency, "story": "Niemand belt terug"}
            obstacle = story.report(1, asker=clerk, **given)
            asked.project()
            if agency == GEMEENTE:
                story.done("offerHandoff", 2, asker=clerk, obstacle=obstacle, to=SVB)
                asked.project()
            story.done("releaseCustody", 9, asker=clerk, obstacle=obstacle, ground="NO_CAPACITY")
            stories.append(story)
        asked.project()
        with serving(asked) as address, httpx.Client(timeout=20, verify=PLAIN) as client:
            yield World(asked, issuer, address, client, *stories)
        asked.close()
