"""Takes the screenshots of the guides from the demo: `python docs/guide/screenshots.py [address]`, where it is served.

The walk of the guides stands here as what a visitor clicks on; a test performs the same.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

IMAGES = Path(__file__).with_name("images")

WAL = "urn:knelpunt:demo:wal"
WATERRIJK = "urn:knelpunt:demo:waterrijk"
MINISTRY = "urn:knelpunt:demo:ministerie"
SUBJECT = "19bf7dce-ee44-5848-b342-ac546507da6c"

CHROMIUM = Path("/usr/bin/chromium")

WALK = (
    ("found", "form.search button"),
    ("case", "ul.found a[href='/cases/DEMO-7K2M']"),
    ("handoff", "tr:has(.kind.unheld):has(a[href='#event-9']):has(a[href='#event-12']) a[href='#event-9']"),
    ("step", "#event-9 a[data-step]"),
    ("known", "#state a[href*='knownAt']:not([href*='difference'])"),
    ("now", "form.lens a"),
    ("cause", "#state td.causes a"),
)
"""From the overview, with the family's case looked for: what each click leads to, and what is clicked on."""

SHOWN = ("case", "handoff", "step", "known", "cause")
"""The stops of the walk that the guides show."""

OTHERS = (
    ("inbox", "AGENCY", WATERRIJK, "", "/inbox"),
    ("refuse", "AGENCY", WATERRIJK, "", "/inbox", "a[href*='refuseHandoff']"),
    ("causes", "AGENCY", MINISTRY, "", "/causes"),
    ("dossier", "AGENCY", MINISTRY, "", "/learning/dossiers/30a95528-87cb-5749-adc0-d1f5bb1272f3"),
    ("readings", "PRIVACY_OFFICER", WAL, "", "/trail/readings"),
    ("mine", "SUBJECT", "", SUBJECT, "/mine"),
    ("trail", "AUDITOR", WAL, "", "/trail?position=20"),
)
"""The pages of the other guides: as whom each is seen, and what is clicked on there first, if anything."""

SIZE: ViewportSize = {"width": 660, "height": 440}

SHOWN_HEIGHT = 600
"""How much of a page stands in a picture, from its heading on."""


def sign_in(page: Page, role: str, organisation: str, subject: str = "") -> None:
    """Sign in as somebody, at an issuer for trying out."""
    page.goto("/signin")
    page.select_option("#role", role)
    page.select_option("#organisation", organisation)
    if subject:
        page.click("summary")
        page.fill("#subject", subject)
    page.click("main button[type=submit]")


def walk(page: Page) -> Iterator[str]:
    """Walk from the overview to the cause, a click at a time; yield what each click led to."""
    page.goto("/")
    page.fill("#q", "multiproblematiek")
    for name, selector in WALK:
        page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)  # until the place that was jumped to is drawn
        yield name


def picture(page: Page, path: Path) -> None:
    """Take a page from its heading on."""
    page.wait_for_load_state("networkidle")  # the first chart of a process takes a second
    heading = page.locator("h1").bounding_box()
    assert heading is not None
    top, width = heading["y"] - 24, SIZE["width"]
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": top, "width": width, "height": SHOWN_HEIGHT})


def take(browser: Browser, address: str, language: str) -> None:
    """Take all screenshots in a language."""

    def visitor() -> Page:
        context = browser.new_context(base_url=address, viewport=SIZE, reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"/language/{language}")
        return page

    page = visitor()
    sign_in(page, "INVESTIGATOR", WAL)
    picture(page, IMAGES / f"{language}-overview.png")
    for name in walk(page):
        if name in SHOWN:
            # How it stood follows the step from the server: only then is there a link to what was known.
            shown = page.locator("#state:has(a[href*=knownAt])") if name == "step" else page
            shown.screenshot(path=IMAGES / f"{language}-{name}.png")
    for name, role, organisation, subject, path, *clicked in OTHERS:
        page = visitor()
        sign_in(page, role, organisation, subject)
        page.goto(path)
        for selector in clicked:
            page.locator(selector).first.click()
        picture(page, IMAGES / f"{language}-{name}.png")


def main() -> None:
    """Take the screenshots in both languages."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8400"
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for language in ("nl", "en"):
            take(browser, address, language)
        browser.close()


if __name__ == "__main__":
    main()
