"""Rows: how long the service works on a page, as an investigator and as a large agency, on a generated registry.

The whole application answers, in this process and without a socket: session, token, GraphQL, row security, what is put
on record of reading, template. One request at a time, with cases, organisations and moments drawn at random: each page
is asked for as its menu does, and by links with filters and with both times. There is nobody to compare with; the limit
is that of the slowest page. Where other work keeps the machine busy, the processor time of program and database says
more than the clock. Pages of one cause or its like are not asked for: a generated registry has none.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

import httpx
import psycopg
from msgspec import Struct
from starlette.responses import Response

from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.schema import SCHEMA
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.http.app import create_app
from knelpunt.infra.http.services import Services
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.pages.sessions import SESSION_KEY_BYTES, Sessions, new_session
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.serving import memory

from .generate import ORGANISATIONS
from .laboratory import Laboratory, Registry
from .measuring import Report, Row, percentile
from .processor import parent_of, processor_ms

VISITS: Final = 20
"""Visits of each page that count."""

WARM_UP: Final = 10
"""Visits before, two of each address where a page has five: a statement is planned once on each connection, and a
visitor who comes alone uses two of them in turn."""

LIMIT_MS: Final = 100.0

MASTER: Final = secrets.token_bytes(32)
"""The master key of this run's registries: their vaults are opened more than once."""

HOST: Final = "http://127.0.0.1"

PAGES: Final = {
    "overview": ("/",),
    "search": ("/?q=wonen", "/?q=stilstand", "/?q={reference}"),
    "gaps": ("/gaps", "/gaps?order=NEWEST", "/gaps?{lens}"),
    "gaps of an organisation": ("/gaps?organisation={organisation}", "/gaps?organisation={organisation}&part=involved"),
    "gaps, filtered": (
        "/gaps?kind=CAROUSEL",
        "/gaps?harm=HOME&order=DAYS",
        "/gaps?theme=wonen&minDays=100",
        "/gaps?state=ended",
        "/gaps?kind=STANDSTILL&{lens}",
    ),
    "interfaces": ("/interfaces", "/interfaces?{lens}", "/interfaces?organisation={organisation}&{lens}"),
    "interfaces of a year": ("/interfaces?period=365", "/interfaces?period=365&page=3&{lens}"),
    # In a large registry a year of them: see pages/interfaces.py.
    "interfaces of all years": ("/interfaces?period=all", "/interfaces?period=1825&{lens}"),
    "case": ("/cases/{reference}", "/cases/{reference}?step=3", "/cases/{reference}?whole=1"),
    "case at a moment": ("/cases/{reference}/moment?at={day}",),
    "difference": ("/cases/{reference}/difference?thenAsOf={day}",),
    "swimlanes": ("/cases/{reference}/lanes.svg",),
    "my case": ("/mine?subject={subject}",),
    "causes": ("/causes", "/causes?{lens}"),
    "dialogues": ("/learning/dialogues",),
    "investigations": ("/learning/investigations",),
    "dossiers": ("/learning/dossiers",),
    "networks": ("/learning/networks",),
    "strategies": ("/learning/experiments",),
    "commands": ("/record",),
    "trail": ("/trail",),
    "ask": ("/ask",),
}
"""Addresses of each page, which visits take in turn. ``lens`` are both times, each a day in the registry's years."""

AGENCY_PAGES: Final = {
    "inbox": ("/inbox",),
    "command": ("/record/offerHandoff?case={case}", "/record/takeStep?case={case}"),
}
"""Those that somebody who acts for an organisation has beside them."""

REFERENCES: Final = """
SELECT s.reference, s.case_id::text,
       (SELECT o.subject_id::text FROM read.case_subject o WHERE o.case_id = s.case_id LIMIT 1)
  FROM read.case_state s
 WHERE s.known_until = 'infinity' AND (%(viewer)s::text IS NULL
       OR EXISTS (SELECT FROM read.case_viewer v WHERE v.viewer = %(viewer)s AND v.case_id = s.case_id))
 ORDER BY md5(s.case_id::text) LIMIT %(most)s
"""

