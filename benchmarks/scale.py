"""What docs/scale.md reckons with: the figures of a run, and what they come to for a nation and a hundred times that.

The document's prose stands by itself; only what is between two marks is made here, whenever the report is.
"""

from pathlib import Path
from typing import Final

from .measuring import Row, percentile
from .report import ROOT, Run

DOCUMENT: Final = ROOT / "docs" / "scale.md"
BEGIN: Final = "<!-- Written by the benchmarks from here on: do not edit. -->"
END: Final = "<!-- Up to here. -->"

EVENTS_A_YEAR: Final = 10_800_000
"""Of a nation, as the document says."""

YEARS: Final = 10
BUSIEST_A_SECOND: Final = EVENTS_A_YEAR / (365 * 86_400) * 4 * 5
"""Office hours are a quarter of the week, and a busy hour five times the average one of those."""

PAGES_A_SECOND: Final = 100_000 / 60
TIMES: Final = (1, 100)

NEEDED: Final = frozenset(
    {"commands-64", "commands-1", "answerable", "import", "rebuild-runner", "gap-page", "graphql-gaps", "fsck"}
)
"""The rows that the figures are taken from."""


def write(run: Run, document: Path) -> None:
    """Put a run's figures into the document, where it has all that are needed. Raises ``OSError``."""
    made = section(run)
    if made is not None:
        document.write_text(with_section(document.read_text(encoding="utf-8"), made), encoding="utf-8")


def with_section(text: str, made: str) -> str:
    """Return a document's text with another part between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, "the document has the mark where the part begins"
    assert end, "the document has the mark where the part ends"
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


def section(run: Run) -> str | None:
    """Return what stands between the marks; none if the run lacks one of the figures."""
    # Of several sizes the largest, which comes last.
    rows = {row.key: row for row in run.rows}
    if NEEDED - rows.keys():
        return None
    page = percentile(rows["gap-page"].ours, 95)
    answered = _round(rows["answerable"].limited_value)
    constants = [
        _rate("commands a second, 64 at a time, each on disk when answered", rows["commands-64"]),
        _rate("commands a second, one client at a time", rows["commands-1"]),
        _rate("events imported a second", rows["import"]),
        _rate("events rebuilt a second, by two processes", rows["rebuild-runner"]),
        _rate("entries of the log checked a second", rows["fsck"]),
        f"| from the commit to the answer at 500 events a second, 99 of 100 | {answered} ms |",
        f"| a page of 50 gaps at any two times, 95 of 100 | {page:.1f} ms at {rows['gap-page'].events:,} events |",
        _rate("such pages a second that one service answers over HTTP", rows["graphql-gaps"]),
    ]
    head = f"Of {run.begun_at:%Y-%m-%d}, rounded:\n\n| constant | value |\n| --- | ---: |\n"
    comes_to = "| what it comes to | a nation | a hundred times that |\n| --- | ---: | ---: |\n"
    return head + "\n".join(constants) + "\n\n" + comes_to + "\n".join(_comes_to(rows)) + "\n"


def _comes_to(rows: dict[str, Row]) -> list[str]:
    events = EVENTS_A_YEAR * YEARS
    passes = {"importing": "import", "rebuilding after a new definition": "rebuild-runner", "checking the log": "fsck"}
    log = rows["commands-64"].ours_median
    return [
        _line("events in ten years", *(f"{times * events / 1e6:,.0f} million" for times in TIMES)),
        _line("events a second in the busiest hour", *(f"{times * BUSIEST_A_SECOND:,.0f}" for times in TIMES)),
        _line("one log takes, of that", *(f"{_times(log / (times * BUSIEST_A_SECOND))} times" for times in TIMES)),
        *(
            _line(
                f"{what}, all of it, on two processors",
                *(_hours(times * events / rows[key].ours_median / 3600) for times in TIMES),
            )
            for what, key in passes.items()
        ),
        _line(
            "pages of gaps a second, if a hundred thousand people ask for one a minute",
            *(_round(times * PAGES_A_SECOND) for times in TIMES),
        ),
        _line(
            "services on replicas, like the one measured, that answer these",
            *(_round(times * PAGES_A_SECOND / rows["graphql-gaps"].ours_median) for times in TIMES),
        ),
    ]


def _rate(what: str, row: Row) -> str:
    return f"| {what} | {_round(row.ours_median)} |"


def _round(value: float | None) -> str:
    """Return a figure to three digits: machines differ by more."""
    assert value is not None, "the row has its limit"
    return f"{float(f'{value:.3g}'):,.0f}"


def _hours(hours: float) -> str:
    return f"{hours:.2g} hours" if hours < 48 else f"{hours / 24:.2g} days"


def _line(what: str, nation: str, hundred: str) -> str:
    return f"| {what} | {nation} | {hundred} |"


def _times(value: float) -> str:
    return _round(value) if value >= 100 else f"{value:.3g}"
