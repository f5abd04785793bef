"""The log over HTTP and in GraphQL: what anybody gets, what auditors get, and proofs that verify outside."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from infra.http.given import PLAIN, Service, serving
from infra.trail.given import KEY, Trail, entries, files_in, fill
from knelpunt.domain.vocabulary import Role
from knelpunt.infra.trail import verify
from knelpunt.infra.trail.errors import TrailError
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.merkle import leaf_hash, verifies_consistency, verifies_inclusion
from knelpunt.infra.trail.mirror import Mirror, fetching
from knelpunt.infra.trail.policy import policy_of_log

PROOF = "position treeSize leafHash hashes rootHash proofFile checkpoint { origin size rootHash note }"
EVENT_PROOF = f"proof {{ {PROOF} }}"
NO_FILES = (
    "tile/0/001",
    "tile/0/000.p/44",
    "tile/0/0",
    "tile/7/000",
    "tile/0/..%2F..%2F..%2Flog.key",
    "tile/../../log.key",
    "tile/../../signed",
    "log.key",
    "",
)
UNPUBLISHED = (
    "inclusion(position: 300) { leafHash }",
    "inclusion(position: 5, treeSize: 5) { leafHash }",
    "inclusion(position: 5, treeSize: 301) { leafHash }",
    "inclusion(position: -1) { leafHash }",
    "consistency(fromSize: 301) { hashes }",
    "consistency(fromSize: 7, toSize: 6) { hashes }",
    "consistency(fromSize: -1) { hashes }",
)


@pytest.fixture
def published(service: Service, tmp_path: Path) -> Iterator[tuple[Service, Trail]]:
    """A service and the trail that it publishes, of 300 events."""
    trail = Trail(service.asked.url, tmp_path / "trail")
    fill(trail.url, 297)
    trail.publisher().publish()
    service.asked.running.services = replace(service.asked.running.services, trail=trail.folder)
    with serving(service.asked) as address:
        yield Service(service.asked, service.issuer, address), trail
    trail.close()


def get(service: Service, path: str, role: Role | None = None) -> httpx.Response:
    headers = {} if role is None else {"Authorization": f"Bearer {service.issuer.token(role, None)}"}
    return httpx.get(f"http://{service.address}{path}", headers=headers, timeout=20, verify=PLAIN)


def ask(service: Service, query: str) -> Any:
    return service.asked.ask(query)


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def test_files_for_anybody(published) -> None:
    """Checkpoint and hash tiles need no token; the first is kept for a second, the others for ever."""
    service, trail = published
    files = trail.files()
    answer = get(service, "/log/checkpoint")
    assert (answer.status_code, answer.content) == (200, files["checkpoint"])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "max-age=1"
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        answer = get(service, f"/log/{path}")
        assert (answer.status_code, answer.content) == (200, files[path])
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]


def test_entries_for_auditors(published) -> None:
    """Bundles of entries are an auditor's alone, and nobody's cache keeps them."""
    service, trail = published
    path = "tile/entries/001.p/44"
    assert get(service, f"/log/{path}").status_code == 401
    for role in set(Role) - {Role.AUDITOR}:
        assert get(service, f"/log/{path}", role).status_code == 403
    answer = get(service, f"/log/{path}", Role.AUDITOR)
    assert (answer.status_code, answer.content) == (200, trail.files()[path])
    assert answer.headers["cache-control"] == "no-store"


def test_no_other_files(published) -> None:
    """Nothing but the files of the log is found there, whatever way it is asked for."""
    service, _ = published
    for path in NO_FILES:
        for role in (None, Role.AUDITOR):
            assert get(service, f"/log/{path}", role).status_code == 404, path


def test_nothing_published(service) -> None:
    """Before anything is published there is no checkpoint, no proof, and a clear answer."""
    assert get(service, "/log/checkpoint").status_code == 404
    assert ask(service, "{ log { checkpoint { size } } }") == {"log": {"checkpoint": None}}
    error = service.asked.error("{ log { inclusion(position: 0) { leafHash } } }")
    assert error["extensions"]["code"] == "NOT_YET"


def test_an_events_proof(published) -> None:
    """An event's proof is of its entry, and its file is verified by the verifier that stands alone."""
    service, trail = published
    service.asked.project()
    made = service.asked.done(
        "openCase", {"theme": "schulden", "noticedBy": "SUBJECT"}, f"event {{ position proof {{ {PROOF} }} }}"
    )
    assert made["event"]["proof"] is None, "it is not published yet"
    trail.publisher().publish()
    service.asked.project()
    event = ask(
        service, f"{{ registry {{ cases {{ nodes {{ timeline {{ nodes {{ position {EVENT_PROOF} }} }} }} }} }} }}"
    )
    [found] = event["registry"]["cases"]["nodes"][0]["timeline"]["nodes"]
    proof = found["proof"]
    entry = entries(trail.url)[found["position"]]
    assert raw(proof["leafHash"]) == leaf_hash(entry)
    assert proof["treeSize"] == proof["checkpoint"]["size"] == 301
    assert proof["checkpoint"]["note"].encode() == trail.folder.checkpoint()
    index, checked = verify.verify_proof(proof["proofFile"].encode(), verify.Policy(policy_of_log(KEY.public)), entry)
    assert (index, checked.size) == (300, 301)


