"""What pages say, in Dutch or in English: gettext catalogues, and dates and numbers as each language writes them.

Texts stand in English in the code and the templates; ``locales/nl.po`` has the Dutch for each. A catalogue is compiled
when it is first used: that takes some milliseconds, and there is no compiled file that could be older than its source.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import get_month_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from ...domain.vocabulary import Role
from ...projections.gap_kinds import KINDS, Group, group_of
from ...projections.summaries import Language, gap_in_words, harm_in_words, in_words

CATALOGUES: Final = Path(__file__).with_name("locales")

ZONE: Final = ZoneInfo("Europe/Amsterdam")
"""The time of those whom pages are for."""

_PLACES: Final[Mapping[Language, str]] = {Language.NL: "nl_NL", Language.EN: "en_GB"}


FIGURES_MAX: Final = 4_096
"""Numbers of which it is kept how they are written: pages say the same few again and again, and Babel takes long."""

ROLES: Final[Mapping[Role, str]] = {
    Role.INVESTIGATOR: "Investigator", Role.SUBJECT: "Subject", Role.AGENCY: "Agency",
    Role.SOLUTION_TEAM: "Solution team", Role.AUDITOR: "Auditor", Role.ANALYST: "Analyst", Role.INTAKE: "Intake",
    Role.PRIVACY_OFFICER: "Privacy officer", Role.ADMINISTRATOR: "Administrator",
}  # fmt: skip


TODOS: Final[Mapping[str, str]] = {
    "NO_CAUSE_NAMED": "It was settled, and nobody has named a cause.",
    "CUSTODY_UNCONFIRMED": "Another says that we have it: say so too, or let go of it.",
    "IN_CONFLICT": "What we recorded contradicts the record, and has no effect.",
    "QUARANTINED": "An event cannot be read.",
}


@cache
def catalogue(language: Language) -> NullTranslations:
    """Return the texts of a language; those in English are the texts themselves."""
    if language is Language.EN:
        return NullTranslations()
    source = (CATALOGUES / f"{language.lower()}.po").read_bytes()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(source), locale=language.lower()))
    compiled.seek(0)
    return GNUTranslations(compiled)


COUNTED: Final = 201
"""How far pages count: whether there are hundreds of something more makes no difference to what one does about it."""


class Words:
    """One language, for one answer."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.tag = language.lower()
        """As HTML's ``lang`` names it."""
        self._place = _PLACES[language]
        # Looked up once: a case has a thousand moments, and Babel reads its pattern anew for each.
        self._months: Mapping[int, str] = get_month_names("abbreviated", locale=self._place)
        self._texts = catalogue(language)

    def say(self, text: str, /, **values: object) -> str:
        """Return a text in this language, with values in their places."""
        said = self._texts.gettext(text)
        return said.format(**values) if values else said

    def count(self, one: str, many: str, number: int) -> str:
        """Return a number of things, as ``{n}`` stands in the texts."""
        return self._texts.ngettext(one, many, number).format(n=self.number(number))

    def up_to(self, one: str, many: str, number: int) -> str:
        """Return the same of a number that was counted no further than ``COUNTED``."""
        if number < COUNTED:
            return self.count(one, many, number)
        return self._texts.ngettext(one, many, number).format(n=self.say("more than {n}", n=self.number(COUNTED - 1)))

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number, rounded."""
        return _figure(round(value, decimals), self._place)

    def share(self, value: float) -> str:
        """Return a share of one, in whole per cents."""
        return format_percent(value, locale=self._place)

    def days(self, value: float) -> str:
        """Return a length in days."""
        return self.count("{n} day", "{n} days", int(value))

    def day(self, moment: str | datetime | None) -> str:
        """Return the day of a moment; an ellipsis for what has not come."""
        if moment is None:
            return "…"
        at = local(moment)
        return f"{at.day} {self._months[at.month]} {at.year}"

    def stretch(self, begin: str, end: str | None) -> str:
        """Return from which day until which something was so."""
        return f"{self.day(begin)} \u2013 {self.day(end)}"

    def moment(self, moment: str | datetime, precision: str = "SECOND") -> str:
        """Return a moment, as exactly as it is known."""
        at = local(moment)
        match precision:
            case "MONTH":
                return f"{self._months[at.month]} {at.year}"
            case "DAY":
                return self.day(at)
            case _:
                return f"{self.day(at)} {at:%H:%M}"

    def form_day(self, moment: str | datetime | None) -> str:
        """Return a moment's day as a form's field holds it; what is no moment stays as it is."""
        if not moment or (isinstance(moment, str) and len(moment) == len("2026-03-31")):
            return str(moment or "")
        try:
            return local(moment).date().isoformat()
        except ValueError:
            return str(moment)

    def late(self, event: Mapping[str, Any]) -> int:
        """Return how many days after it happened an event was recorded, none if that is less than one."""
        return (datetime.fromisoformat(event["recordedAt"]) - datetime.fromisoformat(event["occurredAt"])).days

    def kind(self, kind: str) -> str:
        """Return what a kind of gap is called."""
        return gap_in_words(kind, self.language)

    def harm(self, harm: str) -> str:
        """Return what a harm is called."""
        return harm_in_words(harm, self.language)

    def harms(self, harms: Sequence[str]) -> list[tuple[str, str]]:
        """Return harms as the options of a choice."""
        return [(harm, self.harm(harm)) for harm in harms]

    def ground(self, ground: str) -> str:
        """Return what a ground for refusing is called."""
        return in_words("ground", ground, self.language)

    def role(self, role: str) -> str:
        """Return what a role is called; one of the command line alone, as the owner's, by its own name."""
        return self.say(ROLES[Role(role)]) if role in set(Role) else role.lower()

    def value(self, field: str, value: str) -> str:
        """Return what a value of a field of an event is called."""
        return in_words(field, value, self.language)

    def todo(self, kind: str) -> str:
        """Return what a to-do asks for, in a sentence."""
        return self.say(TODOS.get(kind, kind))

    def meaning(self, kind: str) -> str:
        """Return what a kind of gap means, in a sentence."""
        return self.say(KINDS[kind][1]) if kind in KINDS else ""

    def group(self, kind: str) -> Group:
        """Return the group of a kind of gap, which is its colour everywhere."""
        return group_of(kind)


@lru_cache(maxsize=FIGURES_MAX)
def _figure(value: float, place: str) -> str:
    return format_decimal(value, locale=place)


def local(moment: str | datetime) -> datetime:
    """Return a moment as a clock in the Netherlands shows it."""
    given = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(ZONE)
