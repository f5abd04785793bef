"""Tokens: what counts, and what does not."""

import json
from time import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from knelpunt.domain.vocabulary import Role
from knelpunt.infra.identity import published, tokens
from knelpunt.infra.identity.development import FILE_NAME, ISSUER, KEY_ID, DevelopmentIssuer, IssuerKeyError
from knelpunt.infra.identity.tokens import AUDIENCE, BadToken

OFFICE = "00000000000000000042"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return DevelopmentIssuer.at(tmp_path_factory.mktemp("issuer"))


def claims(**changes):
    now = int(time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "azp": ISSUER,
        "sub": "somebody",
        "role": "AGENCY",
        "organisation": OFFICE,
        "nbf": now,
        "exp": now + 600,
        "jti": "1",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(issuer, *, key=None, algorithm="ES256", kid=KEY_ID, **changes):
    return jwt.encode(claims(**changes), key or issuer.key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def test_a_token_says_who_it_is(issuer):
    """Role, organisation and pseudonym come from the token, and make the actor of commands."""
    viewer = issuer.verifier().viewer(issuer.token(Role.AGENCY, OFFICE, "clerk"))
    assert (viewer.role, viewer.organisation, viewer.user) == (Role.AGENCY, OFFICE, "clerk")
    actor = viewer.actor()
    assert actor is not None
    assert actor.organisation == OFFICE


def test_who_acts_for_no_organisation_records_nothing(issuer):
    """An auditor's token names no organisation, and gives no actor."""
    assert issuer.verifier().viewer(issuer.token(Role.AUDITOR, None)).actor() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "urn:else"},
        {"aud": "else"},
        {"kid": None},
        {"kid": "unknown"},
        {"role": "KING"},
        {"organisation": "no identifier"},
        {"sub": "has space"},
        *({name: None} for name in ("iss", "aud", "azp", "exp", "nbf", "jti", "sub", "role")),
    ],
)
def test_what_is_off_does_not_count(issuer, changes):
    """A wrong or missing claim, a strange key, a time beyond the leeway: each is refused in one sentence."""
    with pytest.raises(BadToken) as refused:
        issuer.verifier().viewer(signed(issuer, **changes))
    assert str(refused.value).endswith((".", "?"))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -61), ("nbf", 90)])
def test_a_token_counts_in_its_own_time(issuer, claim, seconds):
    """One that ended more than a minute ago, or begins more than a minute from now, is refused in one sentence."""
    with pytest.raises(BadToken) as refused:
        issuer.verifier().viewer(signed(issuer, **{claim: int(time()) + seconds}))
    assert str(refused.value).endswith((".", "?"))


def test_clocks_may_be_a_minute_apart(issuer):
    """A token that expired 58 seconds ago still counts."""
    assert issuer.verifier().viewer(signed(issuer, exp=int(time()) - 58)).user == "somebody"


def test_only_the_issuer_signs(issuer):
    """Another's key, a shared secret and no signature at all are refused."""
    verifier = issuer.verifier()
    for token in (
        signed(issuer, key=ec.generate_private_key(ec.SECP256R1())),
        jwt.encode(claims(), "s" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
        jwt.encode(claims(), "", algorithm="none", headers={"kid": KEY_ID}),
        "nonsense",
        "",
        "x" * 10_000,
    ):
        with pytest.raises(BadToken):
            verifier.viewer(token)


def test_the_key_stays(tmp_path):
    """The issuer of a data directory is the same tomorrow, and its key is its owner's alone."""
    first = DevelopmentIssuer.at(tmp_path)
    assert DevelopmentIssuer.at(tmp_path).verifier().viewer(first.token(Role.AGENCY, OFFICE)).organisation == OFFICE
    path = tmp_path / FILE_NAME
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(IssuerKeyError, match="chmod 600"):
        DevelopmentIssuer.at(tmp_path)


def test_a_real_issuer_publishes_its_keys(issuer, tmp_path):
    """A JWK set in a file is enough to check another issuer's tokens."""
    key = json.loads(ECAlgorithm.to_jwk(issuer.key.public_key())) | {"kid": "2026", "alg": "ES256"}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key]}), encoding="utf-8")
    verifier = published.verifier("https://issuer.example", str(tmp_path / "jwks.json"))
    assert verifier.viewer(signed(issuer, iss="https://issuer.example", kid="2026")).organisation == OFFICE
    with pytest.raises(BadToken):
        verifier.viewer(issuer.token(Role.AGENCY, OFFICE))


def test_keys_that_cannot_be_had(tmp_path):
    """A missing file, one without keys, and an address without https say so."""
    (tmp_path / "empty.json").write_text("{}", encoding="utf-8")
    for place in (str(tmp_path / "missing.json"), str(tmp_path / "empty.json"), "http://issuer.example/jwks"):
        with pytest.raises(published.KeysUnavailable):
            published.verifier("https://issuer.example", place)


def test_a_token_that_was_checked_still_expires(issuer, monkeypatch):
    """A token is not checked again for half a minute, but that its time is over is looked at each time."""
    token = issuer.token(Role.AGENCY, OFFICE, lifetime_seconds=5)
    verifier = issuer.verifier()
    assert verifier.viewer(token) is verifier.viewer(token)
    monkeypatch.setattr(tokens, "time", lambda: time() + 5 + tokens.LEEWAY_SECONDS + 1)
    with pytest.raises(BadToken, match="expired"):
        verifier.viewer(token)
