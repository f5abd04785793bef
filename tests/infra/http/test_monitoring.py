"""What operators watch: measures that move, readiness by a limit, a dashboard and alerts that name what there is."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from graph.given import SVB, ZORG
from infra.http.given import Service, serving
from knelpunt.infra.trail.folder import TrailFolder

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "docs" / "monitoring"

NAME = re.compile(r"\b(?:knelpunt|process|python)_[a-z_]+\b")

OPEN = """mutation { openCase(input: {theme: "zorg", noticedBy: SUBJECT}) {
    ... on OpenCasePayload { position } ... on Refused { code } } }"""


def measured(service: Service) -> dict[str, float]:
    """Every measure that the service tells, by its name and labels as they are written."""
    lines = [line for line in service.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_measures_tell_of_commands_questions_lag_and_connections(service: Service, tmp_path: Path) -> None:
    """Each of them moves when that happens of which it tells, and stays when it does not."""
    before = measured(service)
    assert "data" in service.post({"query": OPEN}, service.token(SVB)).json()
    assert "errors" not in service.post({"query": "{ registry { gaps { totalCount } } }"}).json()
    found = measured(service)

    def rise(name: str) -> float:
        return found[name] - before.get(name, 0.0)

    assert rise('knelpunt_commands_total{outcome="recorded"}') == 1
    assert rise('knelpunt_commands_total{outcome="failed"}') == 0
    assert rise("knelpunt_append_seconds_count") == 1
    assert rise("knelpunt_append_commands_sum") == 1
    assert rise('knelpunt_query_seconds_count{about="gaps"}') >= 1
    assert rise('knelpunt_http_seconds_count{route="/graphql",status="200"}') == 2
    assert found["knelpunt_projection_lag_events"] == 1
    assert 0 < found["knelpunt_projection_lag_seconds"] < 60
    connections = [value for name, value in found.items() if name.startswith("knelpunt_pool_connections")]
    assert sum(connections) >= 1
    service.asked.project()
    with serving(service.asked, trail=TrailFolder(tmp_path / "trail")) as address:
        found = measured(Service(service.asked, service.issuer, address))
    assert found["knelpunt_projection_lag_events"] == found["knelpunt_projection_lag_seconds"] == 0
    assert found["knelpunt_trail_lag_events"] == found["knelpunt_log_position"] + 1


@pytest.mark.parametrize("limits", [{"lag_events_max": 1}, {"lag_seconds_max": 1}])
def test_it_is_not_ready_beyond_its_limit_of_lag(service: Service, limits: dict[str, int]) -> None:
    """By events or by seconds; it is ready again as soon as the projections have caught up."""
    for _ in range(2):
        assert "errors" not in service.post({"query": OPEN}, service.token(SVB)).json()
    with serving(service.asked, None, None, **limits) as address:
        limited = Service(service.asked, service.issuer, address)
        answer = limited.get("/readyz")
        while "lag_seconds_max" in limits and answer.status_code == 200:
            assert answer.json()["lagSeconds"] <= 1
            answer = limited.get("/readyz")
        assert answer.status_code == 503, answer.text
        assert answer.json()["reason"] == "The projections lag behind."
        assert service.get("/readyz").status_code == 200, "without a limit that was reached"
        service.asked.project()
        assert limited.get("/readyz").json()["ready"]


def test_the_dashboard_and_the_alerts_name_measures_that_there_are(service: Service) -> None:
    """Every name in an expression is one that the service tells, with the labels that it is asked by."""
    service.post({"query": OPEN}, service.token(ZORG))
    service.get("/healthz")
    text = service.get("/metrics").text
    there = set(re.findall(r"^([a-z_]+)(?:\{|\s)", text, re.MULTILINE))
    dashboard = msgspec.json.decode((MONITORING / "dashboard.json").read_bytes())
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    expressions = [*drawn, *(rule["expr"] for rule in rules)]
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named <= there, named - there
    ours = {re.sub("_(bucket|sum|count|total|created)$", "", name) for name in there if name.startswith("knelpunt_")}
    used = {re.sub("_(bucket|sum|count|total)$", "", name) for name in named}
    assert ours <= used, f"nobody looks at {ours - used}"
    for label, value in re.findall(r"\b(outcome|about|state)=\"(\w+)\"", " ".join(expressions)):
        assert f'{label}="{value}"' in text
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "action"} <= rule["annotations"].keys()
