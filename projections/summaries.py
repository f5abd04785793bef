"""Every event in one plain sentence, in Dutch (B1) and in English.

A sentence names who did what to whom, and nothing of a subject: texts stay where they are sealed. Each topic has its
own lines; ``{…}`` stands for what ``_words`` finds in the fact. An organisation that has no name is called by its
identifier. The module is long because it is a catalogue: every word that the registry says of an event stands here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from ..domain.case import facts as f
from ..domain.catalogue import BARRIERS
from ..domain.event import Event, Fact
from ..domain.investigation import facts as i
from ..domain.learning.facts import LearningFact
from ..domain.organisation import facts as o
from ..domain.registry import facts as r
from ..domain.vocabulary import Confirmation, GapKind
from .learning_words import LEARNING_LINES, LEARNING_WORDS, learning_variant

Name = Callable[[str], str]
"""What an organisation is called, by its identifier."""


class Language(StrEnum):
    """A language in which the registry speaks to people."""

    NL = "NL"
    EN = "EN"


def summary(event: Event, language: Language, name: Name, asked: str | None = None) -> str:
    """Return an event in one sentence; ``asked`` is whom a handoff's offer went to, for an answer to it."""
    words = _words(event, language, name) | {"asked": name(asked or event.actor.organisation)}
    return _LINES[language][_variant(event.data)].format_map(words)


def gap_in_words(kind: str, language: Language) -> str:
    """Return what a kind of gap is called."""
    return _WORDS[language][f"gap/{kind}"]


def in_words(field: str, value: str, language: Language) -> str:
    """Return what a value of a field is called, as sentences call it; one that has no words goes by its name."""
    return _WORDS[language].get(f"{field}/{value}", value.lower().replace("_", " "))


def harm_in_words(harm: str, language: Language) -> str:
    """Return what a harm is called."""
    return _WORDS[language][f"harm/{harm}"]


def organisations_named(event: Event) -> tuple[str, ...]:
    """Return the organisations that an event's sentence may name."""
    fact: Any = event.data
    named: list[str] = [event.actor.organisation]
    for field in fact.__struct_fields__:
        value = getattr(fact, field)
        if isinstance(value, f.Party):
            value = value.organisation
        if field in _ORGANISATIONS and isinstance(value, str):
            named.append(value)
        elif field in _SEVERAL:
            named.extend(value or ())
        elif field in {"by", "for_"} and isinstance(value, str):
            named.append(value)
    return tuple(dict.fromkeys(named))


_ORGANISATIONS: Final = frozenset({
    "organisation", "from_", "to", "suggests", "body", "experienced_at", "received_by", "parent", "into",
    "shared_by", "owner",
})  # fmt: skip

_SEVERAL: Final = frozenset({"told", "partners", "organisations", "members"})
"""Fields that hold organisations, all of whom a sentence names."""


def _variant(fact: Fact) -> str:
    """Return the key of the lines for a fact: its topic, and what makes it need other words."""
    topic = fact.topic
    match fact:
        case f.ObstacleReported(received_by=None, told=()):
            return f"{topic}/nobody"
        case f.ObstacleReported(received_by=None):
            return f"{topic}/told"
        case f.ObstacleReopened(organisation=None) | f.StepTaken(organisation=None):
            return f"{topic}/nobody"
        case f.SubjectReferred(released=True):
            return f"{topic}/released"
        case f.HandoffRefused(suggests=str()):
            return f"{topic}/suggests"
        case f.WaitingBegan(for_=f.Party(organisation=str())):
            return f"{topic}/organisation"
        case f.WaitingBegan(for_=f.Party()):
            return f"{topic}/subject"
        case f.ContactMade(story_retold=True):
            return f"{topic}/retold"
        case f.RulingGiven(annuls=True):
            return f"{topic}/annuls"
        case f.ResolutionContested(by=f.Party(organisation=str())):
            return f"{topic}/organisation"
        case f.AccountGiven(by=f.Party(organisation=None)):
            return f"{topic}/subject"
        case f.GapAcknowledged(due=datetime()):
            return f"{topic}/due"
        case f.HarmStated(until=datetime()):
            return f"{topic}/until"
        case f.CoordinatorNamed(until=datetime()):
            return f"{topic}/until"
        case o.ParentChanged(parent=None):
            return f"{topic}/none"
        case o.TaskTransferred(since=datetime()):
            return f"{topic}/since"
        case i.InvestigationOpened(programme=str()):
            return f"{topic}/programme"
        case i.FollowUpPlanned(organisation=str()):
            return f"{topic}/organisation"
        case r.TermChanged(term=term):
            return f"{topic}/{term}"
        case LearningFact():
            return learning_variant(fact)
        case _:
            return topic


