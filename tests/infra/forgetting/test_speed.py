"""How long it takes to forget many people."""

import time
from uuid import uuid4

import msgspec
import pytest

from infra.forgetting.given import ANNA, BERT, MASTER, begin
from infra.store.given import OFFICE, command, event, log
from knelpunt.domain.case.facts import CaseOpened, StepTaken
from knelpunt.domain.erasure import SubjectErased
from knelpunt.domain.text import Clear, clear
from knelpunt.domain.vocabulary import NoticedBy, StepKind
from knelpunt.infra.bootstrap import bootstrap
from knelpunt.infra.forgetting.erasing import Eraser
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.store.bulk import append_bulk
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.vault.sealing import Place
from knelpunt.infra.vault.vault import ToSeal

SUBJECTS, EVENTS = 1_000, 50
SECONDS_MAX = 60


@pytest.mark.long
def test_a_thousand_people(registry_url, record_property) -> None:
    """1,000 people with 50 events each are asked for, approved and forgotten in under a minute, waiting included."""
    subjects = [uuid4() for _ in range(SUBJECTS)]
    with bootstrap(registry_url, MASTER) as parts, connect(registry_url, DatabaseRole.APPENDER) as appender:
        begin(parts)
        for subject in subjects:
            case = uuid4()
            facts = [CaseOpened("CASE-01", (subject,), "schulden", NoticedBy.SUBJECT, clear("titel"))]
            facts += [StepTaken(case, OFFICE, StepKind.NOTE, clear(f"stap {n}")) for n in range(1, EVENTS)]
            events = [event(case, version, fact) for version, fact in enumerate(facts, 1)]
            places = [Place(one.id, case, one.version, one.data.topic) for one in events]
            asked = [ToSeal(one.data, place, subject) for one, place in zip(events, places, strict=True)]
            sealed = parts.vault.seal(asked)
            events = [msgspec.structs.replace(one, data=fact) for one, fact in zip(events, sealed, strict=True)]
            append_bulk(appender, events, [parts.vault.request_hash(command(case, fact)) for fact in facts])
        projector = Projector(registry_url)
        projector.catch_up()
        eraser = Eraser(registry_url, parts.vault, parts.writer.submit)
        assert len(log(parts.registry)) == SUBJECTS * EVENTS + 1
        started = time.perf_counter()
        requests = [eraser.request(subject, "verzoek", ANNA) for subject in subjects]
        asked_in = time.perf_counter() - started
        done = eraser.approve(requests, BERT)
        seconds = time.perf_counter() - started
        record_property("seconds", seconds)
        print(f"asked in {asked_in:.1f} s, all in {seconds:.1f} s")
        projector.catch_up()
        projector.close()
        eraser.close()
        assert all(one.completed_at is not None for one in done)
        events = log(parts.registry)
        assert sum(isinstance(one.data, SubjectErased) for one in events) == SUBJECTS
        assert not any(isinstance(text, Clear) for text in parts.vault.open(events).values())
    assert seconds < SECONDS_MAX
