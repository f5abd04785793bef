"""The sentences for what happens to causes and their like, in Dutch (B1) and in English: a part of ``summaries``."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from ..domain.cause import facts as c
from ..domain.dialogue import facts as d
from ..domain.dossier import facts as p
from ..domain.learning.facts import LearningFact, LearningGapAcknowledged
from .dialogue_words import DUTCH_LINES, DUTCH_WORDS, ENGLISH_LINES, ENGLISH_WORDS


def learning_variant(fact: LearningFact) -> str:
    """Return the key of the lines for a fact: its topic, and what makes it need other words."""
    match fact:
        case c.MeasureEvaluated(partners=(_, *_)):
            return f"{fact.topic}/partners"
        case c.EscalationAnswered(suggests=str()):
            return f"{fact.topic}/suggests"
        case c.OwnershipPassed(to=None):
            return f"{fact.topic}/none"
        case d.ParticipantJoined(organisation=str()):
            return f"{fact.topic}/organisation"
        case p.DossierLinked(dialogue=UUID()):
            return f"{fact.topic}/dialogue"
        case p.DossierLinked(signal=UUID()):
            return f"{fact.topic}/signal"
        case LearningGapAcknowledged(due=datetime()):
            return f"{fact.topic}/due"
        case _:
            return fact.topic


LEARNING_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "NL": {
            **DUTCH_WORDS,
            "locus/LAW": "de wet",
            "locus/POLICY": "het beleid",
            "locus/EXECUTION": "de uitvoering",
            "locus/SYSTEM": "het systeem",
            "locus/MONEY": "het geld",
            "locus/CULTURE": "de cultuur",
            "locus/CHAIN": "de keten",
            "level/TEAM": "het team",
            "level/ORGANISATION": "de organisatie",
            "level/CHAIN": "de keten",
            "level/MINISTRY": "het ministerie",
            "level/LEGISLATOR": "de wetgever",
            "answer/TAKES_UP": "pakt het op",
            "answer/PASSES_ON": "geeft het door",
            "answer/REFUSES": "doet het niet",
            "per/OBSTACLE": "per knelpunt",
            "per/YEAR": "per jaar",
            "per/ONCE": "eenmalig",
            "stopped/YES": "de knelpunten zijn gestopt",
            "stopped/PARTLY": "de knelpunten zijn voor een deel gestopt",
            "stopped/NO": "de knelpunten zijn niet gestopt",
            "stopped/UNKNOWN": "of de knelpunten gestopt zijn, is niet bekend",
        },
        "EN": {
            **ENGLISH_WORDS,
            "locus/LAW": "the law",
            "locus/POLICY": "policy",
            "locus/EXECUTION": "execution",
            "locus/SYSTEM": "the system",
            "locus/MONEY": "money",
            "locus/CULTURE": "culture",
            "locus/CHAIN": "the chain",
            "level/TEAM": "the team",
            "level/ORGANISATION": "the organisation",
            "level/CHAIN": "the chain",
            "level/MINISTRY": "the ministry",
            "level/LEGISLATOR": "the legislator",
            "answer/TAKES_UP": "it takes it up",
            "answer/PASSES_ON": "it passes it on",
            "answer/REFUSES": "it refuses",
            "per/OBSTACLE": "for each obstacle",
            "per/YEAR": "a year",
            "per/ONCE": "once",
            "stopped/YES": "the obstacles stopped",
            "stopped/PARTLY": "the obstacles partly stopped",
            "stopped/NO": "the obstacles did not stop",
            "stopped/UNKNOWN": "whether the obstacles stopped is not known",
        },
    }
)

LEARNING_LINES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "NL": {
            **DUTCH_LINES,
            "cause-identified": "{actor} benoemde een oorzaak in {locus}.",
            "obstacle-linked": "{actor} verbond een knelpunt met deze oorzaak.",
            "owner-proposed": "{actor} vroeg {owner} om eigenaar van de oorzaak te worden.",
            "owner-accepted": "{organisation} is nu eigenaar van de oorzaak.",
            "owner-declined": "{organisation} wil geen eigenaar van de oorzaak zijn: {ground}.",
            "ownership-passed": "{organisation} is er niet meer; {to} is nu eigenaar van de oorzaak.",
            "ownership-passed/none": "{organisation} is opgeheven; niemand is nog eigenaar van de oorzaak.",
            "cause-escalated": "{actor} schaalde de oorzaak op naar {to}, op het niveau van {level}.",
            "escalation-answered": "{organisation} antwoordde op de opschaling: {answer}.",
            "escalation-answered/suggests": (
                "{organisation} antwoordde op de opschaling: {answer}. Genoemd werd {suggests}."
            ),
            "failure-cost-estimated": "{organisation} schat de faalkosten op {euros} euro {per}.",
            "measure-committed": "{organisation} zegde een maatregel toe, uiterlijk {due}.",
            "measure-implemented": "{organisation} voerde de maatregel in.",
            "measure-evaluated": "{organisation} evalueerde de maatregel: {stopped}.",
            "measure-evaluated/partners": "{organisation} evalueerde de maatregel met {partners}: {stopped}.",
            "cause-removed": "De oorzaak is weg, zegt {organisation}.",
            "cause-accepted-as-is": "{organisation} laat de oorzaak zoals zij is.",
            "cause-gap-acknowledged": "{organisation} erkent het gat ({gap}).",
            "cause-gap-acknowledged/due": "{organisation} erkent het gat ({gap}) en wil het uiterlijk {due} dichten.",
            "cause-fact-corrected": "{actor} verbeterde wat eerder over de oorzaak was vastgelegd.",
            "cause-event-struck": "{actor} schrapte wat eerder over de oorzaak was vastgelegd: {reason}.",
        },
        "EN": {
            **ENGLISH_LINES,
            "cause-identified": "{actor} identified a cause in {locus}.",
            "obstacle-linked": "{actor} linked an obstacle with this cause.",
            "owner-proposed": "{actor} asked {owner} to own the cause.",
            "owner-accepted": "{organisation} now owns the cause.",
            "owner-declined": "{organisation} declined to own the cause: {ground}.",
            "ownership-passed": "{organisation} is no more; {to} now owns the cause.",
            "ownership-passed/none": "{organisation} was dissolved; nobody owns the cause any more.",
            "cause-escalated": "{actor} escalated the cause to {to}, at the level of {level}.",
            "escalation-answered": "{organisation} answered the escalation: {answer}.",
            "escalation-answered/suggests": "{organisation} answered the escalation: {answer}. {suggests} was named.",
            "failure-cost-estimated": "{organisation} estimates the failure costs at {euros} euros {per}.",
            "measure-committed": "{organisation} committed itself to a measure, due by {due}.",
            "measure-implemented": "{organisation} implemented the measure.",
            "measure-evaluated": "{organisation} evaluated the measure: {stopped}.",
            "measure-evaluated/partners": "{organisation} evaluated the measure with {partners}: {stopped}.",
            "cause-removed": "The cause is gone, says {organisation}.",
            "cause-accepted-as-is": "{organisation} accepts the cause as it is.",
            "cause-gap-acknowledged": "{organisation} acknowledges the gap ({gap}).",
            "cause-gap-acknowledged/due": "{organisation} acknowledges the gap ({gap}) and means to close it by {due}.",
            "cause-fact-corrected": "{actor} corrected what was recorded earlier of the cause.",
            "cause-event-struck": "{actor} struck what was recorded earlier of the cause: {reason}.",
        },
    }
)
