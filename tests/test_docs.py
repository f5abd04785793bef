"""What the documentation shows is what happens: its commands are run and its questions asked."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from graphql import TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, validate, visit
from websockets import Subprotocol
from websockets.sync.client import connect

from knelpunt.graphql.schema import SCHEMA
from knelpunt.infra.cli.main import app
from knelpunt.infra.pages.examples import FOLDER, GROUPS, text_of
from knelpunt.infra.rest.resources import RESOURCES
from knelpunt.infra.settings import VARIABLES
from knelpunt.infra.webhooks import signing

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
README = ROOT / "README.md"
ADDRESS = "127.0.0.1:8400"

BUILT_IN = {"ID", "Int", "Float", "String", "Boolean"}
"""Scalars of GraphQL itself."""

ANSWERS = r"\b(?:repeatOffenders|whoWaitsForWhom|solvedForOne|promisesKept|storiesRetold|whatHonestyCosts)\b"


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, what it holds, and what the block right after it holds."""

    kind: str
    text: str
    answer: str


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document; an answer is a block of JSON with nothing between it and what it answers."""
    found = re.findall(
        r"^```([a-z ]*)\n(.*?)^```\n(?:\n```json\n(.*?)^```$)?", path.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Block(*block) for block in found]


@dataclass
class Demo:
    """The demo, served: where, and with which settings."""

    address: str
    environment: dict[str, str]

    def shell(self, script: str) -> str:
        """What a script of the documentation prints, run from the root of the checkout."""
        outcome = subprocess.run(
            ["bash", "-eu", "-c", script.replace(ADDRESS, self.address)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert outcome.returncode == 0, f"{script}\n{outcome.stdout}\n{outcome.stderr}"
        return outcome.stdout

    @cached_property
    def token(self) -> str:
        """A token of somebody who may ask."""
        return self.shell("knelpunt token --role INVESTIGATOR --organisation urn:knelpunt:demo:wal").strip()

    def ask(self, document: str) -> dict:
        """GraphQL's response to a document."""
        request = urllib.request.Request(
            f"http://{self.address}/graphql",
            json.dumps({"query": document}).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def demo(demo_data: Path, copy_data: Callable[[Path, Path], None]) -> Iterator[Demo]:
    """The demo as ``knelpunt demo`` serves it, on a port of its own; it was loaded before."""
    folder = Path(tempfile.mkdtemp(prefix="knelpunt-docs-"))
    folder.chmod(0o711)
    copy_data(demo_data, folder / "data")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KNELPUNT_")}
    settings = {"KNELPUNT_DATA_DIR": str(folder / "data"), "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "110"}
    service = subprocess.Popen(
        [BIN / "knelpunt", "demo", "--port", "0"], env=kept | settings, stdout=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    served = (line for line in service.stdout if line.startswith("Serving on http://"))
    address = next(served, None)
    assert address, "the demo ended before it served"
    yield Demo(address.split()[2].removeprefix("http://"), kept | settings)
    service.terminate()
    service.communicate(timeout=30)
    assert service.returncode == 0
    shutil.rmtree(folder)


def examples(kind: str) -> list[Block]:
    """The blocks of the README of one kind."""
    return [block for block in blocks(README) if block.kind == kind]


def printed(demo: Demo, block: Block) -> str:
    """What the commands of a console block print, each below its own line."""
    commands = re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)
    return "".join(f"$ {command}\n{demo.shell(command)}" for command in commands)


def tour(demo: Demo, scripts: list[Block]) -> list[str]:
    """What each script of a tour prints, all of them in one shell."""
    mark = "---- next ----"
    script = "".join(f"{block.text}\necho '{mark}'\n" for block in scripts)
    return demo.shell(script).split(f"{mark}\n")[:-1]


def test_the_readme_shows_what_is_printed(demo: Demo) -> None:
    """Every command line in it, run on the demo, prints what stands below it."""
    shown = examples("console")
    assert len(shown) >= 3
    for block in shown:
        assert printed(demo, block) == block.text


def test_the_readme_asks_three_questions_and_has_their_answers(demo: Demo) -> None:
    """Through HTTP, answer for answer."""
    questions = examples("graphql")
    assert len(questions) == 3
    for block in questions:
        assert demo.ask(block.text) == json.loads(block.answer)


class _Met(Visitor):
    """Notes the types that a document meets."""

    def __init__(self, told: TypeInfo) -> None:
        super().__init__()
        self._told = told
        self.types: set[str] = set()

    def enter(self, *_: Any) -> None:
        for one in (self._told.get_type(), self._told.get_input_type(), self._told.get_parent_type()):
            if one is not None:
                self.types.add(get_named_type(one).name)


def types_met(document: str) -> set[str]:
    """The types of the schema that a question meets, which has to be a valid one."""
    parsed = parse(document)
    assert validate(SCHEMA, parsed) == [], document
    told = TypeInfo(SCHEMA)
    met = _Met(told)
    visit(parsed, TypeInfoVisitor(told, met))
    return met.types


def test_every_type_is_met_in_an_example() -> None:
    """Some question of the documents meets each type but those of commands, whose pattern is told; each is named."""
    documents = [README, *(ROOT / "docs" / f"{name}.md" for name in ("answers", "dialogues", "trail", "graphql"))]
    met = {
        name
        for path in documents
        for block in blocks(path)
        if block.kind == "graphql"
        for name in types_met(block.text)
    }
    text = (ROOT / "docs" / "graphql.md").read_text("utf-8")
    assert SCHEMA.mutation_type is not None
    commands = set(SCHEMA.mutation_type.fields)
    patterns = {f"{name[0].upper()}{name[1:]}{part}" for name in commands for part in ("Input", "Payload", "Result")}
    assert {name for name in SCHEMA.type_map if not name.startswith("__")} - met - patterns == set()
    assert set(re.findall(r"`([a-z]\w+)`", text)) >= commands
    prose = "".join(path.read_text("utf-8") for path in documents)
    own = {name for name in met - patterns - BUILT_IN if not name.endswith(("Connection", "Edge"))}
    assert {name for name in own if not re.search(rf"\b{name}\b", prose)} == set()


def test_the_questions_of_the_documents_are_on_the_page() -> None:
    """Each question of the documents stands among the examples of the page *Ask*, as it is there."""
    documents = [README, *(ROOT / "docs").glob("*.md")]
    told = {block.text for path in documents for block in blocks(path) if block.kind == "graphql"}
    offered = [name for _, questions in GROUPS for _, name in questions]
    assert sorted(offered) == sorted(path.stem for path in FOLDER.iterdir())
    assert {text for text in told if text.startswith("{")} <= {f"{text_of(name)}\n" for name in offered}


def test_the_examples_of_every_type_have_answers(demo: Demo) -> None:
    """Each question of docs/graphql.md is answered without an error, each command refused, and gaps are told of."""
    questions = [block.text for block in blocks(ROOT / "docs" / "graphql.md") if block.kind == "graphql"]
    (subscription,) = (text for text in questions if text.startswith("subscription"))
    for text in questions:
        if text == subscription:
            continue
        answer = demo.ask(text)
        assert "errors" not in answer, (text, answer)
        if text.startswith("mutation"):
            assert all(one["code"] for one in answer["data"].values())
    begun = demo.ask('{ registry(asOf: "2024-06-01T00:00:00Z", knownAt: "2024-06-01T00:00:00Z") { gapCursor } }')
    after = begun["data"]["registry"]["gapCursor"]
    with connect(f"ws://{demo.address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {demo.token}"}}))
        assert json.loads(socket.recv(30))["type"] == "connection_ack"
        payload = {"query": subscription, "variables": {"after": after}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        told = json.loads(socket.recv(30))
        assert told["payload"]["data"]["gapOpened"]["gap"]["case"]["reference"].startswith("DEMO-"), told


def test_what_is_asked_of_dialogues_has_answers(demo: Demo) -> None:
    """Every question of docs/dialogues.md is one; each finds something in the demo, save that on investigations."""
    questions = [block.text for block in blocks(ROOT / "docs/dialogues.md") if block.kind == "graphql"]
    assert len(questions) == 8
    for question in questions:
        answer = demo.ask(question)
        assert "errors" not in answer, answer
        ((field, found),) = answer["data"]["registry"].items()
        assert found["nodes"] or field == "investigations", question


def test_the_answers_are_those_of_the_document(demo: Demo) -> None:
    """docs/answers.md has a question for each of the six, answer for answer, and says what it does not say."""
    document = ROOT / "docs/answers.md"
    questions = [block for block in blocks(document) if block.kind == "graphql"]
    asked = {field for block in questions for field in re.findall(ANSWERS, block.text)}
    assert len(asked) == len(questions) == document.read_text("utf-8").count("**What it does not say.**") == 6
    for block in questions:
        assert demo.ask(block.text) == json.loads(block.answer), block.text


def test_the_tour_goes_as_the_readme_says(demo: Demo) -> None:
    """With curl alone from an empty case to a gap; the subscription tells of each event, as it is recorded."""
    (follow,) = examples("sh follow")
    # Its last command takes the shell's place, so that stopping it stops the one that follows.
    script = follow.text.replace(".venv/bin", str(BIN)).replace(f"{BIN}/python", f"exec {BIN}/python")
    environment = demo.environment | {"ADDRESS": f"ws://{demo.address}/graphql"}
    following = subprocess.Popen(["bash", "-euc", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert following.stdout is not None
        assert following.stdout.readline() == "following\n"
        for block, said in zip(examples("sh"), tour(demo, examples("sh")), strict=True):
            assert bool(said) == bool(block.answer), f"{block.text}\n{said}"
            assert not said or json.loads(said) == json.loads(block.answer)
        told = [following.stdout.readline().partition(" ")[2].strip() for _ in range(8)]
    finally:
        following.terminate()
        following.communicate()
    assert told == [
        "Wijkteam Voorbeeld is now registered.",
        "Zorgkantoor Voorbeeld is now registered.",
        "Verzekeraar Voorbeeld is now registered.",
        "Wijkteam Voorbeeld opened case EV9MD-K9FM5; a professional noticed it first.",
        "An obstacle met at Wijkteam Voorbeeld was reported; Wijkteam Voorbeeld holds it.",
        "Wijkteam Voorbeeld asked Zorgkantoor Voorbeeld to take the obstacle over.",
        (
            "Zorgkantoor Voorbeeld refused to take the obstacle over: it is not competent. "
            "Verzekeraar Voorbeeld was named as a better place."
        ),
        "Wijkteam Voorbeeld referred the subject to Verzekeraar Voorbeeld and let go of the obstacle.",
    ]


def test_one_obstacle_is_taken_to_its_cause_as_the_document_says(demo: Demo) -> None:
    """docs/learning.md with curl alone: cause, escalation, dialogue, action team, measure and evaluation."""
    scripts = [block for block in blocks(ROOT / "docs" / "learning.md") if block.kind == "sh"]
    assert "docs/learning.md" in README.read_text("utf-8")
    for block, said in zip(scripts, tour(demo, scripts), strict=True):
        assert bool(said) == bool(block.answer), f"{block.text}\n{said}"
        assert not said or json.loads(said) == json.loads(block.answer), block.text
    told = "".join(block.text for block in scripts)
    parts = "identifyCause linkObstacle escalateCause answerEscalation conveneDialogue formActionTeam completeStep"
    assert all(command in told for command in (*parts.split(), "chooseFirstStep", "commitMeasure", "evaluateMeasure"))


def test_an_auditor_can_do_as_the_document_says(demo: Demo) -> None:
    """docs/trail.md from the first command to the last, in one shell; what must be verified is."""
    document = blocks(ROOT / "docs" / "trail.md")
    said = demo.shell("".join(block.text for block in document if block.kind == "sh"))
    assert said.count("Verified: ") == 3
    assert "\n8192\n" in said
    assert "All is well: " in said
    (question,) = (block for block in document if block.kind == "graphql")
    log = demo.ask(question.text)["data"]["log"]
    assert log["checkpoint"]["size"] > 100
    assert log["consistency"]["hashes"]


def test_a_receiver_tells_what_is_genuine_as_the_document_says() -> None:
    """The lines of docs/integrating.md take what the sender signs, by either of two secrets, and nothing else."""
    (example,) = (block.text for block in blocks(ROOT / "docs/integrating.md") if block.kind == "python")
    defined: dict[str, Any] = {}
    exec(example, defined)
    is_genuine = defined["is_genuine"]
    secrets, body, now = (b"new" * 10, b"old" * 10), b'{"specversion": "1.0"}', datetime.now(UTC)
    sent = signing.headers(secrets, "msg_1", now, body)
    assert all(is_genuine(sent, body, signing.shown(secret)) for secret in secrets)
    assert not is_genuine(sent, body, signing.shown(b"other" * 6))
    assert not is_genuine(sent, body + b" ", signing.shown(secrets[0]))
    assert not is_genuine(sent | {"webhook-id": "msg_2"}, body, signing.shown(secrets[0]))
    late = signing.headers(secrets, "msg_1", now - timedelta(minutes=6), body)
    assert not is_genuine(late, body, signing.shown(secrets[0]))


def test_rest_is_asked_as_the_document_says(demo: Demo) -> None:
    """The question of docs/integrating.md finds a gap in the demo; its table has each address and each parameter."""
    document = ROOT / "docs/integrating.md"
    (script,) = (block.text for block in blocks(document) if block.kind == "sh" and "curl" in block.text)
    found = json.loads(demo.shell(f"TOKEN={demo.token}\n{script}"))
    assert [gap["kind"] for gap in found["items"]] == ["NOBODYS_JOB"]
    rows = re.findall(r"^\| `(/[^`]*)` \| [^|]*\| ([^|]*)\|$", document.read_text("utf-8"), re.MULTILINE)
    told = {path: set(re.findall(r"`(\w+)`", names)) for path, names in rows}
    common = {"asOf", "knownAt", "pageSize", "after"}
    assert told == {one.path: {each.name for each in one.parameters} - common for one in RESOURCES}


def test_the_documents_name_every_command() -> None:
    """A command that no document names is found by nobody."""
    commands = [command.name for command in (*app.registered_commands, *app.registered_groups)]
    assert len(commands) == 21
    for document in (ROOT / "docs" / "operating.md", ROOT / "CHANGELOG.md"):
        text = document.read_text("utf-8")
        assert [name for name in commands if not re.search(rf"`(knelpunt )?{name}`", text)] == []


def test_the_documents_name_every_setting_and_no_other() -> None:
    """Settings that are read, settings that are described: the same."""
    described = set(re.findall(r"KNELPUNT_[A-Z_]+", (ROOT / "docs" / "operating.md").read_text("utf-8")))
    assert described == set(VARIABLES)


def test_the_architecture_names_files_that_exist() -> None:
    """A newcomer is sent to no place that has moved."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`((?:domain|projections|graphql|infra)/[\w./]*)`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "document", ["README.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    """Every document that another one names is there."""
    text = (ROOT / document).read_text("utf-8")
    named = re.findall(r"(?:docs|decisions)/[\w./-]+\.(?:md|toml|csv|py)|\b[\w-]+\.md\b", text)
    missing = [name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "docs"))]
    assert missing == []


def test_each_threat_names_a_test_that_there_is() -> None:
    """A defence that no test shows is a hope."""
    text = (ROOT / "docs" / "threats.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| what"))]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row) for row in rows]
    assert len(rows) > 20
    assert all(named), rows
    missing = [
        f"{found[1]}::{found[2]}"
        for found in named
        if found is not None
        and not ((ROOT / found[1]).exists() and f"def {found[2]}(" in (ROOT / found[1]).read_text("utf-8"))
    ]
    assert missing == []
