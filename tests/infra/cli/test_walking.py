"""knelpunt replay --step on a real terminal: keys are sent to it, and its screen is read back."""

import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.cli.conftest import KNELPUNT, CommandLine, InThisProcess
from infra.cli.pseudo_terminal import (
    BACKSPACE,
    BACKTAB,
    CONTROL_C,
    DOWN,
    END,
    ENTER,
    ESCAPE,
    HOME,
    LEFT,
    PAGE_DOWN,
    PAGE_UP,
    RIGHT,
    TAB,
    UP,
    Terminal,
)

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LONGEST = "DEMO-7K2M"
THEN = ("--as-of", "2026-11-22", "--known-at", "2026-11-22")
STEPS = 133
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?[349][0-7](?:;[0-9;]*)?m")


def walking(line: CommandLine, *arguments: str, columns: int = 80, rows: int = 24, **settings: str) -> Terminal:
    """The command on a terminal."""
    command = [KNELPUNT, "replay", *arguments, "--step"]
    return Terminal(command, line.environment() | settings, columns, rows)


def test_a_walk_with_the_keys_of_less(demo: CommandLine, demo_here: InThisProcess) -> None:
    """From the first step to the last and back, help, search, all of a step; q quits and gives the screen back."""
    with walking(demo, LONGEST, *THEN) as terminal:
        first = terminal.shows("opened case DEMO-7K2M", "Gaps  none is open", "h help  q quit")
        assert f" 1/{STEPS}" in first.splitlines()[0]
        for keys, step in (
            *(("j", 2), (DOWN, 3), (RIGHT, 4), (ENTER, 5), (" ", 13), (PAGE_DOWN, 21), ("k", 20), (UP, 19)),
            *((LEFT, 18), ("b", 10), (PAGE_UP, 2), ("G", STEPS), ("g", 1), (END, STEPS), (HOME, 1), ("10j", 11)),
            *(("60g", 85), (TAB, 86), (BACKTAB, 84)),
        ):
            terminal.send(keys)
            terminal.shows(f" {step}/{STEPS}")
        # Nobody did anything that day: the gap began because time went by.
        terminal.shows(
            "2024-10-27 00:00 STANDSTILL begins (obstacle 3)", "How it stood at 2024-10-27 00:00", "Held  3: "
        )
        for key in ("h", "?"):
            terminal.send(key)
            assert "space f PgDn" in terminal.shows("Keys", "one step on", "q back")
            terminal.send("G")
            terminal.shows("COMMITMENT_OVERDUE  Something was promised")
            terminal.send("q")
            terminal.shows("STANDSTILL begins (obstacle 3)", "q quit")
        terminal.send("g/wilgenroos")
        assert terminal.shows("/wilgenroos").splitlines()[-1] == "/wilgenroos"
        terminal.send(ENTER)
        terminal.shows("waits for Jeugdhulp Wilgenroos")
        terminal.send("n")
        terminal.shows("asked Jeugdhulp Wilgenroos", "“De wachttijd is verstreken.”")
        terminal.send("N")
        terminal.shows("waits for Jeugdhulp Wilgenroos", "33 2024-05-06 09:00")
        terminal.send("/漢字👍" + ENTER)
        terminal.shows("No later step says “漢字👍”; n and N")
        terminal.send("/abc" + ESCAPE)
        terminal.shows("q quit")
        terminal.send("/" + BACKSPACE + "i")
        terminal.shows("Event 33, 2024-05-06 09:00", "recorded 2024-05-06, WaitingBegan", "q back")
        terminal.send(ESCAPE)
        terminal.shows("q quit")
        terminal.send("q")
        assert terminal.ended() == 0
        _, opened, drawn = terminal.written.partition(b"\x1b[?1049h")
        assert opened, "it draws on a screen of its own"
        assert drawn.count(b"\x1b[?1049l") == 1, "and gives back the one before"
        assert COLOUR.search(drawn)


