"""Exports over HTTP: asked for, made aside, and fetched whole or in pieces by who asked for them and nobody else."""

import asyncio
import csv
import io
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from graph.given import GEMEENTE, SVB, ZORG, Asked, Story
from infra.http.given import PLAIN, serving
from infra.pages.visiting import csrf_of
from knelpunt.domain.vocabulary import Role
from knelpunt.graphql.ports import Asker
from knelpunt.infra.exporting import jobs
from knelpunt.infra.exporting.errors import NO_ARROW
from knelpunt.infra.exporting.export import Format
from knelpunt.infra.exporting.jobs import Access, Exports, Stage
from knelpunt.infra.http.exports import NOT_ON_RECORD
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.logbook.processing import Reading, readings
from knelpunt.infra.logbook.security import SecurityLog
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.rest.resources import BASE
from knelpunt.infra.store.connection import Principal

SECONDS_MAX = 60
MASTER = b"m" * 32


class Desk:
    """A service over two cases: one that the gemeente and the SVB share, and one of the zorg alone."""

    def __init__(self, asked: Asked, issuer: DevelopmentIssuer, address: str, folder: Path) -> None:
        self.asked, self.issuer, self.folder = asked, issuer, folder
        self.client = httpx.Client(base_url=f"http://{address}", timeout=30, verify=PLAIN)

    def headers(self, organisation: str = GEMEENTE, role: Role = Role.AGENCY) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(role, organisation)}"}

    def ask(self, method: str, path: str, organisation: str = GEMEENTE, **headers: str) -> httpx.Response:
        return self.client.request(method, f"{BASE}/exports{path}", headers=self.headers(organisation) | headers)

    def made(self, format_: Format, organisation: str = GEMEENTE) -> dict[str, Any]:
        """What is told of an export that was asked for and is done."""
        begun = self.ask("PUT", f"/{format_}", organisation)
        assert (begun.status_code, begun.headers["location"]) == (202, f"{BASE}/exports/{format_}"), begun.text
        return self.done(format_, organisation)

    def ready(self, format_: Format) -> None:
        """See to it that there is one: making each anew would take a second each time."""
        if self.ask("GET", f"/{format_}").status_code == 404:
            assert self.made(format_)["stage"] == Stage.READY

    def done(self, format_: Format, organisation: str = GEMEENTE) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            found = self.ask("GET", f"/{format_}", organisation).json()
            if found["stage"] != Stage.MAKING:
                return found
            time.sleep(0.05)
        raise AssertionError(found)


@pytest.fixture(scope="module")
def desk(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("exports")
    issuer = DevelopmentIssuer.at(Path(tmp_path_factory.mktemp("issuer")))
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, issuer, runner)
        asked.organisations()
        for agency in (GEMEENTE, ZORG):
            clerk = Asker(agency, Role.AGENCY, "clerk", datetime.now(UTC) + timedelta(hours=1))
            asked.project()
            story = Story(asked, 100, clerk, title=f"Titel van {agency}")
            asked.project()
            obstacle = story.report(1, asker=clerk, experiencedAt=agency, receivedBy=agency, story="Niemand belt terug")
            asked.project()
            if agency == GEMEENTE:
                story.done("offerHandoff", 2, asker=clerk, obstacle=obstacle, to=SVB)
        asked.project()
        exports = Exports(folder, Access(shared_registry_url, shared_registry_url, MASTER))
        with serving(asked, SignIn(key=b"k" * 32, development=issuer), exports=exports) as address:
            yield Desk(asked, issuer, address, folder)
        asked.close()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Somebody else holds a lock, in a process of their own, until the end of the block."""
    with subprocess.Popen(["flock", path, "sh", "-c", "echo held; cat"], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate()


@pytest.mark.parametrize(
    "format_",
    [Format.CSV, *(pytest.param(one, marks=pytest.mark.long) for one in Format if one is not Format.CSV)],
    ids=str,
)
def test_it_is_made_and_fetched_under_the_readers_rights(desk: Desk, format_: Format) -> None:
    """Each format, as who asks may see it: whole, of the length and digest that were told, and no other's case."""
    told = desk.made(format_)
    assert told["stage"] == Stage.READY, told
    answer = desk.ask("GET", f"/{format_}/file")
    content = answer.content
    assert answer.status_code == 200
    assert (len(content), sha256(content).hexdigest()) == (told["file"]["bytes"], told["file"]["sha256"])
    assert answer.headers["etag"] == f'"{told["file"]["sha256"]}"'
    assert int(answer.headers["content-length"]) == len(content)
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert told["file"]["events"] >= 3
    if format_ is Format.CSV:
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        assert (len(rows), len({row["case"] for row in rows})) == (3, 1)
    assert ZORG.encode() not in content or format_ in {Format.CLOUDEVENTS, Format.OCEL2}


