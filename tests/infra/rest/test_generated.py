"""Requests that nobody thought of, generated from the description: none breaks the service, all answers conform."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from infra.rest.conftest import World
from knelpunt.infra.rest import openapi
from knelpunt.infra.rest.resources import RESOURCES

if TYPE_CHECKING:
    from schemathesis import GenerationMode

EXPORTING = 5
"""Operations on exports, of which this service makes none: made ones would keep the machine busy."""

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


@pytest.mark.parametrize("cases", [2, pytest.param(500, marks=[pytest.mark.long, pytest.mark.timeout(7200)])])
def test_generated(world: World, cases: int) -> None:
    """For each operation, good requests and bad ones get what the description says, and never a server error."""
    # Here, since it takes a second: every worker imports every test, and one runs this.
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_dict(openapi.document())
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    assert len(operations) == len(RESOURCES) + EXPORTING
    came: Counter[int] = Counter()
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            came += asked(world, operation, mode, cases)
    assert came[200] > cases
    assert came[400] > cases


def asked(world: World, operation: Any, mode: "GenerationMode", cases: int) -> Counter[int]:
    """How often each status came of generated requests for an operation."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection

    # In an address one value and a list of one look alike, as do a number and its digits: what is made up as wrong may
    # be right. That wrong requests are refused is counted above.
    alike = [negative_data_rejection]
    headers = {"Authorization": f"Bearer {world.token()}"}
    came: Counter[int] = Counter()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=cases, database=None, deadline=None, derandomize=cases < 100, suppress_health_check=SLOW)
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and operation.path != "/events":
            # A cursor is opaque: one that is made up is none, however it looks.
            (case.query or {}).pop("after", None)
            # No schema can say that a stretch must not end before it begins.
            (case.query or {}).pop("overlapsUntil", None)
        answer = case.call(base_url=f"http://{world.address}/api/v1", headers=headers)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, headers=headers, excluded_checks=alike)
        came[answer.status_code] += 1

    ask()
    return came
