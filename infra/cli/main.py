"""The command line: which commands there are, and how each of them ends.

Exit status: 0 done, 1 refused or failed, 2 wrong usage. A failure is one sentence; ``--debug``, anywhere on the line,
shows where it came from.
"""

import logging
import signal
import sys
from importlib.metadata import version
from types import FrameType
from typing import Annotated, Final, NoReturn

import typer

from . import (
    backup,
    demo,
    erase,
    exporting,
    gaps,
    identity,
    importing,
    log,
    logbook,
    mirror,
    projecting,
    replay,
    schema,
    serving,
    setup,
    succession,
    tokens,
    webhook,
    witness,
)
from .failure import WrongUsage, sentence_of
from .terminal import notices, people

PROGRAM: Final = "knelpunt"
DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2

DEBUG: Final = "--debug"

app = typer.Typer(
    name=PROGRAM,
    help="A registry of where people get stuck between organisations, and of the gaps they fall through.",
    # Panels and colours are for terminals; in a pipe, help is plain text.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("serve")(serving.serve)
app.command("migrate")(setup.migrate)
app.command("doctor")(setup.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("import")(importing.import_)
app.command("export")(exporting.export_)
app.command("project")(projecting.project)
app.command("succession")(succession.succession)
app.command("gaps")(gaps.gaps)
app.command("replay")(replay.replay)
app.add_typer(log.app, name="log")
app.command("witness")(witness.witness)
app.command("mirror")(mirror.mirror)
app.command("token")(tokens.token)
app.add_typer(erase.commands, name="erase")
app.add_typer(identity.commands, name="identity")
app.add_typer(logbook.commands, name="logbook")
app.add_typer(webhook.commands, name="webhook")
app.command("schema")(schema.schema)


def _print_version(asked: bool) -> None:
    if asked:
        people().print(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where a failure came from; anywhere on the line.")] = False,
) -> None:
    """A registry of where people get stuck between organisations, and of the gaps they fall through."""


def main() -> NoReturn:
    """Run the command that the program was called with, and end with its exit status."""
    # A service manager's word to stop is treated like Ctrl-C: what runs is closed in order, the database too.
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    if not arguments:
        run(["--help"])
        return WRONG_USAGE
    debug = DEBUG in arguments
    logging.basicConfig(level=logging.INFO if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        # --debug is taken from wherever it stands: people add it to the end of the line that failed.
        code = typer.main.get_command(app).main(
            [argument for argument in arguments if argument != DEBUG], prog_name=PROGRAM, standalone_mode=False
        )
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except typer.TyperException as error:
        sentence = " ".join(error.format_message().split()).rstrip(".")
        _say(f"{sentence}: see {PROGRAM} --help, or {PROGRAM} COMMAND --help.")
        return WRONG_USAGE if error.exit_code == WRONG_USAGE else FAILED
    except SystemExit:
        # Typer's, when whoever read our output has had enough (… | head).
        return DONE
    except Exception as error:
        if debug:
            raise
        _say(sentence_of(error))
        return WRONG_USAGE if isinstance(error, WrongUsage) else FAILED
    if code == _CTRL_C:
        return _interrupted()
    return code if isinstance(code, int) else DONE


_CTRL_C: Final = 130
"""What typer makes of Ctrl-C."""


def _interrupted() -> int:
    _say("Interrupted: what was recorded is whole, and the command can be given again.")
    return FAILED


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # The second one is not waited for.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise KeyboardInterrupt


def _say(sentence: str) -> None:
    notices().print(sentence, style="red")


if __name__ == "__main__":
    main()
