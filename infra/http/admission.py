"""Whether a question is answered now: its document known or allowed, judged, and within its asker's allowance."""

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ...graphql.engine import Engine, Prepared, Refusal
from ...graphql.ports import Asker
from ...graphql.problems import Problem, ProblemCode
from .allowance import Allowance
from .documents import document_id


class Asked(Struct):
    """What a client asks (GraphQL over HTTP, "Request Parameters"); ``extensions`` is taken and not looked at."""

    query: Annotated[str, Meta(min_length=1)] | None = None
    document_id: Annotated[str, Meta(min_length=1)] | None = msgspec.field(default=None, name="documentId")
    variables: dict[str, Any] | None = None
    operation_name: Annotated[str, Meta(min_length=1)] | None = msgspec.field(default=None, name="operationName")
    extensions: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what asks for nothing, or for two things. Raises ``ValueError``."""
        if (self.query is None) == (self.document_id is None):
            raise ValueError


class TooMuch(Refusal):
    """The asker has had its share of this minute; ``seconds`` says when there will be enough again."""

    def __init__(self, seconds: int) -> None:
        message = f"You have asked for a great deal: ask again in {seconds} s, or for less at once."
        super().__init__([Problem(ProblemCode.RATE_LIMITED, message, retryAfter=seconds)])
        self.seconds = seconds


class Admission:
    """Lets questions in; ``documents`` are the only ones to be answered, by their ids, or none for all."""

    def __init__(self, engine: Engine, allowance: Allowance, documents: Mapping[str, str] | None) -> None:
        self._engine = engine
        self._allowance = allowance
        self._documents = documents

    def admit(self, who: Asker, asked: Asked) -> Prepared:
        """Return what is to be executed. Raises ``Refusal`` and ``TooMuch``."""
        return self._charged(who, self._text(asked.query, asked.document_id), asked.variables or {})

    def admit_ours(self, who: Asker, text: str, variables: Mapping[str, Any]) -> Prepared:
        """Return what is to be executed of a document of our own pages, which no operator has to trust.

        It costs its asker as much as any other. Raises ``Refusal`` and ``TooMuch``.
        """
        return self._charged(who, text, variables)

    def _charged(self, who: Asker, text: str, variables: Mapping[str, Any]) -> Prepared:
        prepared = self._engine.prepare(text, variables)
        seconds = self._allowance.take((who.organisation, who.user), 1 + prepared.cost)
        if seconds:
            raise TooMuch(ceil(seconds))
        return prepared

    def _text(self, text: str | None, id_: str | None) -> str:
        if self._documents is None:
            if text is None:
                raise _refused("This registry keeps no documents: send the document itself, as 'query'.")
            return text
        found = self._documents.get(document_id(text) if text is not None else str(id_))
        if found is None:
            raise _refused("This registry answers only the documents that its operator trusts, and this is none.")
        return found


def _refused(message: str) -> Refusal:
    return Refusal([Problem(ProblemCode.UNKNOWN_DOCUMENT, message)])
