"""The read model holds nothing of who was erased: which tables could, and that they are cleaned."""

from contextlib import closing
from uuid import uuid4

import psycopg
from psycopg import sql

from infra.forgetting.given import ANNA, BERT, begin, erasing, record, told_of
from infra.projecting.registries import everything
from infra.store.given import MOMENT, command, log, open_case
from knelpunt.domain.case.facts import FactCorrected
from knelpunt.infra.projecting import forgetting, schema
from knelpunt.infra.projecting.forgetting import forget, forget_erased
from knelpunt.infra.projecting.projector import Projector
from knelpunt.infra.projecting.rebuild import rebuild
from knelpunt.infra.store.connection import REGISTRY, SET_PRINCIPAL, DatabaseRole, connect, principal_text
from knelpunt.projections.read_model.subject_tables import SUBJECT_TABLES


def _rows(url: str) -> dict[str, list[str]]:
    """Every row of the read model, save how far it has come."""
    return {table: rows for table, rows in everything(url).items() if table != "projected"}


def test_every_table_with_a_subject_is_listed(registry_url) -> None:
    """A column for a subject that is not in the list would keep what erasing has to clean."""
    with closing(Projector(registry_url)) as projector:
        projector.catch_up()
    with psycopg.connect(registry_url) as connection:
        found = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'read' AND column_name LIKE '%subject%'"
        ).fetchall()
    assert found
    assert dict(found).items() <= SUBJECT_TABLES.items()


def test_forgotten_rows(registry_url) -> None:
    """Rows of those whom the log tells to be erased go, and those of others stay."""
    first, second = uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser), closing(Projector(registry_url)) as projector:
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "x"))
        projector.catch_up()
        with connect(registry_url, DatabaseRole.PROJECTOR) as connection, connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            schema.within(connection, schema.LIVE)
            connection.execute("CREATE TABLE of_people (whom uuid, nr integer)")
            for whom in (first, second):
                connection.execute("INSERT INTO of_people VALUES (%s, 1), (%s, 2)", (whom, whom))
            tables = {"of_people": "whom"}
            assert forget_erased(connection, tables) == 0
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        with connect(registry_url, DatabaseRole.PROJECTOR) as connection, connection.transaction():
            connection.execute(SET_PRINCIPAL, (principal_text(REGISTRY),))
            schema.within(connection, schema.LIVE)
            assert forgetting.erased_subjects(connection) == [first]
            assert forget_erased(connection, tables) == 2
            assert connection.execute("SELECT DISTINCT whom FROM of_people").fetchall() == [(second,)]
            assert forget(connection, [second], tables) == 2
            connection.execute(sql.SQL("DROP TABLE of_people"))


def test_replayed_after_an_erasure(registry_url) -> None:
    """Projected on or rebuilt, no row names who was erased, all others stay; a correction of the opening changes that
    in nothing, and replaying makes no key."""
    first, second, case = uuid4(), uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser), closing(Projector(registry_url)) as projector:
        begin(parts)
        record(parts, [open_case(case, None, first, occurred_at=MOMENT), *told_of(second, first, uuid4(), "y")[:2]])
        before = projector.catch_up()
        rows = _rows(registry_url)
        assert any(str(first) in row for table in rows.values() for row in table)
        others = {table: [row for row in some if str(first) not in row] for table, some in rows.items()}
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        assert _rows(registry_url) == others  # before the log's event has been projected
        assert projector.catch_up() == before + 1
        assert _rows(registry_url) == others
        assert rebuild(registry_url, 1) == before + 1
        assert _rows(registry_url) == others
        opened = next(one for one in log(parts.registry) if one.stream == case)
        record(parts, [command(case, FactCorrected(opened.id, "occurred_at", "2024-03-05T09:00:00Z"))])
        projector.catch_up()
        corrected = _rows(registry_url)
        assert corrected["case_state"] != others["case_state"]
        assert not any(str(first) in row for table in corrected.values() for row in table)
        rebuild(registry_url, 1)
        assert _rows(registry_url) == corrected
        assert not eraser.knows(first)
        assert eraser.knows(second)
