"""Strings that enter through every door for words about people, looked for in everything that is ever written down."""

import asyncio
import gzip
import os
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pyarrow.parquet
import pytest

from graph.given import GEMEENTE, Asked
from infra.backup.given import stored, untold
from infra.exporting.given import OWNER, export_from
from infra.forgetting.given import ANNA, BERT, begin, erasing, record
from infra.http.given import PLAIN, serving
from infra.pages.visiting import csrf_of
from infra.projecting.registries import everything
from infra.store.given import command, event, log, open_case
from infra.store.test_codec import FILES, golden, row
from knelpunt.domain.case.facts import CaseOpened, SubjectRelated
from knelpunt.domain.command import RefusalCode, Refused
from knelpunt.domain.event import Fact
from knelpunt.domain.ids import organisation_stream_of
from knelpunt.domain.organisation.facts import OrganisationFact
from knelpunt.domain.text import Clear, clear
from knelpunt.domain.vocabulary import IdentityKind, SubjectRelation
from knelpunt.infra.backup.taking import take
from knelpunt.infra.bootstrap import Parts
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.forgetting.erasing import Eraser
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.logbook.processing import ProcessingLog
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.store.bulk import append_bulk
from knelpunt.infra.store.codec import CASE, ERASURE, KINDS, REGISTRY, decode
from knelpunt.infra.store.connection import DatabaseRole, connect, pool
from knelpunt.infra.vault.identities import Identities, identity
from knelpunt.infra.vault.sealing import Place
from knelpunt.infra.vault.texts import text_fields
from knelpunt.infra.vault.vault import ToSeal, Vault

CANARIES_MIN = 200
PAIRS = 6

MASTER_OF_ASKED = b"m" * 32
"""The master key of the registry that is asked in GraphQL."""

DATA = "{ registry { cases(first: 50) { nodes { title timeline(first: 50) { nodes { data summary } } } } } }"
BROKEN = (
    'query {{ registry {{ search(text: "{0}") {{ nodes {{ nothing }} }} }} }}',
    'query {{ "{0}"',
    "query ($text: Int!) {{ registry {{ search(text: $text) {{ totalCount }} }} }}",
    'mutation {{ openCase(input: {{ theme: "{0}", title: 3 }}) {{ __typename }} }}',
)
"""Questions that are wrong in a way that an answer or a log might quote."""


