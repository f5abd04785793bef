"""The read model holds nothing of who was erased: which tables could, and that they are cleaned."""

from contextlib import closing
from uuid import uuid4

import psycopg
from psycopg import sql

from infra.forgetting.given import ANNA, BERT, begin, erasing, record, told_of
from infra.projecting.registries import everything
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
    assert dict(found) == dict(SUBJECT_TABLES)


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
    """Projecting on and rebuilding take the event of an erasure as one that changes no row, and make no key."""
    first, second = uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser), closing(Projector(registry_url)) as projector:
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "x"))
        before = projector.catch_up()
        rows = _rows(registry_url)
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        assert projector.catch_up() == before + 1
        assert _rows(registry_url) == rows
        assert rebuild(registry_url, 1) == before + 1
        assert _rows(registry_url) == rows
        assert not eraser.knows(first)
        assert eraser.knows(second)
