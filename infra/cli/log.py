"""``knelpunt log``: the trail for auditors. All but ``checkpoint`` and ``fsck`` read the published files alone."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ...domain.vocabulary import Role
from ..logbook.security import key_record
from ..settings import TOKEN, Settings
from ..trail import verify as verifier
from ..trail.bundling import write_bundle
from ..trail.checking import FINDINGS_MAX, check_files, check_trail, published
from ..trail.folder import PUBLIC_KEY, TrailFolder
from ..trail.following import policy_at, publisher_for
from ..trail.note import NoteError, PublicKey, public_key
from ..trail.proving import Prover
from .acting import COMMAND_LINE
from .failure import Failure, WrongUsage
from .session import ready_database, settings
from .terminal import notices, people, progress

app: Final = typer.Typer(
    help="The trail for auditors: checkpoints, proofs, and whether all is as it was published.", no_args_is_help=True
)

Position = Annotated[int, typer.Argument(min=0, help="The event's position in the log.", show_default=False)]


@app.command("checkpoint")
def checkpoint() -> None:
    """Publish a checkpoint that covers every event recorded by now, and print it."""
    given = settings()
    with ready_database(given) as found:
        folder, key = given.trail(), given.log_key_path()
        noted = key_record(found.vault_url, COMMAND_LINE)
        publisher = publisher_for(folder, key, given.log_origin, found.url, noted, given.log_policy)
        try:
            size = publisher.publish().size
        finally:
            publisher.close()
    sys.stdout.buffer.write(given.trail().checkpoint() or b"")
    sys.stdout.buffer.flush()
    notices().print(f"Published: {_entries(size)}.")


@app.command("prove")
def prove(
    position: Position,
    entry: Annotated[
        bool, typer.Option("--entry", help="Put the entry itself into the proof file; takes an auditor.")
    ] = False,
) -> None:
    """Print the proof that an event stands in the log, as a .tlog-proof file."""
    given = settings()
    if entry:
        _expect_auditor(given)
    prover = Prover(given.trail())
    sys.stdout.buffer.write(prover.proof_file(position, prover.entry(position) if entry else None))
    sys.stdout.buffer.flush()


@app.command("verify")
def verify(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A bundle or a .tlog-proof file; if not given, this registry's own files."),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="The log's public key, as you have it.")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A policy: which log, and whose cosignatures.")
    ] = None,
    since: Annotated[Path | None, typer.Option("--since", help="A checkpoint that was kept from before.")] = None,
    entry: Annotated[Path | None, typer.Option("--entry", help="The entry that a proof is about.")] = None,
) -> None:
    """Verify a bundle or a proof, as verify.py does; without one, the registry's own published files."""
    if bundle is None:
        if key or policy or since or entry:
            raise WrongUsage("The options are for a bundle or a proof: name one.")
        _verify_own(settings().trail())
        return
    options = {"--key": key, "--policy": policy, "--since": since, "--entry": entry}
    arguments = [str(bundle), *(f"{name}={value}" for name, value in options.items() if value is not None)]
    try:
        status = verifier.main(arguments)
    except SystemExit as usage:  # argparse's, which has said what is wrong
        status = int(usage.code or 0)
    if status:
        raise typer.Exit(status)


def _verify_own(folder: TrailFolder) -> None:
    found = published(folder, _public_key(folder))
    wrong = next(check_files(folder, found), None)
    if wrong is not None:
        raise Failure(f"The published files are not as they were signed: {wrong}")
    people().print(f"Verified: {_entries(found.size)} of {found.origin}, whole and as signed.")


@app.command("bundle")
def bundle(
    out: Annotated[Path, typer.Argument(help="A new folder, which must not be there yet.", show_default=False)],
) -> None:
    """Write all that is published into a folder, with a verifier that needs nothing of ours; takes an auditor."""
    given = settings()
    _expect_auditor(given)
    folder = given.trail()
    policy = None
    if given.log_policy is not None:
        policy_at(given.log_policy)  # one that cannot be used must not reach an auditor
        policy = given.log_policy.read_bytes()
    size = write_bundle(folder, _public_key(folder), policy, out)
    people().print(f"Wrote {_entries(size)} into {out}; python3 {out / 'verify.py'} verifies them anywhere.")


@app.command("fsck")
def fsck() -> None:
    """Derive the whole log again from the database and from the files, and compare. Exit status 1 if they differ."""
    given = settings()
    folder = given.trail()
    key = _public_key(folder)
    wrong = 0
    with ready_database(given) as found, progress(notices()) as bar:
        task = bar.add_task("Comparing", total=None)
        for finding in check_trail(folder, key, found.url, lambda done, of: bar.update(task, completed=done, total=of)):
            wrong += 1
            people().print(finding)
            if wrong == FINDINGS_MAX:
                people().print("There is more; the first of it is the one to look at.")
                break
    if wrong:
        raise Failure("The log and the events are not as they were published: docs/trail.md says what to do.")
    people().print(f"All is well: {_entries(published(folder, key).size)}, in the files as in the database.")


def _public_key(folder: TrailFolder) -> PublicKey:
    path = folder.path / PUBLIC_KEY
    try:
        return public_key(path.read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        raise Failure("No checkpoint is published yet: run knelpunt log checkpoint, or knelpunt serve.") from None
    except (NoteError, UnicodeDecodeError) as error:
        raise Failure(f"{path} does not hold the log's public key ({error}): run knelpunt log checkpoint.") from error


def _expect_auditor(given: Settings) -> None:
    """Raise ``Failure`` unless an auditor asks, or the owner of our own database."""
    if given.token is not None:
        role = given.verifier().viewer(given.token).role
        if role is not Role.AUDITOR:
            raise Failure(f"Entries are for auditors, and {TOKEN} is of somebody in the role {role.value}.")
    elif given.database_url is not None:
        raise Failure(f"Say who asks: set {TOKEN} to a token of an auditor.")
    else:
        notices().print(f"Asking as the owner of this registry, since {TOKEN} is not set.", style="dim")


def _entries(size: int) -> str:
    return f"{size:,} entr{'y' if size == 1 else 'ies'}"
