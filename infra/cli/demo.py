"""``knelpunt demo``: the demo story, from an empty machine to a service that answers."""

from contextlib import ExitStack, closing
from typing import Annotated, Final

import typer
from rich.console import Console

from ...domain.vocabulary import Role
from ..bootstrap import Database, Parts
from ..demo.load import Loaded, load_story
from ..demo.names import organisation_id
from ..demo.story import cases
from ..logbook.security import key_record
from ..projecting.projector import Projector
from ..serving.listening import listening
from ..settings import Settings
from ..trail.checking import check_files, published
from ..trail.following import publisher_for
from ..trail.key import existing_key
from .acting import COMMAND_LINE
from .asking import asking_over
from .gaps import chosen_by, list_gaps, print_gaps
from .learnt import print_learnt
from .replay import print_replay
from .replayed import replay_of
from .serving import HOST, PORT, Port, address_of, run_service
from .session import migrated, settings
from .terminal import people
from .tokens import sign_token

SHOWN: Final = "DEMO-9TXC"
"""The case that is replayed: short, and with three kinds of gap in it."""

LONGEST: Final = "DEMO-7K2M"
"""The case to walk through: the one with most in it."""

ORGANISATION: Final = organisation_id("wal")
"""For whom the printed token acts: the story's investigators, who may see every case."""


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop when the story has been shown.")] = False,
    port: Port = PORT,
) -> None:
    """Load the demo story into an empty registry, show what fell between the cracks, and serve it."""
    console = people()
    given = settings()
    with ExitStack() as closing_all:
        # Before any work: a port that is taken is said at once.
        sock = None if no_serve else closing_all.enter_context(listening(HOST, port))
        found, parts = closing_all.enter_context(migrated(given))
        _load(console, found, parts)
        _show(console, given, found, parts)
        if sock is None:
            return
        _invite(console, address_of(sock), given, found)
        run_service(sock, found, 1, given)


def _load(console: Console, found: Database, parts: Parts) -> None:
    match load_story(parts.registry, parts.vault):
        case Loaded.NOW:
            console.print(f"Loaded the demo story: {len(cases())} invented cases.")
        case Loaded.BEFORE:
            console.print("The demo story is here already.")
        case Loaded.NOT_EMPTY:
            console.print(
                "This registry holds events of its own, so the demo story was left out; here is what it holds."
            )
    with closing(Projector(found.url)) as projector:
        projector.catch_up()


def _show(console: Console, given: Settings, found: Database, parts: Parts) -> None:
    with asking_over(given, found, parts) as ask:
        console.print("\nThe gaps that are open today:\n", style="bold")
        print_gaps(console, list_gaps(ask, chosen_by(every=False, kinds=())))
        shown = replay_of(ask, SHOWN)
        if shown is not None:
            console.print("\nOne case, as it went:\n", style="bold")
            print_replay(console, shown)
            print_learnt(console, ask)
            console.print(f"\nWalk through the longest one on a terminal: knelpunt replay {LONGEST} --step")
    _verify(console, given, found)


def _verify(console: Console, given: Settings, found: Database) -> None:
    """Publish the trail, and say whether it is whole."""
    folder = given.trail()
    noted = key_record(found.vault_url, COMMAND_LINE)
    with closing(publisher_for(folder, given.log_key_path(), given.log_origin, found.url, noted)) as publisher:
        size = publisher.publish().size
    wrong = next(check_files(folder, published(folder, existing_key(given.log_key_path()).public)), None)
    verdict = "verified: whole, and as signed" if wrong is None else f"NOT VERIFIED: {wrong}"
    console.print(f"\nThe trail: {size} events, {verdict} (knelpunt log bundle OUT writes it for an auditor).")


def _invite(console: Console, address: str, given: Settings, found: Database) -> None:
    """Print how to ask the service that is about to answer."""
    if given.issuer is not None:
        console.print(f"\nServing on {address} for tokens of {given.issuer} (Ctrl-C stops).", style="bold")
        return
    token = sign_token(given, found, Role.INVESTIGATOR, ORGANISATION)
    console.print(
        f"\nServing on {address} (Ctrl-C stops): open it in a browser, or ask it, for instance:\n", style="bold"
    )
    # Never broken into lines, however narrow the terminal: they are there to be copied.
    console.print(f"TOKEN={token}", soft_wrap=True)
    console.print(EXAMPLE.format(address=address), soft_wrap=True)


EXAMPLE: Final = """\
curl {address}/graphql -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{{"query": "{{registry {{gaps(filter: {{open: true}}, first: 3) {{nodes {{kind days case {{title}}}}}}}}}}"}}'
"""
