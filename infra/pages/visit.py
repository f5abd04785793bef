"""One request for a page: who asks, in which language, and the registry's answers, as any client gets them."""

import re
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from secrets import compare_digest
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ...domain.vocabulary import Role
from ...graphql.engine import Prepared, Refusal
from ...graphql.ports import Asker
from ...projections.summaries import Language
from ..http.admission import TooMuch
from ..http.origin import origin_of
from ..http.registry import RunningRegistry
from ..identity.tokens import BadToken
from ..logbook.security import DONE, Action, SecurityEvent, token_made
from .own_names import OWN, OwnNames
from .refusals import refusal
from .rendering import link, rendered
from .sessions import Session, Sessions, new_session
from .words import Words

LANGUAGE: Final = "knelpunt-language"

LANGUAGE_SECONDS: Final = 365 * 24 * 3600

FORM_BYTES_MAX: Final = 64 * 1024
"""The largest form: as much as a question may be long."""

FIELDS_MAX: Final = 200
"""More fields no form of ours has."""

POSITION_DIGITS_MAX: Final = 18
"""What fits into a position; the schema says so of the rest."""

_WITHIN: Final = re.compile(r"/(?![/\\])[\x21-\x7e]*\Z")
"""An address on this very service: no scheme, no other host, nothing that a browser would read as either."""

STATUSES: Final[Mapping[str, int]] = {
    "BAD_INPUT": 400, "INVALID": 400, "FORBIDDEN": 403, "RATE_LIMITED": 429,
    "UNAVAILABLE": 503, "NOT_YET": 503, "TIMEOUT": 503,
}  # fmt: skip
"""The status of a page whose question got an error of a code."""


