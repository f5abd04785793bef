"""The pages in a real browser: accessible, within their own origin, by keyboard, with JavaScript and without."""

import json
from hashlib import sha256
from pathlib import Path

import axe_playwright_python
import pytest

from infra.pages.learnt import CAUSE, DIALOGUE, INVESTIGATION, LISTS, ONES

LONGEST = "DEMO-7K2M"
WATERRIJK = "urn:knelpunt:demo:waterrijk"
SUBJECT = "19bf7dce-ee44-5848-b342-ac546507da6c"

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()

PAGES = ("/", f"/cases/{LONGEST}?step=20", "/inbox", "/record/refuseHandoff", f"/mine?subject={SUBJECT}", CAUSE)

EVERY = tuple(
    dict.fromkeys((
        *PAGES, "/gaps", "/interfaces", f"/cases/{LONGEST}/difference?thenAsOf=2024-06-01", "/trail?position=20",
        "/ask", "/ask/schema", "/ask/schema/Gap", "/exports", "/?q=jeugd", f"/cases/{LONGEST}", "/trail/readings",
        "/record", *LISTS, *ONES,
    ))
)  # fmt: skip
"""All of them; ``PAGES`` are one of each sort."""


SHOWN = """() => {
  const copy = document.documentElement.cloneNode(true);
  for (const one of copy.querySelectorAll("input[type=hidden]")) one.removeAttribute("value");
  copy.querySelector("header .who")?.remove();
  return `${innerWidth} ${matchMedia("(prefers-color-scheme: dark)").matches} ${copy.outerHTML}`;
}"""
"""A page as axe sees it, but for the name of who looks at it and for what its forms hide."""

_found_well: set[bytes] = set()
"""Pages, as ``SHOWN`` tells of them, on which axe found nothing: roles that are shown the same need no second look."""


def found_by_axe(page, *rules: str) -> list[str]:
    """What axe finds wrong on a page by these rules; by all of WCAG 2.2 AA and its best practices if none is named."""
    shown = sha256(f"{rules} {page.evaluate(SHOWN)}".encode()).digest()
    if shown in _found_well:
        return []
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    page.evaluate(AXE + "; undefined")
    result = page.evaluate("async (options) => JSON.stringify((await axe.run(options)).violations)", options)
    found = [
        f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in json.loads(result)
    ]
    if not found:
        _found_well.add(shown)
    return found


@pytest.mark.parametrize(
    ("pages", "widths"),
    [(PAGES, (360,)), pytest.param(EVERY, (360, 768, 1440), marks=[pytest.mark.long, pytest.mark.timeout(1_200)])],
    ids=["some", "all"],
)
def test_axe_finds_nothing_and_nothing_goes_wrong(site, browser, pages, widths):
    """On every page, wide and narrow, axe finds nothing, and nothing is reported, leaves the origin or overflows."""
    with site.page(browser, "AGENCY", WATERRIJK, width=widths[0]) as watched:
        page = watched.page
        for address in pages:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            for width in widths:
                page.set_viewport_size({"width": width, "height": 900})
                assert found_by_axe(page) == [], (address, width)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (address, width)
        # One page is for the privacy officer, and says so with this status.
        assert [one for one in watched.wrong if "status of 403" not in one] == []


@pytest.mark.long
def test_dark_has_contrast_too(site, browser):
    """In the dark the overview and a case have enough contrast as well."""
    with site.page(browser) as watched:
        watched.page.emulate_media(color_scheme="dark")
        for address in ("/", f"/cases/{LONGEST}?step=40", "/gaps"):
            watched.page.goto(address)
            assert found_by_axe(watched.page, "color-contrast") == [], address