def test_proofs_of_earlier_trees(published) -> None:
    """Proofs in an earlier tree, and that the log goes on from it, verify by the roots that they come with."""
    service, trail = published
    found = ask(
        service,
        f"{{ log {{ inclusion(position: 7, treeSize: 260) {{ {PROOF} }} "
        "consistency(fromSize: 260) { fromSize toSize hashes fromRoot toRoot } } }",
    )["log"]
    inclusion, consistency = found["inclusion"], found["consistency"]
    assert inclusion["proofFile"] is None
    leaf = leaf_hash(entries(trail.url)[7])
    assert raw(inclusion["leafHash"]) == leaf
    hashes = [raw(each) for each in inclusion["hashes"]]
    assert verifies_inclusion(7, 260, leaf, hashes, raw(inclusion["rootHash"]))
    assert inclusion["rootHash"] == consistency["fromRoot"]
    roots = raw(consistency["fromRoot"]), raw(consistency["toRoot"])
    assert verifies_consistency(260, 300, [raw(each) for each in consistency["hashes"]], *roots)
    assert consistency["toRoot"] == inclusion["checkpoint"]["rootHash"]


def test_what_is_not_published_has_no_proof(published) -> None:
    """Outside the published tree there is no proof, and the answer says so."""
    for asked in UNPUBLISHED:
        error = published[0].asked.error(f"{{ log {{ {asked} }} }}")
        assert error["extensions"]["code"] == "BAD_INPUT", asked


def test_damaged_files_are_no_secret_and_no_crash(published) -> None:
    """Files that are gone or broken are told in a sentence; everything else is still answered."""
    service, trail = published
    (trail.folder.public / "tile/0/000").unlink()
    error = service.asked.error("{ log { inclusion(position: 5) { leafHash } } }")
    assert error["extensions"]["code"] == "UNAVAILABLE"
    (trail.folder.public / "checkpoint").write_bytes(b"?")
    error = service.asked.error("{ log { checkpoint { size } } }")
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert ask(service, "{ viewer { role } }") == {"viewer": {"role": "AGENCY"}}


def test_mirroring_over_http(published, tmp_path) -> None:
    """A mirror takes its copy from the service, with an auditor's token the entries, too, and says when it may not."""
    service, trail = published
    url = f"http://{service.address}/log"
    token = service.issuer.token(Role.AUDITOR, None)
    whole = TrailFolder(tmp_path / "whole")
    assert Mirror(whole, KEY.public, fetching(url, token), with_entries=True).update().size == 300
    theirs = trail.files()
    assert {name: theirs[name] for name in files_in(whole)} == files_in(whole) == theirs
    for role in (None, Role.AGENCY):
        other = fetching(url, None if role is None else service.issuer.token(role, None))
        with pytest.raises(TrailError, match=r"is not given \(40[13]"):
            Mirror(TrailFolder(tmp_path / "other"), KEY.public, other, with_entries=True).update()
    hashes = Mirror(TrailFolder(tmp_path / "other"), KEY.public, fetching(url, None), with_entries=False)
    assert hashes.update().size == 300
