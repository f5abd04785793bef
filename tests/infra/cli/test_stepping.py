"""Walking through a replay: what a screen shows at any size, and what the keys make of it.

The terminal itself is in test_walking.py. Here the same screens are drawn without one, from the demo's longest case.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from knelpunt.domain.vocabulary import GapKind
from knelpunt.infra.cli.asking import Asking, asking, is_id
from knelpunt.infra.cli.gaps import print_gaps
from knelpunt.infra.cli.replay import print_replay
from knelpunt.infra.cli.replayed import Replay, replay_of, state_of
from knelpunt.infra.cli.stepping import asked as stepping_asked
from knelpunt.infra.cli.stepping.asked import Asked, Lens
from knelpunt.infra.cli.stepping.keys import KEYS, Act, help_rows
from knelpunt.infra.cli.stepping.looks import ASCII, SIGNS, signs_for
from knelpunt.infra.cli.stepping.moves import move
from knelpunt.infra.cli.stepping.rows import clip, columns, padded, wrapped
from knelpunt.infra.cli.stepping.screen import COLUMNS_LEAST, ROWS_LEAST, screen
from knelpunt.infra.cli.stepping.story import State, Story, What
from knelpunt.infra.cli.stepping.view import Shown, View
from knelpunt.infra.cli.terminal import people, plain
from knelpunt.infra.settings import settings_from
from knelpunt.projections.gap_kinds import KINDS
from knelpunt.projections.summaries import Language

LONGEST = "DEMO-7K2M"
NOW = datetime(2026, 11, 22, tzinfo=UTC)

TEXTS = st.text(st.sampled_from("ab é漢字か👍\u0301 -"), max_size=60)
"""Narrow and wide characters, one of no width, and blanks."""


@pytest.fixture(scope="module")
def ask(demo_folder: Path) -> Iterator[Asking]:
    """The demo's registry, asked as its owner."""
    with asking(settings_from({"KNELPUNT_DATA_DIR": str(demo_folder)})) as found:
        yield found


@pytest.fixture(scope="module")
def story(ask: Asking) -> Story:
    """The demo's longest case."""
    found = replay_of(ask, LONGEST, NOW, NOW)
    assert found is not None
    return Story(found, Language.EN)


def texts(rows) -> str:
    """What rows say."""
    return "\n".join("".join(text for _, text in row) for row in rows)


def standing(ask: Asking, story: Story, here: int) -> View:
    """Somebody who stands at a step and knows how things stood there."""
    view = View(story, here)
    view.learn(State(state_of(ask, story.replay, story.steps[here].moment)))
    return view


def test_steps_in_order(story: Story) -> None:
    """Every event once, in the order of the timeline; every gap that counts, where it began and ended; the end last."""
    assert [step.number for step in story.steps if step.what is What.EVENT] == list(range(1, 94))
    assert story.times == sorted(story.times)
    assert story.steps[-1].what is What.END
    began = [step for step in story.steps if step.what is What.BEGINS]
    assert len(began) == len(story.replay.gaps) == len({step.gap["id"] for step in began if step.gap})
    by_time = [step for step in began if all(step.at != other.at for other in story.steps if other.what is What.EVENT)]
    assert {step.gap["kind"] for step in by_time if step.gap} >= {"STANDSTILL", "DECISION_OVERDUE", "CONTESTED"}


def test_what_stands_below_is_the_answer_at_that_moment(ask: Asking, story: Story) -> None:
    """At any step: the holders and open gaps that the registry answers for that moment, whatever came later."""
    for here in range(0, len(story.steps), 13):
        view = standing(ask, story, here)
        asked = replay_of(ask, LONGEST, story.steps[here].at, NOW)
        shown = texts(screen(view, 200, 60, SIGNS))
        if asked is None:
            assert "No obstacle is open." in shown
            continue
        below = shown[shown.index("How it stood at") :]
        open_gaps = [gap for gap in asked.case["gaps"] if gap["open"]]
        assert below.count("Gap   ") == len(open_gaps)
        for gap in open_gaps:
            assert f"Gap   {gap['kind']}  {int(gap['days']):,} day" in below
        for obstacle in asked.case["obstacles"]:
            if obstacle["holder"] is not None:
                assert f"{story.obstacles[obstacle['id']]}: {obstacle['holder']['name']}" in below


