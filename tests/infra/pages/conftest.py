"""The pages of the demo story, served for real, and a browser to visit them with."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql

from graph.given import Asked
from infra.http.given import serving
from infra.pages.visiting import Site
from knelpunt.infra.demo.load import load_story
from knelpunt.infra.exporting.jobs import Access, Exports
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.logbook.security import key_record
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.postgres.embedded import EmbeddedServer
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.trail.folder import KEY, TrailFolder
from knelpunt.infra.trail.following import publisher_for

DEMO_LOCK = 0x6B6E6F64
"""Which advisory lock of the server is held while the template of the demo story is made."""

Clones = Callable[[str], AbstractContextManager[Callable[[], str]]]

CHROMIUM = Path("/usr/bin/chromium")

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class ThreadRunner:
    """Runs coroutines in a loop in a thread of its own: beside a browser's, which holds this thread's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@contextmanager
def _asked(url: str, issuer: DevelopmentIssuer) -> Iterator[Asked]:
    with closing(ThreadRunner()) as runner:
        asked = Asked(url, issuer, runner)  # pyright: ignore[reportArgumentType]  all that it needs of a runner
        yield asked
        asked.close()


@pytest.fixture(scope="session")
def demo_template(
    postgres_server: EmbeddedServer, registry_template: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with the demo story, projected, which sites clone; the first of all workers makes it."""
    name = f"demo_{registry_template}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (DEMO_LOCK,))
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            unfinished = sql.Identifier(f"{name}_unfinished")
            template = sql.Identifier(registry_template)
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(unfinished, template))
            admin.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO knelpunt_projector").format(unfinished))
            url = postgres_server.url(f"{name}_unfinished")
            with _asked(url, DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))) as asked:
                with closing(Registry(url)) as registry:
                    load_story(registry, asked.vault)
                asked.project()
            admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, sql.Identifier(name)))
    return name


@contextmanager
def _site(clones: Clones, template: str, folder: Path) -> Iterator[Site]:
    issuer = DevelopmentIssuer.at(folder)
    trail = TrailFolder(folder / "trail")
    with clones(template) as make:
        url = make()
        with _asked(url, issuer) as asked:
            record = key_record(url, "tests")
            with closing(publisher_for(trail, trail.path / KEY, "example.org/log", url, record)) as publisher:
                publisher.publish()
            exports = Exports(folder / "exports", Access(url, url, b"m" * 32))
            sign_in = SignIn(key=b"k" * 32, development=issuer)
            with serving(asked, sign_in, trail=trail, exports=exports, overseer_url=url) as address:
                yield Site(asked, f"http://{address}")


@pytest.fixture(scope="session")
def site(clones: Clones, demo_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages over the demo story, which all tests of pages share and only read."""
    with _site(clones, demo_template, tmp_path_factory.mktemp("issuer")) as found:
        yield found


@pytest.fixture
def own_site(clones: Clones, demo_template: str, tmp_path: Path) -> Iterator[Site]:
    """The pages over the demo story, for one test that records something."""
    with _site(clones, demo_template, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def bare_site(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages over a registry of a module's own, which is empty at first."""
    issuer = DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))
    with (
        _asked(shared_registry_url, issuer) as asked,
        serving(asked, SignIn(key=b"k" * 32, development=issuer)) as address,
    ):
        yield Site(asked, f"http://{address}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium for the tests of a module, each of which has its own context in it.

    Where CI runs its absence is a failure, elsewhere the tests that need it are skipped.
    """
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"There is no {CHROMIUM}: .ci/run installs it.")
        pytest.skip(f"There is no {CHROMIUM} to visit pages with: apt-get install chromium.")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()
