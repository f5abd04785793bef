"""Rows: how long the service works on a page, as an investigator and as a large agency, on a generated registry.

The whole application answers, in this process and without a socket: session, token, GraphQL, row security, what is put
on record of reading, template. One request at a time, with cases drawn at random. There is nobody to compare with; the
limit is that of the slowest page.
"""

import asyncio
import secrets
import tempfile
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

import httpx
import psycopg
from starlette.responses import Response

from knelpunt.domain.vocabulary import Role
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.http.app import create_app
from knelpunt.infra.http.services import Services
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.pages.sessions import SESSION_KEY_BYTES, Sessions, new_session
from knelpunt.infra.pages.signing_in import SignIn

from .laboratory import Laboratory, Registry
from .measuring import Report, Row, percentile

VISITS: Final = 20
"""Visits of each page that count."""

WARM_UP: Final = 3

LIMIT_MS: Final = 100.0

MASTER: Final = secrets.token_bytes(32)
"""The master key of this run's registries: their vaults are opened more than once."""

HOST: Final = "http://127.0.0.1"

PAGES: Final = {
    "overview": "/",
    "search": "/?q=wonen",
    "gaps": "/gaps",
    "interfaces": "/interfaces",
    "case": "/cases/{reference}",
    "causes": "/causes",
    "dialogues": "/learning/dialogues",
    "trail": "/trail",
}

INBOX: Final = {"inbox": "/inbox"}

REFERENCES: Final = """
SELECT s.reference FROM read.case_state s
 WHERE s.known_until = 'infinity' AND (%(viewer)s::text IS NULL
       OR EXISTS (SELECT FROM read.case_viewer v WHERE v.viewer = %(viewer)s AND v.case_id = s.case_id))
 ORDER BY md5(s.case_id::text) LIMIT %(most)s
"""

LARGEST: Final = """
SELECT substr(viewer, 3) FROM read.case_viewer WHERE starts_with(viewer, 'O:urn:bench:organisation:')
 GROUP BY viewer ORDER BY count(*) DESC, viewer LIMIT 1
"""


def rows(laboratory: Laboratory, given: Registry, report: Report, visits: int = VISITS) -> list[Row]:
    """Measure on a registry whose read model stands."""
    laboratory.settle(given.url)
    with psycopg.connect(given.url, autocommit=True) as admin:
        found = admin.execute(LARGEST).fetchone()
        assert found is not None, "no organisation is party to a case"
        agency = str(found[0])
        drawn = {
            viewer: [str(one) for (one,) in admin.execute(REFERENCES, {"viewer": viewer, "most": visits + WARM_UP})]
            for viewer in (None, f"O:{agency}")
        }
    made: list[Row] = []
    for key, what, role, organisation, viewer, pages in (
        ("pages-investigator", "an investigator", Role.INVESTIGATOR, "urn:bench:investigators", None, PAGES),
        ("pages-agency", "the largest agency", Role.AGENCY, agency, f"O:{agency}", PAGES | INBOX),
    ):
        report(f"pages: {visits} visits of each on {given.events} events, as {what}")
        taken = asyncio.run(_visits(given.url, role, organisation, pages, drawn[viewer], visits))
        slowest = max(taken, key=lambda page: percentile(taken[page], 95))
        made.append(
            Row(
                key=key,
                what=f"server time of a page, as {what}",
                against="nobody: a limit of its own",
                events=given.events,
                unit="ms",
                ours=[each for page in taken.values() for each in page],
                theirs=[],
                limited=f"p95 of the slowest, {slowest}",
                limited_value=percentile(taken[slowest], 95),
                limit=LIMIT_MS,
                details={
                    f"{page}, ms": f"{median(each):.3g}, p95 {percentile(each, 95):.3g}" for page, each in taken.items()
                },
                meaning=(
                    "The application answers in this process, without a socket, one request at a time: session, token, "
                    "GraphQL, row security, what is put on record of reading, template. Cases are drawn at random."
                ),
            )
        )
    return made


async def _visits(
    url: str, role: Role, organisation: str, pages: dict[str, str], references: list[str], visits: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each visit, by page."""
    rng = Random(visits)
    key = secrets.token_bytes(SESSION_KEY_BYTES)
    with tempfile.TemporaryDirectory() as folder, bootstrap(url, MASTER) as parts:
        issuer = DevelopmentIssuer.at(Path(folder))
        services = Services(
            url=parts.url,
            writer=parts.writer,
            vault=parts.vault,
            processing=parts.processing,
            security=parts.security,
            verifier=issuer.verifier(),
            development=True,
            cost_per_minute=0,  # what one visitor may ask in a minute is not what is measured
        )
        app = create_app(services, SignIn(key=key, development=issuer))
        cookies = _cookies(key, issuer.token(role, organisation, "bezoeker"))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, cookies=cookies) as client,
        ):
            taken: dict[str, list[float]] = {page: [] for page in pages}
            for number in range(visits + WARM_UP):
                for page, address in pages.items():
                    path = address.format(reference=rng.choice(references))
                    begun = perf_counter()
                    reply = await client.get(path)
                    if number >= WARM_UP:
                        taken[page].append((perf_counter() - begun) * 1000)
                    assert reply.status_code == httpx.codes.OK, f"{path}: {reply.status_code} {_said(reply)}"
            return taken


def _said(reply: httpx.Response) -> str:
    """Return what a page says, as far as an error needs it."""
    return reply.text.partition("<main")[2][:300]


def _cookies(key: bytes, token: str) -> dict[str, str]:
    """Return the cookie of somebody who has signed in."""
    response = Response()
    Sessions(key, secure=False).write(response, new_session(token))
    name, _, rest = response.headers["set-cookie"].partition("=")
    return {name: rest.partition(";")[0]}