def test_gaps_that_nobody_could_see_yet(ask: Asking, story: Story) -> None:
    """A gap has its step where the answer at that moment has it: one known only afterwards stands where it ended."""
    for here, step in enumerate(story.steps):
        if step.what is What.BEGINS and step.gap is not None:
            ids = {gap["id"] for gap in standing(ask, story, here).before.case["gaps"]}  # type: ignore[union-attr]
            assert step.gap["id"] in ids, step.text


def test_what_became_of_an_event_stands_beside_it(story: Story) -> None:
    """Struck out, found late, recorded by another, in whose words: at the event where that is so."""
    places = {step.number: place for place, step in enumerate(story.steps)}
    rows = screen(View(story, places[62]), 100, 40, SIGNS)
    shown = texts(rows)
    for said in (
        "recorded by Stichting Tussen Wal en Schip",
        "recorded 2025-04-07, 77 days later",
        "struck by event 72",
    ):
        assert said in shown
    assert shown.count("\n" + 22 * " " + "recorded") == 2
    assert "  62 2025-01-20       Jeugdhulp" in shown
    struck = [text for row in rows for style, text in row if "class:struck" in style]
    assert "Jeugdhulp Wilgenroos took the obstacle over." in "".join(struck)
    letter = texts(screen(View(story, places[60]), 100, 40, SIGNS))
    assert "“Mevrouw bericht dat gewacht wordt op de toeslagschuld.”" in letter
    assert "recorded by" not in letter


def test_lanes(ask: Asking, story: Story) -> None:
    """Who holds, acts, is asked and has to act, each with a sign of its own in its organisation's lane."""
    here = next(place for place, step in enumerate(story.steps) if step.number == 61)
    shown = texts(screen(standing(ask, story, here), 200, 60, SIGNS)).splitlines()
    lanes = {line[:30].rstrip(): line[31:] for line in shown[3:20]}
    at = shown[2][31:].index(SIGNS.here)
    assert lanes["Regionale Toegang Jeugd Water…"][at] == SIGNS.acts
    assert lanes["Regionale Toegang Jeugd Water…"][at - 2] == SIGNS.to_act
    assert lanes["Jeugdhulp Wilgenroos"][at] == SIGNS.asked
    assert lanes["(in gaps)"][at] in "123456789"
    assert SIGNS.nobody in lanes["(nobody)"]
    assert SIGNS.holds in lanes["Woonstichting Rietland"]


def test_what_lies_ahead_is_dimmed(ask: Asking, story: Story) -> None:
    """Beyond where we stand the lanes show how it went on, and no gap there looks like one of today."""
    rows = screen(standing(ask, story, 60), 200, 60, SIGNS)
    lane = next(row for row in rows if texts([row]).startswith("(in gaps)"))
    assert any("class:dim" in style and text.strip() for style, text in lane)
    assert any("class:dim" not in style and text.strip() for style, text in lane[1:])


@pytest.fixture(scope="module")
def wide(story: Story) -> Story:
    """The same with names in signs that are two columns wide, and one that would steer the terminal."""
    case = dict(story.replay.case, title="区役所と学校のあいだ\x1b[2J")
    case["organisations"] = [{**one, "name": f"福祉課{one['name']}👩‍👧"} for one in case["organisations"]]
    lens = {"asOf": story.replay.as_of, "knownAt": story.replay.known_at}
    return Story(Replay(case, story.replay.events, lens, None), Language.NL)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), width=st.integers(1, 250), height=st.integers(1, 70))
