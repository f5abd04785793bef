"""knelpunt migrate --distributed on a server without Citus: what it would do, and that it refuses without harm."""

import re

import psycopg

from infra.cli.conftest import CommandLine, InThisProcess
from knelpunt.projections.read_model.distribution import EVERYWHERE, SPREAD

STATEMENT = re.compile(
    r"SELECT create_(distributed|reference)_table\('read\.(\w+)'(?:, '(\w+)', colocate_with => '(.+)')?\);"
)

COLUMN = "SELECT FROM information_schema.columns WHERE table_schema = 'read' AND table_name = %s AND column_name = %s"


def test_a_server_without_citus_is_refused(fresh: CommandLine) -> None:
    """One sentence and status 1; the schema itself was brought up to date."""
    said = fresh.fails("migrate", "--distributed")
    assert said == (
        "The server does not have the extension citus, so the read model stays on one machine: install Citus on it, "
        "or leave out --distributed."
    )
    with psycopg.connect(fresh.settings["KNELPUNT_DATABASE_URL"]) as admin:
        assert admin.execute("SELECT to_regclass('read.case_state') IS NOT NULL").fetchone() == (True,)


def test_what_it_would_run_names_each_table_once(fresh_here: InThisProcess) -> None:
    """Each table of the lists is spread by a column that it has, all with the first one, or held by every machine."""
    fresh_here.done("migrate")
    first, mode, *rest, comment = fresh_here.done("migrate", "--distributed", "--dry-run").splitlines()
    assert (first, mode[:9]) == ("CREATE EXTENSION IF NOT EXISTS citus;", "SET LOCAL")
    found = [STATEMENT.fullmatch(line) for line in rest]
    assert all(found), rest
    stated = {match[2]: (match[1], match[3], match[4]) for match in found if match}
    assert len(stated) == len(rest)
    assert stated == {
        **dict.fromkeys(EVERYWHERE, ("reference", None, None)),
        **{table: ("distributed", column, "read.case_state") for table, column in SPREAD.items()},
        "case_state": ("distributed", "case_id", "none"),
    }
    assert next(match[2] for match in found if match and match[3]) == "case_state"
    with psycopg.connect(fresh_here.settings["KNELPUNT_DATABASE_URL"]) as admin:
        assert all(admin.execute(COLUMN, place).fetchone() is not None for place in SPREAD.items())
    assert "gap_state" in comment


def test_a_dry_run_of_nothing_is_wrong_usage(fresh_here: InThisProcess) -> None:
    """A migration has no dry run, and says so instead of running."""
    assert "give both" in fresh_here.fails("migrate", "--dry-run", status=2)
