"""The pages of the demo story, served for real, and a browser to visit them with."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from graph.given import Asked
from infra.http.given import serving
from infra.pages.visiting import Site
from knelpunt.infra.demo.load import load_story
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.pages.signing_in import SignIn
from knelpunt.infra.store.registry import Registry

CHROMIUM = "/usr/bin/chromium"

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(shared_registry_url, tmp_path_factory) -> Iterator[Site]:
    """The pages over the demo story."""
    issuer = DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))
    with asyncio.Runner() as runner:
        asked = Asked(shared_registry_url, issuer, runner)
        registry = Registry(shared_registry_url)
        load_story(registry, asked.vault)
        registry.close()
        asked.project()
        with serving(asked, SignIn(key=b"k" * 32, development=issuer)) as address:
            yield Site(asked, f"http://{address}")
        asked.close()


@contextmanager
def _chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; where CI runs its absence is a failure, elsewhere the tests that need it are skipped."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("CI"):
            pytest.fail(f"There is no {CHROMIUM}: .ci/run installs it.")
        pytest.skip(f"There is no {CHROMIUM} to visit pages with: apt-get install chromium.")
    with sync_playwright() as playwright, _chromium(playwright) as found:
        yield found
