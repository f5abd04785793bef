"""The two real logs beside the checkout, how they are mapped, and how one is cut."""

import csv
import io
from pathlib import Path

import pytest

from knelpunt.infra.importing.mapping import Columns, Mapping

SHARED = Path(__file__).parents[4] / "shared" / "data"
RECEIPT = SHARED / "receipt.csv.gz"
PROBLEMS = SHARED / "BPI_Challenge_2013_closed_problems.xes.gz"
RECEIPT_MAPPING = Mapping(
    "receipt", Columns("case:concept:name", "concept:name", "time:timestamp", "org:group", ("EMPTY",))
)
PROBLEMS_MAPPING = Mapping("bpi2013", Columns("concept:name", "concept:name", "time:timestamp", "org:group"))

receipt = pytest.mark.skipif(not RECEIPT.exists(), reason="the receipt log is not beside this checkout")
problems = pytest.mark.skipif(not PROBLEMS.exists(), reason="the closed-problems log is not beside this checkout")


def cut_between_and_inside(text: str) -> str:
    """Leave out the last third of the rows, and of every third case the last row that is left."""
    rows = list(csv.reader(io.StringIO(text)))
    header, body = rows[0], rows[1 : len(rows) * 2 // 3]
    case = header.index("case:concept:name")
    last = {row[case]: number for number, row in enumerate(body)}
    dropped = {number for index, number in enumerate(last.values()) if index % 3 == 0}
    part = io.StringIO()
    csv.writer(part).writerows([header, *(row for number, row in enumerate(body) if number not in dropped)])
    return part.getvalue()
