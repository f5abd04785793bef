"""Whole journeys through the pages: the walk of the guides, and what people do by keyboard alone."""

import importlib.util
from pathlib import Path

import pytest

from infra.pages.test_browser import EVERY, found_by_axe
from infra.pages.visiting import WAL
from knelpunt.domain.vocabulary import Role

LONGEST = "DEMO-7K2M"
CLICKS_MAX = 9

GUIDE = Path(__file__).parents[3] / "docs" / "guide"


def guide_script():
    """The script that takes the guides' screenshots, which says what the walk clicks on."""
    found = importlib.util.spec_from_file_location("screenshots", GUIDE / "screenshots.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", ["nl", pytest.param("en", marks=pytest.mark.long)])
def test_the_walk_of_the_guide(site, browser, language):
    """From the overview to the lost handover, what was known then, and the shared cause, in under ten clicks."""
    with site.page(browser) as watched:
        page = watched.page
        page.goto(f"/language/{language}")
        stops = {}
        for name in guide_script().walk(page):
            stops[name] = (page.url, page.text_content("main") or "")
        assert len(stops) + 1 <= CLICKS_MAX  # signing in is one more
        assert LONGEST in stops["found"][1]
        assert stops["handoff"][0].endswith("#event-9")
        assert stops["step"][0].split("#")[0].endswith("step=9")
        assert "asOf=2024-02-14" in stops["known"][0]
        assert "knownAt=2024-02-14" in stops["known"][0]
        assert "/causes/" in stops["cause"][0]
        assert all(reference in stops["cause"][1] for reference in (LONGEST, "DEMO-2LWB", "DEMO-6RZK", "DEMO-QF47"))
        assert watched.wrong == []


@pytest.mark.long
def test_a_case_is_found_replayed_and_printed_by_keyboard(site, browser):
    """Sign in, find a case, step to a moment and print it: with the keyboard alone."""
    with site.page(browser) as watched:
        page = watched.page
        page.focus("#q")
        page.keyboard.type("multiproblematiek")
        page.keyboard.press("Enter")
        page.focus(f"ul.found a[href='/cases/{LONGEST}']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/cases/{LONGEST}")
        page.focus("[data-go=first]")
        page.keyboard.press("Enter")
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        assert page.text_content("#place") == "Gebeurtenis 9 van 93"
        assert "verwees de betrokkene door naar" in (page.text_content("#said") or "")
        page.wait_for_selector("#state h2:has-text('14 feb 2024')")
        assert len(page.pdf()) > 20_000
        assert watched.wrong == []


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("role", list(Role), ids=str)
def test_each_page_as_each_role(site, browser, role, language, script):
    """Every page answers every role, with what they may see or why not; nothing leaves the origin or is reported."""
    with site.page(browser, role.value, WAL, script=script) as watched:
        page = watched.page
        page.goto(f"/language/{language}")
        for address in EVERY:
            answer = page.goto(address)
            assert answer.status in {200, 404, 403}, (address, answer.status)
            assert page.get_attribute("html", "lang") == language
            assert page.locator("h1").count() == 1
            if script:
                assert found_by_axe(page) == [], address
        wrong = [one for one in watched.wrong if "status of 40" not in one]  # a page that is not theirs says so
        assert wrong == []
