"""``knelpunt token``: a token of the built-in issuer, for development. Each is on record before anybody has it."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from ...domain.ids import OrganisationId, UserId
from ...domain.vocabulary import Role
from ..bootstrap import Database
from ..identity.development import USER, DevelopmentIssuer
from ..logbook.security import SecurityLog, machine_user, token_made
from ..settings import ISSUER, Settings
from .acting import COMMAND_LINE
from .failure import Failure, WrongUsage
from .session import ready_database, settings
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
    with ready_database(given) as found:
        made = sign_token(given, found, role, organisation, user, subject)
    # Never broken into lines, however narrow the terminal: it is there to be copied.
    people().print(made, soft_wrap=True)
    notices().print("Valid for twelve hours, and for this registry alone.", style="dim")


def sign_token(
    given: Settings,
    found: Database,
    role: Role,
    organisation: str | None,
    user: str = USER,
    subject: UUID | None = None,
) -> str:
    """Return a token of the built-in issuer, which is on record. Raises ``psycopg.Error`` where it cannot be."""
    SecurityLog(found.vault_url).record(token_made(role, organisation, user, COMMAND_LINE, machine_user()))
    return DevelopmentIssuer.at(given.data_dir).token(role, organisation, user, subject=subject)


def _expect(value: str, kind: Any, sentence: str) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise WrongUsage(sentence) from None
