"""The pages of the demo story, served for real, and a browser to visit them with."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from graph.given import Asked
from infra.http.given import serving
from infra.pages.visiting import Site
from knelpunt.infra.demo.load import load_story
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.logbook.security import key_record
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.store.registry import Registry
from knelpunt.infra.trail.folder import KEY, TrailFolder
from knelpunt.infra.trail.following import publisher_for

CHROMIUM = Path("/usr/bin/chromium")

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def _site(url: str, folder: Path) -> Iterator[Site]:
    issuer = DevelopmentIssuer.at(folder)
    trail = TrailFolder(folder / "trail")
    with asyncio.Runner() as runner:
        asked = Asked(url, issuer, runner)
        with closing(Registry(url)) as registry:
            load_story(registry, asked.vault)
        asked.project()
        with closing(
            publisher_for(trail, trail.path / KEY, "example.org/log", url, key_record(url, "tests"))
        ) as publisher:
            publisher.publish()
        with serving(asked, SignIn(key=b"k" * 32, development=issuer), trail=trail) as address:
            yield Site(asked, f"http://{address}")
        asked.close()


@pytest.fixture(scope="module")
def site(shared_registry_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages over the demo story, which the tests of a module share and only read."""
    with _site(shared_registry_url, tmp_path_factory.mktemp("issuer")) as found:
        yield found


@pytest.fixture
def own_site(new_registry: Callable[[], str], tmp_path: Path) -> Iterator[Site]:
    """The pages over the demo story, for one test that records something."""
    with _site(new_registry(), tmp_path) as found:
        yield found


# A browser for each test, after the site: while one runs, no other event loop can in the same thread.
@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless Chromium; where CI runs its absence is a failure, elsewhere the tests that need it are skipped."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"There is no {CHROMIUM}: .ci/run installs it.")
        pytest.skip(f"There is no {CHROMIUM} to visit pages with: apt-get install chromium.")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()
