"""Who read what of whom, for the privacy officer alone, and on record itself."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

from knelpunt.infra.logbook.processing import Reading
from knelpunt.infra.logbook.security import Action, security_records

LONGEST = "DEMO-7K2M"
ADDRESS = "/trail/readings"


def looked(site) -> int:
    """How often somebody looked into the log of readings, as the security log has it."""
    since = datetime.now(UTC) - timedelta(hours=1)
    return len(security_records(site.asked.url, since=since, most=1_000, action=Action.LOGBOOK_READ))


def test_what_was_read_of_whom(site):
    """The officer sees that somebody read of a person, by both filters; that they look is on record each time."""
    with site.visitor("AGENCY", "urn:knelpunt:demo:waterrijk", user="ankie") as reader:
        assert reader.get(f"/cases/{LONGEST}").status_code == 200
    before = looked(site)
    with site.visitor("PRIVACY_OFFICER") as officer:
        assert ADDRESS in officer.get("/trail").text
        page = officer.get(f"{ADDRESS}?actor=ankie").text
        assert "Gemeente" not in page  # organisations stand by their identifiers here, as they were recorded
        assert page.count("urn:knelpunt:demo:waterrijk") == page.count("<tr>") - 1 > 0
        whom = re.search(r'href="([^"]*subject=[^"]+)"', page)
        assert whom is not None
        assert "ankie" in officer.get(unescape(whom[1])).text
        assert "Zoiets is niet vastgelegd." in officer.get(f"{ADDRESS}?actor=nobody").text
        assert "Zoiets is niet vastgelegd." in officer.get(f"{ADDRESS}?actor=ankie&until=2024-01-01").text
    assert looked(site) - before == 4


def test_readings_come_by_pages(own_site):
    """Following the links shows as many records as there are, also of several persons read at one moment."""
    asked = own_site.asked
    found = asked.registry(f'case(reference: "{LONGEST}") {{ subjects }}')["case"]
    subjects = [UUID(one) for one in found["subjects"]]
    for _ in range(60):
        reading = Reading(actor="clerk", role="AGENCY", organisation=None, name="Replay")
        asked.running.services.processing.note(reading, subjects)
    moments: list[str] = []
    with own_site.visitor("PRIVACY_OFFICER") as officer:
        address: str | None = f"{ADDRESS}?actor=clerk"
        while address is not None:
            page = officer.get(address).text
            moments += re.findall(r'<tr><td class="when">', page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = None if following is None else unescape(following[1])
    assert len(moments) == 60 * len(subjects)


def test_nobody_else_sees_what_was_read(site, bare_site):
    """Other roles are refused; without a login for it the page says how to name one; bad filters get a sentence."""
    with site.visitor("AUDITOR") as auditor:
        assert auditor.get(ADDRESS).status_code == 403
        assert ADDRESS not in auditor.get("/trail").text
    with bare_site.visitor("PRIVACY_OFFICER", "") as officer:
        assert "KNELPUNT_OVERSEER_DATABASE_URL" in officer.get(ADDRESS).text
    with site.visitor("PRIVACY_OFFICER") as officer:
        for wrong in ("subject=anna", "since=gisteren", "after=x", "after=2024-13-01~0123456789abcdef"):
            assert officer.get(f"{ADDRESS}?{wrong}").status_code == 400, wrong