def _words(event: Event, language: Language, name: Name) -> dict[str, str]:
    """Return the words for an event's sentence: its fields as people say them, and who recorded it."""
    fact: Any = event.data
    words = {"actor": name(event.actor.organisation)}
    for field in fact.__struct_fields__:
        value = getattr(fact, field)
        if isinstance(value, datetime):
            words[field] = _day(value, language)
        elif isinstance(value, f.GapMark):
            words[field] = _WORDS[language][f"gap/{value.kind}"]
        elif isinstance(value, f.Party):
            words[field] = name(value.organisation) if value.organisation is not None else ""
        elif isinstance(value, GapKind):
            words[field] = _WORDS[language][f"gap/{value}"]
        elif isinstance(value, StrEnum):
            words[field] = in_words(field, value, language)
        elif field == "barrier" and value is not None:
            words[field] = _barrier(value, language)
        elif isinstance(value, str):
            words[field] = name(value) if field in _ORGANISATIONS and not isinstance(fact, f.SubjectRelated) else value
        elif field in _SEVERAL and value:
            words[field] = _listed([name(each) for each in value], language)
        elif isinstance(value, tuple):
            words[field] = str(len(value))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, int):
            words[field] = f"{value:,}".replace(",", "." if language is Language.NL else ",")
    if isinstance(fact, r.TermChanged | r.GraceChanged):
        words["days"] = _WORDS[language]["day" if fact.days == 1 else "days"].format(fact.days)
    if isinstance(fact, f.ObstacleResolved):
        words["confirmed"] = _WORDS[language][f"confirmed/{fact.confirmed_by_subject}"]
    return words


def _barrier(slug: str, language: Language) -> str:
    """Return what a barrier is called: by its slug, if it was added to the catalogue and is not of every registry."""
    known = next((one for one in BARRIERS if one.slug == slug), None)
    return slug if known is None else known.dutch if language is Language.NL else known.english


def _listed(names: list[str], language: Language) -> str:
    last = " en " if language is Language.NL else " and "
    return last.join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


_MONTHS: Final = MappingProxyType({
    Language.NL: (
        "januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december",
    ),
    Language.EN: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
})  # fmt: skip


def _day(moment: datetime, language: Language) -> str:
    return f"{moment.day} {_MONTHS[language][moment.month - 1]} {moment.year}"


_WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        Language.NL: {
            **LEARNING_WORDS["NL"],
            "noticed_by/SUBJECT": "de betrokkene zelf",
            "noticed_by/PROFESSIONAL": "een professional",
            "noticed_by/SOLUTION_TEAM": "een oplossingsteam",
            "noticed_by/INVESTIGATOR": "een onderzoeker",
            "noticed_by/OTHER": "iemand anders",
            "relation/REPRESENTS": "vertegenwoordigt een andere betrokkene",
            "relation/HOUSEHOLD": "hoort bij het huishouden van een andere betrokkene",
            "relation/COUNTERPART": "is de tegenpartij van een andere betrokkene",
            "relation/SAME_STORY": "hetzelfde verhaal",
            "relation/CONTINUES": "het vervolg",
            "relation/RELATED": "verwant",
            "harm/HOME": "de woning",
            "harm/INCOME": "het inkomen",
            "harm/CARE": "de zorg",
            "harm/SCHOOL": "de school",
            "harm/DEBT": "schulden",
            "harm/SAFETY": "de veiligheid",
            "harm/OTHER": "iets anders",
            "outcome/REMOVED": "het knelpunt is weg",
            "outcome/PARTLY": "het knelpunt is voor een deel weg",
            "outcome/REJECTED": "het verzoek is afgewezen",
            f"confirmed/{Confirmation.YES}": "De betrokkene bevestigt dat",
            f"confirmed/{Confirmation.NO}": "De betrokkene is het daar niet mee eens",
            f"confirmed/{Confirmation.UNKNOWN}": "Wat de betrokkene ervan vindt, is niet bekend",
            "ground/GAVE_UP": "de betrokkene gaf het op",
            "ground/MOVED_ON": "de betrokkene is verder gegaan",
            "ground/MISTAKE": "het was een vergissing",
            "ground/DIED": "de betrokkene is overleden",
            "ground/NOT_COMPETENT": "gaat er niet over",
            "ground/NOT_ELIGIBLE": "de betrokkene komt niet in aanmerking",
            "ground/NO_CAPACITY": "er is geen plaats of tijd",
            "ground/INCOMPLETE_FILE": "het dossier is niet compleet",
            "ground/WAITING_FOR_OTHER": "eerst moet een ander iets doen",
            "ground/OTHER": "een andere reden",
            "ground/SUSPENSION": "de termijn is opgeschort",
            "ground/ADVICE": "er is advies gevraagd",
            "ground/OTHER_OBSTACLE": "eerst moet een ander knelpunt weg",
            "basis/FORWARDED": "het is doorgestuurd",
            "basis/RELOCATION": "de betrokkene is verhuisd",
            "basis/TASK_TRANSFER": "de taak is overgedragen",
            "basis/SUCCESSION": "de organisatie is opgevolgd",
            "basis/RULING": "een uitspraak",
            "kind/DECISION": "nam een besluit",
            "kind/INQUIRY": "vroeg iets na",
            "kind/LETTER": "stuurde een brief",
            "kind/VISIT": "ging op bezoek",
            "kind/NOTE": "maakte een aantekening",
            "kind/OTHER": "zette een stap",
            "initiated_by/SUBJECT": "op initiatief van de betrokkene",
            "initiated_by/ORGANISATION": "op initiatief van de organisatie",
            "channel/PHONE": "per telefoon",
            "channel/LETTER": "per brief",
            "channel/EMAIL": "per e-mail",
            "channel/PORTAL": "via een portaal",
            "channel/COUNTER": "aan de balie",
            "channel/VISIT": "op bezoek",
            "channel/OTHER": "op een andere manier",
            "stance/CONFIRMS": "bevestigt",
            "stance/DISPUTES": "betwist",
            "reason/WRONG_PARTY": "verkeerde partij",
            "reason/WRONG_CASE": "verkeerde casus",
            "reason/DUPLICATE": "dubbel vastgelegd",
            "reason/NEVER_HAPPENED": "nooit gebeurd",
            "day": "1 dag",
            "days": "{} dagen",
            "gap/NEVER_TAKEN": "nooit opgepakt",
            "gap/LOST_REFERRAL": "doorverwijzing die nergens aankwam",
            "gap/REFERRED_ROUND": "van het kastje naar de muur",
            "gap/RELEASED": "losgelaten",
            "gap/MOVED": "verplaatst en niet opgepakt",
            "gap/CLOSED_UNRESOLVED": "gesloten zonder oplossing",
            "gap/UNCONFIRMED": "niet bevestigd",
            "gap/UNANSWERED": "geen antwoord",
            "gap/NOBODYS_JOB": "niemands taak",
            "gap/CAROUSEL": "rondje langs organisaties",
            "gap/STANDSTILL": "stilstand",
            "gap/DECISION_OVERDUE": "besluit te laat",
            "gap/DEADLOCK": "iedereen wacht op elkaar",
            "gap/CONTESTED": "bezwaar zonder antwoord",
            "gap/WRONGLY_SETTLED": "onterecht afgesloten",
            "gap/GAVE_UP": "opgegeven",
            "gap/UNCOORDINATED": "velen aan zet, niemand de regie",
            "gap/CAUSE_UNOWNED": "oorzaak van niemand",
            "gap/ESCALATION_UNANSWERED": "opschaling zonder antwoord",
            "gap/MEASURE_OVERDUE": "maatregel te laat",
            "gap/COMMITMENT_OVERDUE": "toezegging niet op tijd nagekomen",
        },
        Language.EN: {
            **LEARNING_WORDS["EN"],
            "noticed_by/SUBJECT": "the subject",
            "noticed_by/PROFESSIONAL": "a professional",
            "noticed_by/SOLUTION_TEAM": "a solution team",
            "noticed_by/INVESTIGATOR": "an investigator",
            "noticed_by/OTHER": "somebody else",
            "relation/REPRESENTS": "represents another subject",
            "relation/HOUSEHOLD": "shares a household with another subject",
            "relation/COUNTERPART": "is the counterpart of another subject",
            "relation/SAME_STORY": "the same story",
            "relation/CONTINUES": "its continuation",
            "relation/RELATED": "related",
            "harm/HOME": "the home",
            "harm/INCOME": "income",
            "harm/CARE": "care",
            "harm/SCHOOL": "school",
            "harm/DEBT": "debts",
            "harm/SAFETY": "safety",
            "harm/OTHER": "something else",
            "outcome/REMOVED": "the obstacle is gone",
            "outcome/PARTLY": "the obstacle is partly gone",
            "outcome/REJECTED": "the request was rejected",
            f"confirmed/{Confirmation.YES}": "The subject confirms it",
            f"confirmed/{Confirmation.NO}": "The subject does not agree",
            f"confirmed/{Confirmation.UNKNOWN}": "What the subject thinks of it is not known",
            "ground/GAVE_UP": "the subject gave up",
            "ground/MOVED_ON": "the subject moved on",
            "ground/MISTAKE": "it was a mistake",
            "ground/DIED": "the subject died",
            "ground/NOT_COMPETENT": "it is not competent",
            "ground/NOT_ELIGIBLE": "the subject is not eligible",
            "ground/NO_CAPACITY": "it has no capacity",
            "ground/INCOMPLETE_FILE": "the file is incomplete",
            "ground/WAITING_FOR_OTHER": "another must act first",
            "ground/OTHER": "another reason",
            "ground/SUSPENSION": "the term is suspended",
            "ground/ADVICE": "advice was asked for",
            "ground/OTHER_OBSTACLE": "another obstacle must go first",
            "basis/FORWARDED": "it was forwarded",
            "basis/RELOCATION": "the subject moved house",
            "basis/TASK_TRANSFER": "the task was transferred",
            "basis/SUCCESSION": "the organisation was succeeded",
            "basis/RULING": "a ruling",
            "kind/DECISION": "took a decision",
            "kind/INQUIRY": "made an inquiry",
            "kind/LETTER": "sent a letter",
            "kind/VISIT": "paid a visit",
            "kind/NOTE": "made a note",
            "kind/OTHER": "took a step",
            "initiated_by/SUBJECT": "sought by the subject",
            "initiated_by/ORGANISATION": "sought by the organisation",
            "channel/PHONE": "by phone",
            "channel/LETTER": "by letter",
            "channel/EMAIL": "by e-mail",
            "channel/PORTAL": "through a portal",
            "channel/COUNTER": "at the counter",
            "channel/VISIT": "at a visit",
            "channel/OTHER": "in another way",
            "stance/CONFIRMS": "confirms",
            "stance/DISPUTES": "disputes",
            "reason/WRONG_PARTY": "wrong party",
            "reason/WRONG_CASE": "wrong case",
            "reason/DUPLICATE": "recorded twice",
            "reason/NEVER_HAPPENED": "never happened",
            "day": "1 day",
            "days": "{} days",
            "gap/NEVER_TAKEN": "never taken",
            "gap/LOST_REFERRAL": "lost referral",
            "gap/REFERRED_ROUND": "referred round",
            "gap/RELEASED": "released",
            "gap/MOVED": "moved and not taken up",
            "gap/CLOSED_UNRESOLVED": "closed unresolved",
            "gap/UNCONFIRMED": "unconfirmed",
            "gap/UNANSWERED": "unanswered",
            "gap/NOBODYS_JOB": "nobody's job",
            "gap/CAROUSEL": "carousel",
            "gap/STANDSTILL": "standstill",
            "gap/DECISION_OVERDUE": "decision overdue",
            "gap/DEADLOCK": "deadlock",
            "gap/CONTESTED": "contest unanswered",
            "gap/WRONGLY_SETTLED": "wrongly settled",
            "gap/GAVE_UP": "gave up",
            "gap/UNCOORDINATED": "many at work, nobody coordinating",
            "gap/CAUSE_UNOWNED": "a cause that nobody owns",
            "gap/ESCALATION_UNANSWERED": "escalation unanswered",
            "gap/MEASURE_OVERDUE": "measure overdue",
            "gap/COMMITMENT_OVERDUE": "commitment overdue",
        },
    }
)
_LINES: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        Language.NL: {
            **LEARNING_LINES["NL"],
            "case-opened": "{actor} opende de casus {reference}; {noticed_by} zag het knelpunt het eerst.",
            "subject-related": "Een betrokkene {relation}.",
            "case-linked": "{actor} verbond deze casus met een andere: {relation}.",
            "coordinator-named": "{organisation} is nu de regisseur.",
            "coordinator-named/until": "{organisation} is nu de regisseur, tot {until}.",
            "case-closed": "{organisation} sloot de casus.",
            "case-reopened": "{organisation} opende de casus opnieuw.",
            "obstacle-reported": "Er is een knelpunt gemeld bij {experienced_at}; {received_by} heeft het nu.",
            "obstacle-reported/told": (
                "Er is een knelpunt gemeld bij {experienced_at}; {told} hoorde ervan, maar niemand heeft het."
            ),
            "obstacle-reported/nobody": "Er is een knelpunt gemeld bij {experienced_at}; niemand heeft het.",
            "obstacle-split": "{actor} splitste het knelpunt in {into} andere knelpunten.",
            "harm-stated": "Het knelpunt kost de betrokkene {harm}, sinds {since}.",
            "harm-stated/until": "Het knelpunt kost de betrokkene {harm}, van {since} tot {until}.",
            "obstacle-resolved": "{organisation} rondde het knelpunt af: {outcome}. {confirmed}.",
            "obstacle-withdrawn": "Het knelpunt is ingetrokken: {ground}.",
            "obstacle-reopened": "Het knelpunt is weer open; {organisation} heeft het.",
            "obstacle-reopened/nobody": "Het knelpunt is weer open; niemand heeft het.",
            "handoff-offered": "{from_} vroeg {to} om het knelpunt over te nemen.",
            "handoff-accepted": "{asked} nam het knelpunt over.",
            "handoff-refused": "{asked} nam het knelpunt niet over: {ground}.",
            "handoff-refused/suggests": (
                "{asked} nam het knelpunt niet over: {ground}. {suggests} werd genoemd als beter adres."
            ),
            "handoff-withdrawn": "Het verzoek aan {asked} om het knelpunt over te nemen is ingetrokken.",
            "subject-referred": "{from_} verwees de betrokkene door naar {to}.",
            "subject-referred/released": "{from_} verwees de betrokkene door naar {to} en liet het knelpunt los.",
            "custody-taken": "{organisation} nam het knelpunt op zich.",
            "custody-released": "{organisation} liet het knelpunt los: {ground}.",
            "responsibility-moved": "De verantwoordelijkheid ging van {from_} naar {to}: {basis}.",
            "term-set": "Er moet uiterlijk {due} een besluit zijn.",
            "waiting-began": "{organisation} wacht: {ground}.",
            "waiting-began/organisation": "{organisation} wacht op {for_}: {ground}.",
            "waiting-began/subject": "{organisation} wacht op de betrokkene: {ground}.",
            "waiting-ended": "Het wachten is voorbij.",
            "step-taken": "{organisation} {kind}.",
            "step-taken/nobody": "Er is een stap gezet, maar niet bekend is door wie.",
            "contact-made": "{organisation} en de betrokkene hadden contact, {channel}, {initiated_by}.",
            "contact-made/retold": (
                "{organisation} en de betrokkene hadden contact, {channel}, {initiated_by}; het verhaal "
                "moest opnieuw worden verteld."
            ),
            "remedy-applied": "{organisation} leverde maatwerk.",
            "resolution-contested": (
                "De betrokkene is het niet eens met de afronding; er moet uiterlijk {answer_due} antwoord zijn."
            ),
            "resolution-contested/organisation": (
                "{by} is het niet eens met de afronding; er moet uiterlijk {answer_due} antwoord zijn."
            ),
            "resolution-upheld": "{organisation} blijft bij de afronding.",
            "contest-withdrawn": "Het bezwaar tegen de afronding is ingetrokken.",
            "ruling-given": "{body} deed uitspraak.",
            "ruling-given/annuls": "{body} deed uitspraak en vernietigde de afronding.",
            "account-given": "{by} {stance} wat is vastgelegd.",
            "account-given/subject": "De betrokkene {stance} wat is vastgelegd.",
            "gap-acknowledged": "{organisation} erkent het gat ({gap}).",
            "gap-acknowledged/due": "{organisation} erkent het gat ({gap}) en wil het uiterlijk {due} dichten.",
            "fact-corrected": "{actor} verbeterde een eerder vastgelegd gegeven.",
            "event-struck": "{actor} schrapte een eerder vastgelegde gebeurtenis: {reason}.",
            "organisation-registered": "{name} staat nu in het register.",
            "organisation-renamed": "Een organisatie heet voortaan {name}.",
            "parent-changed": "{organisation} hoort voortaan bij {parent}.",
            "parent-changed/none": "{organisation} hoort voortaan bij geen andere organisatie.",
            "organisation-merged": "{organisation} ging op in {into}.",
            "organisation-dissolved": "{organisation} is opgeheven; niemand volgt op.",
            "task-transferred": "De taak {theme} ging van {organisation} naar {to}.",
            "task-transferred/since": "De taak {theme} gaat van {organisation} naar {to}, met ingang van {since}.",
            "solution-team-established": "{organisation} is een oplossingsteam.",
            "strategy-shared": "{organisation} deelt een werkwijze met anderen.",
            "strategy-adopted": "{organisation} werkt voortaan volgens een werkwijze van {shared_by}.",
            "subject-erased": "Een betrokkene is vergeten: de teksten over die persoon zijn voorgoed onleesbaar.",
            "organisation-fact-corrected": "{actor} verbeterde wat eerder over {organisation} was vastgelegd.",
            "organisation-event-struck": "{actor} schrapte wat eerder over {organisation} was vastgelegd: {reason}.",
            "investigation-opened": "{actor} begon een onderzoek.",
            "investigation-opened/programme": "{actor} begon een onderzoek binnen het programma {programme}.",
            "investigator-assigned": "Er doet een onderzoeker mee aan het onderzoek.",
            "investigator-released": "Een onderzoeker doet niet meer mee aan het onderzoek.",
            "case-included": "Er hoort een casus bij het onderzoek.",
            "dialogue-attached": "Er hoort een functioneringsgesprek bij het onderzoek.",
            "finding-recorded": "Het onderzoek bracht iets aan het licht.",
            "report-published": "Het rapport van het onderzoek is verschenen.",
            "follow-up-planned": "Uiterlijk {due} wordt bekeken wat er van het onderzoek is geworden.",
            "follow-up-planned/organisation": (
                "{organisation} gaat uiterlijk {due} na wat er van het onderzoek is geworden."
            ),
            "follow-up-done": "Er is bekeken wat er van het onderzoek is geworden.",
            "investigation-fact-corrected": "{actor} verbeterde wat eerder over het onderzoek was vastgelegd.",
            "investigation-event-struck": "{actor} schrapte wat eerder over het onderzoek was vastgelegd: {reason}.",
            "term-changed/RESPOND_BY": "Wie een overdracht aangeboden krijgt, heeft voortaan {days} om te antwoorden.",
            "term-changed/STANDSTILL": "Een houder die {days} niets doet, staat voortaan stil.",
            "term-changed/CONFIRM_BY": "Wie volgens een ander houder is, heeft voortaan {days} om dat te bevestigen.",
            "term-changed/NAME_CAUSE": "De oorzaak van een opgelost knelpunt wordt voortaan binnen {days} genoemd.",
            "barrier-added": "De catalogus heeft een belemmering erbij: {dutch}.",
            "promise-added": "De catalogus heeft een belofte erbij: {dutch}.",
            "grace-changed": "Een gat ({kind}) telt voortaan mee als het langer dan {days} duurt.",
        },
        Language.EN: {
            **LEARNING_LINES["EN"],
            "case-opened": "{actor} opened case {reference}; {noticed_by} noticed it first.",
            "subject-related": "A subject {relation}.",
            "case-linked": "{actor} linked this case with another: {relation}.",
            "coordinator-named": "{organisation} is now the coordinator.",
            "coordinator-named/until": "{organisation} is now the coordinator, until {until}.",
            "case-closed": "{organisation} closed the case.",
            "case-reopened": "{organisation} reopened the case.",
            "obstacle-reported": "An obstacle met at {experienced_at} was reported; {received_by} holds it.",
            "obstacle-reported/told": (
                "An obstacle met at {experienced_at} was reported; {told} heard of it, but nobody holds it."
            ),
            "obstacle-reported/nobody": "An obstacle met at {experienced_at} was reported; nobody holds it.",
            "obstacle-split": "{actor} split the obstacle into {into} others.",
            "harm-stated": "The obstacle harms the subject ({harm}), since {since}.",
            "harm-stated/until": "The obstacle harms the subject ({harm}), from {since} until {until}.",
            "obstacle-resolved": "{organisation} settled the obstacle: {outcome}. {confirmed}.",
            "obstacle-withdrawn": "The obstacle was withdrawn: {ground}.",
            "obstacle-reopened": "The obstacle is open again; {organisation} holds it.",
            "obstacle-reopened/nobody": "The obstacle is open again; nobody holds it.",
            "handoff-offered": "{from_} asked {to} to take the obstacle over.",
            "handoff-accepted": "{asked} took the obstacle over.",
            "handoff-refused": "{asked} refused to take the obstacle over: {ground}.",
            "handoff-refused/suggests": (
                "{asked} refused to take the obstacle over: {ground}. {suggests} was named as a better place."
            ),
            "handoff-withdrawn": "The request to {asked} to take the obstacle over was withdrawn.",
            "subject-referred": "{from_} referred the subject to {to}.",
            "subject-referred/released": "{from_} referred the subject to {to} and let go of the obstacle.",
            "custody-taken": "{organisation} took the obstacle on.",
            "custody-released": "{organisation} let go of the obstacle: {ground}.",
            "responsibility-moved": "Responsibility moved from {from_} to {to}: {basis}.",
            "term-set": "A decision is due by {due}.",
            "waiting-began": "{organisation} waits: {ground}.",
            "waiting-began/organisation": "{organisation} waits for {for_}: {ground}.",
            "waiting-began/subject": "{organisation} waits for the subject: {ground}.",
            "waiting-ended": "The waiting is over.",
            "step-taken": "{organisation} {kind}.",
            "step-taken/nobody": "A step was taken, it is not known by whom.",
            "contact-made": "{organisation} and the subject were in touch, {channel}, {initiated_by}.",
            "contact-made/retold": (
                "{organisation} and the subject were in touch, {channel}, {initiated_by}; the story had to "
                "be told again."
            ),
            "remedy-applied": "{organisation} made an exception for this subject.",
            "resolution-contested": "The subject contests the resolution; an answer is due by {answer_due}.",
            "resolution-contested/organisation": "{by} contests the resolution; an answer is due by {answer_due}.",
            "resolution-upheld": "{organisation} upheld the resolution.",
            "contest-withdrawn": "The contest of the resolution was withdrawn.",
            "ruling-given": "{body} gave a ruling.",
            "ruling-given/annuls": "{body} gave a ruling that annuls the resolution.",
            "account-given": "{by} {stance} what was recorded.",
            "account-given/subject": "The subject {stance} what was recorded.",
            "gap-acknowledged": "{organisation} acknowledges the gap ({gap}).",
            "gap-acknowledged/due": "{organisation} acknowledges the gap ({gap}) and means to close it by {due}.",
            "fact-corrected": "{actor} corrected what was recorded earlier.",
            "event-struck": "{actor} struck an event recorded earlier: {reason}.",
            "organisation-registered": "{name} is now registered.",
            "organisation-renamed": "An organisation is now called {name}.",
            "parent-changed": "{organisation} is now a unit of {parent}.",
            "parent-changed/none": "{organisation} is now a unit of no other organisation.",
            "organisation-merged": "{organisation} went up in {into}.",
            "organisation-dissolved": "{organisation} was dissolved; nobody succeeds it.",
            "task-transferred": "The task {theme} passed from {organisation} to {to}.",
            "task-transferred/since": "The task {theme} passes from {organisation} to {to}, as of {since}.",
            "solution-team-established": "{organisation} is a solution team.",
            "strategy-shared": "{organisation} shares a strategy with others.",
            "strategy-adopted": "{organisation} adopted a strategy of {shared_by}.",
            "subject-erased": "A subject was forgotten: texts about them cannot be read any more.",
            "organisation-fact-corrected": "{actor} corrected what was recorded earlier of {organisation}.",
            "organisation-event-struck": "{actor} struck what was recorded earlier of {organisation}: {reason}.",
            "investigation-opened": "{actor} opened an investigation.",
            "investigation-opened/programme": "{actor} opened an investigation within the programme {programme}.",
            "investigator-assigned": "An investigator joined the investigation.",
            "investigator-released": "An investigator left the investigation.",
            "case-included": "A case became part of the investigation.",
            "dialogue-attached": "A dialogue became part of the investigation.",
            "finding-recorded": "The investigation found something.",
            "report-published": "The report of the investigation was published.",
            "follow-up-planned": "What became of the investigation will be looked at by {due}.",
            "follow-up-planned/organisation": "{organisation} will look at what became of the investigation by {due}.",
            "follow-up-done": "What became of the investigation was looked at.",
            "investigation-fact-corrected": "{actor} corrected what was recorded earlier of the investigation.",
            "investigation-event-struck": "{actor} struck what was recorded earlier of the investigation: {reason}.",
            "term-changed/RESPOND_BY": "Whoever is offered a handoff now has {days} to answer.",
            "term-changed/STANDSTILL": "A holder who does nothing for {days} now stands still.",
            "term-changed/CONFIRM_BY": "Who is the holder by another's word now has {days} to confirm it.",
            "term-changed/NAME_CAUSE": "The cause of a resolved obstacle is now to be named within {days}.",
            "barrier-added": "The catalogue has one more barrier: {english}.",
            "promise-added": "The catalogue has one more promise: {english}.",
            "grace-changed": "A gap ({kind}) now counts once it has lasted longer than {days}.",
        },
    }
)
