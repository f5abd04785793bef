"""The pages' texts in Dutch."""

from babel.messages.pofile import read_po

from infra.pages.texts import PAGES, texts
from knelpunt.infra.pages.words import Words
from knelpunt.projections.summaries import Language


def test_every_text_has_its_dutch_and_none_is_left_over():
    """Whatever the pages say is in the catalogue, with the same places for values, and nothing else is."""
    with (PAGES / "locales" / "nl.po").open("rb") as file:
        entries = {
            (tuple(one.id) if isinstance(one.id, list | tuple) else one.id): one.string
            for one in read_po(file, locale="nl")
            if one.id
        }
    assert entries.keys() == texts()
    for text, said in entries.items():
        forms = (said,) if isinstance(said, str) else said or ("",)
        wanted = text if isinstance(text, str) else text[1]
        for form in forms:
            assert form, text
            assert form.count("{") == wanted.count("{"), text


def test_dates_and_numbers_by_language():
    """Dates are those of a clock in the Netherlands, numbers as the language writes them."""
    dutch, english = Words(Language.NL), Words(Language.EN)
    assert dutch.day("2026-03-31T22:30:00Z") == "1 apr 2026"
    assert english.moment("2026-03-31T22:30:00Z") == "1 Apr 2026 00:30"
    assert dutch.moment("2026-03-31T22:30:00Z", "MONTH") == "apr 2026"
    assert (dutch.number(1217), english.number(1217)) == ("1.217", "1,217")
    assert (dutch.days(1.9), english.days(3)) == ("1 dag", "3 days")
    assert (dutch.kind("CAROUSEL"), english.kind("CAROUSEL")) == ("rondje langs organisaties", "carousel")
