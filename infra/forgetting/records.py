"""The vault's records of erasures: requests, approvals, holds, receipts. Each function is one call of the vault's own.

What the functions promise stands in infra/migrations/0036_vault_erasure.sql, above each of them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import psycopg
from msgspec import Struct

from ...domain.erasure import ErasureStep, Receipt
from ...domain.ids import SubjectId
from ...domain.text import Sealed
from ..store.arrays import uuid_array

ERASURES: Final = (
    "SELECT request_id, subject_id, requested_at, requested_by, reason_key, reason_box, approved_at, approved_by, "
    "completed_at, position FROM vault.erasure WHERE %(all)s OR request_id = ANY(%(requests)s) ORDER BY requested_at"
)
HOLDS: Final = (
    "SELECT hold_id, subject_id, placed_at, placed_by, reason_key, reason_box, lifted_at, lifted_by FROM vault.hold "
    "WHERE %(hold)s::uuid IS NULL OR hold_id = %(hold)s ORDER BY placed_at"
)
REFUSALS: Final = "SELECT subject_id, hold_id, refused_at, asked_by FROM vault.refusal ORDER BY refused_at"
RECEIPTS: Final = "SELECT request_id, step, done_at, count FROM vault.receipt WHERE request_id = ANY(%s)"


class Asked(StrEnum):
    """What became of a request."""

    REQUESTED = "requested"
    BEFORE = "before"
    HELD = "held"


class Judged(StrEnum):
    """What became of an approval."""

    APPROVED = "approved"
    COMPLETED = "completed"
    OWN = "own"
    HELD = "held"
    UNKNOWN = "unknown"


class Request(Struct, frozen=True):
    """An answer to a request: the request that stands, or the hold that keeps it from being made."""

    outcome: Asked
    request: UUID | None
    hold: UUID | None


class Approval(Struct, frozen=True):
    """An answer to an approval, and the hold that refused it."""

    request: UUID
    outcome: Judged
    hold: UUID | None


class Erasure(Struct, frozen=True):
    """A request as it stands; ``position`` is where the log tells of it when it is complete."""

    request: UUID
    subject: SubjectId
    requested_at: datetime
    requested_by: str
    reason: Sealed
    approved_at: datetime | None
    approved_by: str | None
    completed_at: datetime | None
    position: int | None


class Hold(Struct, frozen=True):
    """A legal hold as it stands, or stood."""

    hold: UUID
    subject: SubjectId
    placed_at: datetime
    placed_by: str
    reason: Sealed
    lifted_at: datetime | None
    lifted_by: str | None


class HoldRefusal(Struct, frozen=True):
    """That somebody wanted a subject erased and a hold kept them from it."""

    subject: SubjectId
    hold: UUID
    at: datetime
    asked_by: str


def request_erasure(connection: psycopg.Connection, request: UUID, by: str, reason: Sealed) -> Request:
    """Ask for the subject whom ``reason`` is about to be erased."""
    row = connection.execute(
        "SELECT * FROM vault.request_erasure(%s, %s, %s, %s, %s)", (request, reason.about, by, reason.key, reason.box)
    ).fetchone()
    assert row is not None
    return Request(Asked(row[0]), row[1], row[2])


def approve_erasures(connection: psycopg.Connection, requests: Collection[UUID], by: str) -> list[Approval]:
    """Agree to requests as ``by``; the subjects of those approved are fenced when this is committed."""
    rows = connection.execute("SELECT * FROM vault.approve_erasures(%s, %s)", (uuid_array(requests), by)).fetchall()
    return [Approval(request, Judged(outcome), hold) for request, outcome, hold in rows]


def destroy_keys(connection: psycopg.Connection, requests: Collection[UUID]) -> None:
    """Destroy the keys of those whose erasure was approved."""
    connection.execute("SELECT vault.destroy_keys(%s)", (uuid_array(requests),))


def destroy_identities(connection: psycopg.Connection, requests: Collection[UUID]) -> None:
    """Destroy what leads from a name or number to those whose erasure was approved."""
    connection.execute("SELECT vault.destroy_identities(%s)", (uuid_array(requests),))


def note_receipts(connection: psycopg.Connection, requests: Collection[UUID], step: ErasureStep, count: int) -> None:
    """Note a step that was done outside the vault."""
    connection.execute("SELECT vault.note_receipts(%s, %s, %s)", (uuid_array(requests), step.value, count))


def complete_erasure(connection: psycopg.Connection, request: UUID, position: int) -> bool:
    """Note that the log tells of an erasure; false if a receipt is missing."""
    row = connection.execute("SELECT vault.complete_erasure(%s, %s)", (request, position)).fetchone()
    return row is not None and bool(row[0])


def place_hold(connection: psycopg.Connection, hold: UUID, by: str, reason: Sealed) -> bool:
    """Keep the subject whom ``reason`` is about from being erased; false if that was approved already."""
    row = connection.execute(
        "SELECT vault.place_hold(%s, %s, %s, %s, %s)", (hold, reason.about, by, reason.key, reason.box)
    ).fetchone()
    assert row is not None
    return row[0]


def lift_hold(connection: psycopg.Connection, hold: UUID, by: str) -> bool:
    """End a hold; false if there is none of this id."""
    row = connection.execute("SELECT vault.lift_hold(%s, %s)", (hold, by)).fetchone()
    return row is not None and bool(row[0])


def erasures(connection: psycopg.Connection, requests: Collection[UUID] | None = None) -> list[Erasure]:
    """Return requests, or all of them, in the order in which they were made."""
    values = {"all": requests is None, "requests": uuid_array(requests or ())}
    return [
        Erasure(request, subject, at, by, Sealed(subject, key, box), *rest)
        for request, subject, at, by, key, box, *rest in connection.execute(ERASURES, values).fetchall()
    ]


def holds(connection: psycopg.Connection, hold: UUID | None = None) -> list[Hold]:
    """Return one hold, or all of them, in the order in which they were placed."""
    return [
        Hold(found, subject, at, by, Sealed(subject, key, box), lifted_at, lifted_by)
        for found, subject, at, by, key, box, lifted_at, lifted_by in connection.execute(HOLDS, {"hold": hold})
    ]


def refusals(connection: psycopg.Connection) -> list[HoldRefusal]:
    """Return what holds have refused, in order."""
    return [HoldRefusal(*row) for row in connection.execute(REFUSALS)]


def receipts(connection: psycopg.Connection, requests: Sequence[UUID]) -> dict[UUID, list[Receipt]]:
    """Return the receipts of requests, each in the order of the steps."""
    found: dict[UUID, list[Receipt]] = {request: [] for request in requests}
    for request, step, at, count in connection.execute(RECEIPTS, (uuid_array(requests),)):
        found[request].append(Receipt(ErasureStep(step), at, count))
    order = list(ErasureStep)
    return {request: sorted(some, key=lambda one: order.index(one.step)) for request, some in found.items()}