def test_any_size(story: Story, wide: Story, data: st.DataObject, width: int, height: int) -> None:
    """No size breaks the screen: exactly its rows, none too wide, the keys last, and the step where we are on it."""
    story = data.draw(st.sampled_from([story, wide]))
    here = data.draw(st.integers(0, len(story.steps) - 1))
    view = View(story, here, shown=data.draw(st.sampled_from(Shown)), pattern=data.draw(st.sampled_from(["", "het"])))
    if data.draw(st.booleans()):
        view.learn(story.final)
    rows = screen(view, width, height, data.draw(st.sampled_from([SIGNS, ASCII])))
    assert all(columns(row) <= width for row in rows)
    assert "\x1b" not in texts(rows)
    if width >= COLUMNS_LEAST and height >= ROWS_LEAST:
        assert len(rows) == height
        assert "q " in texts(rows[-1:])
        if view.shown is Shown.STORY:
            assert story.steps[here].label[:10] in texts(rows)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 24), (120, 50)])
def test_all_fits_on_a_usual_terminal(ask: Asking, story: Story, width: int, height: int) -> None:
    """At every step of the longest case: the whole sentence, the lanes, who holds what, the keys."""
    for here, step in enumerate(story.steps):
        view = View(story, here)
        view.learn(story.final)
        shown = texts(screen(view, width, height, SIGNS))
        assert " ".join(step.text.split()) in " ".join(shown.split())
        assert "(nobody)" in shown
        assert "Held  " in shown or "No obstacle" in shown
        assert "h help  q quit" in shown


def test_keys_of_less(story: Story) -> None:
    """Those who know less find their keys."""
    does = {name: key.act for key in KEYS for name in key.names}
    assert {does[name] for name in ("j", "e", "down", "c-n")} == {Act.FORWARD}
    assert {does[name] for name in ("k", "y", "up", "c-p")} == {Act.BACK}
    assert {does[name] for name in (" ", "f", "pagedown", "c-f", "c-v")} == {Act.PAGE_FORWARD}
    assert {does[name] for name in ("b", "pageup", "c-b")} == {Act.PAGE_BACK}
    assert {does[name] for name in ("g", "<", "home")} == {Act.BEGINNING}
    assert {does[name] for name in ("G", ">", "end")} == {Act.END}
    assert (does["d"], does["u"]) == (Act.HALF_FORWARD, Act.HALF_BACK)
    assert (does["/"], does["n"], does["N"]) == (Act.SEARCH, Act.SEARCH_FORWARD, Act.SEARCH_BACK)
    assert (does["h"], does["?"], does["q"]) == (Act.HELP, Act.HELP, Act.QUIT)
    names = [name for key in KEYS for name in key.names]
    assert len(names) == len(set(names))


def test_moving(story: Story) -> None:
    """Steps, pages, counts, the ends, the next gap; beyond an end one stays, and is told."""
    view, last = View(story), len(story.steps) - 1
    for act, expected in (
        (Act.FORWARD, 1),
        (Act.ENTER, 2),
        (Act.BACK, 1),
        (Act.PAGE_FORWARD, 9),
        (Act.HALF_FORWARD, 13),
        (Act.HALF_BACK, 9),
        (Act.PAGE_BACK, 1),
        (Act.END, last),
        (Act.FORWARD, last),
        (Act.BEGINNING, 0),
        (Act.BACK, 0),
    ):
        assert move(view, act, 24) is None
        assert view.here == expected, act
    assert view.message == "This is the beginning."
    view.count = "5"
    move(view, Act.FORWARD, 24)
    assert (view.here, view.count) == (5, "")
    view.count = "62"
    move(view, Act.BEGINNING, 24)
    assert story.steps[view.here].number == 62
    view.count = "94"
    move(view, Act.END, 24)
    assert view.message == "There is no event 94: this case has 93."
    move(view, Act.BEGINNING, 24)
    move(view, Act.GAP_FORWARD, 24)
    assert story.steps[view.here].text.startswith("NEVER_TAKEN begins")
    move(view, Act.GAP_BACK, 24)
    assert view.message == "No gap begins earlier."
    assert move(view, Act.QUIT, 24) is Act.QUIT


