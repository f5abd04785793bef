"""What a run leaves behind: a table in the terminal, every sample in results.json, and docs/performance.md."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from knelpunt.infra.processors import processors

from .measuring import Profile, Row, percentile

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results.json"
DOCUMENT: Final = ROOT / "docs" / "performance.md"

HALF: Final = 0.5
"""The share of every target that must be reached already."""

_LIBRARIES: Final = ("eventsourcing", "msgspec", "psycopg", "strawberry-graphql")


class Machine(Struct, frozen=True):
    """Where the figures were taken."""

    processor: str
    processors: int
    memory_gib: float
    system: str
    python: str
    postgresql: str
    libraries: dict[str, str]
    load: float
    """How busy the machine was with other work when the run began: processes that wanted a processor."""


class Run(Struct, frozen=True):
    """One run of all benchmarks."""

    begun_at: datetime
    minutes: float
    arguments: str
    machine: Machine
    rows: list[Row]
    profiles: list[Profile] = []


def machine(postgresql: str) -> Machine:
    """Return what this machine is."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        processors=processors(),
        memory_gib=round(pages / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        postgresql=postgresql,
        libraries={name: version(name) for name in _LIBRARIES},
        load=round(os.getloadavg()[0], 1),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as a table for a terminal."""
    head = f"{'what':<22} {'events':>10} {'ours':>16} {'theirs':>16} {'ratio':>8}  target"
    return "\n".join((head, *map(_line, rows)))


def _line(row: Row) -> str:
    return (
        f"{row.key:<22} {row.events:>10,} {_figure(row.ours_median, row.unit):>16} {_theirs(row):>16} "
        f"{_ratio(row):>8}  {_target(row)}: {_verdict(row)}"
    )


def write_results(run: Run, results: Path) -> None:
    """Write a run, or as much of it as there is."""
    rows = [
        {
            **msgspec.to_builtins(row),
            "ours_median": row.ours_median,
            "theirs_median": row.theirs_median,
            "ratio": row.ratio,
            "reached": row.reached(),
            "reached_half": row.reached(HALF),
        }
        for row in run.rows
    ]
    encoded = msgspec.json.encode({**msgspec.to_builtins(run), "rows": rows})
    # In the place of the old one in one step: a run may be stopped at any moment.
    half = results.with_suffix(".part")
    half.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")
    half.replace(results)


def read_results(results: Path) -> Run:
    """Return a run that was written. Raises ``OSError`` and ``msgspec.ValidationError``."""
    return msgspec.json.decode(results.read_bytes(), type=Run)


def write_document(run: Run, document: Path, further: str = "") -> None:
    """Write a run as the document for readers, with further sections at its end."""
    document.write_text(_document(run) + (further and "\n" + further), encoding="utf-8")


def _document(run: Run) -> str:
    place = run.machine
    parts = [
        "# Performance",
        (
            f"Written by `python -m benchmarks{run.arguments and ' ' + run.arguments}` on {run.begun_at:%Y-%m-%d}, "
            f"in {run.minutes:.0f} minutes; every sample is in `benchmarks/results.json`. Do not edit: run it again."
        ),
        (
            f"Taken on {place.processors} processors ({place.processor}) with {place.memory_gib:g} GiB, "
            f"{place.system}, Python {place.python}, PostgreSQL {place.postgresql}, "
            + ", ".join(f"{name} {number}" for name, number in place.libraries.items())
            + f". Load by other work when it began: {place.load:g}."
        ),
        (
            "Machines differ and are noisy, so a figure here is a ratio between two things done in one run, in turn "
            "(A B A B), after a round of each that does not count: ours divided by theirs, of medians. Both sides work "
            "on the registry's own embedded server, with `fsync`, `synchronous_commit` and `full_page_writes` on. "
            "Registries are generated (`benchmarks/generate.py`): ten years of cases over 400 organisations, some 12 "
            "events a case and now and then fifty, about one event in twelve told late; the same seed gives the same "
            "registry."
        ),
        "| what | against | events | ours | theirs | ratio | target | |",
    ]
    ruler = "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"
    figures = "\n".join((ruler, *map(_table_row, run.rows)))
    return (
        "\n\n".join(parts)
        + "\n"
        + figures
        + "\n\n## What the figures mean\n"
        + _meanings(run.rows)
        + _profiles(run.profiles)
    )


def _table_row(row: Row) -> str:
    return (
        f"| {row.what} | {row.against} | {row.events:,} | {_figure(row.ours_median, row.unit)} | {_theirs(row)} | "
        f"{_ratio(row)} | {_target(row)} | {_verdict(row)} |"
    )


def _meanings(rows: list[Row]) -> str:
    told: list[str] = []
    for row in rows:
        sides = [f"ours {_samples(row.ours, row.unit)}"]
        if row.theirs:
            sides.append(f"theirs {_samples(row.theirs, row.unit)}")
        if row.limited is not None and row.limited_value is not None:
            sides.append(f"{row.limited} of ours {_figure(row.limited_value, row.limit_unit or row.unit)}")
        sides += [
            f"{name}: {value if isinstance(value, str) else f'{value:.4g}'}" for name, value in row.details.items()
        ]
        told.append(f"\n### {row.key}, {row.events:,} events\n\n{row.meaning}\n\n" + "; ".join(sides) + ".\n")
    return "".join(told)


def _profiles(profiles: list[Profile]) -> str:
    if not profiles:
        return ""
    told = [
        "\n## Where processor time goes",
        (
            "The hottest paths, by one worker in one process on a small registry. Whenever it has used a processor for "
            "some more milliseconds, it is noted which functions are under way; what is no Python counts for the "
            "function that calls it, and a thread beside for what the first one does meanwhile. Waits do not count, "
            "nor does the server's own time. Of 250 samples a share of 10 % is known to two points or so. "
            "`python -m benchmarks.profile` shows more of a path, on a registry of any size."
        ),
    ]
    for profile in profiles:
        head = "| function | itself | with what it calls |\n| --- | ---: | ---: |"
        lines = [f"| `{line.function}` | {line.own:.1%} | {line.with_called:.1%} |" for line in profile.lines]
        told += [
            f"### {profile.path}",
            (
                f"{profile.plain_us:,.1f} µs for each {profile.things}, and {profile.sampled_us:,.1f} µs while "
                f"{profile.samples:,} samples were taken."
            ),
            "\n".join((head, *lines)),
        ]
    return "\n\n".join(told) + "\n"


def _samples(samples: list[float], unit: str) -> str:
    if len(samples) <= 12:
        told = ", ".join(f"{sample:,.4g}" if sample < 1000 else f"{sample:,.0f}" for sample in samples)
        return f"{told} {unit} (the median of {len(samples)} counts)"
    marks = ", ".join(f"p{mark} {percentile(samples, mark):.3g}" for mark in (5, 50, 95, 99))
    return f"{len(samples)} samples, {marks} {unit}"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def _theirs(row: Row) -> str:
    return "" if row.theirs_median is None else _figure(row.theirs_median, row.unit)


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.3g}"


def _target(row: Row) -> str:
    told: list[str] = []
    if row.at_least is not None:
        told.append(f"≥ {row.at_least:g}")
    if row.at_most is not None:
        told.append(f"≤ {row.at_most:g}")
    if row.limit is not None:
        reached = "?" if row.limited_value is None else f"{row.limited_value:.3g}"
        told.append(f"{row.limited} ≤ {row.limit:g} {row.limit_unit or row.unit} (is {reached})")
    return ", ".join(told)


def _verdict(row: Row) -> str:
    if row.reached():
        return "reached"
    return "**missed**, half of it reached" if row.reached(HALF) else "**missed**, and half of it too"


def _processor() -> str:
    """Return the processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)
