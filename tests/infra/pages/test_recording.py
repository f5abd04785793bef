"""Recording from the pages: the inbox, and commands as forms."""

import re
from html import unescape

import httpx

from infra.pages.visiting import csrf_of
from knelpunt.graphql.schema import SCHEMA
from knelpunt.infra.pages.fields import Context, input_of
from knelpunt.infra.pages.fields import fields_of as form_fields
from knelpunt.infra.pages.labels import COMMANDS, GROUPS
from knelpunt.infra.pages.words import Words
from knelpunt.projections.summaries import Language

WATERRIJK = "urn:knelpunt:demo:waterrijk"
OFFERED = "DEMO-9TXC"
SUBJECT = "19bf7dce-ee44-5848-b342-ac546507da6c"
THE_SAME = {"online", "school"}
"""Words that are the same in Dutch."""


def fields_of(html: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    form = html[html.index('<form method="post" action="/record/') :]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def gaps(client: httpx.Client) -> str:
    return client.get(f"/gaps?organisation={WATERRIJK}&kind=UNANSWERED").text


def test_an_offer_is_answered_from_the_inbox(own_site):
    """Accepting the offer that lies in the inbox closes its gap; sent twice, the form has one effect."""
    with own_site.visitor("AGENCY", WATERRIJK) as clerk:
        assert OFFERED in gaps(clerk)
        inbox = clerk.get("/inbox").text
        assert "te laat" in inbox
        found = re.search(r'href="(/record/acceptHandoff\?[^"]+)"', inbox)
        assert found is not None
        form = clerk.get(unescape(found[1])).text
        given = fields_of(form) | {"subjectPresent": "true"}
        assert clerk.post("/record/acceptHandoff", data=given, follow_redirects=False).status_code == 303
        again = clerk.post("/record/acceptHandoff", data=given, follow_redirects=False)
        assert again.status_code == 303
        own_site.asked.project()
        shown = clerk.get(again.headers["location"]).text
        assert "Het is vastgelegd" in shown
        assert shown.count("Gemeente Waterrijk nam het knelpunt over.") == 1
        assert OFFERED not in gaps(clerk)
        assert "/record/acceptHandoff" not in clerk.get("/inbox").text
        # Now it is theirs: accepting once more is refused, and the page says why.
        refused = clerk.post("/record/acceptHandoff", data=fields_of(form) | {"commandId": ""})
        assert refused.status_code == 422
        assert "De overdracht is niet meer open." in refused.text
        assert 'role="alert"' in refused.text


def test_a_gap_is_acknowledged_with_a_plan(own_site):
    """An organisation owns up to a gap from its inbox, and the inbox says so from then on."""
    with own_site.visitor("AGENCY", WATERRIJK) as clerk:
        found = re.search(r'href="(/record/acknowledgeGap\?[^"]+)"', clerk.get("/inbox").text)
        assert found is not None
        form = clerk.get(unescape(found[1])).text
        chosen = re.search(r'<option value="([^"]+)" selected>', form)
        assert chosen is not None
        given = fields_of(form) | {"gap": unescape(chosen[1]), "plan": "Wij bellen morgen.", "due": "2030-01-01"}
        answer = clerk.post("/record/acknowledgeGap", data=given, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        own_site.asked.project()
        assert "Wij bellen morgen." in clerk.get(answer.headers["location"]).text
        assert "dicht uiterlijk 1 jan 2030" in clerk.get("/inbox").text


def test_what_a_form_lacks_is_named_and_what_was_typed_is_kept(site):
    """A form without something it needs comes back with what is missing, and with all that was typed."""
    with site.visitor("AGENCY", WATERRIJK) as clerk:
        form = clerk.get("/record/openCase").text
        given = {"csrf": csrf_of(form), "commandId": "", "title": "Te <lang> verhaal"}
        answer = clerk.post("/record/openCase", data=given)
        assert answer.status_code == 422
        assert "Vul in: Thema, Wie het het eerst zag" in answer.text
        assert "Te &lt;lang&gt; verhaal" in answer.text
        assert re.findall(r'id="(f-\w+)"[^>]* aria-invalid="true"', answer.text) == ["f-theme", "f-noticedBy"]
        assert clerk.get("/record/dropEverything").status_code == 404


def test_every_command_stands_under_one_heading():
    """No command is hidden, and none stands twice, in the list of what can be recorded."""
    assert SCHEMA.mutation_type is not None
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(SCHEMA.mutation_type.fields)


def test_every_command_has_its_form(site):
    """Each command that somebody may give is listed, and has a form with a label for each of its fields."""
    with site.visitor("AGENCY", WATERRIJK) as clerk:
        page = clerk.get("/record").text
        listed = re.findall(r'href="(/record/\w+)"', page)
        assert re.findall(r'href="#(about-\d+)"', page) == re.findall(r'<h2 id="(about-\d+)"', page)
        assert len(listed) > 30
        assert {address.rpartition("/")[2] for address in listed} <= COMMANDS.keys()
        for address in ("/record/openCase", "/record/resolveObstacle", "/record/beginWaiting", "/record/strikeEvent"):
            assert address in listed
            form = clerk.get(address).text
            named = set(re.findall(r'<(?:input|select|textarea) id="(f-\w+)"', form))
            assert named
            assert named <= set(re.findall(r'<label for="(f-\w+)"', form))


def test_no_form_asks_for_an_event_by_its_id(site):
    """Who says what they think of an event chooses it by its sentence; a new organisation is typed, not chosen."""
    with site.visitor("SUBJECT", "", subject=SUBJECT) as subject:
        form = subject.get("/record/giveAccount?case=DEMO-7K2M").text
        choice = re.search(r'<select id="f-event".*?</select>', form, re.DOTALL)
        assert choice is not None
        assert "opende de casus DEMO-7K2M" in choice[0]
    with site.visitor("ADMINISTRATOR") as administrator:
        form = administrator.get("/record/registerOrganisation").text
        assert '<input id="f-organisation"' in form


def test_what_a_command_is_about_is_chosen_first(site):
    """Without a case or stream that is asked for; then a form offers what there is of it, never an id to type."""
    with site.visitor() as investigator:
        asked = investigator.get("/record/splitObstacle")
        assert 'id="f-case"' in asked.text
        assert 'id="f-into"' not in asked.text
        unknown = investigator.get("/record/splitObstacle?case=DEMO-XXXX")
        assert unknown.status_code == 404
        assert "Die casus is er niet." in unknown.text
        form = investigator.get(f"/record/splitObstacle?case={OFFERED}").text
        choice = re.search(r'<select id="f-into".*?</select>', form, re.DOTALL)
        assert choice is not None
        assert re.findall(r">(.*?)</option>", choice[0]) == ["Knelpunt 1", "Knelpunt 2"]
        asked = investigator.get("/record/shareExperience").text
        found = re.search(r'href="(/record/shareExperience\?dialogue=[^"]+)"', asked)
        assert found is not None
        assert '<select id="f-participant"' in investigator.get(unescape(found[1])).text


def test_cases_are_linked_by_reference(own_site):
    """The other case is named by the reference that people know it by."""
    with own_site.visitor() as investigator:
        form = investigator.get(f"/record/linkCase?case={OFFERED}").text
        given = fields_of(form) | {"from": "DEMO-1CXT", "relation": "RELATED"}
        assert investigator.post("/record/linkCase", data=given, follow_redirects=False).status_code == 303


def test_every_choice_has_words():
    """Each field and each value that a form offers has its Dutch, and does not go by its name in the schema."""
    for name in COMMANDS:
        command = input_of(name)
        assert command is not None
        for field in form_fields(command, Words(Language.NL), Context((), None)):
            assert field.hint is None, (name, field.name)
            bare = {text for value, text in field.options if text == value.lower().replace("_", " ")}
            assert bare <= THE_SAME, (name, field.name)


def test_an_address_that_there_is_not(site):
    """Browsers get a page that says so, programs JSON."""
    with site.visitor() as visitor:
        page = visitor.get("/nowhere", headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert "Zo&#39;n pagina is er niet." in page.text
        assert visitor.get("/nowhere").json() == {"detail": "Not Found"}
