"""Asking the registry from the command line: through the schema that the service answers, in this process.

So a command sees what a client of the service would see, as the same somebody: whom ``KNELPUNT_TOKEN`` says, or on our
own database its owner.
"""

import asyncio
import base64
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ...domain.vocabulary import Role
from ...graphql.ports import Asker
from ..bootstrap import Database, Parts
from ..identity.tokens import BadToken
from ..projecting.projector import Projector
from ..settings import TOKEN, Settings
from .failure import Failure, WrongUsage
from .session import opened
from .terminal import notices

if TYPE_CHECKING:
    from ..http.registry import RunningRegistry

OWNER: Final = Asker("urn:knelpunt:owner", Role.ADMINISTRATOR, "owner", owns=True)
"""Whom the command line acts as on our own database where no token says otherwise: whoever may read its files."""

CONNECTIONS: Final = 2
"""One for the statements of a question, and one to wait for the projections."""

LENS: Final = """
query Lens($asOf: DateTime, $knownAt: DateTime, $atLeast: Position) {
  registry(asOf: $asOf, knownAt: $knownAt, atLeast: $atLeast) { asOf knownAt }
}
"""
ORGANISATION: Final = """
query Known($asOf: DateTime, $knownAt: DateTime, $identifier: String) {
  registry(asOf: $asOf, knownAt: $knownAt) { organisation(identifier: $identifier) { id } }
}
"""

Lens = Mapping[str, str]
"""The two times of a question, as its variables ``asOf`` and ``knownAt``."""


class Asking:
    """Asks as somebody. Calling it with a document and its variables returns the answer's data."""

    def __init__(self, runner: asyncio.Runner, registry: "RunningRegistry", asker: Asker) -> None:
        """Ask a registry that runs in the loop of ``runner``."""
        self._runner = runner
        self._registry = registry
        self._asker = asker

    def __call__(self, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the data of an answer. Raises ``WrongUsage`` for a value that cannot be, else ``Failure``."""
        answer = self._runner.run(self._registry.ask(self._asker, document, dict(variables)))
        for error in answer.get("errors", ()):
            raise _failure(error)
        return answer["data"]

    def erased_so_far(self) -> int:
        """Return how many people have been erased: whoever shows an answer for long asks anew when that changes."""
        return self._registry.services.vault.erased_so_far()

    def lens(self, as_of: datetime | None, known_at: datetime | None) -> Lens:
        """Return both times, now where none is given, so that all pages of a list look through the same one.

        It takes in whatever is recorded at this moment.
        """
        asked = {
            "asOf": as_of and as_of.isoformat(),
            "knownAt": known_at and known_at.isoformat(),
            "atLeast": self._runner.run(self._head()),
        }
        try:
            registry = self(LENS, asked)["registry"]
        except _NotYetError:
            message = "The projections are behind what is recorded: run knelpunt serve, or knelpunt project --once."
            raise Failure(message) from None
        return {"asOf": registry["asOf"], "knownAt": registry["knownAt"]}

    async def _head(self) -> int:
        # Here and not above: see asking_over.
        from ..http.origin import Origin  # noqa: PLC0415
        from ..http.registry import COMMAND_LINE  # noqa: PLC0415

        async with self._registry.session(self._asker, Origin(COMMAND_LINE)) as session:
            return await session.head()

    def expect_organisation(self, identifier: str, lens: Lens) -> None:
        """Raise ``Failure`` if no such organisation is known at these times."""
        if self(ORGANISATION, {**lens, "identifier": identifier})["registry"]["organisation"] is None:
            raise Failure(f"No organisation {identifier} was registered then: check its identifier, an OIN or a URI.")


class _NotYetError(Failure):
    """The projections have not come far enough."""


def _failure(error: Mapping[str, Any]) -> Exception:
    from ...graphql.problems import ProblemCode  # noqa: PLC0415  see asking_over

    match error["extensions"]["code"]:
        case ProblemCode.BAD_INPUT.value:
            return WrongUsage(error["message"])
        case ProblemCode.NOT_YET.value:
            return _NotYetError(error["message"])
        case _:
            return Failure(error["message"])


@contextmanager
def asking(settings: Settings) -> Generator[Asking]:
    """Give the means to ask the registry that the settings name."""
    with opened(settings) as (found, parts), asking_over(settings, found, parts) as ask:
        yield ask


@contextmanager
def asking_over(settings: Settings, found: Database, parts: Parts) -> Generator[Asking]:
    """Give the means to ask a registry, brought up to date if the database is our own."""
    # Here and not above: making the schema takes a second, which commands that ask nothing need not wait for.
    from ...graphql.questions import QUESTIONS  # noqa: PLC0415
    from ..http.registry import RunningRegistry  # noqa: PLC0415
    from ..http.services import Services  # noqa: PLC0415

    if settings.token is None:
        _say_who_asks(found)
    if found.embedded is not None:
        with closing(Projector(found.url)) as projector:
            projector.catch_up()
    registry = RunningRegistry(
        Services(
            schema=QUESTIONS,
            url=found.url,
            writer=parts.writer,
            vault=parts.vault,
            processing=parts.processing,
            security=parts.security,
            verifier=settings.verifier(),
            trail=settings.trail(),
            development=settings.issuer is None,
            readers_max=CONNECTIONS,
        )
    )
    with asyncio.Runner() as runner:
        running = registry.running()
        runner.run(running.__aenter__())
        try:
            asker = OWNER if settings.token is None else runner.run(_signed_in(registry, settings.token))
            yield Asking(runner, registry, asker)
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _signed_in(registry: "RunningRegistry", token: str) -> Asker:
    from ..http.origin import Origin  # noqa: PLC0415  see asking_over
    from ..http.registry import COMMAND_LINE  # noqa: PLC0415

    try:
        return await registry.asker(token)
    except BadToken as error:
        registry.turned_away("graphql", Origin(COMMAND_LINE), error)
        raise


def _say_who_asks(found: Database) -> None:
    if found.embedded is None:
        raise Failure(f"Say who asks: set {TOKEN} to a token (knelpunt token signs one for development).")
    notices().print(f"Asking as the owner of this registry, since {TOKEN} is not set.", style="dim")


def raw_id(global_id: str) -> str:
    """Return the id itself from a global one."""
    return base64.b64decode(global_id).decode().rpartition(":")[2]


def is_id(text: str) -> bool:
    """Return whether a text is a case's id, global or bare, and not a reference."""
    with suppress(ValueError):
        UUID(text)
        return True
    with suppress(ValueError):
        return base64.b64decode(text, validate=True).startswith(b"Case:")
    return False
