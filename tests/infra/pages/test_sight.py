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

SPACED = """(text) => {
  const own = new CSSStyleSheet(); own.replaceSync(text); document.adoptedStyleSheets = [own];
}"""

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


def lost_at_four_times_the_size(page) -> list[str]:
    """What needs two ways of scrolling at 320 px (1280 at 400 %) or is cut; with the text spaced out as well."""
    page.set_viewport_size({"width": 320, "height": 900})
    lost = page.evaluate(OVERFLOWING)
    page.evaluate(SPACED, SPACING)
    lost += page.evaluate(OVERFLOWING) + page.evaluate(CUT)
    page.evaluate("document.adoptedStyleSheets = []")
    return lost


def too_small(page) -> list[str]:
    """Which targets are not 24 by 24 px, within a line of text, or with room around them; wide and narrow."""
    found: list[str] = []
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        found += page.evaluate(SMALL)
    return found


def lost_from_sight(page) -> list[str]:
    """Where the focus cannot be seen, or lies under something, on the way through a page with the tabulator."""
    page.set_viewport_size({"width": 768, "height": 900})
    found: list[str] = []
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        if not focused["ok"]:
            found.append(focused["what"])
    return found


@pytest.mark.parametrize(
    ("addresses", "walked"),
    [(FEW, FEW[1:2]), pytest.param(ALL, ALL, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
    ids=["few", "all"],
)
def test_everybody_can_see_and_hit_what_is_there(site, browser, addresses, walked):
    """In one visit a page: with reduced motion nothing moves; nothing is lost at 400 %, too small, or out of focus."""
    with site.page(browser, "AGENCY", WATERRIJK, width=320) as watched:
        page = watched.page
        page.emulate_media(reduced_motion="reduce")
        for address in addresses:
            page.goto(address)
            assert lost_at_four_times_the_size(page) == [], address
            assert page.evaluate(MOVING) == [], address
            assert too_small(page) == [], address
            if address in walked:
                assert lost_from_sight(page) == [], address


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("role", "addresses"), [("AGENCY", ALL), ("PRIVACY_OFFICER", ("/trail/readings",))], ids=["agency", "officer"]
)
def test_the_dark_has_contrast_everywhere(site, browser, role, addresses):
    """In the dark, which differs in colours alone, there is contrast enough on every page at every width."""
    with site.page(browser, role, WATERRIJK) as watched:
        page = watched.page
        page.emulate_media(color_scheme="dark")
        for address in addresses:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            for width in (360, 768, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                assert found_by_axe(page, "color-contrast") == [], (address, width)