def test_both_times_and_whose_eyes(demo: CommandLine) -> None:
    """a, w and o look through another lens, staying where one was; what cannot be is said, and changes nothing."""
    with walking(demo, LONGEST) as terminal:
        terminal.shows("q quit")
        terminal.send("60g")
        terminal.shows("sent a letter", f" 85/{STEPS}")
        terminal.send("a2025-03-25" + ENTER)
        terminal.shows(
            "up to 2025-03-25 00:00 UTC, as known at", "85/100", "sent a letter", "6: Landelijk Toeslagenbureau"
        )
        terminal.send("wthen" + ENTER)
        # When that letter was sent nobody had heard of the allowance: it was found in the spring after.
        terminal.shows(
            "as known at 2024-10-28 10:00", "Regionale Toegang Jeugd Waterstreek; 5: Schuldhulp Waterrijk Gap"
        )
        terminal.send("w" + ENTER)
        terminal.shows("/100", "Landelijk Toeslagenbureau (later Dienst Huishoudtoeslagen)")
        terminal.send("o")
        terminal.shows("As known to whom?", "everyone", "Woonstichting Rietland")
        terminal.send("jjj" + ENTER)
        terminal.shows("to Woonstichting Rietland", "How it stood at", "Held  ")
        # The others stay there to choose from, though this one never heard of most of them.
        terminal.send("o")
        terminal.shows("As known to whom?", "Jeugdhulp Wilgenroos")
        terminal.send("j" + ENTER)
        terminal.shows("to Schuldhulp Waterrijk", "How it stood at", "Held  ")
        terminal.send("ok" + ENTER)
        terminal.shows("to Woonstichting Rietland", "How it stood at", "Held  ")
        for typed, wrong in (("ayesterday", "'yesterday' is no moment"), ("a2023-01-01", "was registered then")):
            terminal.send(typed + ENTER)
            terminal.shows(wrong, "up to 2025-03-25", "to Woonstichting Rietland")
        terminal.send("og" + ENTER)
        terminal.until(lambda shown: "to Woonstichting" not in shown and "/100" in shown)
        terminal.send("a2023-06-01" + ENTER)
        terminal.shows("The case is not known of there", "up to 2025-03-25")
        terminal.send(CONTROL_C)
        assert terminal.ended() == 1
        assert b"Interrupted: what was recorded is whole" in terminal.written.rpartition(b"\x1b[?1049l")[2]


def test_other_windows(demo: CommandLine) -> None:
    """It follows the window's size, down to where nothing fits, and back; no colours where they are unwanted.

    SIGTERM gives the terminal back as Ctrl-C does.
    """
    with walking(demo, LONGEST, *THEN, columns=40, NO_COLOR="1") as terminal:
        narrow = terminal.shows("h help  q quit", "Gaps  none is open", "(nobody)")
        assert f" 1/{STEPS}" in narrow.splitlines()[0]
        terminal.send("60g")
        terminal.shows("Schuldhulp Waterrijk sent a letter.", "“Mevrouw bericht dat gewacht wordt", "Held  3: ")
        terminal.resize(120, 45)
        wide = terminal.shows("g/G ends", "has to act in a gap", "Zorgverzekeraar Houvast", "Gap   STANDSTILL  3 days")
        assert len(wide.splitlines()[0]) == 120
        terminal.resize(30, 8)
        terminal.shows("h help  q quit")
        terminal.resize(12, 3)
        terminal.shows("Too small")
        terminal.resize(80, 24)
        terminal.shows("Held  3: ", "has to act in a gap", "q quit")
        terminal.program.send_signal(signal.SIGTERM)
        assert terminal.ended() == 1
        drawn, _, after = terminal.written.rpartition(b"\x1b[?1049l")
        assert b"Interrupted: what was recorded is whole" in after
        assert not COLOUR.search(drawn)


@pytest.mark.long
def test_a_case_of_a_thousand_events(open_folder: Path) -> None:
    """No key waits for an answer, and a database that goes away is told in a sentence, not on the screen's back."""
    here = InThisProcess({"KNELPUNT_DATA_DIR": str(open_folder / "data")})
    log, mapping = open_folder / "long.csv", EXAMPLES / "helpdesk.toml"
    log.write_text("Zaak;Handeling;Datum;Afdeling\n" + "".join(map(_row, range(520))))
    here.done("import", log, "--mapping", mapping)
    case = re.findall(r"[A-Z0-9]{4,}(?:-[A-Z0-9]{4,})+", here.done("gaps", "--all"))[0]
    with walking(here, case) as terminal:
        shown = terminal.shows("q quit")
        steps = int(shown.splitlines()[0].rpartition("/")[2])
        assert steps > 1_000
        terminal.send("G")
        terminal.shows(f" {steps}/{steps}", "Held")
        began = time.monotonic()
        for number in range(1, 101):
            terminal.send("k")
            terminal.shows(f" {steps - number}/{steps}")
        # Three times what it takes on a machine with nothing else to do, and still quicker than a key repeats.
        assert time.monotonic() - began < 100 * 0.1
        postmaster = open_folder / "data" / "postgres" / "cluster" / "postmaster.pid"
        os.kill(int(postmaster.read_text().splitlines()[0]), signal.SIGQUIT)
        for keys, step in (("300g", 300), ("20j", 320)):
            terminal.send(keys)
            terminal.shows("The database cannot be reached", f" {step}/{steps}")
        terminal.send("q")
        assert terminal.ended() == 0
        drawn = terminal.written.rpartition(b"\x1b[?1049l")[0]
        assert b"WARNING" not in drawn


def _row(number: int) -> str:
    """A row of a log in which six departments hand a case round, some days apart."""
    day = datetime(2021, 1, 4, 9, tzinfo=UTC) + number * timedelta(hours=31)
    handling = ("Beoordeeld", "Doorgezet", "Beoordeeld", "Niet voor ons")[number % 4]
    return f"LANG;{handling};{day:%d-%m-%Y %H:%M};Bureau {number * 7 % 6}\n"