def test_searching(story: Story) -> None:
    """On from here and back; small letters find capitals, capitals only themselves; what people said is found too."""
    view = View(story, pattern="never_taken")
    move(view, Act.SEARCH_FORWARD, 24)
    assert story.steps[view.here].text.startswith("NEVER_TAKEN begins")
    view.pattern = "Never_taken"
    move(view, Act.SEARCH_FORWARD, 24)
    assert view.message == "No later step says “Never_taken”; n and N search on either side."
    view.pattern = "deurwaarder"
    move(view, Act.SEARCH_FORWARD, 24)
    assert story.steps[view.here].number == 65
    marked = [text for row in screen(view, 80, 24, SIGNS) for style, text in row if "class:found" in style]
    assert marked == ["deurwaarder"]
    before = view.here
    view.pattern = "nowhere to be found"
    move(view, Act.SEARCH_BACK, 24)
    assert view.here == before


def test_every_way_out_of_a_text_leads_back(story: Story) -> None:
    """The help and all of a step are left by q, Escape or the key that opened them; no key there quits."""
    for opens, shown in ((Act.HELP, Shown.HELP), (Act.MORE, Shown.MORE), (Act.KNOWN_TO, Shown.CHOICE)):
        for leaves in (Act.QUIT, Act.LEAVE, opens):
            view = View(story, 3)
            move(view, opens, 24)
            assert view.shown is shown
            move(view, Act.END, 24)
            screen(view, 80, 24, SIGNS)
            assert move(view, leaves, 24) is None
            assert (view.shown, view.here) == (Shown.STORY, 3)


def test_the_help_names_every_key_and_kind() -> None:
    """Each kind of gap in words and in a style; each key that does not only repeat another."""
    shown = texts(help_rows(80, SIGNS))
    for kind in GapKind:
        assert kind.value in KINDS
        assert kind.value in shown
    acts_shown = {key.act for key in KEYS if key.shown}
    assert set(Act) - acts_shown == {Act.ENTER, Act.LEAVE, Act.REDRAW, Act.INTERRUPT, Act.SUSPEND}


def test_in_another_telling_one_stays_at_the_same_event(ask: Asking, story: Story) -> None:
    """Through another lens at the same event, or if that is not there at the same moment; at the end at the end."""
    found = replay_of(ask, LONGEST, datetime(2025, 3, 25, tzinfo=UTC), datetime(2025, 3, 25, tzinfo=UTC))
    assert found is not None
    then = Story(found, Language.EN)
    places = {step.number: place for place, step in enumerate(story.steps)}
    for number in (1, 61):
        view = View(story, places[number])
        view.stand_in(then)
        there, here = then.steps[view.here].event, story.steps[places[number]].event
        assert there is not None
        assert here is not None
        assert there["id"] == here["id"]
    # Recorded later than that: we stand at what was known to have happened last by then.
    view = View(story, places[47])
    view.stand_in(then)
    assert then.steps[view.here].at <= story.steps[places[47]].at < then.steps[view.here + 1].at
    view = View(story, len(story.steps) - 1)
    view.stand_in(then)
    assert view.here == len(then.steps) - 1


def test_mendings_beyond_the_moment_asked_for(ask: Asking) -> None:
    """A striking known later is told, and what stands below is still the answer at the moment asked for."""
    asked_for = datetime(2025, 3, 25, tzinfo=UTC)
    found = replay_of(ask, LONGEST, asked_for, NOW)
    assert found is not None
    story = Story(found, Language.EN)
    assert {step.event["type"] for step in story.steps if step.event} >= {"EventStruck", "FactCorrected"}
    assert max(story.times) == asked_for
    assert story.steps[-1].what is What.END


@given(TEXTS, st.integers(2, 30), st.integers(0, 6))
def test_breaking_between_words(text: str, width: int, indent: int) -> None:
    """No row is too wide, and nothing but blanks is lost."""
    rows = wrapped([("", text)], width, indent)
    assert all(columns(row) <= max(width, indent + 2) for row in rows)
    assert texts(rows).replace(" ", "").replace("\n", "") == text.replace(" ", "")


@given(TEXTS, st.integers(0, 30))
def test_cutting(text: str, width: int) -> None:
    """What is cut says so, and what is filled up is exactly as wide as asked."""
    assert get_cwidth(clip(text, width)) <= width
    assert clip(text, width) == text or clip(text, width).endswith("…" if width else "")
    assert get_cwidth(padded(text, width)) == width


