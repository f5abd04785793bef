"""What the registry's refusals say in Dutch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import knelpunt.domain.command as in_domain
from infra.pages.texts import PAGES
from knelpunt.infra.pages.refusals import fact, refusal
from knelpunt.infra.pages.words import Words
from knelpunt.projections.summaries import Language

ROOT = Path(in_domain.__file__).parents[1]
ASKING = (*(ROOT / "graphql").glob("*.py"), *(ROOT / "infra/http").glob("*.py"))
PROBLEMS = {"Problem": 1, "bad_input": 0}
"""What says what is wrong about a question, and which of its arguments does."""

FILES = (*(ROOT / "domain").rglob("*.py"), ROOT / "infra/store/batch.py", ROOT / "graphql/commands.py")
REFUSING = {"Refused", "Objection"}
LATER = {"message", "kept", "already", "how"}
"""Variables in which the rules have a sentence, or half of one, before they refuse with it."""

DUTCH = Words(Language.NL)


def sentence(node: ast.expr) -> str | None:
    """A text of the code, with {} in the places of values."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)  # type: ignore[misc]
        case _:
            return None


def sentences() -> Iterator[str]:
    """Every sentence with which a rule refuses."""
    for file in FILES:
        if file.name == "text.py":
            continue  # it raises for programs, and refuses nothing
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            texts: list[ast.expr] = []
            match node:
                case ast.Call(func=ast.Name(id=name), args=[_, text, *_]) if name in REFUSING:
                    texts = [text]
                case ast.Assign(targets=[ast.Name(id=name)], value=text) if name in LATER:
                    texts = [text]
                case _:
                    pass
            for text in texts:
                branches = (text.body, text.orelse) if isinstance(text, ast.IfExp) else (text,)
                yield from filter(None, map(sentence, branches))


def problems() -> Iterator[str]:
    """Every sentence that says what is wrong about a question, or why it has no answer now."""
    for file in ASKING:
        tree = ast.parse(file.read_text("utf-8"))
        own = {name for node in ast.walk(tree) for name in assigned(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PROBLEMS:
                given = node.args[PROBLEMS[node.func.id]]
                texts = [text for name, text in own if name == given.id] if isinstance(given, ast.Name) else [given]
                yield from filter(None, map(sentence, texts))


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The name and the value of an assignment of a text."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=text) if sentence(text):
            yield name, text
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str()) as text):
            yield name, text
        case _:
            pass


def test_every_problem_of_a_question_has_its_dutch():
    """What a page says in the place of an answer is Dutch on a Dutch page."""
    found = set(problems())
    assert len(found) > 30
    assert [text for text in found if refusal(text.replace("{}", "7"), DUTCH).tag != "nl"] == []


def test_every_refusal_has_its_dutch():
    """Each sentence of the rules is in the catalogue, and each Dutch one names the same values."""
    with (PAGES / "locales" / "refusals.nl.po").open("rb") as file:
        known = {str(one.id): str(one.string) for one in read_po(file, locale="nl") if one.id}
    found = set(sentences())
    assert len(found) > 150
    assert found - known.keys() == set()
    for text, said in known.items():
        said.format(*("x" for _ in range(text.count("{}"))))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("The case is closed already.", "De casus is al gesloten."),
        ("urn:org:a owns the cause already.", "urn:org:a is al eigenaar van de oorzaak."),
        ("The cause was removed before that moment.", "De oorzaak is weggenomen voor dat moment."),
        ("The registry knows no such policy dossier: 7.", "Zo'n beleidsdossier kent het register niet: 7."),
        (
            "The obstacle is held by urn:org:a at that moment, not by nobody.",
            "urn:org:a heeft het knelpunt op dat moment, niet niemand.",
        ),
    ],
    ids=["plain", "value", "half", "noun", "two"],
)
def test_values_stay_and_words_change(message, said):
    """Names stay as they are, words and half sentences in a value's place are Dutch too; English stays English."""
    assert (refusal(message, DUTCH).text, refusal(message, DUTCH).tag) == (said, "nl")
    assert refusal(message, Words(Language.EN)).text == message


def test_what_is_not_known_stays_english():
    """A sentence that the catalogue does not have is shown as it is, as English."""
    assert refusal("Something else.", DUTCH).tag == "en"
    assert fact({"name": "now", "value": "2026-03-31T22:30:00+00:00"}, DUTCH) == "Nu: 1 apr 2026 00:30"
    assert fact({"name": "organisation", "value": "urn:org:a"}, DUTCH) == "Organisatie: urn:org:a"