def test_stepping_through_a_case(site, browser):
    """By keyboard and by the buttons: mark, sentence and address move at once, and how it stood follows."""
    with site.page(browser) as watched:
        page = watched.page
        page.goto(f"/cases/{LONGEST}?step=20")
        page.focus("[data-go=on]")
        page.keyboard.press("ArrowRight")
        assert page.text_content("#place") == "Gebeurtenis 21 van 93"
        assert page.url.endswith("step=21")
        assert page.text_content("#said") == page.text_content("#event-21 .summary")
        page.keyboard.press("Enter")
        page.click("#event-40 a[data-step]")
        at = page.get_attribute("#event-40", "data-at")
        page.wait_for_selector("#state h2:has-text('20 jun 2024')")
        fresh = page.text_content("#state table")
        page.goto(f"/cases/{LONGEST}?step=40")
        assert page.text_content("#state table") == fresh
        assert page.get_attribute("#event-40", "data-at") == at
        page.focus("[data-go=on]")
        page.keyboard.press("Home")
        assert page.text_content("#place") == "Gebeurtenis 1 van 93"
        page.keyboard.press("ArrowLeft")
        assert page.text_content("#place") == "Gebeurtenis 1 van 93"
        page.keyboard.press("End")
        assert page.text_content("#place") == "Het einde: hoe het ervoor staat"
        assert watched.wrong == []


def test_the_same_steps_without_javascript(site, browser):
    """Without JavaScript the same links show the same step, from a page that the server made."""
    with site.page(browser, script=False) as watched:
        page = watched.page
        page.goto(f"/cases/{LONGEST}?step=20")
        page.click("[data-go=on]")
        assert page.url.endswith("step=21")
        assert page.text_content("#place") == "Gebeurtenis 21 van 93"
        assert page.locator("#play").is_hidden()
        assert page.locator("input[type=range]").count() == 0
        page.goto("/gaps")
        page.check("input[value=CAROUSEL]")
        page.click("main button[type=submit]")
        assert "kind=CAROUSEL" in page.url


def test_charts_answer_to_pointing(site, browser):
    """The browser draws the charts as well, within the same policy: a mark says what it is, and leads to its list."""
    with site.page(browser, script=False) as watched:
        watched.page.locator("figure.chart img").wait_for()
    with site.page(browser) as watched:
        page = watched.page
        bars = page.locator("figure.drawn .mark-rect path")
        bars.first.wait_for()
        assert page.locator("figure.drawn img").is_hidden()
        shown = site.asked.registry("gapCounts(filter: {open: true}) { kind count }")["gapCounts"]
        assert bars.count() == len(shown)
        bars.first.hover()
        assert f"({shown[0]['count']}): " in page.text_content(".pointed")
        page.emulate_media(color_scheme="dark")
        page.locator("figure.drawn svg[style*='rgb(23, 26, 30)']").wait_for()
        assert page.locator("figure.drawn .vega-embed").count() == 1
        bars.first.click()
        page.wait_for_url(f"**/gaps?kind={shown[0]['kind']}")
        page.goto("/interfaces?period=all")
        page.locator("figure.drawn .mark-text.role-mark text").first.hover()
        assert " naar " in page.text_content(".pointed")
        assert watched.wrong == []


@pytest.mark.long
def test_sliders_look_back(site, browser):
    """Moving the slider of what was known shows the case as it was known then."""
    with site.page(browser) as watched:
        page = watched.page
        page.goto(f"/cases/{LONGEST}")
        slider = page.locator("[data-slider] input[type=range]").nth(1)
        slider.fill("100")
        slider.dispatch_event("change")
        page.wait_for_url("**knownAt=2024-05-15**")
        assert page.locator("#events > li").count() < 93


def test_a_clerk_answers_an_offer_by_keyboard(own_site, browser):
    """Sign in, go to the inbox, refuse an offer with a ground: with the keyboard alone, and the offer is gone."""
    with own_site.page(browser, "AGENCY", WATERRIJK) as watched:
        page = watched.page
        page.wait_for_load_state()
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.locator("a[href='#main']:focus").count():
                break
            page.wait_for_timeout(100)  # a window that is not active yet takes no keys
        page.keyboard.press("Enter")
        page.wait_for_selector("#main:focus")
        page.focus('nav a[href="/inbox"]')
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
        page.focus('a[href*="refuseHandoff"]')
        page.keyboard.press("Enter")
        page.wait_for_url("**/record/refuseHandoff**")
        page.focus("#f-ground")
        page.keyboard.type("er is geen plaats")
        page.focus("main form button[type=submit]")
        page.keyboard.press("Enter")
        for _ in range(100):
            own_site.asked.project()
            if "recorded=" in page.url:
                break
            page.wait_for_timeout(100)
        page.wait_for_url("**/cases/DEMO-9TXC?recorded=**")
        assert "Gemeente Waterrijk nam het knelpunt niet over" in (page.text_content("#events") or "")
        page.goto("/inbox")
        assert page.locator('a[href*="refuseHandoff"]').count() == 0
        assert watched.wrong == []


