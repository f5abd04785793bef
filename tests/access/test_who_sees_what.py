"""Who sees what: every field, list, count, search, subscription and command, asked as every role of three agencies."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet
import pytest

from access.asked_of_schema import questions
from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from infra.exporting.given import OWNER, export_from
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.asking import Asking
from knelpunt.graphql.ports import Asker
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.http.origin import Origin
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.store.connection import DatabaseRole, pool

AGENCIES = (GEMEENTE, SVB, ZORG)
ANNA, BOB = "anna", "bob"
PROGRAMME = "kafka-zorg"


@dataclass
class Told:
    """A case that was recorded: all that names it or is part of it, and each text in it by who recorded it."""

    id: str
    subject: str
    reference: str
    names: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """A registry in which each agency has a case of its own, and the first two share one."""

    asked: Asked
    own: dict[str, Told]
    shared: Told
    inquiry: str
    cause: str

    @property
    def cases(self) -> list[Told]:
        return [*self.own.values(), self.shared]

    def asker(self, role: Role, organisation: str | None = None, user: str = "somebody", **more: Any) -> Asker:
        return Asker(organisation, role, user, datetime.now(UTC) + timedelta(hours=1), **more)


def as_agency(organisation: str) -> Asker:
    return Asker(organisation, Role.AGENCY, "clerk", datetime.now(UTC) + timedelta(hours=1))


def told_by(asked: Asked, holder: str, other: str | None) -> Told:
    """A case at one agency, offered to another; each text says whose it is."""
    asker = as_agency(holder)
    secret = uuid4().hex
    title, story_text, note = f"titel {secret}", f"verhaal {secret}", f"notitie {secret}"
    story = Story(asked, 400, asker, title=title)
    found = Told(story.case, story.subject, story.reference)

    def do(name: str, day: float, by: Asker, **given: Any) -> Any:
        done = story.done(name, day, "event { id data }", by, **given)
        asked.project()
        return done["event"]["data"]

    asked.project()
    reported = do(
        "reportObstacle", 1, asker, origin="UNKNOWN", experiencedAt=holder, receivedBy=holder, story=story_text
    )
    obstacle = reported["obstacle"]
    do("takeStep", 2, asker, obstacle=obstacle, kind="LETTER", note=note)
    do("stateHarm", 3, asker, obstacle=obstacle, harm="INCOME", since=story.day(1))
    found.texts = {title: holder, story_text: holder, note: holder}
    if other is not None:
        offered = do("offerHandoff", 4, asker, obstacle=obstacle, to=other, reason=f"reden {secret}")
        do("acceptHandoff", 5, as_agency(other), handoff=offered["handoff"])
        do("takeStep", 6, as_agency(other), obstacle=obstacle, kind="VISIT", note=f"bezoek {secret}")
        found.texts |= {f"reden {secret}": holder, f"bezoek {secret}": other}
        do("releaseCustody", 9, as_agency(other), obstacle=obstacle, ground="NO_CAPACITY")
    else:
        do("releaseCustody", 9, asker, obstacle=obstacle, ground="NO_CAPACITY")
    return found


@pytest.fixture(scope="module")
def world(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The registry that the tests of this module only read."""
    folder: Path = tmp_path_factory.mktemp("issuer")
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, DevelopmentIssuer.at(folder), runner)
        asked.organisations()
        asked.project()
        own = {agency: told_by(asked, agency, None) for agency in (GEMEENTE, SVB, ZORG)}
        shared = told_by(asked, GEMEENTE, SVB)
        anna = Asker(GEMEENTE, Role.INVESTIGATOR, ANNA, datetime.now(UTC) + timedelta(hours=1))
        question = {"question": "Waarom niet?", "programme": PROGRAMME}
        opened = asked.done("openInvestigation", question, "event { stream }", asker=anna)
        inquiry = opened["event"]["stream"]
        asked.done("includeCase", {"investigation": inquiry, "case": own[ZORG].id}, asker=anna)
        asked.project()
        cause = asked.done("identifyCause", {"locus": "LAW", "statement": "De wet."}, "event { stream }")
        cause_id = cause["event"]["stream"]
        obstacle = asked.registry("case(id: $id) { obstacles { id } }", declared="($id: ID!)", id=own[ZORG].id)
        linked = {"cause": cause_id, "obstacle": obstacle["case"]["obstacles"][0]["id"]}
        asked.done("linkObstacle", linked, asker=as_agency(ZORG))
        asked.project()
        world = World(asked, own, shared, inquiry, cause_id)
        for case in world.cases:
            case.names = names_of(asked, case)
        yield world
        asked.close()