def test_only_who_asked_for_it_gets_it(desk: Desk) -> None:
    """Another organisation, another role or user of the same one, or nobody at all finds nothing there."""
    desk.ready(Format.CSV)
    assert desk.ask("GET", "/csv/file", SVB).status_code == 404
    assert desk.ask("GET", "", SVB).json()["items"] == []
    team = desk.headers(role=Role.SOLUTION_TEAM)
    assert desk.client.get(f"{BASE}/exports/csv/file", headers=team).status_code == 404
    assert desk.client.get(f"{BASE}/exports/csv/file").status_code == 401
    assert desk.client.put(f"{BASE}/exports/csv").status_code == 401
    assert {path.stat().st_mode & 0o077 for path in desk.folder.iterdir()} == {0}


def test_it_goes_on_where_a_download_broke_off(desk: Desk) -> None:
    """A part by Range, while the file is the same by its ETag; once it is another, the whole of that."""
    desk.ready(Format.CSV)
    whole = desk.ask("GET", "/csv/file")
    tag = whole.headers["etag"]
    rest = desk.ask("GET", "/csv/file", **{"Range": "bytes=100-", "If-Range": tag})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert rest.headers["content-range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    other = desk.ask("GET", "/csv/file", **{"Range": "bytes=100-", "If-Range": '"of another"'})
    assert (other.status_code, other.content) == (200, whole.content)
    assert desk.ask("GET", "/csv/file", Range="bytes=9999999-").status_code == 416
    head = desk.ask("HEAD", "/csv/file")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


def test_it_is_on_record_before_anything_leaves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for one and who fetches it stand in the security log, each person in it in the processing log."""
    since = datetime.now(UTC)
    desk.made(Format.CSV)
    desk.ask("GET", "/csv/file")
    with psycopg.connect(desk.asked.url) as connection:
        noted = connection.execute(
            "SELECT object FROM logbook.security WHERE object LIKE '%% csv' AND \"time\" >= %s", (since,)
        ).fetchall()
    assert {row[0] for row in noted} == {"export csv", "download csv"}
    found = readings(desk.asked.url, desk.asked.vault, since=since, most=100)
    assert [record.organisation for record in found if record.name == "export csv"] == [GEMEENTE]

    def fails(*_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(SecurityLog, "record", fails)
    for method, path in (("PUT", "/csv"), ("GET", "/csv/file")):
        answer = desk.ask(method, path)
        assert (answer.status_code, answer.json()["detail"]) == (503, NOT_ON_RECORD)
        assert "retry-after" in answer.headers


def test_as_many_as_may_at_a_time(desk: Desk) -> None:
    """One at a time for each asker, and two for all; asking again for what is being made is asking once."""
    for number in range(jobs.MAKING_MAX):
        (desk.folder / f"{jobs.LOCK}-{number}").touch()
    with held(desk.folder / f"{jobs.LOCK}-0"), held(desk.folder / f"{jobs.LOCK}-1"):
        answer = desk.ask("PUT", "/csv")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
    desk.ready(Format.CSV)
    (owner,) = {path.parent for path in desk.folder.glob("*/lock") if (path.parent / "csv").exists()} & {
        path.parent for path in desk.folder.glob("*/asked.json") if b"csv" in path.read_bytes()
    }
    with held(owner / jobs.LOCK):
        assert desk.ask("PUT", "/csv").json()["stage"] == Stage.MAKING
        assert desk.ask("PUT", "/xes").status_code == 429
        assert desk.ask("DELETE", "/csv").status_code == 429
        assert desk.ask("GET", "/csv/file").status_code == 404
    assert desk.ask("DELETE", "/csv").status_code == 204
    assert desk.ask("GET", "/csv").status_code == 404
    assert desk.ask("PATCH", "/csv").headers["allow"] == "DELETE, GET, HEAD, PUT"
    assert desk.ask("PUT", "/word").status_code == 404


def test_killed_while_it_is_made_it_is_not_there_and_goes_on(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is killed leaves no file that could be fetched, says that it broke off, and is gone on with."""
    exports = Exports(tmp_path, Access(desk.asked.url, desk.asked.url, MASTER))
    me = Principal(Role.AGENCY, GEMEENTE, "clerk")
    reading = Reading(actor="clerk", role=Role.AGENCY, organisation=GEMEENTE, name="export csv")
    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(jobs, "_await", started.append)
    exports.begin(me, reading, Format.CSV)
    while not started:
        time.sleep(0.01)
    os.kill(started[0].pid, signal.SIGKILL)
    started[0].communicate()
    monkeypatch.undo()
    found = exports.found(me, Format.CSV)
    assert found is not None
    assert (found.stage, found.path) == (Stage.FAILED, None)
    exports.begin(me, reading, Format.CSV)
    deadline = time.monotonic() + SECONDS_MAX
    while (found := exports.found(me, Format.CSV)) is not None and found.stage is Stage.MAKING:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found is not None
    assert found.made is not None
    assert found.made.report.events == 3


def test_nobody_comes_for_it(desk: Desk, tmp_path: Path) -> None:
    """After an hour it is not given any more, and soon it is gone."""
    exports = Exports(tmp_path, Access(desk.asked.url, desk.asked.url, MASTER))
    me = Principal(Role.AGENCY, GEMEENTE, "clerk")
    reading = Reading(actor="clerk", role=Role.AGENCY, organisation=GEMEENTE, name="export csv")
    exports.begin(me, reading, Format.CSV)
    deadline = time.monotonic() + SECONDS_MAX
    while (found := exports.found(me, Format.CSV)) is None or found.made is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (note,) = tmp_path.glob(f"*/csv/{jobs.MADE}")
    old = msgspec.structs.replace(found.made, at=found.made.at - jobs.KEPT - jobs.LINGERS - timedelta(seconds=1))
    note.write_bytes(msgspec.json.encode(old))
    assert exports.found(me, Format.CSV) is None
    exports.sweep()
    assert not note.parent.exists()


def test_without_pyarrow_it_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet where the library is not: one sentence that says what to install."""
    monkeypatch.setattr(jobs, "find_spec", lambda _: None)
    answer = desk.ask("PUT", "/parquet")
    assert (answer.status_code, answer.json()["detail"]) == (404, NO_ARROW)


def test_on_the_page(desk: Desk) -> None:
    """Without JavaScript: asked for by a button, looked for by a link, fetched by another; no other site's form."""
    with httpx.Client(base_url=desk.client.base_url, follow_redirects=True, timeout=60, verify=PLAIN) as visitor:
        signing = {"csrf": csrf_of(visitor.get("/signin").text), "role": "AGENCY", "organisation": SVB}
        assert visitor.post("/signin", data=signing).status_code == 200
        page = visitor.get("/exports").text
        assert "Meenemen" in page
        assert visitor.post("/exports", data={"csrf": "guessed", "format": "xes"}).status_code == 403
        assert visitor.post("/exports", data={"csrf": csrf_of(page), "format": "word"}).status_code == 404
        page = visitor.post("/exports", data={"csrf": csrf_of(page), "format": "xes", "do": "make"}).text
        deadline = time.monotonic() + SECONDS_MAX
        while "/exports/xes/file" not in page:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            page = visitor.get("/exports").text
        assert b"handoff-offered" in visitor.get("/exports/xes/file").content
        page = visitor.post("/exports", data={"csrf": csrf_of(page), "format": "xes", "do": "drop"}).text
        assert "/exports/xes/file" not in page
        assert visitor.get("/exports/xes/file").status_code == 404


def test_a_service_shows_no_secret_of_itself() -> None:
    """Neither the address of the database nor the master key is in what says how to get to the registry."""
    assert repr(Access("postgresql://u:secret@h/d", "postgresql://u:secret@h/d", MASTER)) == "Access(…)"


def test_why_none_begins_is_said_in_dutch(desk: Desk, tmp_path: Path) -> None:
    """Where the system lets no file be made, the page says so in its own language, and nothing of the system."""
    there = tmp_path / "exports"
    exports = Exports(there, Access(desk.asked.url, desk.asked.url, MASTER))
    sign_in = SignIn(key=b"k" * 32, development=desk.issuer)
    with (
        serving(desk.asked, sign_in, exports=exports) as address,
        httpx.Client(base_url=f"http://{address}", follow_redirects=True, timeout=60, verify=PLAIN) as visitor,
    ):
        signing = {"csrf": csrf_of(visitor.get("/signin").text), "role": "AGENCY", "organisation": SVB}
        assert visitor.post("/signin", data=signing).status_code == 200
        form = {"csrf": csrf_of(visitor.get("/exports").text), "format": "xes", "do": "make"}
        there.write_text("no folder")
        answer = visitor.post("/exports", data=form)
    assert answer.status_code == 503
    assert "Er kan nu geen export beginnen: vraag het later opnieuw." in answer.text
    assert "exists" not in answer.text
