"""Who sees a case follows from what is recorded, also when that changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from graph.given import GEMEENTE, LONG_AGO, SVB, ZORG, Asked, Story
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.projecting.rebuild import rebuild

CASES = "{ registry { cases { nodes { reference } } } }"


def asker(role: Role, organisation: str | None = None, user: str = "clerk", subject: str | None = None) -> Asker:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return Asker(organisation, role, user, expires_at, None if subject is None else UUID(subject))


def sees(asked: Asked, who: Asker) -> set[str]:
    """The references of the cases that somebody sees, whether kept up to date or rebuilt."""
    asked.project()
    return {one["reference"] for one in asked.ask(CASES, who)["registry"]["cases"]["nodes"]}


def test_units_and_successors_see_what_was_theirs(asked):
    """A parent sees its units' cases, a successor those of whom it succeeds, and a unit not its parent's."""
    asked.organisations()
    unit, later = "urn:org:unit", "urn:org:later"
    for name, parent in ((unit, SVB), (later, None)):
        given = {"organisation": name, "name": name, "kind": "OTHER", "occurredAt": LONG_AGO}
        asked.done("registerOrganisation", given | ({"parent": parent} if parent else {}))
    of_unit, of_svb = Story(asked, opener=asker(Role.AGENCY, unit)), Story(asked, opener=asker(Role.AGENCY, SVB))
    assert sees(asked, asker(Role.AGENCY, SVB)) == {of_unit.reference, of_svb.reference}
    assert sees(asked, asker(Role.AGENCY, unit)) == {of_unit.reference}
    assert sees(asked, asker(Role.AGENCY, later)) == set()
    asked.done("mergeOrganisation", {"organisation": SVB, "into": later})
    assert sees(asked, asker(Role.SOLUTION_TEAM, later)) == {of_unit.reference, of_svb.reference}


def test_a_party_by_mistake_is_none(asked):
    """An organisation that was named by mistake sees the case until that is struck; who recorded there keeps it."""
    asked.organisations()
    story = Story(asked, opener=asker(Role.AGENCY, GEMEENTE))
    obstacle = story.report()
    referred = story.done("referSubject", 2, "event { id }", obstacle=obstacle, to=SVB)
    assert sees(asked, asker(Role.AGENCY, SVB)) == {story.reference}
    story.done("strikeEvent", 3, event=referred["event"]["id"], reason="WRONG_PARTY")
    assert sees(asked, asker(Role.AGENCY, SVB)) == set()
    assert sees(asked, asker(Role.AGENCY, GEMEENTE)) == {story.reference}


def test_who_represents_somebody_sees_their_case_while_they_do(asked):
    """From the beginning of representing to its end; a partner or counterpart does not, and a rebuild says the same."""
    asked.organisations()
    story = Story(asked, title="Een brief te veel")
    now, before, partner = str(uuid4()), str(uuid4()), str(uuid4())
    related: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (now, "REPRESENTS", {"from": story.day(1)}),
        (before, "REPRESENTS", {"from": story.day(1), "until": story.day(2)}),
        (partner, "HOUSEHOLD", {}),
    )
    for subject, relation, given in related:
        story.done("relateSubject", 3, subject=subject, to=story.subject, relation=relation, **given)

    def seen() -> list[bool]:
        askers = [asker(Role.SUBJECT, subject=one) for one in (story.subject, now, before, partner)]
        return [sees(asked, one) == {story.reference} for one in askers]

    assert seen() == [True, True, False, False]
    title = "query($id: ID!) { registry { case(id: $id) { title } } }"
    found = asked.ask(title, asker(Role.SUBJECT, subject=now), id=story.case)
    assert found["registry"]["case"]["title"] == "Een brief te veel"
    rebuild(asked.url, workers=1)
    assert seen() == [True, True, False, False]


def test_intake_sees_what_it_entered(asked):
    """The case it opened and what it reported there, and nothing of what others then did; nor does another's intake."""
    asked.organisations()
    intake = asker(Role.INTAKE, GEMEENTE)
    story = Story(asked, opener=intake, title="Aan de balie")
    asked.project()
    said = {"origin": "UNKNOWN", "experiencedAt": ZORG, "receivedBy": ZORG, "story": "Niemand belt terug"}
    reported = story.done("reportObstacle", 1, "obstacle { id }", intake, **said)
    story.done("takeStep", 2, obstacle=reported["obstacle"]["id"], kind="NOTE", note="Onze eigen gedachten")
    assert sees(asked, intake) == {story.reference}
    assert sees(asked, asker(Role.INTAKE, SVB)) == set()
    timeline = (
        "query($id: ID!) { registry { case(id: $id) { title timeline { nodes { type data } } } gaps { totalCount } } }"
    )
    found = asked.ask(timeline, intake, id=story.case)["registry"]
    assert found["case"]["title"] == "Aan de balie"
    assert [one["type"] for one in found["case"]["timeline"]["nodes"]] == ["CaseOpened", "ObstacleReported"]
    assert found["case"]["timeline"]["nodes"][1]["data"]["story"] == "Niemand belt terug"
    assert asked.refused("takeStep", {"case": story.case, "obstacle": str(uuid4()), "kind": "NOTE"}, intake)[
        "code"
    ] == ("NOT_PERMITTED")


