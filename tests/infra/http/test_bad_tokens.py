"""Tokens that must not count, sent to the real service: each is 401 in one sentence that gives nothing away."""

import base64
import json
from collections.abc import Callable, Iterator
from time import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm

from infra.http.given import PLAIN, Service
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.identity.development import ISSUER, KEY_ID, DevelopmentIssuer
from knelpunt.infra.identity.tokens import AUDIENCE, BadToken

SENTENCES = {
    "The token has expired; ask its issuer for a new one.",
    "The token is not valid yet; is a clock wrong?",
    "The token is not one that this registry accepts.",
    "The token is too long to be one of ours.",
    "The token does not say under which key it was signed.",
    "The token was signed under a key that its issuer does not publish.",
    "The token does not say who it is for: it needs sub, role, azp, jti, and an organisation's identifier.",
}
"""All that is ever said: nothing of the token, of the keys, or of whom and what is expected."""

ATTACKER = ec.generate_private_key(ec.SECP256R1())


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def good(**changes: Any) -> dict[str, Any]:
    """The claims of a token that counts, some changed; those that are none left out."""
    now = int(time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "azp": ISSUER, "sub": "somebody", "role": "AGENCY", "jti": "1"}
    claims |= {"organisation": "urn:org:GEMEENTE", "iat": now, "nbf": now, "exp": now + 600}
    return {name: value for name, value in (claims | changes).items() if value is not None}