def names_of(asked: Asked, case: Told) -> set[str]:
    """Every id in a case that is nobody else's: its own, its subject's, its events', obstacles' and gaps'."""
    found = asked.registry(
        "case(id: $id) { reference timeline(first: 200) { nodes { id } } obstacles { id } gaps(counts: null) { id } }",
        declared="($id: ID!)", id=case.id,
    )["case"]  # fmt: skip
    ids = [one["id"] for part in (found["timeline"]["nodes"], found["obstacles"], found["gaps"]) for one in part]
    bare = {raw(id_) for id_ in (*ids, case.id)}
    return {found["reference"], case.subject, *bare}


def raw(global_id: str) -> str:
    return base64.b64decode(global_id).decode().rpartition(":")[2]


def laid_open(answer: Any) -> str:
    """An answer as text, with what is encoded in it in clear beside it."""
    text = json.dumps(answer)
    decoded = []
    for found in re.findall(r"[A-Za-z0-9+/_-]{16,}={0,2}", text):
        padded = found.rstrip("=") + "=" * (-len(found.rstrip("=")) % 4)
        try:
            decoded.append(base64.urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")).decode("latin-1"))
        except ValueError:
            continue
    return "\n".join([text, *decoded])


def askers(world: World) -> list[tuple[str, Asker, list[Told], set[str]]]:
    """Every role, at each of the agencies: which cases it sees, and which texts in them."""
    found: list[tuple[str, Asker, list[Told], set[str]]] = []
    for agency in AGENCIES:
        sees = [world.own[agency], *([world.shared] if agency in {GEMEENTE, SVB} else [])]
        texts = {text for case in sees for text, by in case.texts.items() if by == agency}
        teams = (Role.AGENCY, Role.SOLUTION_TEAM)
        found += [(f"{role} of {agency}", world.asker(role, agency), sees, texts) for role in teams]
        lookers = (Role.ANALYST, Role.INTAKE, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR)
        found += [(f"{role} of {agency}", world.asker(role, agency), [], set()) for role in lookers]
        subject = UUID(world.own[agency].subject)
        own = world.own[agency]
        plain = {text for text in own.texts if not text.startswith(("notitie", "bezoek"))}
        found.append((f"SUBJECT at {agency}", world.asker(Role.SUBJECT, agency, subject=subject), [own], plain))
        found.append((f"nobody's SUBJECT at {agency}", world.asker(Role.SUBJECT, agency), [], set()))
        found.append((f"AUDITOR of {agency}", world.asker(Role.AUDITOR, agency), world.cases, set()))
        zorg = set(world.own[ZORG].texts)
        found.append((f"{ANNA} of {agency}", world.asker(Role.INVESTIGATOR, agency, ANNA), world.cases, zorg))
        found.append((f"{BOB} of {agency}", world.asker(Role.INVESTIGATOR, agency, BOB), world.cases, set()))
    return found


def asked_about(case: Told, cause: str) -> dict[str, str]:
    """What the arguments of questions need, so that they are about one case."""
    return {
        "id": json.dumps(case.id), "caseId": json.dumps(case.id), "organisationId": json.dumps(GEMEENTE),
        "subjectId": json.dumps(case.subject), "causeId": json.dumps(cause),
        "organisation": json.dumps(ZORG), "text": json.dumps(case.reference), "name": json.dumps(PROGRAMME),
        "position": "0", "fromSize": "0",
    }  # fmt: skip


SOME = ("AGENCY of urn:org:svb", "AGENCY of urn:org:gemeente", "SUBJECT at urn:org:svb", "ANALYST of urn:org:gemeente")


def test_no_field_shows_what_is_foreign(world):
    """Every field of the schema, asked about a case of others, shows nothing foreign.

    And to the owner the same questions show all of it, so that an empty answer proves something.
    """
    nothing_foreign(world, [one for one in askers(world) if one[0] in SOME], (world.own[ZORG],))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_no_field_shows_any_role_what_is_foreign(world):
    """The same as every role of each of three agencies, and about a case that two of them share."""
    nothing_foreign(world, askers(world), (world.own[ZORG], world.shared))


def nothing_foreign(
    world: World, those: list[tuple[str, Asker, list[Told], set[str]]], about: tuple[Told, ...]
) -> None:
    """Ask every field as those and as the owner, and look for what is not theirs to see in all that they are told."""
    every = {text for case in world.cases for text in case.texts}
    asked_as = [("owner", world.asked.asker(), world.cases, every), *those]
    shown = dict.fromkeys((name for name, *_ in asked_as), "")
    for case in about:
        for document in questions(asked_about(case, world.cause)):
            for name, asker, _, _ in asked_as:
                # The second case is asked for by those alone who might see it and do not, or see it in part.
                if case is world.shared and not name.startswith(("owner", "AGENCY", "SUBJECT")):
                    continue
                answer = world.asked.response(document, asker)
                assert "errors" not in answer, (name, document, answer["errors"])
                shown[name] += laid_open(answer)
    for name, _, sees, texts in asked_as:
        foreign = {one for case in world.cases if case not in sees for one in case.names}
        assert not {one for one in foreign if one in shown[name]}, name
        assert {text for text in every if text in shown[name]} <= texts, name
        if name == "owner":
            assert {one for case in about for one in case.names if one not in shown[name]} == set()
            assert {text for case in about for text in case.texts if text not in shown[name]} == set()


def test_no_export_takes_along_what_is_foreign(world, tmp_path):
    """Each export as each role: every case that they see is in it, of others no name; and no text, whoever asks."""
    asked = world.asked
    texts = {text for case in world.cases for text in case.texts}
    with pool(asked.url, DatabaseRole.READER, 2) as reader:
        for name, asker, sees, _ in [("owner", OWNER, world.cases, texts), *askers(world)]:
            for format_ in Format:
                out = tmp_path / f"{name} {format_}"
                processing = asked.running.services.processing
                report = export_from(reader, processing, asked.vault, out, format_, asker)
                content = out.read_bytes()
                if format_ is Format.PARQUET:
                    content = str(pyarrow.parquet.read_table(out).to_pylist()).encode()
                told = content.decode()
                foreign = {one for case in world.cases if case not in sees for one in case.names}
                assert not {one for one in foreign if one in told}, (name, format_)
                assert not {text for text in texts if text in told}, (name, format_)
                assert not {case.subject for case in world.cases if case.subject in told}, (name, format_)
                assert all(raw(case.id) in told and case.reference in told for case in sees), (name, format_)
                if format_ is not Format.CLOUDEVENTS:
                    assert (report.cases, report.events > 0) == (len(sees), bool(sees)), (name, format_)


COUNTS = """{ registry {
    cases { totalCount } chains { totalCount } gaps(filter: {counts: null}) { totalCount } todos { totalCount }
    search(text: "schulden") { totalCount } interfaces { offers from { identifier } } } }"""


def test_no_count_tells_of_what_is_foreign(world):
    """Whoever sees no case counts none anywhere, and whoever sees some counts those."""
    for name, asker, sees, _ in askers(world):
        found = world.asked.ask(COUNTS, asker)["registry"]
        interfaces = sum(one["offers"] for one in found.pop("interfaces"))
        counts = {part: one["totalCount"] for part, one in found.items()}
        assert (counts["cases"], counts["chains"]) == (len(sees), len(sees)), name
        assert (counts["gaps"] > 0, interfaces) == (bool(sees), int(world.shared in sees)), name
        assert counts["todos"] == 0 or sees, name
        assert counts["search"] >= len(sees) if sees else counts["search"] == 0, name


def refusals(world: World, asker: Asker, case: str, obstacle: str) -> list[Any]:
    """What somebody is told who says things about a case, an obstacle, and another case by way of their own."""
    about = {"case": case, "obstacle": obstacle}
    said = [
        ("takeStep", about | {"kind": "NOTE", "note": "Even kijken"}),
        ("closeCase", {"case": case}),
        ("offerHandoff", about | {"to": "urn:org:nobody"}),
        ("reportObstacle", {"case": case, "origin": "UNKNOWN", "experiencedAt": asker.organisation}),
        ("takeStep", about | {"kind": "NOTE", "occurredAt": "2100-01-01T00:00:00Z"}),
        ("closeCase", {"case": case, "expectedVersion": 1}),
        ("correctFact", {"case": case, "event": obstacle, "field": "theme", "value": "zorg"}),
        ("giveAccount", {"case": case, "gap": obstacle, "stance": "DISPUTES"}),
        ("linkCase", {"from": world.own[GEMEENTE].id, "case": case, "relation": "RELATED"}),
        ("reportObstacle", {"case": world.own[GEMEENTE].id, "origin": "UNKNOWN", "experiencedAt": GEMEENTE,
                            "triggeredBy": obstacle}),
    ]  # fmt: skip
    found = [world.asked.refused(mutation, given, asker) for mutation, given in said]
    for one in found:
        one["facts"] = [fact for fact in one["facts"] if fact["name"] != "now"]
    return found


def test_a_command_tells_no_more_of_a_hidden_case_than_of_none(world):
    """What is refused about a case that one does not see is refused, word for word, as about one that is not there."""
    asker, hidden = as_agency(GEMEENTE), world.own[ZORG]
    obstacle = world.asked.registry("case(id: $id) { obstacles { id } }", declared="($id: ID!)", id=hidden.id)
    ids = raw(hidden.id), raw(obstacle["case"]["obstacles"][0]["id"])
    nowhere = str(uuid4()), str(uuid4())
    there, not_there = refusals(world, asker, *ids), refusals(world, asker, *nowhere)
    as_if = json.loads(json.dumps(not_there).replace(nowhere[0], ids[0]).replace(nowhere[1], ids[1]))
    assert there == as_if
    assert {one["code"] for one in there} >= {"UNKNOWN_CASE", "UNKNOWN_OBSTACLE", "FUTURE"}


async def heard(world: World, asker: Asker) -> list[str]:
    """What the subscription to all events tells somebody, up to where the log ends now."""
    text = "subscription { events(after: -1) { position stream data } }"
    running = world.asked.running
    found: list[str] = []
    async with running.session(asker, Origin("test")) as session:
        stream = running.engine.stream(running.engine.prepare(text, {}), None, Asking(session, asker))
        # What is there is told at once; nothing more is coming.
        while True:
            try:
                found.append(laid_open(await asyncio.wait_for(anext(stream), 1.0)))
            except (TimeoutError, StopAsyncIteration):
                return found


def test_a_subscription_tells_nothing_foreign(world):
    """Subscribers hear the events of cases that they see and of organisations, and the owner hears of every case."""
    owner = "".join(world.asked.run(heard(world, world.asked.asker())))
    assert all(raw(case.id) in owner for case in world.cases)
    assert world.inquiry in owner
    zorg = world.own[ZORG]
    for asker, sees, leads in (
        (as_agency(SVB), [world.own[SVB], world.shared], False),
        (world.asker(Role.SUBJECT, ZORG, subject=UUID(zorg.subject)), [zorg], False),
        (world.asker(Role.ANALYST, GEMEENTE), [], False),
        (world.asker(Role.INVESTIGATOR, GEMEENTE, BOB), world.cases, False),
        (world.asker(Role.INVESTIGATOR, GEMEENTE, ANNA), world.cases, True),
    ):
        told = "".join(world.asked.run(heard(world, asker)))
        assert {raw(case.id) for case in world.cases if raw(case.id) in told} == {raw(case.id) for case in sees}
        assert (world.inquiry in told) is leads
        assert "OrganisationRegistered" in told or "Gemeente Ergens" in told


def test_what_is_not_theirs_to_read_is_withheld_and_not_erased(world):
    """In a case that two agencies share, each reads its own texts, and of the other's that there are some."""
    timeline = "query($id: ID!) { registry { case(id: $id) { title timeline { nodes { type data } } } } }"

    def notes(asker: Asker) -> list[Any]:
        found = world.asked.ask(timeline, asker, id=world.shared.id)["registry"]["case"]["timeline"]["nodes"]
        return [one["data"]["note"] for one in found if one["type"] == "StepTaken"]

    first, second = notes(as_agency(GEMEENTE))
    assert first.startswith("notitie")
    assert second == {"withheld": True}
    first, second = notes(as_agency(SVB))
    assert first == {"withheld": True}
    assert second.startswith("bezoek")
    assert notes(world.asker(Role.AUDITOR)) == [{"withheld": True}] * 2
    subject = world.asker(Role.SUBJECT, subject=UUID(world.shared.subject))
    assert notes(subject) == [{"withheld": True}] * 2
    title = world.asked.ask(timeline, subject, id=world.shared.id)["registry"]["case"]["title"]
    assert title in world.shared.texts


def test_a_viewer_may_record_what_their_role_says(world):
    """What is named as open to a role is, and what is not is refused; whoever only looks records nothing."""
    for role, some, none in (
        (Role.INTAKE, {"openCase", "reportObstacle"}, {"takeStep", "closeCase", "openInvestigation"}),
        (Role.AUDITOR, set(), {"openCase", "takeStep"}),
        (Role.ADMINISTRATOR, {"changeTerm", "registerOrganisation"}, {"openCase"}),
        (Role.INVESTIGATOR, {"openInvestigation", "takeStep"}, {"changeTerm"}),
    ):
        asker = world.asker(role, GEMEENTE)
        may = set(world.asked.ask("{ viewer { mayRecord } }", asker)["viewer"]["mayRecord"])
        assert some <= may
        assert not none & may
        if "openCase" in none:
            given = {"theme": "zorg", "noticedBy": "OTHER"}
            assert world.asked.refused("openCase", given, asker)["code"] == "NOT_PERMITTED"


def test_an_analyst_is_told_counts_and_of_nobody_apart(world):
    """Nine people over one interface are told of to nobody who analyses; with a tenth they are, without a name."""
    asked, analyst = world.asked, world.asker(Role.ANALYST, ZORG)
    query = """{ registry { interfaces { from { identifier } to { identifier } offers accepted }
        gapCounts { kind count } cases { totalCount } } }"""

    def counted() -> Any:
        return asked.ask(query, analyst)["registry"]

    told_by(asked, SVB, GEMEENTE)
    for _ in range(8):
        told_by(asked, SVB, GEMEENTE)
    assert counted()["interfaces"] == []
    told_by(asked, SVB, GEMEENTE)
    found = counted()
    assert found["interfaces"] == [
        {"from": {"identifier": SVB}, "to": {"identifier": GEMEENTE}, "offers": 10, "accepted": 10}
    ]
    assert {one["kind"] for one in found["gapCounts"]} >= {"RELEASED"}
    assert all(one["count"] >= 10 for one in found["gapCounts"])
    assert found["cases"]["totalCount"] == 0
    assert sum(one["count"] for one in asked.ask(query, as_agency(ZORG))["registry"]["gapCounts"]) == 1


def test_an_analyst_cannot_tell_one_part_from_the_other(world):
    """Beside a single gap that ended the open ones are not told of either: the one would be the difference to all."""
    asked, analyst = world.asked, world.asker(Role.ANALYST, ZORG)

    def released() -> dict[str, int]:
        found = asked.registry(
            "all: gapCounts { kind count } open: gapCounts(filter: { open: true }) { kind count } "
            "ended: gapCounts(filter: { open: false }) { kind count }",
            asker=analyst,
        )
        return {part: one["count"] for part, counts in found.items() for one in counts if one["kind"] == "RELEASED"}

    def taken_up_again() -> None:
        case = told_by(asked, GEMEENTE, None).id
        obstacles = asked.registry("case(id: $id) { obstacles { id } }", declared="($id: ID!)", id=case)["case"]
        given = {"case": case, "obstacle": obstacles["obstacles"][0]["id"]}
        long_ago = (datetime.now(UTC) - timedelta(days=200)).isoformat()
        asked.done("takeCustody", given | {"occurredAt": long_ago}, asker=as_agency(GEMEENTE))

    for _ in range(10):
        told_by(asked, GEMEENTE, None)
    number = released()["all"]
    assert released() == {"all": number, "open": number}
    taken_up_again()
    assert released() == {"all": number + 1}
    for _ in range(9):
        taken_up_again()
    assert released() == {"all": number + 10, "open": number, "ended": 10}
