"""Erases subjects: a request by one person, another's approval, and then every step until all receipts are there.

Each step is done for all subjects at hand, committed, and leaves a receipt; each can be done again. So whoever is
killed anywhere gives the approval once more, and it goes on where it was. The log tells of an erasure when nothing is
left.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from time import sleep
from typing import Final
from uuid import UUID, uuid4, uuid5

from msgspec import Struct

from ...domain.command import Command, RefusalCode, Refused
from ...domain.erasure import ErasureStep, SubjectErased
from ...domain.ids import NAMESPACE, SubjectId
from ...domain.organisation.succession import REGISTRY
from ...domain.text import Clear, Erased, Sealed, clear
from ..projecting import schema
from ..projecting.claims import LOCK
from ..projecting.forgetting import forget
from ..store.connection import REGISTRY as READER
from ..store.connection import SET_PRINCIPAL, DatabaseRole, connect, connect_as_registry, principal_text
from ..store.writer import Submit
from ..vault.vault import KEPT_SECONDS_MAX, Vault
from . import records
from .records import Approval, Asked, Erasure, Hold, Judged

SETTLING_SECONDS: Final = KEPT_SECONDS_MAX + 1.0
"""How long to wait, once keys are destroyed, until no process holds or shows anything any more: keys at hand are let go
within ``KEPT_SECONDS_MAX``, and an answer is held against the fence when it is ready to leave, which then takes
milliseconds."""

REQUEST: Final = "erasure-request"
HOLD: Final = "legal-hold"
"""As what the reasons of both are sealed."""

ANSWER_SECONDS_MAX: Final = 60.0
"""How long the log may take to answer, outages included."""

TOLD_AT: Final = "SELECT position FROM knelpunt.event WHERE stream_id = %s"

Told = Callable[[ErasureStep | None], None]
"""Told which step was done; none when the log tells of it, too."""


class Standing(Struct, frozen=True):
    """A request as it stands, with its reason; erased, once the subject is."""

    erasure: Erasure
    reason: Clear | Erased


class Held(Struct, frozen=True):
    """A legal hold as it stands, with its reason; erased, once the subject is."""

    hold: Hold
    reason: Clear | Erased


class EraserError(Exception):
    """An erasure cannot be asked for, approved or finished; the message is one sentence that says what to do."""


class Eraser:
    """Erases subjects of one registry. ``url`` logs in as a member of its roles, knelpunt_eraser included."""

    def __init__(
        self,
        url: str,
        vault: Vault,
        submit: Submit,
        vault_url: str | None = None,
        settling_seconds: float = SETTLING_SECONDS,
    ) -> None:
        """Work with the vault, at ``vault_url``, and the writer of a registry that is put together."""
        self._url = url
        self._vault = vault
        self._submit = submit
        self._settling_seconds = settling_seconds
        self._records = connect_as_registry(vault_url or url, DatabaseRole.ERASER)

    def close(self) -> None:
        """Close the connection."""
        self._records.close()

    def knows(self, subject: SubjectId) -> bool:
        """Return whether the vault has anything of a subject."""
        return self._vault.knows(subject)

    def request(self, subject: SubjectId, reason: str, by: str) -> UUID:
        """Ask for a subject to be erased, and return the request; the one there was, if it was asked for before.

        ``by`` is a pseudonym of who asks. Raises ``EraserError`` under a legal hold.
        """
        request = uuid4()
        sealed = self._sealed(request, REQUEST, subject, reason)
        if sealed is None:
            before = [one.request for one in records.erasures(self._records) if one.subject == subject]
            if before:
                return before[0]
            message = f"The subject {subject} has been erased already, before this vault was restored."
            raise EraserError(message)
        answer = records.request_erasure(self._records, request, by, sealed)
        if answer.outcome is Asked.HELD:
            raise EraserError(self._held(answer.hold, subject))
        assert answer.request is not None, "what is not held has a request"
        return answer.request

    def approve(self, requests: Sequence[UUID], by: str, told: Told = lambda _: None) -> list[Erasure]:
        """Approve requests as another person than asked for them, and erase their subjects; return them, complete.

        Given again for a request that was approved before, by whomever, it does what is left. Raises ``EraserError``
        for the first that may not be approved, when the others are done.
        """
        answers = records.approve_erasures(self._records, requests, by)
        approved = [answer.request for answer in answers if answer.outcome in {Judged.APPROVED, Judged.COMPLETED}]
        told(ErasureStep.FENCE)
        left = [one.request for one in records.erasures(self._records, approved) if one.completed_at is None]
        if left:
            self._destroy(left, told)
            self._tell(left)
        told(None)
        for answer in answers:
            if answer.request not in approved:
                raise EraserError(self._refusal(answer))
        return records.erasures(self._records, approved)

    def place_hold(self, subject: SubjectId, reason: str, by: str) -> UUID:
        """Keep a subject from being erased until the hold is lifted; return it. Raises ``EraserError``."""
        hold = uuid4()
        sealed = self._sealed(hold, HOLD, subject, reason)
        if sealed is None or not records.place_hold(self._records, hold, by, sealed):
            message = f"The erasure of {subject} was approved already: nothing can hold it any more."
            raise EraserError(message)
        return hold

    def lift_hold(self, hold: UUID, by: str) -> None:
        """End a hold. Raises ``EraserError``."""
        if not records.lift_hold(self._records, hold, by):
            message = f"There is no hold {hold}: knelpunt erase list shows those there are."
            raise EraserError(message)

    def requests(self) -> list[Standing]:
        """Return all requests there ever were, with their reasons."""
        return [
            Standing(one, self._reason(one.request, REQUEST, one.reason)) for one in records.erasures(self._records)
        ]

    def holds(self) -> list[Held]:
        """Return all holds there ever were, with their reasons."""
        return [Held(one, self._reason(one.hold, HOLD, one.reason)) for one in records.holds(self._records)]

    def refusals(self) -> list[records.HoldRefusal]:
        """Return what holds refused."""
        return records.refusals(self._records)

    def _refusal(self, answer: Approval) -> str:
        match answer.outcome:
            case Judged.OWN:
                return f"Who asked for {answer.request} cannot approve it: another person must (KNELPUNT_TOKEN)."
            case Judged.HELD:
                (erasure,) = records.erasures(self._records, [answer.request])
                return self._held(answer.hold, erasure.subject)
            case _:
                return f"There is no request {answer.request}: knelpunt erase list shows those there are."

    def _held(self, hold: UUID | None, subject: SubjectId) -> str:
        (found,) = records.holds(self._records, hold)
        reason = self._reason(found.hold, HOLD, found.reason)
        said = reason.content.reveal().rstrip(".") if isinstance(reason, Clear) else "its reason is gone"
        return f"{subject} is under the legal hold {found.hold} of {found.placed_at:%Y-%m-%d} ({said}): lift it first."

    def _destroy(self, requests: Sequence[UUID], told: Told) -> None:
        """Do each step that lacks a receipt."""
        records.destroy_keys(self._records, requests)
        told(ErasureStep.KEYS)
        records.destroy_identities(self._records, requests)
        told(ErasureStep.IDENTITY)
        if self._lack(requests, ErasureStep.CACHES):
            sleep(self._settling_seconds)
            records.note_receipts(self._records, requests, ErasureStep.CACHES, 0)
        told(ErasureStep.CACHES)
        if self._lack(requests, ErasureStep.PROJECTIONS):
            subjects = [one.subject for one in records.erasures(self._records, requests)]
            records.note_receipts(self._records, requests, ErasureStep.PROJECTIONS, self._clean(subjects))
        told(ErasureStep.PROJECTIONS)

    def _lack(self, requests: Sequence[UUID], step: ErasureStep) -> bool:
        found = records.receipts(self._records, requests).values()
        return any(step not in {receipt.step for receipt in some} for some in found)

    def _clean(self, subjects: Sequence[SubjectId]) -> int:
        """Delete what the read model and its search hold of subjects, while nobody projects."""
        with closing(connect(self._url, DatabaseRole.PROJECTOR)) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if not schema.exists(connection):
                return 0
            connection.execute(SET_PRINCIPAL, (principal_text(READER),))
            schema.within(connection, schema.LIVE)
            return forget(connection, subjects)

    def _tell(self, requests: Sequence[UUID]) -> None:
        """Have the log tell of each, once, and note that it does."""
        receipts = records.receipts(self._records, requests)
        waiting = [
            (one.request, self._submit(_command(one, receipts[one.request])))
            for one in records.erasures(self._records, requests)
        ]
        for request, future in waiting:
            answer = future.result(ANSWER_SECONDS_MAX)
            if not isinstance(answer, Refused):
                position = answer.position
            elif answer.code is RefusalCode.COMMAND_REUSED:
                position = self._told_at(request)
            else:
                raise EraserError(f"The log does not take the erasure {request}: {answer.message}")
            complete = records.complete_erasure(self._records, request, position)
            assert complete, "what the log took has all its receipts"

    def _told_at(self, request: UUID) -> int:
        """Return where the log tells of an erasure already, with other receipts: those of a vault that is lost."""
        with connect_as_registry(self._url, DatabaseRole.READER) as connection:
            row = connection.execute(TOLD_AT, (request,)).fetchone()
        assert row is not None, "a command that was used has its event"
        return row[0]

    def _sealed(self, record: UUID, what: str, subject: SubjectId, reason: str) -> Sealed | None:
        """Return a reason sealed under the subject's key; none for who has been erased. Raises ``EraserError``."""
        try:
            text = clear(reason, subject)
        except ValueError as error:
            raise EraserError(str(error)) from None
        sealed = self._vault.seal_record(record, what, text)
        return None if isinstance(sealed, Refused) else sealed

    def _reason(self, record: UUID, what: str, reason: Sealed) -> Clear | Erased:
        return self._vault.open_record(record, what, reason)


def _command(erasure: Erasure, receipts: Sequence[records.Receipt]) -> Command:
    """Return the command by which the log is told: the same one however often it is made."""
    assert erasure.approved_by is not None, "it was approved"
    fact = SubjectErased(erasure.request, erasure.subject, erasure.requested_by, erasure.approved_by, tuple(receipts))
    return Command(
        uuid5(NAMESPACE, f"erasure/{erasure.request}"),
        erasure.request,
        REGISTRY,
        fact,
        occurred_at=max(receipt.at for receipt in receipts),
    )
