"""Signing in at a real issuer: a small one of our own, which does what the flow asks of it and nothing for free."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from graph.given import Asked
from infra.http.given import serving
from knelpunt.infra.identity.development import DevelopmentIssuer
from knelpunt.infra.identity.tokens import Verifier
from knelpunt.infra.pages.oidc import AtIssuer
from knelpunt.infra.pages.sessions import Session, Sessions
from knelpunt.infra.pages.signing_in import SignIn

CLIENT = "knelpunt"


@dataclass
class Issuer:
    """What the issuer remembers of each code it gave, and what it gets wrong on purpose."""

    address: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    wrong: dict[str, Any] = field(default_factory=dict[str, Any])

    def keys(self, kid: str) -> Any:
        return {"one": self.key.public_key()}[kid]

    def signed(self, **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": self.address, "sub": "clerk-7", "iat": now, "nbf": now, "exp": now + 600, **claims}
        return jwt.encode(given, self.key, "ES256", {"kid": "one"})

    def authorize(self, query: dict[str, str]) -> str:
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if challenge != asked["code_challenge"]:
            return None
        claims = {"aud": CLIENT, "nonce": asked["nonce"]} | self.wrong
        access = self.signed(
            aud="knelpunt", azp=CLIENT, jti=form["code"], role="AGENCY", organisation="urn:org:gemeente"
        )
        return {"access_token": access, "token_type": "Bearer", "id_token": self.signed(**claims)}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/.well-known/openid-configuration":
                endpoints = {"authorization_endpoint": "/authorize", "token_endpoint": "/token"}
                self._send(200, {"issuer": found.address, **{n: found.address + p for n, p in endpoints.items()}})
            else:
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._send(302, None, found.authorize(query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            answer = found.exchange({name: values[0] for name, values in parse_qs(body).items()})
            self._send(200 if answer else 400, answer or {"error": "invalid_grant"})

        def _send(self, status: int, content: Any, location: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(registry_url, tmp_path, issuer) -> Iterator[httpx.Client]:
    """A browser at a registry whose visitors sign in at the issuer."""
    with asyncio.Runner() as runner:
        asked = Asked(registry_url, DevelopmentIssuer.at(tmp_path), runner)
        asked.organisations()
        asked.project()
        # The registry is told where browsers reach it before it listens: here they go where it turns out to be.
        at_issuer = AtIssuer(issuer.address, CLIENT, None, "http://registry.test", issuer.keys)
        verifier = Verifier(issuer.address, issuer.keys)
        sign_in = SignIn(key=b"s" * 32, public_url="http://registry.test", at_issuer=at_issuer)
        with serving(asked, sign_in, verifier=verifier, development=False) as address:
            transport = httpx.HTTPTransport()
            mounts = {"http://registry.test": _Rerouted(transport, address)}
            with httpx.Client(base_url="http://registry.test", mounts=mounts, timeout=60) as found:
                yield found
        asked.close()


class _Rerouted(httpx.BaseTransport):
    """Sends what is for one host to an address of this machine."""

    def __init__(self, transport: httpx.BaseTransport, address: str) -> None:
        self._transport = transport
        self._address = address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host, _, port = self._address.partition(":")
        url = request.url.copy_with(host=host, port=int(port))
        # A request of its own: the cookies are for the host that was asked.
        return self._transport.handle_request(
            httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        )


def test_there_and_back(client):
    """A visitor goes to the issuer, comes back as who it says, to the page they wanted, with a session of their own."""
    assert "/signin/start?back=%2Finbox" in client.get("/signin?back=/inbox").text
    going = client.get("/signin/start?back=/inbox")
    assert going.status_code == 303
    back = client.get(going.headers["location"])
    landed = client.get(back.headers["location"])
    assert (landed.status_code, landed.headers["location"]) == (303, "/inbox")
    assert "Inbox van Gemeente Ergens" in client.get("/inbox").text
    # A code counts once.
    assert client.get(back.headers["location"]).status_code == 400


def test_a_sign_in_that_was_not_begun_here(client, issuer):
    """A code that somebody else got, or that comes back with another state, signs nobody in."""
    going = client.get("/signin/start")
    back = httpx.get(going.headers["location"]).headers["location"]
    query = urlsplit(back).query
    client.cookies.clear()
    assert client.get(f"/signin/callback?{query}").status_code == 400
    client.get("/signin/start")
    assert client.get(f"/signin/callback?{query}").status_code == 400
    assert client.get("/inbox").status_code == 303


@pytest.mark.parametrize("wrong", [{"nonce": "other"}, {"aud": "other"}, {"iss": "http://other"}, {"exp": 1}], ids=str)
def test_an_id_token_for_somebody_else(client, issuer, wrong):
    """An ID token with another nonce, client, issuer or time is no answer to this sign-in."""
    issuer.wrong = wrong
    back = client.get(client.get("/signin/start").headers["location"]).headers["location"]
    answer = client.get(back)
    assert answer.status_code == 400
    assert "hoorde niet bij deze inlogpoging" in answer.text
    assert client.get("/inbox").status_code == 303


def test_the_visitor_said_no(client):
    """Who comes back with an error, or whose issuer is gone, is told so in a sentence."""
    client.get("/signin/start")
    answer = client.get("/signin/callback?error=access_denied&state=x")
    assert answer.status_code == 400
    assert "log opnieuw in" in answer.text


def test_over_tls_the_cookie_is_for_the_host_alone():
    """Where pages are reached over https, the cookie is secure and bound to the host."""
    from starlette.responses import Response

    response = Response()
    Sessions(b"k" * 32, secure=True).write(response, Session("c"))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-knelpunt-session=")
    assert "; Secure" in cookie
    assert "Domain" not in cookie