def test_accounts_that_contradict_stand_side_by_side(asked):
    """Two organisations tell a step otherwise: each account stands as its own, and each reads its own words alone."""
    asked.organisations()
    first, second = asker(Role.AGENCY, GEMEENTE), asker(Role.AGENCY, SVB)
    story = Story(asked, opener=first)
    obstacle = story.report()
    referred = story.done("referSubject", 2, "event { id }", obstacle=obstacle, to=SVB)["event"]["id"]
    asked.project()
    story.done("giveAccount", 3, asker=first, event=referred, stance="CONFIRMS", account="Zo is het gegaan")
    story.done("giveAccount", 4, asker=second, event=referred, stance="DISPUTES", account="Nooit iets gehoord")
    asked.project()
    query = """query($id: ID!) { registry { case(id: $id) { timeline { nodes {
        type actor { organisation { identifier } } data } } } } }"""
    for who, words in (
        (first, ["Zo is het gegaan", {"withheld": True}]),
        (second, [{"withheld": True}, "Nooit iets gehoord"]),
    ):
        nodes = asked.ask(query, who, id=story.case)["registry"]["case"]["timeline"]["nodes"]
        accounts = [one for one in nodes if one["type"] == "AccountGiven"]
        assert [one["data"]["stance"] for one in accounts] == ["CONFIRMS", "DISPUTES"]
        assert [one["data"]["by"]["organisation"] for one in accounts] == [GEMEENTE, SVB]
        assert [one["data"]["account"] for one in accounts] == words


def test_no_agency_makes_another_its_unit(asked):
    """Whoever another organisation stands under sees its cases: it says so itself, or who looks after the registry."""
    asked.organisations()
    story = Story(asked, opener=asker(Role.AGENCY, SVB))
    zorg = asker(Role.AGENCY, ZORG)
    for mutation, given in (
        ("changeParent", {"organisation": SVB, "parent": ZORG}),
        ("mergeOrganisation", {"organisation": SVB, "into": ZORG}),
        ("registerOrganisation", {"organisation": "urn:org:new", "name": "Nieuw", "kind": "UNIT", "parent": ZORG}),
        ("renameOrganisation", {"organisation": SVB, "name": "Iets anders"}),
        ("dissolveOrganisation", {"organisation": SVB}),
    ):
        for one in (zorg, asker(Role.SOLUTION_TEAM, ZORG)):
            assert asked.refused(mutation, given, one)["code"] == "NOT_PERMITTED", mutation
    parted = asked.done("changeParent", {"organisation": SVB, "parent": None}, "event { id }")
    corrected = {"organisation": SVB, "event": parted["event"]["id"], "field": "parent", "value": ZORG}
    assert asked.refused("correctOrganisationFact", corrected, zorg)["code"] == "NOT_PERMITTED"
    assert sees(asked, zorg) == set()
    unnamed = {"organisation": "urn:org:new", "name": "Nieuw", "kind": "OTHER"}
    asked.done("registerOrganisation", unnamed, asker=zorg)
    asked.done("changeParent", {"organisation": SVB, "parent": ZORG}, asker=asker(Role.AGENCY, SVB))
    assert sees(asked, zorg) == {story.reference}


def test_a_subject_does_not_make_themselves_represent_another(asked):
    """Of two subjects of a case neither reads what is about the other, and neither can say that they represent them."""
    asked.organisations()
    payer, receiver = str(uuid4()), str(uuid4())
    story = Story(asked, subjects=[payer, receiver])
    related = story.done("relateSubject", 3, "event { id }", subject=payer, to=receiver, relation="COUNTERPART")
    asked.project()
    someone = asker(Role.SUBJECT, GEMEENTE, subject=payer)
    given = {"case": story.case, "subject": payer, "to": receiver, "relation": "REPRESENTS"}
    assert asked.refused("relateSubject", given, someone)["code"] == "NOT_PERMITTED"
    assert "relateSubject" not in asked.ask("{ viewer { mayRecord } }", someone)["viewer"]["mayRecord"]
    corrected = {"case": story.case, "event": related["event"]["id"], "field": "relation", "value": "REPRESENTS"}
    assert asked.refused("correctFact", corrected, someone)["code"] == "NOT_PERMITTED"
