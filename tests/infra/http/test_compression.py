"""Compression over HTTP: what is long is sent short, and nothing that a cookie opens."""

import gzip

import httpx

from infra.http.given import PLAIN, Service

LONG = {"query": "{ __schema { types { name description fields { name description } } } }"}
SHORT = {"query": "{ viewer { role } }"}


def sent(service: Service, body: dict[str, str], **headers: str) -> tuple[httpx.Headers, bytes]:
    """The headers of an answer, and its content as it came over the wire."""
    given = {"Authorization": f"Bearer {service.token()}", "Accept-Encoding": "gzip"} | headers
    with httpx.stream("POST", f"http://{service.address}/graphql", json=body, headers=given, verify=PLAIN) as reply:
        assert reply.status_code == 200
        return reply.headers, b"".join(reply.iter_raw())


def test_a_long_answer_is_compressed_for_who_takes_it(service: Service) -> None:
    """The same answer comes as gzip or as it is, and says that it hangs on what was accepted."""
    headers, content = sent(service, LONG)
    assert headers["content-encoding"] == "gzip"
    assert "accept-encoding" in headers["vary"].lower()
    plain_headers, plain = sent(service, LONG, **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain_headers
    assert gzip.decompress(content) == plain
    assert len(content) < len(plain) / 4


def test_a_short_answer_is_left_as_it_is(service: Service) -> None:
    """What fits into one packet is not compressed."""
    headers, content = sent(service, SHORT)
    assert "content-encoding" not in headers
    assert content.startswith(b'{"data"')


def test_nothing_that_comes_with_a_cookie_is_compressed(service: Service) -> None:
    """Its compressed length would tell what stands in it to whoever makes a browser ask; files are for all."""
    headers, _ = sent(service, LONG, Cookie="knelpunt-session=anything")
    assert "content-encoding" not in headers
    asked = {"Cookie": "knelpunt-session=anything", "Accept-Encoding": "gzip"}
    page = httpx.get(f"http://{service.address}/", headers=asked, verify=PLAIN)
    assert "content-encoding" not in page.headers
    style = next(
        part for part in page.text.split('"') if part.startswith("/static/") and part.partition("?")[0].endswith(".css")
    )
    assert (
        httpx.get(f"http://{service.address}{style}", headers=asked, verify=PLAIN).headers["content-encoding"] == "gzip"
    )
