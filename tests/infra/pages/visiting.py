"""Visitors of the pages: over HTTP alone, as a browser without JavaScript, and in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from playwright.sync_api import Browser, Page

from graph.given import Asked
from infra.http.given import PLAIN

WAL = "urn:knelpunt:demo:wal"


@dataclass(eq=False)
class Site:
    """The pages at an address, and the registry behind them."""

    asked: Asked
    address: str

    @contextmanager
    def visitor(self, role: str = "INVESTIGATOR", organisation: str = WAL, **more: str) -> Iterator[httpx.Client]:
        """Somebody signed in, who has no JavaScript."""
        with httpx.Client(base_url=self.address, follow_redirects=True, timeout=60, verify=PLAIN) as client:
            csrf = csrf_of(client.get("/signin").text)
            form = {"csrf": csrf, "role": role, "organisation": organisation, **more}
            assert client.post("/signin", data=form).status_code == 200
            yield client

    @contextmanager
    def page(
        self,
        browser: Browser,
        role: str = "INVESTIGATOR",
        organisation: str = WAL,
        *,
        script: bool = True,
        width: int = 1440,
    ) -> Iterator["Watched"]:
        """Somebody signed in, in a browser; whatever goes wrong there, or leaves this address, is noted."""
        context = browser.new_context(
            base_url=self.address, java_script_enabled=script, viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        watched = Watched(page)
        page.on("console", lambda message: watched.wrong.append(message.text))
        page.on("pageerror", lambda error: watched.wrong.append(str(error)))
        page.on("request", lambda request: watched.note(request.url, self.address))
        page.goto("/signin")
        page.select_option("#role", role)
        page.select_option("#organisation", organisation)
        page.click("main button[type=submit]")
        yield watched
        context.close()


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    wrong: list[str] = field(default_factory=list[str])

    def note(self, asked: str, address: str) -> None:
        if not asked.startswith(address):
            self.wrong.append(f"left the origin: {asked}")


def csrf_of(html: str) -> str:
    """The CSRF token in a page's form."""
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found is not None, html
    return found[1]
