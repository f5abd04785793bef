"""What a policy dossier is at a moment, and what each event does to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..case.decide import Directory
from ..case.rules import Objection
from ..catalogue import Catalogue
from ..command import Command, RefusalCode, Refused
from ..event import Event
from ..ids import PromiseId
from ..learning.parts import brought_in_before, refuse_other_speaker, refuse_parts
from ..learning.rules import Rules
from ..network.facts import SignalRaised
from ..registry.facts import STREAM as REGISTRY_STREAM
from ..settings import Course
from ..vocabulary import DossierStatus, LearningKind, PolicyQuestion, PromiseStatus
from . import facts as f

AS_BEHAVIOUR: Final = frozenset({PolicyQuestion.PROBLEM, PolicyQuestion.GOAL})
"""The questions that can be answered as behaviour too."""

PARTS: Final = MappingProxyType({"promise": f.PromiseMade})
"""What a dossier consists of."""


class Promise(Struct, frozen=True):
    """A promise, and the event that tells that it was kept; ``due`` is never before it was made."""

    made: Event
    fact: f.PromiseMade
    due: datetime
    kept: Event | None = None

    @property
    def status(self) -> PromiseStatus:
        """Whether it was kept."""
        return PromiseStatus.PENDING if self.kept is None else PromiseStatus.KEPT


class Dossier(Struct, frozen=True):
    """A policy dossier that was opened. Each of its parts is the event that it came by, as corrected.

    ``answers`` holds every version of the answer to a question, the one that stands last.
    """

    begun: Event
    fact: f.PolicyDossierOpened
    answers: Mapping[PolicyQuestion, tuple[Event, ...]] = MappingProxyType({})
    involved: tuple[Event, ...] = ()
    barriers: tuple[Event, ...] = ()
    promises: Mapping[PromiseId, Promise] = MappingProxyType({})
    links: tuple[Event, ...] = ()

    @property
    def open_questions(self) -> tuple[PolicyQuestion, ...]:
        """The questions that have no answer, in their order."""
        return tuple(question for question in PolicyQuestion if question not in self.answers)

    @property
    def status(self) -> DossierStatus:
        """Whether every question has an answer."""
        return DossierStatus.INCOMPLETE if self.open_questions else DossierStatus.COMPLETE


def begins(event: Event) -> Dossier:
    """Return a dossier as it is when it has been opened."""
    assert isinstance(event.data, f.PolicyDossierOpened)
    return Dossier(event, event.data)


def advance(dossier: Dossier, event: Event, _: Course) -> Dossier | Objection:
    """Return a dossier after an event, or why the event has no effect."""
    match event.data:
        case f.QuestionAnswered(question=question):
            versions = (*dossier.answers.get(question, ()), event)
            return replace(dossier, answers=MappingProxyType({**dossier.answers, question: versions}))
        case f.CitizensInvolved():
            return replace(dossier, involved=(*dossier.involved, event))
        case f.BarrierMet():
            return replace(dossier, barriers=(*dossier.barriers, event))
        case f.PromiseMade() as fact:
            again = brought_in_before({one: each.made for one, each in dossier.promises.items()}, fact.promise)
            return again or _with(dossier, Promise(event, fact, max(fact.due, event.occurred_at)))
        case f.PromiseKept(promise=promise):
            return _kept(dossier, promise, event)
        case f.DossierLinked() as fact:
            known = next((link for link in dossier.links if link.data == fact), None)
            if known is not None:
                return Objection(RefusalCode.ALREADY_EXISTS, "That is linked with the dossier already.", (known.id,))
            return replace(dossier, links=(*dossier.links, event))
        case other:
            message = f"{type(other).__name__} is no fact of a policy dossier."
            raise TypeError(message)


def _kept(dossier: Dossier, id_: PromiseId, event: Event) -> Dossier | Objection:
    promise = dossier.promises.get(id_)
    if promise is None:
        return Objection(RefusalCode.UNKNOWN_PART, "The promise had not been made by that moment.")
    if promise.kept is not None:
        return Objection(RefusalCode.ALREADY_EXISTS, "The promise had been kept by that moment.", (promise.kept.id,))
    return _with(dossier, replace(promise, kept=event))


def _with(dossier: Dossier, promise: Promise) -> Dossier:
    return replace(dossier, promises=MappingProxyType({**dossier.promises, promise.fact.promise: promise}))


def refuse(command: Command, history: Sequence[Event], directory: Directory) -> Refused | None:
    """Refuse what names something unknown, who speaks for another, and what says too little or too much."""
    match command.data:
        case f.PolicyDossierOpened(title=None):
            return Refused(RefusalCode.MALFORMED, "A policy dossier has a title.")
        case f.QuestionAnswered(answer=None, behaviour=None):
            return Refused(RefusalCode.MALFORMED, "An answer says something: in words, as behaviour, or both.")
        case f.QuestionAnswered(question=question, behaviour=behaviour) if behaviour and question not in AS_BEHAVIOUR:
            message = "Only the problem and the goal are stated as behaviour."
            return Refused(RefusalCode.MALFORMED, message, (("question", question),))
        case f.BarrierMet(barrier=slug) if not _catalogue(directory).has_barrier(slug):
            message = f"The catalogue has no such barrier: {slug}."
            return Refused(RefusalCode.UNKNOWN_BARRIER, message, (("barrier", slug),))
        case f.PromiseMade(kind=str() as slug) if not _catalogue(directory).has_promise(slug):
            message = f"The catalogue has no such kind of promise: {slug}."
            return Refused(RefusalCode.UNKNOWN_PROMISE, message, (("kind", slug),))
        case f.PromiseMade(organisation=organisation):
            refusal = refuse_other_speaker(command, organisation, "A promise")
        case f.PromiseKept(promise=id_) if by := _promised_by(history, id_):
            refusal = refuse_other_speaker(command, by, "That a promise was kept")
        case f.DossierLinked() as fact:
            refusal = _refuse_link(fact, directory)
        case _:
            refusal = None
    return refusal or refuse_parts("policy dossier", PARTS, command.data, history)


def _catalogue(directory: Directory) -> Catalogue:
    return Catalogue.of(directory.history(REGISTRY_STREAM))


def _promised_by(history: Sequence[Event], promise: PromiseId) -> str | None:
    made = (event.data for event in history if isinstance(event.data, f.PromiseMade))
    return next((fact.organisation for fact in made if fact.promise == promise), None)


def _refuse_link(fact: f.DossierLinked, directory: Directory) -> Refused | None:
    named = [one for one in (fact.cause, fact.dialogue, fact.signal) if one is not None]
    if len(named) != 1 or (fact.signal is None) != (fact.network is None):
        message = "Link one thing at a time: a cause, a dialogue, or a signal with the network that raised it."
        return Refused(RefusalCode.MALFORMED, message)
    if fact.signal is None or fact.network is None:
        return None
    raised = (event.data for event in directory.history(fact.network) if isinstance(event.data, SignalRaised))
    if any(signal.signal == fact.signal for signal in raised):
        return None
    message = f"The network has no such signal: {fact.signal}."
    return Refused(RefusalCode.UNKNOWN_PART, message, (("signal", str(fact.signal)),))


RULES: Final = Rules(LearningKind.POLICY_DOSSIER, f.PolicyDossierOpened, begins, advance, refuse, ("due",))
"""The rules of policy dossiers."""