class PageProblem(Exception):  # noqa: N818  an answer on its way
    """What was asked for is not shown; ``message`` says why, in a sentence.

    ``tag`` is the language that it is in, none if that is the page's.
    """

    def __init__(self, status: int, message: str, tag: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.tag = tag


class SignedOut(Exception):  # noqa: N818  an answer on its way
    """Nobody is signed in, or their token has expired."""


class Visit:
    """One request. ``session`` is what the browser keeps; a new one is written with the answer."""

    def __init__(self, running: RunningRegistry, sessions: Sessions, names: OwnNames, request: Request) -> None:
        self.running = running
        self._names = names
        self.sessions = sessions
        self.request = request
        self.words = Words(language_of(request))
        self.had = sessions.read(request)
        self.session: Session = self.had or new_session()
        self._origin = origin_of(request)
        self._asker: Asker | None = None

    @property
    def query(self) -> Mapping[str, str]:
        """The fields of the address."""
        return self.request.query_params

    def several(self, name: str) -> list[str]:
        """Return all values of a field of the address."""
        return [value for value in self.request.query_params.getlist(name) if value]

    def recorded(self) -> int | None:
        """Return the position of what the visitor has just recorded, which the page has to take in."""
        given = self.query.get("recorded", "")
        return int(given) if given.isascii() and given.isdecimal() and len(given) <= POSITION_DIGITS_MAX else None

    async def asker(self) -> Asker:
        """Return who is signed in. Raises ``SignedOut``."""
        if self._asker is None:
            if self.session.token is None:
                raise SignedOut
            try:
                self._asker = await self.running.asker(self.session.token)
            except BadToken as error:
                self.turned_away(error)
                raise SignedOut from None
        return self._asker

    def turned_away(self, error: BadToken) -> None:
        """Record that a token does not count."""
        self.running.turned_away(self.request.url.path, self._origin, error)

    async def record_token(self, role: Role, organisation: str | None, user: str) -> None:
        """Put on record that the built-in issuer signs a token for this visitor. Raises ``psycopg.Error``."""
        made = token_made(role, organisation, user, self._origin.address, None)
        await to_thread(self.running.services.security.record, made)

    async def record_looking(self, what: str) -> None:
        """Put on record that this visitor looks into a log, before they do. Raises ``SignedOut``, ``psycopg.Error``."""
        who = await self.asker()
        looked = SecurityEvent(Action.LOGBOOK_READ, what, DONE, self._origin.address, who.signature)
        await to_thread(self.running.services.security.record, looked)

    async def refuse(self, what: str) -> None:
        """Put on record, in passing, that this visitor asked for what they have no right to. Raises ``SignedOut``."""
        self.running.refused(Action.ACCESS, self.request.url.path, what, self._origin, await self.asker())

    async def answer(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response to a document of ours, errors and all. Raises ``SignedOut``."""
        who = await self.asker()
        return await self.admitted(lambda: self.running.admission.admit_ours(who, document, variables))

    async def admitted(self, admit: Callable[[], Prepared]) -> dict[str, Any]:
        """Return the response to what is admitted, or why it is not. Raises ``SignedOut``."""
        who = await self.asker()
        try:
            prepared = admit()
        except TooMuch as refusal:
            self.running.refused(Action.ADMISSION, self.request.url.path, "too much at once", self._origin, who)
            return {"errors": refusal.errors}
        except Refusal as refusal:
            return {"errors": refusal.errors}
        return await self.running.answer(who, prepared, None, self._origin)

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer to a document of ours. Raises ``SignedOut`` and ``PageProblem``."""
        found = await self.answer(document, {name: value for name, value in variables.items() if value is not None})
        for error in found.get("errors", ()):
            code: str = error["extensions"]["code"]
            if code == "TIMEOUT":
                raise PageProblem(
                    STATUSES[code], self.words.say("This took too long, so it was broken off: try again.")
                )
            said = refusal(error["message"], self.words)
            raise PageProblem(STATUSES.get(code, 500), said.text, said.tag)
        return found["data"]

    async def form(self) -> list[tuple[str, str]]:
        """Return the fields of a form of ours, in order. Raises ``PageProblem`` for one that another site sent."""
        text = (await self._body()).decode(errors="replace")
        try:
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError:
            raise PageProblem(413, self.words.say("That is more text than a form may hold.")) from None
        given = next((value for name, value in fields if name == "csrf"), "")
        if self.had is None or not compare_digest(given.encode(), self.had.csrf.encode()):
            message = "This form is no longer valid: go back, load the page again, and send it once more."
            raise PageProblem(403, self.words.say(message))
        return [(name, value.strip()) for name, value in fields if name != "csrf"]

    async def _body(self) -> bytes:
        content = bytearray()
        try:
            async for chunk in self.request.stream():
                content += chunk
                if len(content) > FORM_BYTES_MAX:
                    raise PageProblem(413, self.words.say("That is more text than a form may hold."))
        except ClientDisconnect:
            raise PageProblem(400, "The connection was closed.") from None
        return bytes(content)

    async def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page. What the layout needs comes by itself."""
        try:
            who: Asker | None = await self.asker()
        except SignedOut:
            who = None
        here = link(self.request.url.path, {name: self.several(name) for name in self.query})
        # Only a page that has just been answered asks: whatever kept another from it would keep this one waiting too.
        own_name = await self._own_name(who, ask=status == HTTPStatus.OK)
        band = {"who": who, "own_name": own_name}
        layout = {**band, "csrf": self.session.csrf, "path": self.request.url.path, "here": here}
        response = HTMLResponse(rendered(template, self.words, {**layout, **values}), status)
        if self.had is None:
            self.sessions.write(response, self.session)
        return response

    async def _own_name(self, who: Asker | None, *, ask: bool) -> str | None:
        if who is None or who.organisation is None:
            return None
        if ask and self._names.stale(who.organisation):
            try:
                found = (await self.ask(OWN, own=who.organisation))["registry"]["organisation"]
            except PageProblem:
                return None
            self._names.keep(who.organisation, found and found["name"])
        return self._names.name(who.organisation)


def language_of(request: Request) -> Language:
    """Return the language that a visitor chose; Dutch if they never did."""
    return Language.EN if request.cookies.get(LANGUAGE) == Language.EN else Language.NL


def within(address: str | None) -> str:
    """Return an address if it lies on this service, else the overview: nobody is led away by a link to us."""
    return address if address and _WITHIN.match(address) and not urlsplit(address).netloc else "/"


View = Callable[[Visit], Awaitable[Response]]


def answering(
    running: RunningRegistry, sessions: Sessions, names: OwnNames, view: View
) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers requests for a page: those who are signed out are sent to sign in, and come back."""

    async def answer(request: Request) -> Response:
        visit = Visit(running, sessions, names, request)
        try:
            return await view(visit)
        except SignedOut:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(link("/signin", back=back if request.method == "GET" else None), 303)
        except PageProblem as problem:
            tag = problem.tag or visit.words.tag
            return await visit.page("problem.html", problem.status, message=problem.message, tag=tag)

    return answer
