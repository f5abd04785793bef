"""A case of many events: in stretches that links lead through, and as quick to step through as a short one."""

import re

import pytest

from graph.given import GEMEENTE
from infra.pages.long_case import tell_long_case
from infra.pages.visiting import Site

EVENTS = 230

INTERACTIVE_MS_MAX = 1_000
STEP_MS_MAX = 100


def told_on(site: Site, events: int) -> str:
    reference = tell_long_case(site.asked, events)
    site.asked.project()
    return reference


def numbers_on(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li id="event-(\d+)"', page)]


def test_a_long_case_comes_in_stretches(bare_site):
    """The last stretch comes first, links lead to the others, and the whole has each event once."""
    reference = told_on(bare_site, EVENTS)
    with bare_site.visitor("AGENCY", GEMEENTE) as visitor:
        page = visitor.get(f"/cases/{reference}").text
        assert numbers_on(page) == list(range(131, 231))
        assert 'rel="next"' not in page
        assert f'href="/cases/{reference}?step=130"' in page
        seen = [
            number
            for step in (1, 200, 230)
            for number in numbers_on(visitor.get(f"/cases/{reference}?step={step}").text)
        ]
        assert seen == [*range(1, 101), *range(101, 201), *range(131, 231)]
        middle = visitor.get(f"/cases/{reference}?step=150").text
        assert re.findall(r'rel="(prev|next)" href="[^"]+step=(\d+)"', middle) == [("prev", "100"), ("next", "201")]
        assert '<li id="event-150" data-at=' in middle
        # What proves a gap of this stretch may lie before it: then the number leads there.
        assert re.search(rf'<a href="/cases/{reference}\?step=(?:[1-9]\d?|100)">', middle)
        assert re.search(r'<a href="#event-1\d\d">', middle)
        assert numbers_on(visitor.get(f"/cases/{reference}?whole=1").text) == list(range(1, 231))
    asked = bare_site.asked.registry(
        f'case(reference: "{reference}") {{ timeline(startAt: 101, first: 2) '
        "{ totalCount nodes { number type offer { number } } } }"
    )
    assert asked["case"]["timeline"]["totalCount"] == EVENTS
    assert [one["number"] for one in asked["case"]["timeline"]["nodes"]] == [101, 102]


@pytest.mark.long
def test_a_thousand_events_are_quick(bare_site, browser):
    """On an idle machine, a case of 1,000 events is interactive within a second, and a step takes 100 ms at most.

    From one stretch into the next as well, in both directions.
    """
    thousand = told_on(bare_site, 1_000)
    with bare_site.page(browser, "AGENCY", GEMEENTE) as watched:
        page = watched.page
        taken: list[float] = []
        for address in (f"/cases/{thousand}", f"/cases/{thousand}?step=500", f"/cases/{thousand}?step=1"):
            page.goto(address)  # once without measuring: the first time, statements and templates are compiled
            page.goto(address)
            taken.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
        steps = {}
        for way, begin in (("back", 500), ("on", 450)):
            page.goto(f"/cases/{thousand}?step={begin}")
            page.wait_for_load_state("networkidle")
            steps[way] = page.evaluate(STEPPING, [way, 120])
        assert watched.wrong == []
    assert max(taken) < INTERACTIVE_MS_MAX, taken
    for way, each in steps.items():
        assert len(each) == 120
        assert max(each) < STEP_MS_MAX, (way, sorted(each)[-5:])


STEPPING = """async ([way, count]) => {
    const taken = [];
    for (let n = 0; n < count; n++) {
        const before = document.getElementById("place").textContent;
        const began = performance.now();
        document.querySelector(`[data-go=${way}]`).click();
        while (document.getElementById("place").textContent === before) {
            await new Promise((then) => setTimeout(then, 1));
        }
        await new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
        taken.push(performance.now() - began);
    }
    return taken;
}"""
"""Steps so many times by a button, and returns how long each took until it was painted, in milliseconds."""