def test_no_text_steers_the_terminal() -> None:
    """Escapes, line ends and turned directions become blanks."""
    assert plain("a\x1b[2Jb\nc\u202ed\u200be\x9b") == "a [2Jb c d e "


def test_signs_that_an_output_can_write() -> None:
    """Lines and dots where they can be written, else ASCII."""
    assert signs_for("utf-8") is SIGNS
    assert signs_for("latin-1") is ASCII
    assert signs_for(None) is ASCII
    assert all(map(str.isascii, vars(ASCII).values()))


def test_a_global_id_is_an_id() -> None:
    """Whatever letter or digit its UUID begins with."""
    assert is_id("Q2FzZTpkZTg5NjJmMS03NDg2LTVlZGItODVkMS0wYTExZWZkMDRkMTU=")
    assert is_id("Q2FzZTowZDZmNmMzZS01YjBhLTRjNTUtOWE1My01YTRiMWQ3ZjAwMDE=")
    assert is_id("de8962f1-7486-5edb-85d1-0a11efd04d15")
    assert not is_id("DEMO-7K2M")
    assert not is_id("T2JzdGFjbGU6MTIz")


THIS_MOMENT = Lens(None, None, None)


def test_states_are_kept_and_failures_asked_again_only_after_a_move(
    ask: Asking, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered is there at once; what is looked at stays, however many others are asked for meanwhile."""
    monkeypatch.setattr(stepping_asked, "KEPT", 4)
    changed = Event()
    asked = Asked(ask, story, THIS_MOMENT, changed.set)

    def waited(moments: tuple[str, ...]) -> State:
        while (state := asked.state(story, moments)) is None:
            assert changed.wait(20)
            changed.clear()
        return state

    moments = list(dict.fromkeys(step.moment for step in story.steps))
    with asked.asking():
        first = waited((moments[0],))
        for other in moments[1:12]:
            waited((other,))
            assert asked.state(story, (moments[0],)) is first
        assert asked.state(story, (moments[1],)) is None, "others make room"
        assert asked.wrong() == ""
        waited((moments[0], "no moment at all", moments[1]))
        while not (wrong := asked.wrong()):
            assert changed.wait(20)
            changed.clear()
        assert "no moment at all" in wrong
        # Drawing the same place again asks nothing, so nothing can go wrong again.
        assert asked.state(story, (moments[0], "no moment at all", moments[1])) is first
        assert asked.wrong() == ""


def test_told_anew_when_somebody_is_erased(ask: Asking, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that nobody touches asks anew within a second or two of an erasure, and not before."""
    erased = [0]
    monkeypatch.setattr(ask, "erased_so_far", lambda: erased[0])
    monkeypatch.setattr(stepping_asked, "LOOK_SECONDS", 0.05)
    changed = Event()
    asked = Asked(ask, story, THIS_MOMENT, changed.set)
    with asked.asking():
        assert not changed.wait(0.3)
        assert asked.told() is None
        erased[0] = 1
        assert changed.wait(20)
        told = asked.told()
        assert told is not None
        assert told.lens == THIS_MOMENT
        assert told.story is not None
        assert told.story is not story


def test_nor_where_it_is_printed(wide: Story, capsys: pytest.CaptureFixture[str]) -> None:
    """What a replay or a list of gaps prints for people goes through the same function as what a walk shows."""
    named = {"identifier": "urn:org:x", "name": "A\x1b[31mB\u202e"}
    here = {"toAct": [named], "cases": [{"id": "x", "reference": "X\x9b"}], "about": None}
    gaps = [gap | here for gap in wide.replay.case["gaps"]]
    case = dict(wide.replay.case, gaps=gaps)
    lens = {"asOf": wide.replay.as_of, "knownAt": wide.replay.known_at}
    print_replay(people(), Replay(case, wide.replay.events, lens, None))
    print_gaps(people(), gaps)
    shown = capsys.readouterr().out
    assert "区役所と学校のあいだ [2J" in shown
    assert "to act: A [31mB" in shown
    assert shown.count("A [31mB") >= 2
    assert not {"\x1b", "\u202e", "\x9b"} & set(shown)
