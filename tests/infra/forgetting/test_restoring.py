"""A copy of the vault from before an erasure brings nobody back: the log tells who was erased."""

from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql

from infra.backup.given import untold
from infra.forgetting.given import ANNA, BERT, begin, erasing, readable, record, told_of
from infra.store.given import log
from knelpunt.infra.backup.errors import BackupError
from knelpunt.infra.backup.folder import read_part
from knelpunt.infra.backup.restoring import Backup, restore, together
from knelpunt.infra.backup.taking import take
from knelpunt.infra.store.connection import DatabaseRole, connect


def mixed(log_of: Path, vault_of: Path) -> Backup:
    """The log of one backup and the vault of another."""
    return together(read_part(log_of, "knelpunt"), read_part(vault_of / "vault", "vault"))


def of_subjects(url: str, table: str) -> set[object]:
    """Whom a table of the vault is about."""
    with connect(url, DatabaseRole.OWNER) as owner:
        statement = sql.SQL("SELECT subject_id FROM {}").format(sql.Identifier("vault", table))
        return {subject for (subject,) in owner.execute(statement)}


def test_an_old_vault(registry_url, empty_database_url, tmp_path) -> None:
    """Restored with the log of today, a vault of before leaves the erased one erased, and their approval as told."""
    first, second = uuid4(), uuid4()
    before, after = tmp_path / "before", tmp_path / "after"
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "x"))
        request = eraser.request(first, "verzoek", ANNA)
        take(registry_url, before, untold)
        (done,) = eraser.approve([request], BERT)
        take(registry_url, after, untold)
    restore(empty_database_url, mixed(after, before), untold)
    assert of_subjects(empty_database_url, "key") == {first, second}
    with erasing(empty_database_url) as (parts, eraser):
        assert readable(parts) == ["x tweede"]
        assert of_subjects(empty_database_url, "key") == {second}
        assert of_subjects(empty_database_url, "fence") == {first}
        # In that vault the request is still waiting. Approved again, it comes to what the log tells already.
        told = log(parts.registry)
        (again,) = eraser.approve([request], BERT)
        assert again.position == done.position
        assert log(parts.registry) == told


def test_an_old_log_with_the_vault_of_today(registry_url, empty_database_url, tmp_path) -> None:
    """The log of before, which does not tell of the erasure, has nothing to open the texts with either."""
    first, second = uuid4(), uuid4()
    with erasing(registry_url) as (parts, eraser):
        begin(parts)
        record(parts, told_of(first, second, uuid4(), "x"))
        take(registry_url, tmp_path / "before", untold)
        eraser.approve([eraser.request(first, "verzoek", ANNA)], BERT)
        take(registry_url, tmp_path / "after", untold)
    restore(empty_database_url, mixed(tmp_path / "before", tmp_path / "after"), untold)
    with erasing(empty_database_url) as (parts, _):
        assert readable(parts) == ["x tweede"]


def test_an_old_vault_that_lacks_keys(registry_url, empty_database_url, tmp_path) -> None:
    """A vault without the key of somebody of whom the log has told since, and who was not erased, is refused."""
    with erasing(registry_url) as (parts, _):
        begin(parts)
        record(parts, told_of(uuid4(), uuid4(), uuid4(), "x"))
        take(registry_url, tmp_path / "before", untold)
        record(parts, told_of(uuid4(), uuid4(), uuid4(), "y"))
        take(registry_url, tmp_path / "after", untold)
    with pytest.raises(BackupError, match="lacks keys"):
        restore(empty_database_url, mixed(tmp_path / "after", tmp_path / "before"), untold)
