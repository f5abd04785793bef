"""What a network is at a moment, and what each event does to it: only who is a member then speaks and acts in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ..case.decide import Directory
from ..case.rules import Objection
from ..command import Command, RefusalCode, Refused
from ..event import Event
from ..ids import ChallengeId, HelpId, SignalId
from ..learning.parts import brought_in_before, refuse_other_speaker, refuse_parts
from ..learning.rules import Rules
from ..settings import Course
from ..vocabulary import LearningKind, NetworkStatus
from . import facts as f

PARTS: Final = MappingProxyType({"signal": f.SignalRaised, "challenge": f.ChallengeSet, "help": f.HelpAsked})
"""What a network consists of."""


class Member(Struct, frozen=True):
    """An organisation in a network, since when, and the event by which it left, if it did."""

    organisation: str
    joined: Event
    left: Event | None = None


class Signal(Struct, frozen=True):
    """A signal, and the answer to it."""

    raised: Event
    fact: f.SignalRaised
    answered: Event | None = None


class Network(Struct, frozen=True):
    """A network that was founded. Each of its parts is the event that it came by, as corrected.

    ``members`` holds everybody who ever was one, each time that they joined; ``challenges`` and ``asked`` those set and
    asked for, each with what was done about it; ``offered`` the help that was offered to all. ``doings`` are the events
    in which members did something together, in order.
    """

    begun: Event
    fact: f.NetworkFounded
    members: tuple[Member, ...]
    themes: Mapping[str, Event] = MappingProxyType({})
    signals: Mapping[SignalId, Signal] = MappingProxyType({})
    challenges: Mapping[ChallengeId, tuple[Event, ...]] = MappingProxyType({})
    asked: Mapping[HelpId, tuple[Event, ...]] = MappingProxyType({})
    offered: tuple[Event, ...] = ()
    doings: tuple[Event, ...] = ()

    @property
    def present(self) -> frozenset[str]:
        """Who is a member."""
        return frozenset(member.organisation for member in self.members if member.left is None)

    @property
    def status(self) -> NetworkStatus:
        """Whether anybody is in it."""
        return NetworkStatus.ACTIVE if self.present else NetworkStatus.EMPTY


def begins(event: Event) -> Network:
    """Return a network as it is when it has been founded."""
    fact = event.data
    assert isinstance(fact, f.NetworkFounded)
    return Network(event, fact, tuple(Member(each, event) for each in dict.fromkeys(fact.members)))


def advance(network: Network, event: Event, _: Course) -> Network | Objection:
    """Return a network after an event, or why the event has no effect."""
    match event.data:
        case f.MemberJoined(organisation=organisation):
            known = next((one for one in network.members if one.organisation == organisation and not one.left), None)
            if known is not None:
                return Objection(RefusalCode.ALREADY_EXISTS, f"{organisation} is a member already.", (known.joined.id,))
            return replace(network, members=(*network.members, Member(organisation, event)))
        case f.MemberLeft(organisation=organisation):
            members = tuple(
                replace(one, left=event) if one.organisation == organisation and not one.left else one
                for one in network.members
            )
            return _not_in(network, organisation) or replace(network, members=members)
        case f.ThemeAdopted(theme=theme):
            if (adopted := network.themes.get(theme)) is not None:
                return Objection(RefusalCode.ALREADY_EXISTS, "The network has this theme already.", (adopted.id,))
            return replace(network, themes=MappingProxyType({**network.themes, theme: event}))
        case f.SignalAnswered() as fact:
            return _answered(network, event, fact)
        case _:
            after = _together(network, event)
            return after if isinstance(after, Objection) else replace(after, doings=(*network.doings, event))


def _not_in(network: Network, *organisations: str) -> Objection | None:
    """Object to somebody who is no member at that moment."""
    outside = next((each for each in organisations if each not in network.present), None)
    if outside is None:
        return None
    return Objection(RefusalCode.NOT_A_MEMBER, f"{outside} is no member of the network at that moment.")


def _together(network: Network, event: Event) -> Network | Objection:
    """Return a network in which members did something together."""
    match event.data:
        case f.SignalRaised(signal=signal, members=members) as fact:
            signals = MappingProxyType({**network.signals, signal: Signal(event, fact)})
            again = brought_in_before({one: each.raised for one, each in network.signals.items()}, signal)
            return again or _not_in(network, *members) or replace(network, signals=signals)
        case f.ChallengeSet(challenge=challenge, organisation=organisation):
            challenges = MappingProxyType({**network.challenges, challenge: (event,)})
            again = brought_in_before({one: told[0] for one, told in network.challenges.items()}, challenge)
            return again or _not_in(network, organisation) or replace(network, challenges=challenges)
        case f.ChallengeTakenUp(challenge=challenge, organisation=organisation):
            if challenge not in network.challenges:
                return Objection(RefusalCode.UNKNOWN_PART, "The challenge had not been set by that moment.")
            taken = MappingProxyType({**network.challenges, challenge: (*network.challenges[challenge], event)})
            return _not_in(network, organisation) or replace(network, challenges=taken)
        case f.HelpAsked(help=help_, organisation=organisation):
            asked = MappingProxyType({**network.asked, help_: (event,)})
            again = brought_in_before({one: told[0] for one, told in network.asked.items()}, help_)
            return again or _not_in(network, organisation) or replace(network, asked=asked)
        case f.HelpOffered(organisation=organisation, asked=None):
            return _not_in(network, organisation) or replace(network, offered=(*network.offered, event))
        case f.HelpOffered(organisation=organisation, asked=UUID() as question):
            if question not in network.asked:
                return Objection(RefusalCode.UNKNOWN_PART, "That help had not been asked for by that moment.")
            given = MappingProxyType({**network.asked, question: (*network.asked[question], event)})
            return _not_in(network, organisation) or replace(network, asked=given)
        case other:
            message = f"{type(other).__name__} is no fact of a network."
            raise TypeError(message)


def _answered(network: Network, event: Event, fact: f.SignalAnswered) -> Network | Objection:
    signal = network.signals.get(fact.signal)
    if signal is None:
        return Objection(RefusalCode.UNKNOWN_PART, "The signal had not been raised by that moment.")
    if signal.answered is not None:
        return Objection(RefusalCode.ALREADY_EXISTS, "The signal had been answered by then.", (signal.answered.id,))
    if fact.organisation != signal.fact.to:
        message = f"The signal was raised to {signal.fact.to}; nobody answers for another."
        return Objection(RefusalCode.WRONG_PARTY, message, (signal.raised.id,))
    signals = {**network.signals, fact.signal: replace(signal, answered=event)}
    return replace(network, signals=MappingProxyType(signals))


def refuse(command: Command, history: Sequence[Event], _: Directory) -> Refused | None:
    """Refuse what names something that the network does not hold, who speaks for another, and what says too little."""
    refusal: Refused | None = None
    match command.data:
        case f.NetworkFounded(members=()):
            return Refused(RefusalCode.MALFORMED, "A network is founded by at least one organisation.")
        case f.SignalRaised(members=()):
            return Refused(RefusalCode.MALFORMED, "At least one member joins in a signal.")
        case f.SignalRaised(message=None):
            return Refused(RefusalCode.MALFORMED, "A signal says something: give its message.")
        case f.SignalAnswered(organisation=organisation):
            refusal = refuse_other_speaker(command, organisation, "An answer to a signal")
        case f.HelpOffered(asked=asked) if asked is not None and all(
            event.data.help != asked for event in history if isinstance(event.data, f.HelpAsked)
        ):
            message = f"Nobody has asked for that help: {asked}."
            return Refused(RefusalCode.UNKNOWN_PART, message, (("asked", str(asked)),))
        case _:
            pass
    return refusal or refuse_parts("network", PARTS, command.data, history)


def last_done(network: Network) -> tuple[datetime | None, int]:
    """Return when members last did something together, and how many of those who are members now did so ever."""
    doers = {each for event in network.doings for each in _doers(event)}
    return (network.doings[-1].occurred_at if network.doings else None), len(doers & network.present)


def _doers(event: Event) -> tuple[str, ...]:
    fact = event.data
    if isinstance(fact, f.SignalRaised):
        return fact.members
    assert isinstance(fact, f.ChallengeSet | f.ChallengeTakenUp | f.HelpAsked | f.HelpOffered)
    return (fact.organisation,)


RULES: Final = Rules(LearningKind.NETWORK, f.NetworkFounded, begins, advance, refuse, ("respond_by",))
"""The rules of networks."""
