"""What people need to see and hit things: at 400 % zoom, with wider text, in the dark, with little motion, by keyboard.

Each is measured in the browser on every page; for the quick run on those of which the others differ in little.
"""

import pytest

from infra.pages.learnt import CAUSE
from infra.pages.test_browser import EVERY, LONGEST, WATERRIJK, found_by_axe

FEW = ("/", f"/cases/{LONGEST}?step=20", "/exports")
MEND = f"/record/correctFact?case={LONGEST}"
ALL = (*EVERY, MEND, f"{CAUSE}?asOf=2025-07-01", "/cases/NONE-0000", "/signin")

SPACING = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }
"""
"""What WCAG 1.4.12 lets people set."""

OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth;
  const inside = (one) => one.closest(".scroll, pre, textarea, select, svg, .hidden, .skip, table.stack thead");
  const out = [...document.querySelectorAll("body *")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && box.right > wide + 1 && !inside(one);
  });
  return out.map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`).slice(0, 5);
}"""
"""What stands beyond the right edge, but for what scrolls by itself (WCAG 1.4.10 lets tables and drawings)."""

CUT = """() => [...document.querySelectorAll("main *, header *")].filter((one) => {
  const style = getComputedStyle(one);
  const clips = style.overflowX === "hidden" || style.overflowY === "hidden" || style.overflowX === "clip";
  return clips && !one.closest(".hidden, svg, table.stack thead") && one.clientWidth > 1
    && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1);
}).map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`)"""
"""Text of which a part is hidden."""

SMALL = """() => {
  const found = [];
  const boxes = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((one) => one.checkVisibility() && !one.closest(".hidden, .skip, svg"))
    .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
    .filter(([, box]) => box.width > 1);
  const near = (box, others) => others.some((other) => {
    const dx = Math.max(other.left - (box.left + box.width / 2), box.left + box.width / 2 - other.right, 0);
    const dy = Math.max(other.top - (box.top + box.height / 2), box.top + box.height / 2 - other.bottom, 0);
    return Math.hypot(dx, dy) < 12;
  });
  for (const [one, box] of boxes) {
    if (box.width >= 24 && box.height >= 24) continue;
    // A link within a line of text may be as small as the line; elsewhere a circle of 24 px must touch no other.
    const line = one.parentElement.closest("p, li, td, dd, th, h1, h2, h3, div");
    const words = [...(line?.childNodes ?? [])].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (words || one.tagName === "A" && one.getClientRects().length > 1) continue;
    const others = boxes.filter(([other]) => other !== one && !one.contains(other)).map(([, each]) => each);
    const what = `${one.tagName}: ${one.textContent.trim().slice(0, 40)} ${box.width}x${box.height}`;
    if (near(box, others)) found.push(what);
  }
  return found.slice(0, 5);
}"""
"""What is smaller than 24 by 24 px and has another target too near (WCAG 2.5.8)."""

MOVING = """() => document.getAnimations({ subtree: true }).map((one) => one.constructor.name).concat(
  [...document.querySelectorAll("*")].filter((one) => {
    const style = getComputedStyle(one);
    const long = (times) => times.split(",").some((time) => parseFloat(time) > 0.01);
    return long(style.transitionDuration) || style.animationName !== "none" || style.scrollBehavior === "smooth";
  }).map((one) => one.tagName))"""
"""What moves, or would."""

FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const [x, y] = [Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), box.top + box.height / 2];
  const top = document.elementFromPoint(x, y);
  const own = !top || top === one || one.contains(top) || top.contains(one);
  const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { what: `${one.tagName} ${one.id} ${one.textContent.trim().slice(0, 40)}`, ok: own && seen && ringed };
}"""
"""Whether what has the focus shows it, and lies under nothing (WCAG 2.4.7, 2.4.11)."""

STOPS_MAX = 60
"""Stops of the tabulator that are looked at on a page: beyond them a page repeats itself."""


def pages(few):
    """The few of the quick run, and all of them."""
    return pytest.mark.parametrize(
        "addresses",
        [few, pytest.param(ALL, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
        ids=["few", "all"],
    )


@pages(FEW)
def test_nothing_is_lost_at_four_times_the_size(site, browser, addresses):
    """At 320 px, which is 1280 at 400 %, nothing needs two ways of scrolling, with the text spaced out as well."""
    with site.page(browser, "AGENCY", WATERRIJK, width=320) as watched:
        page = watched.page
        for address in addresses:
            page.goto(address)
            assert page.evaluate(OVERFLOWING) == [], address
            page.evaluate(
                "(text) => { const own = new CSSStyleSheet(); own.replaceSync(text);"
                " document.adoptedStyleSheets = [own]; }",
                SPACING,
            )
            assert page.evaluate(OVERFLOWING) == [], f"{address}, spaced out"
            assert page.evaluate(CUT) == [], f"{address}, spaced out"


@pages(FEW)
def test_who_wants_no_motion_gets_none(site, browser, addresses):
    """With reduced motion asked for, nothing moves by itself, glides or scrolls smoothly."""
    with site.page(browser, "AGENCY", WATERRIJK) as watched:
        page = watched.page
        page.emulate_media(reduced_motion="reduce")
        for address in addresses:
            page.goto(address)
            assert page.evaluate(MOVING) == [], address


@pages(FEW)
def test_what_is_hit_is_large_enough(site, browser, addresses):
    """Each target is 24 by 24 px, stands within a line of text, or has room around it; wide and narrow."""
    with site.page(browser, "AGENCY", WATERRIJK) as watched:
        page = watched.page
        for address in addresses:
            page.goto(address)
            for width in (360, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(SMALL) == [], f"{address}, {width} px"


@pages(FEW[1:2])
def test_the_focus_is_seen_wherever_it_goes(site, browser, addresses):
    """Going through a page with the tabulator, what has the focus shows it and lies under nothing."""
    with site.page(browser, "AGENCY", WATERRIJK, width=768) as watched:
        page = watched.page
        page.emulate_media(reduced_motion="reduce")  # else what comes into view is still on its way
        for address in addresses:
            page.goto(address)
            for _ in range(STOPS_MAX):
                page.keyboard.press("Tab")
                found = page.evaluate(FOCUSED)
                if found is None:
                    break
                assert found["ok"], (address, found["what"])


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize(
    ("role", "organisation", "own"),
    [
        ("AGENCY", WATERRIJK, ALL),
        ("PRIVACY_OFFICER", WATERRIJK, ("/trail/readings",)),
    ],
    ids=["agency", "officer"],
)
def test_the_dark_has_contrast_everywhere(site, browser, width, role, organisation, own):
    """In the dark axe finds nothing either, on any page at any width."""
    with site.page(browser, role, organisation, width=width) as watched:
        watched.page.emulate_media(color_scheme="dark")
        for address in own:
            watched.page.goto(address)
            assert found_by_axe(watched.page) == [], address