def test_the_browser_checks_a_proof_and_rejects_a_tampered_one(site, browser):
    """A proof is verified from tiles and key in the browser; a changed tile, entry, checkpoint or key is rejected."""
    with site.page(browser, "AUDITOR") as watched:
        page = watched.page

        def verdict() -> str:
            page.click("#verify")
            page.wait_for_selector("#verdict.notice")
            return page.text_content("#verdict") or ""

        for position in (0, 20, 255, 256, 300, 407):
            page.goto(f"/trail?position={position}")
            assert verdict().startswith("Gecontroleerd"), position
        page.evaluate("document.getElementById('entry').textContent += ' '")
        assert "KLOPT NIET: de regel" in verdict()
        key = page.input_value("#key")
        page.goto("/trail?position=20")
        page.fill("#key", key.replace("+A", "+B", 1) if "+A" in key else key[:-4] + "AAAA")
        assert "KLOPT NIET: het checkpoint" in verdict()

        def tampered(route) -> None:
            body = bytearray(route.fetch().body())
            body[40 * 32] ^= 1
            route.fulfill(body=bytes(body))

        page.route("**/log/tile/0/**", tampered)
        page.goto("/trail?position=20")
        assert "KLOPT NIET: de tegels" in verdict()
        page.unroute("**/log/tile/0/**")

        def resized(route) -> None:
            origin, size, rest = route.fetch().text().split("\n", 2)
            route.fulfill(body=f"{origin}\n{int(size) - 1}\n{rest}")

        page.route("**/log/checkpoint", resized)
        assert "KLOPT NIET: het checkpoint" in verdict()


def test_asking_by_hand(site, browser):
    """A question is answered below it, with and without JavaScript; a command is not taken."""
    for script in (True, False):
        with site.page(browser, script=script) as watched:
            page = watched.page
            page.goto("/ask")
            page.fill("#query", "{ viewer { role } }")
            page.click("#ask button")
            page.wait_for_selector("#answer:has-text('INVESTIGATOR')")
            page.fill("#query", 'mutation { openCase(input: {theme: "zorg", noticedBy: SUBJECT}) { __typename } }')
            page.click("#ask button")
            page.wait_for_selector("#answer:has-text('eigen formulier')")
            assert watched.wrong == []


def test_what_can_be_typed_is_proposed(site, browser):
    """While a question is typed its next words are proposed by the schema, and taken with the keyboard alone."""
    with site.page(browser) as watched:
        page = watched.page
        page.goto("/ask")
        page.fill("#query", "{ registry { gaps(filter: {kinds: [")
        page.focus("#query")
        page.keyboard.press("Control+Space")
        page.wait_for_selector("#proposals li")
        assert page.text_content("#proposals li") == "NEVER_TAKEN"
        page.keyboard.type("CAR")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.type("]}, first: 1) { nodes { case { tit")
        page.wait_for_selector("#proposals li:has-text('title')")
        assert found_by_axe(page) == []
        page.keyboard.press("Enter")  # nothing was chosen: a new line, as in any text
        page.keyboard.press("Backspace")
        page.keyboard.type("le kin")
        assert page.locator("#proposals li").count() == 0  # a case has no kind
        for _ in "kin":
            page.keyboard.press("Backspace")
        page.keyboard.type("} } } } }")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#answer:has-text('title')")
        assert watched.wrong == []


@pytest.mark.long
def test_a_case_in_print(site, browser):
    """In print a case has its swimlanes and events, and none of what only a screen can use."""
    with site.page(browser) as watched:
        watched.page.goto(f"/cases/{LONGEST}")
        watched.page.emulate_media(media="print")
        for gone in ("nav", ".stepping", ".lens", ".tools"):
            assert watched.page.locator(gone).first.is_hidden()
        assert watched.page.locator("svg.lanes").is_visible()
        assert len(watched.page.pdf()) > 20_000


@pytest.mark.long
def test_dialogues_and_investigations_print_on_one_page(site, browser):
    """What was said and found in a dialogue or an investigation is one page of paper."""
    with site.page(browser) as watched:
        for address in (DIALOGUE, INVESTIGATION):
            watched.page.goto(address)
            assert watched.page.pdf(format="A4").count(b"/Type /Page\n") == 1, address
