"""``knelpunt backup`` and ``knelpunt restore``: the log and the vault, into a folder and from one."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from ..backup import restoring, taking
from ..backup.folder import read_part
from ..backup.tables import REGISTRY, VAULT
from ..bootstrap import Database
from ..forgetting.fences import keep_erased
from ..projecting.rebuild import rebuild
from ..settings import Settings
from ..vault.vault import Vault
from .acting import note_operation
from .failure import Failure, sentence_of
from .session import bring_up_to_date, settings, whatever_database
from .terminal import notices, people, progress


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, which must not be there yet.", show_default=False)],
) -> None:
    """Write the log and the vault, as they are at this moment, into a new folder. The registry may go on meanwhile."""
    given = settings()
    with whatever_database(given) as found, progress(notices()) as bar:
        note_operation(found, "backup")
        taken = taking.take(found.url, folder, _Shown(bar).advance, _vault_of(found))
    console = people()
    console.print(f"Backed up {_events(taken.position)} into {folder}, and the vault into {folder / VAULT}.")
    console.print(
        f"The master key is not in it (it is in {given.key_place()}): keep a copy of it elsewhere. "
        "Without it the texts in this backup are gone; with it and the vault they are open.",
        style="yellow",
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder that knelpunt backup wrote.", show_default=False)],
    vault: Annotated[
        Path | None,
        typer.Option("--vault", help="Where the vault's part is, if not in that folder.", show_default=False),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that derive the read model.", metavar="N")
    ] = 1,
) -> None:
    """Fill an empty database with a backup, and bring it up to date. Needs the master key of that registry."""
    given = settings()
    found_backup = restoring.together(read_part(folder, REGISTRY), read_part(vault or folder / VAULT, VAULT))
    _check_key(given, found_backup)
    with progress(notices()) as bar:
        shown = _Shown(bar)
        restoring.check_files(found_backup, shown.advance)
        with whatever_database(given) as found:
            restoring.restore(found.url, found_backup, shown.advance, _vault_of(found))
            position = found_backup.registry.manifest.position
            try:
                bring_up_to_date(found)
                note_operation(found, "restore")
                again = _forgotten_again(given, found_backup, found)
                rebuild(found.url, workers, lambda done: shown.advance("deriving", done, position + 1))
            except Exception as error:
                message = (
                    f"All is restored, and what comes after it failed: {sentence_of(error)} "
                    "Then run knelpunt migrate, and knelpunt project --rebuild."
                )
                raise Failure(message) from error
    if again:
        people().print(f"The vault is older than the log: {again} whom the log tells to be erased stay so.")
    people().print(f"Restored {_events(position)}, and the vault; the schema and the read model are up to date.")


def _vault_of(found: Database) -> str | None:
    """Return where the vault is, as who may read and fill it whole; none where it shares the registry's database."""
    return found.vault_admin_url if found.vault_apart else None


def _forgotten_again(given: Settings, found_backup: restoring.Backup, found: Database) -> int:
    """See that nobody comes back whom the log tells to be erased; return how many had."""
    if found_backup.vault.manifest.wrapped_secret is None:
        return 0  # a vault that was never used has nothing of anybody
    with closing(Vault(found.vault_url, given.master_key())) as vault:
        return keep_erased(found.url, vault)


def _check_key(given: Settings, found: restoring.Backup) -> None:
    """See that the texts can be opened, without making a key where there is none: that one would open nothing."""
    if found.vault.manifest.wrapped_secret is None:
        return
    if not given.has_master_key():
        message = (
            f"The master key of the registry is not in {given.key_place()}: copy it there (chmod 600), "
            "or name its file in KNELPUNT_MASTER_KEY_FILE, then restore."
        )
        raise Failure(message)
    restoring.check_key(found, given.master_key())


def _events(position: int) -> str:
    return "a log without events" if position < 0 else f"{position + 1:,} event{'s' if position else ''}"


class _Shown:
    """The progress bar of a backup: one line for each table or stage."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def advance(self, told: str, done: int, total: int | None) -> None:
        """Show how far something is; of some nobody knows how much it will be."""
        if told not in self._tasks:
            self._tasks[told] = self._bar.add_task(told.capitalize() if told.isalpha() else told, total=total)
        self._bar.update(self._tasks[told], completed=done, total=total)
