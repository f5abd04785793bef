"""Correcting and striking from the pages: nobody has to know an event's id, or how a field is spelt."""

import re
from html import unescape

import pytest

from infra.pages.learnt import CAUSE
from infra.pages.test_recording import fields_of
from infra.pages.visiting import WAL, Site

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


def test_an_event_is_corrected_from_its_case(own_site):
    """Beside the event, by the field's name, with what stands there filled in: a value, a moment and somebody's words."""
    with own_site.visitor("AGENCY", TEAM) as clerk:
        case = clerk.get(f"/cases/{LONGEST}").text
        refused = next(number for number in range(1, 94) if "nam het knelpunt niet over" in event_of(case, number))
        fields = about(clerk.get(link_of(case, "correctFact", refused)).text)
        assert {"Waarom", "Wanneer het gebeurde", "Hoe precies dat bekend is"} <= fields.keys()
        for label, given in (("Waarom", {"value": "NO_CAPACITY"}), ("Wanneer het gebeurde", {"value": "2024-03-01T09:00"})):
            form = clerk.get(fields[label]).text
            assert "nam het knelpunt niet over" in form
            assert "selected" in form or "datetime-local" in form
            sent = fields_of(form) | given
            answer = clerk.post("/record/correctFact", data=sent, follow_redirects=False)
            assert answer.status_code == 303, answer.text
            own_site.asked.project()
        after = clerk.get(answer.headers["location"]).text
        assert after.count("verbeterd door gebeurtenis") - case.count("verbeterd door gebeurtenis") == 2


def event_of(html: str, number: int) -> str:
    """What a case's page says of an event."""
    begin = html.index(f'id="event-{number}"')
    return html[begin : html.index("</div></li>", begin)]
