"""Signing in and out: with the built-in issuer by choosing whom to be, with a real one by going there and back."""

from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from ...domain.ids import OrganisationId, UserId
from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from ..identity.development import USER, DevelopmentIssuer
from ..identity.tokens import BadToken
from .oidc import AtIssuer, SignInFailed
from .sessions import SessionTooLarge, new_session
from .visit import LANGUAGE, LANGUAGE_SECONDS, PageProblem, Visit, within

ORGANISATIONS: Final = """
{ registry { organisations(first: 200) { nodes { identifier name kind } } } }
"""
"""For the built-in issuer's page: it is for trying out, with one's own data."""


LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""This very machine, as it calls itself."""

HANDED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers by which a proxy says that a request is somebody else's (RFC 7239; RFC 9110, 7.6.3; and what came before)."""


class SignIn(Struct, frozen=True, kw_only=True):
    """How visitors sign in: ``key`` seals their sessions, ``public_url`` is where their browsers reach the pages.

    Exactly one of ``development`` and ``at_issuer`` is given, or none where signing in has not been set up.
    """

    key: bytes
    public_url: str | None = None
    development: DevelopmentIssuer | None = None
    at_issuer: AtIssuer | None = None

    @property
    def secure(self) -> bool:
        """Whether pages are reached over TLS."""
        return self.public_url is not None and self.public_url.startswith("https:")

    async def page(self, visit: Visit) -> Response:
        """Answer GET /signin."""
        back = within(visit.query.get("back"))
        found: list[dict[str, Any]] = []
        if self.development is not None:
            _expect_here(visit)
            everybody = Asker("urn:knelpunt:development", Role.ADMINISTRATOR, USER)
            answer: dict[str, Any] = await visit.running.ask(everybody, ORGANISATIONS)
            # Without a database there are none to choose from, and one may still be typed.
            found = answer["data"]["registry"]["organisations"]["nodes"] if "errors" not in answer else []
        kind = "development" if self.development else "issuer" if self.at_issuer else None
        return await visit.page("signin.html", back=back, organisations=found, roles=list(Role), kind=kind)

    async def sign_in(self, visit: Visit) -> Response:
        """Answer POST /signin: a token of the built-in issuer for whom the form says."""
        form = dict(await visit.form())
        if self.development is None:
            raise PageProblem(404, visit.words.say("Signing in here is not how this registry works."))
        _expect_here(visit)
        organisation = form.get("other") or form.get("organisation") or None
        try:
            role = Role(form.get("role", ""))
            user = msgspec.convert(form.get("user") or USER, UserId)
            subject = UUID(form["subject"]) if form.get("subject") else None
            if organisation is not None:
                msgspec.convert(organisation, OrganisationId)
        except (ValueError, msgspec.ValidationError):
            message = (
                "Choose a role, and an organisation by its OIN (twenty digits) or URI; a user has no blanks, and "
                "a subject is a UUID."
            )
            raise PageProblem(400, visit.words.say(message)) from None
        # Whoever has such a token is whom it names, so it is on record before anybody has it.
        try:
            await visit.record_token(role, organisation, user)
        except psycopg.Error:
            message = "Who signs in cannot be put on record at the moment, so nobody can: try again in a minute."
            raise PageProblem(503, visit.words.say(message)) from None
        return self._signed_in(
            visit, self.development.token(role, organisation, user, subject=subject), form.get("back")
        )

    async def start(self, visit: Visit) -> Response:
        """Answer GET /signin/start: on to the issuer."""
        if self.at_issuer is None:
            return RedirectResponse("/signin", 303)
        try:
            going = await self.at_issuer.going(within(visit.query.get("back")))
        except SignInFailed as error:
            raise PageProblem(503, visit.words.say(str(error))) from None
        response = RedirectResponse(going.address, 303)
        visit.sessions.write(response, going.session)
        return response

    async def callback(self, visit: Visit) -> Response:
        """Answer GET /signin/callback: back from the issuer, with a code or with its reason to give none."""
        if self.at_issuer is None or visit.had is None:
            raise PageProblem(400, visit.words.say("This sign-in was not begun in this browser: sign in again."))
        try:
            token = await self.at_issuer.token(visit.had, str(visit.request.url.query))
        except SignInFailed as error:
            raise PageProblem(400, visit.words.say(str(error))) from None
        try:
            await visit.running.asker(token)
        except BadToken as error:
            visit.turned_away(error)
            raise PageProblem(403, visit.words.say(str(error))) from None
        return self._signed_in(visit, token, visit.had.back)

    def _signed_in(self, visit: Visit, token: str, back: str | None) -> Response:
        response = RedirectResponse(within(back), 303)
        try:
            # A new session, with a new CSRF token: what somebody planted before signing in is worth nothing after.
            visit.sessions.write(response, new_session(token))
        except SessionTooLarge:
            message = "The issuer's token is too large for a browser to keep: have it hold fewer claims."
            raise PageProblem(500, visit.words.say(message)) from None
        return response

    async def sign_out(self, visit: Visit) -> Response:
        """Answer POST /signout."""
        await visit.form()
        response = RedirectResponse("/", 303)
        visit.sessions.forget(response)
        return response


def _expect_here(visit: Visit) -> None:
    """Raise ``PageProblem`` for who is not at this machine: nobody else may choose whom to be.

    Both sides of the connection are looked at: a proxy lets others in from here, and a name that somebody else has
    pointed here would let their page in. A proxy that puts a name of its own in the place of the one asked for is told
    by what it says of the request; one that says nothing cannot be told (docs/operating.md).
    """
    request = visit.request
    here = request.client is not None and request.client.host in LOCAL and request.url.hostname in LOCAL
    if not here or any(name in request.headers for name in HANDED_ON):
        message = (
            "Choosing whom to be is for who sits at the registry's own machine: "
            "for others, have it sign people in with an issuer of tokens."
        )
        raise PageProblem(403, visit.words.say(message))


async def choose_language(visit: Visit) -> Response:
    """Answer GET /language/…: keep the language, and go back."""
    response = RedirectResponse(within(visit.query.get("back")), 303)
    chosen = visit.request.path_params["language"].upper()
    response.set_cookie(LANGUAGE, chosen, LANGUAGE_SECONDS, path="/", httponly=True, samesite="lax")
    return response