ORGANISATION: Final = "urn:bench:organisation:{:03}"

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
            viewer: [Drawn(*found) for found in admin.execute(REFERENCES, {"viewer": viewer, "most": visits + WARM_UP})]
            for viewer in (None, f"O:{agency}")
        }
        server = parent_of(admin.info.backend_pid)
    made: list[Row] = []
    for key, what, role, organisation, viewer, pages in (
        ("pages-investigator", "an investigator", Role.INVESTIGATOR, "urn:bench:investigators", None, PAGES),
        ("pages-agency", "the largest agency", Role.AGENCY, agency, f"O:{agency}", PAGES | AGENCY_PAGES),
    ):
        report(f"pages: {visits} visits of each on {given.events} events, as {what}")
        visitor = Visitor(role, organisation, drawn[viewer], given.begin, given.end)
        taken, worked = asyncio.run(_visits(given.url, visitor, pages, visits, server))
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
                    f"{page}, ms": f"{median(each):.3g}, p95 {percentile(each, 95):.3g}" + _of_processor(worked[page])
                    for page, each in taken.items()
                },
                meaning=(
                    "The application answers in this process, without a socket, one request at a time: session, token, "
                    "GraphQL, row security, what is put on record of reading, template. Cases, organisations and "
                    "moments are drawn at random; links with filters and both times stand beside the pages of the "
                    "menu. CPU is the processor time of program and database together."
                ),
            )
        )
    return made


class Drawn(Struct, frozen=True):
    """A case drawn at random, and whose it is."""

    reference: str
    case: str
    subject: str


class Visitor(Struct, frozen=True):
    """Who visits, what they may have before them, and between which moments the registry was told."""

    role: Role
    organisation: str
    cases: list[Drawn]
    begin: datetime
    end: datetime

    def address(self, form: str, rng: Random) -> str:
        """Return an address with what is drawn in its places."""
        case = rng.choice(self.cases)
        return form.format(
            reference=case.reference,
            case=case.case,
            subject=case.subject,
            organisation=ORGANISATION.format(rng.randrange(ORGANISATIONS)),
            day=self._day(rng),
            lens=f"asOf={self._day(rng)}&knownAt={self._day(rng)}",
        )

    def _day(self, rng: Random) -> date:
        return (self.begin + (self.end - self.begin) * rng.random()).date()


async def _visits(
    url: str, visitor: Visitor, pages: Mapping[str, Sequence[str]], visits: int, server: int | None
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the milliseconds of each visit by the clock, and those of the processor, by page."""
    rng = Random(visits)
    key = secrets.token_bytes(SESSION_KEY_BYTES)
    with tempfile.TemporaryDirectory() as folder, bootstrap(url, MASTER) as parts:
        issuer = DevelopmentIssuer.at(Path(folder))
        services = Services(
            schema=SCHEMA,
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
        cookies = _cookies(key, issuer.token(visitor.role, visitor.organisation, "bezoeker"))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, cookies=cookies) as client,
        ):
            memory.settle()  # as the service does when it begins
            taken: dict[str, list[float]] = {page: [] for page in pages}
            worked: dict[str, list[float]] = {page: [] for page in pages}
            for number in range(visits + WARM_UP):
                for page, forms in pages.items():
                    path = visitor.address(forms[number % len(forms)], rng)
                    before = processor_ms(server)
                    begun = perf_counter()
                    reply = await client.get(path)
                    if number >= WARM_UP:
                        taken[page].append((perf_counter() - begun) * 1000)
                        worked[page].append(processor_ms(server) - before)
                    assert reply.status_code == httpx.codes.OK, f"{path}: {reply.status_code} {_said(reply)}"
            return taken, worked


def _of_processor(worked: Sequence[float]) -> str:
    """Return what was measured of the processor, nothing where the database's part is not told."""
    return f", CPU {median(worked):.3g}, p95 {percentile(worked, 95):.3g}" if max(worked) > 0 else ""


def _said(reply: httpx.Response) -> str:
    """Return what a page says, as far as an error needs it."""
    return reply.text.partition("<main")[2][:300]


def _cookies(key: bytes, token: str) -> dict[str, str]:
    """Return the cookie of somebody who has signed in."""
    response = Response()
    Sessions(key, secure=False).write(response, new_session(token))
    name, _, rest = response.headers["set-cookie"].partition("=")
    return {name: rest.partition(";")[0]}
