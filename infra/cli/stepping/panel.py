"""How things stand at a step, in words: who holds which obstacle, and which gaps are open."""

from ..replayed import Gap
from ..terminal import plain
from ..times import day
from .looks import style_of
from .rows import Piece, Row, clip, clipped, wrapped
from .story import State, Step, Story

WAITING_TEXT = "…"


def holders(story: Story, state: State, width: int) -> list[Row]:
    """Return who holds what is open."""
    if not state.known:
        return [[("class:dim", "Nothing is known of the case yet.")]]
    obstacles = [one for one in state.case["obstacles"] if one["status"] == "OPEN"]
    if not obstacles:
        return [[("class:dim", "No obstacle is open.")]]
    pieces: list[Piece] = [("class:head", "Held  ")]
    for place, obstacle in enumerate(obstacles):
        if place:
            pieces.append(("", "; "))
        if len(story.obstacles) > 1:
            pieces.append(("", f"{story.obstacles.get(obstacle['id'], '?')}: "))
        holder = obstacle["holder"]
        if holder is None:
            pieces.append(("class:unheld", "nobody"))
        else:
            claimed = " (as another says)" if obstacle["claimed"] else ""
            pieces.append(("class:held", f"{story.called(holder)}{claimed}"))
    return wrapped(pieces, width, indent=6)


def gaps(story: Story, state: State, width: int, height: int) -> list[Row]:
    """Return the gaps that are open, in at most ``height`` rows: whole if they fit so, else a row each."""
    found = state.open_gaps()
    if not state.known or height < 1:
        return []
    if not found:
        return [[("class:head", "Gaps  "), ("class:dim", "none is open")]]
    whole = [row for gap in found for row in wrapped(_gap(story, gap), width, indent=6)]
    if len(whole) <= height:
        return whole
    if len(found) <= height:
        return [clipped(_gap(story, gap), width) for gap in found]
    rows = [clipped(_gap(story, gap), width) for gap in found[: height - 1]]
    return [*rows, [("class:message", clip(f"… {len(found) - len(rows)} more: i shows all", width))]]


def _gap(story: Story, gap: Gap) -> list[Piece]:
    days = int(gap["days"])
    style = style_of(gap["kind"]) if gap["counts"] or not gap["days"] else "class:dim"
    parties = "; ".join(
        f"{word}: {', '.join(map(story.called, gap[field]))}"
        for word, field in (("to act", "toAct"), ("involved", "involved"))
        if gap[field]
    )
    within = (
        "" if gap["counts"] else "; it begins here" if not gap["days"] else "; within its grace: it does not count yet"
    )
    return [
        ("class:head", "Gap   "),
        (f"{style} bold", gap["kind"]),
        (style, f"  {days:,} day{'' if days == 1 else 's'}"),
        ("", f"{story.on_of(gap)}{'; ' if parties else ''}{parties}{within}"),
    ]


def all_of(story: Story, step: Step, state: State | None, width: int) -> list[Row]:
    """Return all that is known of a step and of how things stood, as many rows as it takes."""
    number = f"Event {step.number}, " if step.number else ""
    rows = wrapped([("class:head", f"{number}{step.label}")], width)
    rows += wrapped([(step.style, step.text)], width)
    for style, text in step.beside:
        rows += wrapped([("", "  "), (style, text)], width, indent=2)
    for text in step.words:
        rows += wrapped([("italic", f"  “{text}”")], width, indent=3)
    if step.event is not None:
        knowers = ", ".join(one["organisation"]["identifier"] for one in step.event["knownTo"])
        rows += wrapped([("class:dim", f"  recorded {day(step.event['recordedAt'])}, {step.event['type']}")], width)
        if knowers:
            rows += wrapped([("class:dim", plain(f"  also known to {knowers}"))], width, indent=4)
    rows.append([])
    if state is None:
        return [*rows, [("class:dim", WAITING_TEXT)]]
    rows += [*holders(story, state, width), []]
    for gap in state.open_gaps():
        rows += wrapped(_gap(story, gap), width, indent=6)
        meaning = f"      {story.in_words(gap['kind'])}; since {day(gap['from'])}."
        rows += wrapped([("class:dim", meaning)], width, indent=6)
    if not state.open_gaps():
        rows.append([("class:dim", "No gap is open.")])
    return rows
