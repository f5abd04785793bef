"""Every text that the pages say, as it stands in the code and the templates."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2.ext import babel_extract

from knelpunt.infra.http.exports import SAID
from knelpunt.infra.pages import examples, exports, labels, learning, mending, readings, rendering, schema
from knelpunt.infra.pages.words import ROLES, TODOS
from knelpunt.projections import gap_kinds

PAGES = Path(rendering.__file__).parent
SAYING = {"say", "count", "SignInFailed", "N_"}
OPTIONS = {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}


def texts() -> set[str | tuple[str, ...]]:
    """Return every text; one with a plural as both its forms."""
    found: set[str | tuple[str, ...]] = {meaning for _, meaning in gap_kinds.KINDS.values()}
    found |= {text for _, text in rendering.MENU} | set(ROLES.values()) | set(TODOS.values())
    found |= {*exports.TITLES.values(), *SAID}
    found |= {title for title, _ in (*examples.GROUPS, *(one for _, group in examples.GROUPS for one in group))}
    found |= {schema.COMMANDS, *(title for title, _ in (schema.FIRST, *schema.KINDS))}
    found |= {*labels.LABELS.values(), *labels.REFUSALS.values(), *labels.FACTS.values()}
    found |= {text for own in (*labels.OWN_LABELS.values(), *labels.CHOICES.values()) for text in own.values()}
    found |= {*labels.GROUPS, *labels.COMMANDS.values()}
    found |= {*learning.STATUSES.values(), *learning.ANSWERS.values()}
    found |= {*readings.ACTIVITIES.values(), *mending.PRECISIONS.values()}
    for kind in learning.KINDS.values():
        found |= {kind.title, kind.one, kind.meaning, *(choice.label for choice in kind.choices)}
    for file in PAGES.rglob("*.py"):
        found |= set(_of_code(ast.parse(file.read_text())))
    for file in (PAGES / "templates").iterdir():
        with file.open("rb") as opened:
            for _, function, message, _ in babel_extract(opened, ["_", "many", "up_to"], [], OPTIONS):
                forms = [form for form in (message if isinstance(message, tuple) else (message,)) if form]
                if forms:
                    found.add(forms[0] if function == "_" else (forms[0], forms[1]))
    return found


def _of_code(tree: ast.AST) -> Iterator[str | tuple[str, ...]]:
    for node in ast.walk(tree):
        # A long one stands in a variable of this name first.
        match node:
            case ast.Assign(targets=[ast.Name(id="message")], value=ast.Constant(value=str(text))):
                yield text
            case _:
                pass
        if isinstance(node, ast.Call) and _called(node.func) in SAYING:
            given = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if given:
                yield (given[0], given[1]) if _called(node.func) == "count" else given[0]


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
