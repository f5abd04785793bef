"""Who signs, when something is tried again, and where nothing is ever sent."""

import asyncio
import ssl
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from hmac import digest
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.webhooks.given import Receiver
from knelpunt.infra.webhooks import retries, signing, wire
from knelpunt.infra.webhooks.reach import URL_BYTES_MAX, NotAllowed, Target, expect_allowed, networks_from, target_of

WEBHOOK = UUID("9bd5ddb1-ecb8-5773-8264-b2226ccf8372")


def test_the_published_vector() -> None:
    """The signature of the example in the documentation of Standard Webhooks' libraries is made as they make it."""
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.headers(
        (secret,), "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert made["webhook-timestamp"] == "1614265330"


def test_secrets() -> None:
    """Each subscription and each number has a secret of its own, which follows from the master key alone."""
    secrets = {
        signing.secret_of(master, webhook, number)
        for master in (b"a" * 32, b"b" * 32)
        for webhook in (WEBHOOK, UUID(int=1))
        for number in (1, 2)
    }
    assert len(secrets) == 8
    assert signing.secret_of(b"a" * 32, WEBHOOK, 1) in secrets
    shown = signing.shown(signing.secret_of(b"a" * 32, WEBHOOK, 1))
    assert b64decode(shown.removeprefix("whsec_")) == signing.secret_of(b"a" * 32, WEBHOOK, 1)


def test_two_secrets_in_one_header() -> None:
    """During a change the signatures of both secrets stand in the header, each by itself valid."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    made = signing.headers((b"n" * 32, b"o" * 32), "msg_1", moment, b"{}")
    signatures = [b64decode(one.removeprefix("v1,")) for one in made["webhook-signature"].split()]
    signed = f"msg_1.{made['webhook-timestamp']}.".encode() + b"{}"
    assert signatures == [digest(b"n" * 32, signed, "sha256"), digest(b"o" * 32, signed, "sha256")]


def test_waits_grow_and_end() -> None:
    """Waits grow to their longest, jitter takes off at most a half, and all attempts are over within three days."""
    waits = [retries.wait_after(nth, 0) for nth in range(1, retries.ATTEMPTS_MAX)]
    assert waits[:4] == [timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80), timedelta(seconds=320)]
    assert waits == sorted(waits)
    assert waits[-1] == retries.LONGEST_WAIT
    assert timedelta(days=2) < sum(waits, timedelta()) < timedelta(days=3)
    assert retries.wait_after(3, 1) == waits[2] / 2
    assert retries.rest_after(10_000, 0) == retries.LONGEST_REST


@pytest.mark.parametrize(
    "url",
    [
        "ftp://receiver.example/",
        "receiver.example",
        "https://",
        "https://user:secret@receiver.example/",
        "https://receiver.example/#part",
        "https://receiver.example:99999/",
        "https://receiver.example/with blank",
        "https://receiver.example/\r\nhost: other",
        "https://[::1",
        "https://ontvánger.example/",
        "https://receiver.example/" + "a" * URL_BYTES_MAX,
    ],
    ids=range(11),
)
def test_addresses_that_are_none(url) -> None:
    """What is no plain web address is refused with a sentence that does not quote it."""
    with pytest.raises(NotAllowed) as refused:
        target_of(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_private_addresses(address) -> None:
    """Nothing is sent to an address that is not public, in whatever guise, unless the operator names its network."""
    target = Target("receiver.example", 443, tls=True)
    with pytest.raises(NotAllowed, match="not public"):
        expect_allowed(target, address, ())


def test_networks_that_the_operator_allows() -> None:
    """Within a named network plain http will do as well; to the internet only https."""
    inside = networks_from("10.1.0.0/16, fd00::/8")
    plain = Target("receiver.example", 80, tls=False)
    expect_allowed(plain, "10.1.2.3", inside)
    expect_allowed(plain, "fd00::1", inside)
    expect_allowed(plain, "::ffff:10.1.2.3", inside)
    with pytest.raises(NotAllowed, match="not public"):
        expect_allowed(plain, "10.2.2.3", inside)
    expect_allowed(Target("receiver.example", 443, tls=True), "8.8.8.8", ())
    expect_allowed(Target("receiver.example", 443, tls=True), "2001:4860:4860::8888", ())
    with pytest.raises(NotAllowed, match="https alone"):
        expect_allowed(Target("receiver.example", 80, tls=False), "8.8.8.8", inside)
    with pytest.raises(ValueError, match="does not appear"):
        networks_from("10.1.0.0/16, inside")


def sent(url: str, networks, trusted: ssl.SSLContext | None = None) -> wire.Outcome:
    async def sending() -> wire.Outcome:
        async with wire.new_client(trusted) as client:
            return await wire.send(client, url, networks, {"webhook-id": "msg_1"}, b"{}")

    return asyncio.run(sending())


def test_what_is_looked_up_is_what_is_connected_to(monkeypatch) -> None:
    """A name is looked up once for an attempt; and one with a private address among its own gets nothing at all."""
    asked: list[str] = []

    async def lookup(_, host, port, **__):
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
    with Receiver().listening() as receiver:
        url = f"http://receiver.example:{receiver.port}/hook?key=1"
        addresses = ["127.0.0.1"]
        assert sent(url, (ip_network("127.0.0.0/8"),)) == wire.Delivered()
        assert asked == ["receiver.example"]
        assert receiver.got[0].headers["host"] == f"receiver.example:{receiver.port}"
        assert receiver.got[0].path == "/hook?key=1"
        addresses = ["8.8.8.8", "127.0.0.1"]
        refused = sent(url.replace("http://", "https://"), ())
        assert isinstance(refused, wire.Failed)
        assert "not public" in refused.problem
        assert len(receiver.got) == 1


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")], ids=["none", "too long"])
def test_a_name_that_is_not_found(monkeypatch, error) -> None:
    """A name that nobody knows, or that is none, is a failure like any other."""

    async def lookup(*_, **__):
        raise error

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
    assert sent("https://receiver.example/", ()) == wire.Failed("The receiver's name is not known.", away=True)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's side of TLS, where the server proves to be ``name`` and the client trusts that."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(called, called, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "pair.pem").write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "pair.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


def test_a_certificate_of_somebody_else(monkeypatch, tmp_path) -> None:
    """Sent to an address, a receiver must still prove to be who the URL names; who cannot is sent nothing."""

    async def lookup(_, host, port, **__):
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
    server, client = certified(tmp_path, "receiver.example")
    with Receiver().listening(server) as receiver:
        at = f":{receiver.port}/hook"
        inside = (ip_network("127.0.0.0/8"),)
        assert sent(f"https://receiver.example{at}", inside, client) == wire.Delivered()
        assert receiver.got.pop().headers["host"] == f"receiver.example:{receiver.port}"
        for trusted, name in ((client, "other.example"), (None, "receiver.example")):
            refused = sent(f"https://{name}{at}", inside, trusted)
            assert isinstance(refused, wire.Failed)
            assert refused.away
        assert not receiver.got


def test_certificates_are_checked() -> None:
    """The client that sends checks names and chains, as the system's authorities say."""
    client = wire.new_client()
    pool = client._transport._pool  # pyright: ignore[reportAttributeAccessIssue]
    context = pool._ssl_context
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert client.follow_redirects is False
    assert client.trust_env is False