class Forge:
    """Makes tokens: with the issuer's own key, where it is the content that is wrong, or with another."""

    def __init__(self, issuer: DevelopmentIssuer) -> None:
        self.issuer = issuer
        self.public = issuer.key.public_key()

    def header(self, **changes: Any) -> dict[str, Any]:
        given = {"alg": "ES256", "typ": "JWT", "kid": KEY_ID} | changes
        return {name: value for name, value in given.items() if value is not None}

    def raw(self, header: Any, claims: Any, key: ec.EllipticCurvePrivateKey | None = None) -> str:
        """A token with a right signature over whatever it holds."""
        signed = f"{part(header)}.{part(claims)}"
        algorithm = ECAlgorithm(ECAlgorithm.SHA256)
        return f"{signed}.{part(algorithm.sign(signed.encode(), key or self.issuer.key))}"

    def claiming(self, **changes: Any) -> str:
        return self.raw(self.header(), good(**changes))

    def headed(self, key: ec.EllipticCurvePrivateKey | None = None, **changes: Any) -> str:
        return self.raw(self.header(**changes), good(), key)

    def shared(self, secret: bytes, algorithm: str = "HS256") -> str:
        """A token under a shared secret, which is one that everybody knows."""
        signed = f"{part(self.header(alg=algorithm))}.{part(good())}"
        made = jwt.get_algorithm_by_name(algorithm)
        return f"{signed}.{part(made.sign(signed.encode(), secret))}"

    def pem(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def der(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def jwk(self, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
        return json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": KEY_ID}

    def rsa_signed(self) -> str:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return jwt.encode(good(), key, algorithm="RS256", headers={"kid": KEY_ID})

    def der_signature(self) -> str:
        """ECDSA as X.509 writes it, not as JWS does."""
        signed = f"{part(self.header())}.{part(good())}"
        return f"{signed}.{part(self.issuer.key.sign(signed.encode(), ec.ECDSA(SHA256())))}"

    def flipped(self) -> str:
        header, claims, signature = self.claiming().split(".")
        raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
        raw[0] ^= 1
        return f"{header}.{claims}.{part(bytes(raw))}"

    def promoted(self) -> str:
        """Somebody's own token, in which they gave themselves another role."""
        header, _, signature = self.claiming().split(".")
        return f"{header}.{part(good(role='ADMINISTRATOR'))}.{signature}"

    def twice(self) -> bytes:
        """Claims that say two things of one: whoever reads the first and whoever reads the last differ."""
        return json.dumps(good())[:-1].encode() + b', "role": "ADMINISTRATOR"}'


BAD: dict[str, Callable[[Forge], str]] = {
    "nothing in it": lambda f: "..",
    "garbage": lambda f: "nonsense",
    "three parts of garbage": lambda f: "a.b.c",
    "two parts": lambda f: f.claiming().rpartition(".")[0],
    "four parts": lambda f: f"{f.claiming()}.more",
    "five parts, as if encrypted": lambda f: ".".join([part({"alg": "dir", "enc": "A256GCM"}), *["AAAA"] * 4]),
    "said twice": lambda f: f"{f.claiming()} {f.claiming()}",
    "not ASCII": lambda f: f"é{f.claiming()}",
    "longer than any of ours": lambda f: f.claiming(sub="x" * 10_000),
    "alg none": lambda f: f"{part(f.header(alg='none'))}.{part(good())}.",
    "alg nOnE": lambda f: f"{part(f.header(alg='nOnE'))}.{part(good())}.",
    "alg none over a signature": lambda f: f.headed(alg="none"),
    "no signature": lambda f: f.claiming().rpartition(".")[0] + ".",
    "no alg": lambda f: f.headed(alg=None),
    "alg that is a list": lambda f: f.headed(alg=["ES256"]),
    "alg unknown": lambda f: f.headed(alg="XS256"),
    "alg ES512": lambda f: f.headed(alg="ES512"),
    "alg RS256 over a signature of ES256": lambda f: f.headed(alg="RS256"),
    "alg EdDSA": lambda f: f.headed(alg="EdDSA"),
    "another sort of key": lambda f: f.rsa_signed(),
    "the public key as a shared secret": lambda f: f.shared(f.pem()),
    "the public key, DER, as a shared secret": lambda f: f.shared(f.der()),
    "the public key, JWK, as a shared secret": lambda f: f.shared(json.dumps(f.jwk(f.issuer.key)).encode(), "HS512"),
    "an empty shared secret": lambda f: f.shared(b""),
    "another's key under the issuer's name": lambda f: f.headed(ATTACKER),
    "another's key, brought along": lambda f: f.headed(ATTACKER, jwk=f.jwk(ATTACKER)),
    "another's key, at an address": lambda f: f.headed(ATTACKER, jku="https://attacker.example/jwks.json"),
    "another's certificate, at an address": lambda f: f.headed(ATTACKER, x5u="https://attacker.example/cert.pem"),
    "another's certificate, brought along": lambda f: f.headed(ATTACKER, x5c=["MIIB"]),
    "no kid": lambda f: f.headed(kid=None),
    "a kid that is a number": lambda f: f.headed(kid=1),
    "an empty kid": lambda f: f.headed(kid=""),
    "an unknown kid": lambda f: f.headed(kid="2019"),
    "a kid that is a path": lambda f: f.headed(kid="../../../../dev/null"),
    "a kid that is SQL": lambda f: f.headed(kid="' OR 1=1 --"),
    "crit of what nobody knows": lambda f: f.raw(f.header() | {"crit": ["urn:else"], "urn:else": True}, good()),
    "crit that is empty": lambda f: f.headed(crit=[]),
    "a payload that is not encoded": lambda f: f.headed(crit=["b64"], b64=False),
    "a header that is a list": lambda f: f.raw([f.header()], good()),
    "a header that is no JSON": lambda f: f.raw(b"{", good()),
    "a header nested too deep": lambda f: f.raw(b'{"kid":' + b"[" * 2_500, good()),
    "a signature turned by a bit": lambda f: f.flipped(),
    "a signature cut short": lambda f: f.claiming()[:-20],
    "a signature in another form": lambda f: f.der_signature(),
    "a role given to oneself": lambda f: f.promoted(),
    "claims that are a list": lambda f: f.raw(f.header(), [good()]),
    "claims that are no JSON": lambda f: f.raw(f.header(), b"{'sub': 1}"),
    "claims that are no UTF-8": lambda f: f.raw(f.header(), b'{"sub": "\xff"}'),
    "claims nested too deep": lambda f: f.raw(f.header(), b'{"sub":' + b"[" * 4_000),
    "a claim said twice": lambda f: f.raw(f.header(), f.twice()),
    "another issuer": lambda f: f.claiming(iss="https://attacker.example"),
    "an issuer that is a list": lambda f: f.claiming(iss=[ISSUER]),
    "no issuer": lambda f: f.claiming(iss=None),
    "another audience": lambda f: f.claiming(aud="else"),
    "several audiences, none of them ours": lambda f: f.claiming(aud=["else", "other"]),
    "an audience that is a number": lambda f: f.claiming(aud=1),
    "no audience": lambda f: f.claiming(aud=None),
    "expired": lambda f: f.claiming(exp=int(time()) - 3_600),
    "expired since 1970": lambda f: f.claiming(exp=0),
    "no exp": lambda f: f.claiming(exp=None),
    "an exp that is a word": lambda f: f.claiming(exp="tomorrow"),
    "an exp that is a list": lambda f: f.claiming(exp=[int(time()) + 600]),
    "an exp that is infinite": lambda f: f.claiming(exp=float("inf")),
    "an exp that is no number": lambda f: f.claiming(exp=float("nan")),
    "an exp beyond all times": lambda f: f.claiming(exp=10**40),
    "valid from tomorrow": lambda f: f.claiming(nbf=int(time()) + 86_400),
    "no nbf": lambda f: f.claiming(nbf=None),
    "an nbf that is an object": lambda f: f.claiming(nbf={}),
    "made tomorrow": lambda f: f.claiming(iat=int(time()) + 86_400),
    "an iat that is a word": lambda f: f.claiming(iat="yesterday"),
    "no azp": lambda f: f.claiming(azp=None),
    "no jti": lambda f: f.claiming(jti=None),
    "a jti that is a number": lambda f: f.claiming(jti=1),
    "no sub": lambda f: f.claiming(sub=None),
    "an empty sub": lambda f: f.claiming(sub=""),
    "a sub with blanks": lambda f: f.claiming(sub="some body"),
    "a sub that is a number": lambda f: f.claiming(sub=1),
    "no role": lambda f: f.claiming(role=None),
    "a role that nobody has": lambda f: f.claiming(role="KING"),
    "several roles": lambda f: f.claiming(role=["AGENCY", "AUDITOR"]),
    "an organisation that is none": lambda f: f.claiming(organisation="no identifier"),
    "several organisations": lambda f: f.claiming(organisation=["urn:org:GEMEENTE", "urn:org:SVB"]),
    "a subject that is no id": lambda f: f.claiming(role="SUBJECT", subject="' OR 1=1"),
}


@pytest.fixture
def forge(service: Service) -> Iterator[Forge]:
    """Makes tokens for the service's own issuer; those that are as they should be count."""
    forge = Forge(service.issuer)
    assert service.post({"query": "{ __typename }"}, token=forge.claiming()).status_code == 200
    yield forge
    assert service.post({"query": "{ __typename }"}, token=forge.claiming()).status_code == 200


def test_forty_kinds_of_bad_token(service: Service, forge: Forge) -> None:
    """Eighty of them, each by itself, are 401 with one of seven sentences, and none of them an error of ours."""
    assert len(BAD) >= 80
    wrong: dict[str, Any] = {}
    with httpx.Client(base_url=f"http://{service.address}", timeout=20, verify=PLAIN) as client:
        for name, make in BAD.items():
            token = make(forge).encode()
            answer = client.post(
                "/graphql", json={"query": "{ viewer { role } }"}, headers={b"Authorization": b"Bearer " + token}
            )
            said = answer.json()["errors"] if answer.status_code == 401 else answer.text
            right = isinstance(said, list) and len(said) == 1 and said[0]["message"] in SENTENCES
            if not right or answer.headers.get("www-authenticate") != "Bearer" or set(answer.json()) != {"errors"}:
                wrong[name] = (answer.status_code, said)
    assert wrong == {}


def test_two_headers_are_none(service: Service, forge: Forge) -> None:
    """A good token beside another one does not count: nobody can tell which one a proxy has looked at."""
    both = [("Authorization", f"Bearer {forge.claiming()}"), ("Authorization", "Bearer else")]
    for headers in (both, both[::-1]):
        answer = httpx.post(
            f"http://{service.address}/graphql", json={"query": "{ __typename }"}, headers=headers, verify=PLAIN
        )
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("claim", "seconds", "counts"),
    [
        *(("exp", -59, True), ("exp", -61, False), ("nbf", 59, True), ("nbf", 61, False)),
        *(("iat", 59, True), ("iat", 61, False)),
    ],
)
def test_clocks_may_differ_by_less_than_a_minute(tmp_path, claim, seconds, counts) -> None:
    """59 seconds off counts, 61 do not, by a clock that has not struck the next second meanwhile."""
    issuer = DevelopmentIssuer.at(tmp_path)
    forge, verifier = Forge(issuer), issuer.verifier()
    for _ in range(100):
        second = int(time())
        token = forge.claiming(**{claim: second + seconds})
        try:
            said, counted = "", verifier.viewer(token).role is Role.AGENCY
        except BadToken as error:
            said, counted = str(error), False
        if int(time()) == second:
            assert counted is counts, said
            return
    pytest.fail("the machine is too slow to look at a token within a second")
