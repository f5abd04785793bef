"""What was learnt from the cases, in a few lines: causes, conversations, policy, signals and experiments.

Each line says how far something has come, and not what was said on the way: that is for the pages and for GraphQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from .asking import Asking
from .replayed import named
from .terminal import plain
from .times import day

MOST: Final = 20
"""How many of each kind are told of; the first page of the list."""

LEARNT: Final = """
query Learnt($most: Int!) {
  registry {
    causes(first: $most) { nodes {
      statement status owner { identifier name } ladder { level escalations { event { id } } }
      measures { due implementedAt evaluations { stopped } }
    } }
    dialogues(first: $most) { nodes {
      theme status convener { identifier name } steps { status due overdue organisation { identifier name } }
    } }
    policyDossiers(first: $most) { nodes { theme status owner { identifier name } openQuestions } }
    networks(first: $most) { nodes { name signals { reply to { identifier name } } } }
    experiments(first: $most) { nodes {
      theme status finding runBy { identifier name } adoptions { organisation { identifier name } }
    } }
  }
}
"""


def print_learnt(console: Console, ask: Asking) -> None:
    """Print what was learnt from the cases of a registry; nothing if that is nothing yet."""
    found = ask(LEARNT, {"most": MOST})["registry"]
    lines = [
        *(line for one in found["causes"]["nodes"] for line in _cause(one)),
        *(line for one in found["dialogues"]["nodes"] for line in _dialogue(one)),
        *map(_dossier, found["policyDossiers"]["nodes"]),
        *(line for one in found["networks"]["nodes"] for line in _signals(one)),
        *map(_experiment, found["experiments"]["nodes"]),
    ]
    if not lines:
        return
    console.print("\nWhat was learnt from them:\n", style="bold")
    for line in lines:
        console.print(Text(plain(line)), soft_wrap=True)


def measures_of(cause: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each measure against a cause: whether it was done, and whether it helped."""
    for measure in cause["measures"]:
        done = f"done {day(measure['implementedAt'])}" if measure["implementedAt"] else "not done"
        stopped = [one["stopped"].lower() for one in measure["evaluations"]]
        found = f"; did it stop: {stopped[-1]}" if stopped else ""
        yield f"    a measure, due {day(measure['due'])}: {done}{found}"


def words(value: str) -> str:
    """Return a word of the vocabulary as it is read out."""
    return value.lower().replace("_", " ")


def _cause(cause: Mapping[str, Any]) -> Iterator[str]:
    owner = f", owned by {named(cause['owner'])}" if cause["owner"] and cause["status"] == "OWNED" else ""
    stands = "" if owner else f", {words(cause['status'])}"
    rungs = ", then ".join(words(rung["level"]) for rung in cause["ladder"] if rung["escalations"])
    asked = f", asked of {rungs}" if rungs else ""
    yield f"  cause: {(cause['statement'] or '(no words)').rstrip('.')}{stands}{owner}{asked}"
    yield from measures_of(cause)


def _dialogue(dialogue: Mapping[str, Any]) -> Iterator[str]:
    yield f"  dialogue on {dialogue['theme']}, convened by {named(dialogue['convener'])}: {words(dialogue['status'])}"
    for number, step in enumerate(dialogue["steps"]):
        which = "the first step" if number == 0 else "a further step"
        status = "overdue" if step["overdue"] else words(step["status"])
        yield f"    {which}, of {named(step['organisation'])}, due {day(step['due'])}: {status}"


def _dossier(dossier: Mapping[str, Any]) -> str:
    left = len(dossier["openQuestions"])
    questions = f", {left} questions open" if left else ""
    return (
        f"  policy dossier on {dossier['theme']}, of {named(dossier['owner'])}: {words(dossier['status'])}{questions}"
    )


def _signals(network: Mapping[str, Any]) -> Iterator[str]:
    for signal in network["signals"]:
        reply = words(signal["reply"]) if signal["reply"] else "no answer yet"
        yield f"  signal of {network['name']} to {named(signal['to'])}: {reply}"


def _experiment(experiment: Mapping[str, Any]) -> str:
    found = f", {words(experiment['finding'])}" if experiment["finding"] else ""
    adopted = _together([one["organisation"] for one in experiment["adoptions"]])
    taken = f"; adopted by {adopted}" if adopted else ""
    by = _together(experiment["runBy"])
    return f"  experiment on {experiment['theme']}, of {by}: {words(experiment['status'])}{found}{taken}"


def _together(organisations: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(map(named, organisations))
