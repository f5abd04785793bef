"""Correcting and striking from the pages: nobody has to know an event's id, or how a field is spelt."""

import re
from html import unescape

import httpx
import pytest

from infra.pages.learnt import CAUSE
from infra.pages.test_recording import fields_of
from infra.pages.visiting import WAL

LONGEST = "DEMO-7K2M"
TEAM = "urn:knelpunt:demo:wijkteam"


def link_of(html: str, command: str, number: int | None = None) -> str:
    """The first link of a page to a command; the one beside an event, if its number is given."""
    part = html if number is None else html[html.index(f'id="event-{number}"') :]
    found = re.search(rf'href="(/record/{command}\?[^"]+)"', part)
    assert found is not None, command
    return unescape(found[1])


def about(html: str) -> dict[str, str]:
    """What a page offers to correct, by what it is called: the address of its form."""
    found = re.findall(r'<li><a href="(/record/correct[^"]+)">([^<]+)</a>', html)
    return {label: unescape(address) for address, label in found}


def test_events_are_mended_beside_where_they_stand(own_site):
    """A field is corrected by its name, with what stands there filled in; a striking shows the event; a cause alike."""
    with own_site.visitor("AGENCY", TEAM) as clerk:
        case = clerk.get(f"/cases/{LONGEST}").text
        refused = next(number for number in range(1, 94) if "nam het knelpunt niet over" in event_of(case, number))
        fields = about(clerk.get(link_of(case, "correctFact", refused)).text)
        assert {"Waarom", "Wanneer het gebeurde", "Hoe precies dat bekend is"} <= fields.keys()
        form = clerk.get(fields["Waarom"]).text
        assert "nam het knelpunt niet over" in form
        assert "selected" in form
        posted(clerk, "correctFact", fields_of(form) | {"value": "NO_CAPACITY"})
        form = clerk.get(fields["Wanneer het gebeurde"]).text
        assert re.search(r'name="value" value="2024-\d\d-\d\dT\d\d:\d\d" type="datetime-local"', form)
        assert "strikeEvent" not in event_of(case, 1)
        form = clerk.get(link_of(case, "strikeEvent", 20)).text
        assert unescape(said_of(case, 20)) in unescape(form)
        posted(clerk, "strikeEvent", fields_of(form) | {"reason": "NEVER_HAPPENED"})
        own_site.asked.project()
        after = clerk.get(f"/cases/{LONGEST}").text
        assert after.count("verbeterd door gebeurtenis") - case.count("verbeterd door gebeurtenis") == 1
        assert "geschrapt door gebeurtenis" in event_of(after, 20)
        assert "/record/" not in event_of(after, 20)
    with own_site.visitor("INVESTIGATOR", WAL) as investigator:
        page = investigator.get(CAUSE).text
        history = page[page.index('class="history"') :]
        assert history.count("/record/correctCauseFact?") > history.count("/record/strikeCauseEvent?") > 3
        fields = about(investigator.get(link_of(history, "correctCauseFact")).text)
        form = investigator.get(fields["Wat de oorzaak is"]).text
        content = {"content": "De wet vergeet wie verhuist."}
        posted(investigator, "correctCauseFact", fields_of(form) | content)
        own_site.asked.project()
        assert "De wet vergeet wie verhuist." in investigator.get(CAUSE).text


def posted(client: httpx.Client, command: str, given: dict[str, str]) -> None:
    """Send a form that has to be taken."""
    answer = client.post(f"/record/{command}", data=given, follow_redirects=False)
    assert answer.status_code == 303, answer.text


def event_of(html: str, number: int) -> str:
    """What a case's page says of an event."""
    begin = html.index(f'id="event-{number}"')
    return html[begin : html.index("</div></li>", begin)]


@pytest.mark.parametrize("command", ["correctFact", "strikeEvent"])
def test_without_an_event_the_page_offers_them(site, command):
    """First the case is asked for, then the event by its sentence; an event that is not there is told not to be."""
    with site.visitor("AGENCY", TEAM) as clerk:
        assert 'name="case"' in clerk.get(f"/record/{command}").text
        offered = clerk.get(f"/record/{command}?case={LONGEST}").text
        assert ("opende de casus" in offered) == (command == "correctFact")
        assert offered.count(f'href="/record/{command}?') > 80
        following = clerk.get(link_of(offered, command))
        assert following.status_code == 200
        none = clerk.get(f"/record/{command}?case={LONGEST}&event=RXZlbnQ6bm9uZQ==")
        assert none.status_code in {400, 404}


def test_who_may_only_read_is_offered_nothing_to_mend(site):
    """Neither an auditor nor the person whom it is about is offered what is not theirs to do."""
    with site.visitor("AUDITOR") as auditor:
        page = auditor.get(f"/cases/{LONGEST}").text
        assert "correctFact" not in page
        assert "strikeEvent" not in page


def said_of(html: str, number: int) -> str:
    """The sentence of an event on its case's page."""
    found = re.search(r'<p class="summary">([^<]+)', event_of(html, number))
    assert found is not None
    return found[1].strip()
