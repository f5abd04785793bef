"""``knelpunt token``: a token of the built-in issuer, for development."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from ...domain.ids import OrganisationId, UserId
from ...domain.vocabulary import Role
from ..identity.development import USER, DevelopmentIssuer
from ..settings import ISSUER
from .failure import Failure, WrongUsage
from .session import settings
from .terminal import notices, people

RoleOption = Annotated[Role, typer.Option("--role", metavar="R", help="What the user is to the registry.")]
OrganisationOption = Annotated[
    str | None,
    typer.Option("--organisation", metavar="O", help="For whom the user acts, an OIN or a URI; none: may only read."),
]


def token(
    role: RoleOption,
    organisation: OrganisationOption = None,
    subject: Annotated[
        UUID | None, typer.Option("--subject", metavar="S", help="Whose chain a subject sees, by their pseudonym.")
    ] = None,
    user: Annotated[str, typer.Option("--user", metavar="U", help="A pseudonym of the user.")] = USER,
) -> None:
    """Sign a token of the built-in issuer, valid for a working day."""
    given = settings()
    if given.issuer is not None:
        raise Failure(f"Tokens come from {given.issuer}: sign in there, or unset {ISSUER} to use the built-in issuer.")
    _expect(user, UserId, f"--user: {user!r} is no pseudonym: at most 128 characters, without blanks.")
    if (subject is not None) != (role is Role.SUBJECT):
        raise WrongUsage("--subject: a subject's token names whose chain it opens, and no other does.")
    if organisation is not None:
        message = f"--organisation: {organisation!r} is no identifier: give an OIN (twenty digits) or a URI."
        _expect(organisation, OrganisationId, message)
    # Never broken into lines, however narrow the terminal: it is there to be copied.
    people().print(
        DevelopmentIssuer.at(given.data_dir).token(role, organisation, user, subject=subject), soft_wrap=True
    )
    notices().print("Valid for twelve hours, and for this registry alone.", style="dim")


def _expect(value: str, kind: Any, sentence: str) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise WrongUsage(sentence) from None
