"""Questions and commands that nobody thought of: generated from the schema, and none of them breaks the service."""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.given import Story
from infra.http.given import PLAIN, Service, serving
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql import schema as schemas

SDL = Path(schemas.__file__).with_name("schema.graphql")

REACHED_SHARE_MIN = 0.3
"""The least share of cases that must reach a resolver: the rest is refused before, as too dear or as no question."""

BEFORE = frozenset({"INVALID", "TOO_COMPLEX", "BAD_REQUEST"})
"""Codes of what is refused before anything is asked of the registry."""

MOMENTS = ("2024-03-04T09:00:00+01:00", "2031-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon")


def scalars() -> dict[str, st.SearchStrategy[Any]]:
    """What is made up for the schema's own scalars."""
    from hypothesis_graphql import nodes

    return {
        "DateTime": st.sampled_from(MOMENTS).map(nodes.String),
        # No position that is still to come: waiting for it takes five seconds.
        "Position": st.sampled_from([-(2**70), -1, 0, 3, 2**70]).map(nodes.Int),
        "GapCursor": st.text(max_size=30).map(nodes.String),
        "JSON": st.text(max_size=30).map(nodes.String) | st.integers().map(nodes.Int),
    }


def outcome(answer: httpx.Response) -> str:
    """What a case came to: data, an error of a resolver by its code, or refused before; a server error fails."""
    assert answer.status_code < 500, answer.text
    found: dict[str, Any] = answer.json()
    for error in found.get("errors", ()):
        code = error["extensions"]["code"]
        assert code not in {"INTERNAL", "UNAVAILABLE", "TIMEOUT"}, error
        if code in BEFORE and "path" not in error:
            return "refused"
    return "errors" if found.get("errors") else "data"


@pytest.mark.parametrize("cases", [60, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(7200)])])
def test_generated(service: Service, cases: int) -> None:
    """No case gives a server error, and three of ten at least get as far as the registry itself."""
    # Here, since it takes a second: every worker imports every test, and one runs this.
    import schemathesis
    from schemathesis.core.result import Ok

    story = Story(service.asked)
    story.report()
    service.asked.project()
    for name, strategy in scalars().items():
        schemathesis.graphql.scalar(name, strategy)
    found = schemathesis.graphql.from_path(SDL).get_all_operations()
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    queries = [one.as_strategy() for one in operations if one.label.startswith("Query.")]
    mutations = [one.as_strategy() for one in operations if one.label.startswith("Mutation.")]
    assert len(mutations) > 40
    token = service.issuer.token(Role.AGENCY, "urn:org:gemeente", lifetime_seconds=7200)
    counted: Counter[str] = Counter()
    with serving(service.asked, cost_per_minute=0) as address, httpx.Client(timeout=30, verify=PLAIN) as client:

        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            derandomize=cases < 1_000,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        )
        @given(st.one_of(*queries, st.one_of(mutations)))
        def ask(case: Any) -> None:
            answer = client.post(
                f"http://{address}/graphql", json={"query": case.body}, headers={"Authorization": f"Bearer {token}"}
            )
            counted[outcome(answer)] += 1

        ask()
    assert counted.total() >= cases
    assert counted["data"] + counted["errors"] >= REACHED_SHARE_MIN * counted.total(), counted
    print(counted)
