"""Networks: members over time, and what they do together; only who is a member at that moment has a part in it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.given import DAY, GEM, START, STRANGER, SVB, UWV, some_id
from domain.streams import CAUSE, MZK, By, assert_recorded, assert_refused, decided, event_id, inert, state, stream
from knelpunt.domain.command import RefusalCode
from knelpunt.domain.network import facts as f
from knelpunt.domain.network.rules import RULES, last_done
from knelpunt.domain.text import clear
from knelpunt.domain.vocabulary import LearningKind, NetworkStatus, SignalReply, StrikeReason

SIGNAL, CHALLENGE, HELP = some_id("signal"), some_id("challenge"), some_id("help")
TEXT = clear("Woorden.")

FOUNDED = f.NetworkFounded("Samen Wijzer", (GEM, UWV), TEXT)
JOINED = f.MemberJoined(SVB)
LEFT = f.MemberLeft(UWV)
THEME = f.ThemeAdopted("schulden")
RAISED = f.SignalRaised(SIGNAL, MZK, (GEM, UWV), (CAUSE,), TEXT, START + DAY * 50)
ANSWERED = f.SignalAnswered(SIGNAL, MZK, SignalReply.TAKES_UP, TEXT)
SET = f.ChallengeSet(CHALLENGE, GEM, TEXT)
TAKEN = f.ChallengeTakenUp(CHALLENGE, UWV, TEXT)
ASKED = f.HelpAsked(HELP, GEM, TEXT)
OFFERED = f.HelpOffered(UWV, HELP, TEXT)
CORRECTED = f.NetworkFactCorrected(event_id(0), "name", "Samen Verder")
STRUCK = f.NetworkEventStruck(event_id(1), StrikeReason.NEVER_HAPPENED)


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ((), FOUNDED),
        ((FOUNDED,), JOINED),
        ((FOUNDED,), LEFT),
        ((FOUNDED, LEFT), f.MemberJoined(UWV)),
        ((FOUNDED,), THEME),
        ((FOUNDED,), RAISED),
        ((FOUNDED, RAISED), By(ANSWERED, MZK)),
        ((FOUNDED,), SET),
        ((FOUNDED, SET), TAKEN),
        ((FOUNDED,), ASKED),
        ((FOUNDED, ASKED), OFFERED),
        ((FOUNDED,), f.HelpOffered(GEM, None, TEXT)),
        ((FOUNDED,), CORRECTED),
        ((FOUNDED, JOINED), STRUCK),
    ],
)
def test_what_fits_is_recorded(before, fact) -> None:
    """What a network does is recorded as it was asked for; who left may join again."""
    assert_recorded(decided(before, fact), fact)


@pytest.mark.parametrize(
    ("code", "before", "fact"),
    [
        (RefusalCode.ALREADY_EXISTS, (FOUNDED,), FOUNDED),
        (RefusalCode.UNKNOWN_NETWORK, (), JOINED),
        (RefusalCode.MALFORMED, (), f.NetworkFounded("Niemand", ())),
        (RefusalCode.UNKNOWN_ORGANISATION, (FOUNDED,), f.MemberJoined(STRANGER)),
        (RefusalCode.ALREADY_EXISTS, (FOUNDED,), f.MemberJoined(UWV)),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED,), f.MemberLeft(SVB)),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED, LEFT), LEFT),
        (RefusalCode.ALREADY_EXISTS, (FOUNDED, THEME), THEME),
        (RefusalCode.MALFORMED, (FOUNDED,), f.SignalRaised(SIGNAL, MZK, (), message=TEXT)),
        (RefusalCode.MALFORMED, (FOUNDED,), f.SignalRaised(SIGNAL, MZK, (GEM,))),
        (RefusalCode.MALFORMED, (FOUNDED,), f.SignalRaised(SIGNAL, MZK, (GEM,), message=TEXT, respond_by=START)),
        (RefusalCode.UNKNOWN_CAUSE, (FOUNDED,), f.SignalRaised(SIGNAL, MZK, (GEM,), (some_id("x"),), TEXT)),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED,), f.SignalRaised(SIGNAL, MZK, (GEM, SVB), message=TEXT)),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED, LEFT), RAISED),
        (RefusalCode.ALREADY_EXISTS, (FOUNDED, RAISED), RAISED),
        (RefusalCode.WRONG_PARTY, (FOUNDED, RAISED), ANSWERED),
        (RefusalCode.WRONG_PARTY, (FOUNDED, RAISED), By(f.SignalAnswered(SIGNAL, UWV, SignalReply.NOTED), UWV)),
        (RefusalCode.UNKNOWN_PART, (FOUNDED,), By(ANSWERED, MZK)),
        (RefusalCode.ALREADY_EXISTS, (FOUNDED, RAISED, By(ANSWERED, MZK)), By(ANSWERED, MZK)),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED,), f.ChallengeSet(CHALLENGE, SVB)),
        (RefusalCode.UNKNOWN_PART, (FOUNDED,), TAKEN),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED, SET, LEFT), TAKEN),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED,), f.HelpAsked(HELP, SVB)),
        (RefusalCode.UNKNOWN_PART, (FOUNDED,), OFFERED),
        (RefusalCode.NOT_A_MEMBER, (FOUNDED, ASKED), f.HelpOffered(SVB, HELP)),
        (RefusalCode.NOT_CORRECTABLE, (FOUNDED,), f.NetworkFactCorrected(event_id(0), "name", "")),
        (RefusalCode.MALFORMED, (FOUNDED,), f.NetworkFactCorrected(event_id(0), "members", ())),
        (RefusalCode.NOT_CORRECTABLE, (FOUNDED,), f.NetworkEventStruck(event_id(0), StrikeReason.DUPLICATE)),
    ],
)
def test_what_does_not_fit_is_refused(code, before, fact) -> None:
    """Each refusal has its code and one sentence."""
    assert_refused(decided(before, fact), code)


def test_every_command_of_a_network_is_tested() -> None:
    """None is missing from the tests above."""
    tested = (FOUNDED, JOINED, LEFT, THEME, RAISED, ANSWERED, SET, TAKEN, ASKED, OFFERED, CORRECTED, STRUCK)
    assert set(f.COMMANDS.values()) == {type(fact) for fact in tested}


def test_a_network_at_a_moment_knows_who_was_a_member() -> None:
    """Members come and go; whoever left is known to have been one, and for how long."""
    facts = (FOUNDED, JOINED, LEFT, f.MemberJoined(UWV), f.MemberLeft(GEM), f.MemberLeft(UWV), f.MemberLeft(SVB))
    found = [state(LearningKind.NETWORK, *facts, day=day) for day in range(7)]
    assert [one.present for one in found] == [
        {GEM, UWV}, {GEM, UWV, SVB}, {GEM, SVB}, {GEM, UWV, SVB}, {UWV, SVB}, {SVB}, set(),
    ]  # fmt: skip
    assert [one.status for one in found[-2:]] == [NetworkStatus.ACTIVE, NetworkStatus.EMPTY]
    assert [member.organisation for member in found[-1].members] == [GEM, UWV, SVB, UWV]
    assert all(member.left for member in found[-1].members)


def test_vitality_is_what_was_last_done_and_by_how_many_members() -> None:
    """Answers of others and joinings do not count; who left does not count among those who did something."""
    facts = (FOUNDED, JOINED, RAISED, By(ANSWERED, MZK), By(f.ChallengeSet(CHALLENGE, SVB), SVB), LEFT)
    found = [last_done(state(LearningKind.NETWORK, *facts, day=day)) for day in range(6)]
    signal, challenge = START + DAY * 2, START + DAY * 4
    assert found == [(None, 0), (None, 0), (signal, 2), (signal, 2), (challenge, 3), (challenge, 2)]


def test_what_is_told_late_is_kept() -> None:
    """A signal joined in by who was no member then is kept if it is told late, and has no effect."""
    late = By(RAISED, day=20)
    assert_recorded(decided((FOUNDED, LEFT), late, now=START + DAY * 40), late)
    assert inert(LearningKind.NETWORK, FOUNDED, LEFT, late) == [2]
    assert inert(LearningKind.NETWORK, FOUNDED, LEFT, late, STRUCK) == []


FACTS = (JOINED, LEFT, f.MemberJoined(UWV), THEME, RAISED, By(ANSWERED, MZK), SET, TAKEN, ASKED, OFFERED)


@given(
    st.lists(st.tuples(st.sampled_from(FACTS), st.integers(1, 40)), max_size=10, unique_by=lambda pair: pair[1]),
    st.randoms(use_true_random=False),
)
def test_nobody_acts_in_it_who_is_no_member(pairs, rng: Random) -> None:
    """Whatever is told in whatever order: what has effect was done by members, and comes to the same."""
    told = [By(FOUNDED, day=0)]
    told += [
        By(fact.fact, fact.organisation, day) if isinstance(fact, By) else By(fact, day=day) for fact, day in pairs
    ]
    outcomes = []
    for facts in (told, rng.sample(told, len(told))):
        present: set[str] = set()
        for event, after, objection in RULES.told(stream(*facts)):
            if objection is None:
                acting = (
                    event.data.members
                    if isinstance(event.data, f.SignalRaised)
                    else (event.data.organisation,)
                    if isinstance(event.data, f.ChallengeSet | f.ChallengeTakenUp | f.HelpAsked | f.HelpOffered)
                    else ()
                )
                assert present >= set(acting)
                present = set(after.present)
        outcomes.append([(event.data, objection is None) for event, _, objection in RULES.told(stream(*facts))])
    assert outcomes[0] == outcomes[1]