class Canaries:
    """Makes canaries, each said of one of two people, and looks for them."""

    def __init__(self) -> None:
        self.mark = f"kanarie{secrets.token_hex(9)}"
        self.of: dict[UUID, list[str]] = {}

    def about(self, subject: UUID) -> str:
        """A new one, about somebody."""
        mine = self.of.setdefault(subject, [])
        mine.append(f"{self.mark} {subject} {len(mine)}")
        return mine[-1]

    def forms(self) -> list[bytes]:
        """What to look for: as it is, in UTF-16, in hexadecimal, and in base64 wherever it begins."""
        plain = self.mark.encode()
        # Of each alignment the part that does not hang on what stands before and after.
        encoded = [b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
        return [plain, self.mark.encode("utf-16-le"), plain.hex().encode(), *encoded]

    def within(self, content: bytes) -> bool:
        """Whether any is in some bytes."""
        return any(form in content for form in self.forms())

    def count(self) -> int:
        return sum(map(len, self.of.values()))


def facts_with_words() -> dict[str, list[Fact]]:
    """A fact of every kind that can say something in words, by the kind of stream that it stands in."""
    found: dict[str, list[Fact]] = {}
    for fact in (decode(row(*golden(path))).data for path in FILES):
        if text_fields(type(fact)):
            found.setdefault(KINDS[fact.topic], []).append(fact)
    return found


def through_streams(parts: Parts, kinds: dict[str, list[Fact]], speak: Callable[[Fact], Fact], subject: UUID) -> None:
    """Say something in a stream of each kind that is no case's: as imports do, and by commands, refused or not."""
    assert set(kinds) == {kind for kind in KINDS.values() if kind not in {CASE, REGISTRY, ERASURE}}
    for facts in kinds.values():
        by_stream: dict[UUID, list[Fact]] = {}
        stream = uuid4()
        for fact in facts:
            own = organisation_stream_of(fact.organisation) if isinstance(fact, OrganisationFact) else stream
            by_stream.setdefault(own, []).append(fact)
        for own, said in by_stream.items():
            through_the_import(parts, own, [speak(fact) for fact in said], subject)
        for fact in facts:
            parts.writer.submit(command(uuid4(), speak(fact))).result(30)


def through_forms(asked: Asked, canaries: Canaries, subject: UUID) -> None:
    """Fill in forms of the pages, rightly and wrongly."""
    sign_in = SignIn(key=secrets.token_bytes(32), development=asked.issuer)
    with (
        serving(asked, sign_in) as address,
        httpx.Client(base_url=f"http://{address}", timeout=60, verify=PLAIN) as client,
    ):
        chosen = {"csrf": csrf_of(client.get("/signin").text), "role": "AGENCY", "organisation": GEMEENTE}
        assert client.post("/signin", data=chosen).status_code == 303
        form = {"csrf": csrf_of(client.get("/record/openCase").text), "noticedBy": "SUBJECT", "subjects": str(subject)}
        right = client.post("/record/openCase", data=form | {"theme": "zorg", "title": canaries.about(subject)})
        assert right.status_code == 303, right.text
        wrong = client.post("/record/openCase", data=form | {"theme": "", "title": canaries.about(subject)})
        assert wrong.status_code in {400, 422}
        odd = client.post("/record/openCase", data=form | {"theme": canaries.about(subject), "noticedBy": "NOBODY"})
        assert odd.status_code in {400, 422}
        assert client.get("/", params={"q": canaries.about(subject)}).status_code == 200
        client.post("/record/nothing", data=form | {"title": canaries.about(subject)})


def spoken(fact: Fact, canaries: Canaries, first: UUID, second: UUID) -> Fact:
    """A fact with a canary in each of its texts, in turn about the one and about the other."""
    words = {
        name: clear(canaries.about(whom), whom)
        for number, name in enumerate(text_fields(type(fact)))
        for whom in [(first, second)[number % 2]]
    }
    return msgspec.structs.replace(fact, **words)


def through_the_import(parts: Parts, case: UUID, facts: list[Fact], subject: UUID) -> None:
    """Seal and append as imports do, which judge by rules of their own."""
    version = len([one for one in log(parts.registry) if one.stream == case])
    events = [event(case, version + number, fact) for number, fact in enumerate(facts, 1)]
    places = [Place(one.id, one.stream, one.version, one.data.topic) for one in events]
    sealed = parts.vault.seal([ToSeal(one.data, place, subject) for one, place in zip(events, places, strict=True)])
    events = [msgspec.structs.replace(one, data=fact) for one, fact in zip(events, sealed, strict=True)]
    hashes = [parts.vault.request_hash(command(case, fact)) for fact in facts]
    with connect(parts.url, DatabaseRole.APPENDER) as connection:
        append_bulk(connection, events, hashes)


def through_questions(asked: Asked, canaries: Canaries, first: UUID) -> None:
    """Ask, rightly and wrongly, with words about somebody in the question."""
    title = {"theme": "schulden", "noticedBy": "SUBJECT", "subjects": [str(first)], "title": canaries.about(first)}
    asked.done("openCase", title)
    for document in BROKEN:
        text = canaries.about(first)
        answer = asked.response(document.format(text), text=text)
        assert "errors" in answer


def through_every_door(
    parts: Parts, eraser: Eraser, asked: Asked, canaries: Canaries, first: UUID, second: UUID
) -> None:
    """Say something of two people wherever it can be said."""
    case = uuid4()
    opened = open_case(case, clear(canaries.about(first)), first)
    record(parts, [opened, command(case, SubjectRelated(second, first, SubjectRelation.HOUSEHOLD))])
    others = facts_with_words()
    kinds = others.pop(CASE)
    rest = [spoken(fact, canaries, first, second) for fact in kinds if type(fact) is not CaseOpened]
    through_the_import(parts, case, rest, first)
    answers = [parts.writer.submit(command(case, spoken(fact, canaries, first, second))).result(30) for fact in kinds]
    assert {isinstance(answer, Refused) for answer in answers} == {True, False}
    through_streams(parts, others, lambda fact: spoken(fact, canaries, first, second), first)
    through_questions(asked, canaries, first)
    eraser.lift_hold(eraser.place_hold(first, canaries.about(first), ANNA), ANNA)
    identities = Identities(parts.vault)
    for subject in (first, second):
        identities.keep(subject, identity(IdentityKind.NAME, canaries.about(subject)))


def readable(parts: Parts) -> dict[UUID, list[str]]:
    """The texts of the log that open, by whom they are about."""
    found: dict[UUID, list[str]] = {}
    for sealed, text in parts.vault.open(log(parts.registry)).items():
        if isinstance(text, Clear):
            found.setdefault(sealed.about, []).append(text.content.reveal())
    return found


def exported(url: str, folder: Path) -> Iterator[tuple[Format, bytes]]:
    """Every export of somebody who sees all there is. What is in it is found in it: its cases, by their references."""
    with (
        closing(Vault(url, MASTER_OF_ASKED)) as vault,
        closing(ProcessingLog(url, vault)) as processing,
        pool(url, DatabaseRole.READER, 2) as reader,
    ):
        for format_ in Format:
            out = folder.with_name(f"{folder.name}.{format_}")
            assert export_from(reader, processing, vault, out, format_, OWNER).events > 100
            content = out.read_bytes()
            if format_ is Format.PARQUET:
                content = str(pyarrow.parquet.read_table(out).to_pylist()).encode()
            assert b"case-opened" in content
            yield format_, content


@pytest.fixture
def scanned(
    postgres_server, registry_url, tmp_path, caplog: pytest.LogCaptureFixture
) -> Callable[[Canaries], list[str]]:
    """Looks through everything that was written down; what holds a canary, and that the search finds what is there."""
    taken = iter(range(100))

    def scan(canaries: Canaries) -> list[str]:
        witness = f"getuige-{secrets.token_hex(12)}".encode()
        with psycopg.connect(registry_url, autocommit=True) as login:
            login.execute("CREATE TABLE IF NOT EXISTS public.witness (text text)")
            login.execute("INSERT INTO public.witness VALUES (%s)", (witness.decode(),))
            login.execute("CHECKPOINT")
            login.execute("SELECT pg_switch_wal()")
        time.sleep(0.1)
        found, seen = [], False
        # os.walk, not rglob: other tests' databases are dropped meanwhile, and what is gone holds no text.
        for folder, _, names in os.walk(postgres_server._places.root):
            for path in (Path(folder, name) for name in names):
                try:
                    content = path.read_bytes() if path.is_file() else b""
                except FileNotFoundError:
                    continue
                seen = seen or witness in content
                found += [str(path)] if canaries.within(content) else []
        assert seen
        for name, rows in (stored(registry_url) | everything(registry_url)).items():
            found += [name] if canaries.within("\n".join(rows).encode()) else []
        folder = tmp_path / f"backup-{next(taken)}"
        take(registry_url, folder, untold)
        for path in folder.rglob("*"):
            if path.is_file():
                content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                found += [str(path)] if canaries.within(content) else []
        found += ["log"] if canaries.within(caplog.text.encode()) else []
        return found + [format_ for format_, content in exported(registry_url, folder) if canaries.within(content)]

    caplog.set_level("DEBUG")
    caplog.set_level("WARNING", "httpx")  # the visitor's own browser, which notes where it goes
    return scan


def test_canaries(registry_url, scanned, tmp_path) -> None:
    """In no file, table, log or backup, before erasure and after; readable before, gone after, and the other's stay."""
    canaries = Canaries()
    pairs = [(uuid4(), uuid4()) for _ in range(PAIRS)]
    firsts, seconds = ([pair[place] for pair in pairs] for place in (0, 1))
    with (
        asyncio.Runner() as runner,
        closing(Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)) as asked,
        erasing(registry_url, MASTER_OF_ASKED) as (parts, eraser),
    ):
        begin(parts)
        asked.organisations()
        for pair in pairs:
            through_every_door(parts, eraser, asked, canaries, *pair)
        through_forms(asked, canaries, firsts[0])
        requests = [eraser.request(first, canaries.about(first), ANNA) for first in firsts]
        asked.project()
        assert canaries.count() >= CANARIES_MIN
        before = readable(parts)
        assert set(before) == {*firsts, *seconds}
        assert all(canaries.mark in text for texts in before.values() for text in texts)
        assert all(str(one) in str(asked.ask(DATA)) for one in before)
        assert scanned(canaries) == []
        told = [(one.id, one.data) for one in log(parts.registry)]

        eraser.approve(requests, BERT)
        asked.project()
        assert readable(parts) == {subject: before[subject] for subject in seconds}
        shown = str(asked.ask(DATA))
        assert not any(f"{canaries.mark} {first}" in shown for first in firsts)
        assert all(f"{canaries.mark} {second}" in shown for second in seconds)
        for first in firsts:
            answer = parts.writer.submit(open_case(uuid4(), clear(canaries.about(first)), first)).result(30)
            assert isinstance(answer, Refused)
            assert answer.code is RefusalCode.SUBJECT_ERASED
        assert [(one.id, one.data) for one in log(parts.registry)][: len(told)] == told

        eraser.approve([eraser.request(second, canaries.about(second), ANNA) for second in seconds], BERT)
        asked.project()
        assert readable(parts) == {}
        assert canaries.mark not in str(asked.ask(DATA))
        assert scanned(canaries) == []
    with connect(registry_url, DatabaseRole.OWNER) as owner:
        held = "SELECT (SELECT count(*) FROM vault.key WHERE subject_id = ANY(%s)), count(*) FROM vault.identity"
        assert owner.execute(held, ([*firsts, *seconds],)).fetchone() == (0, 0)
