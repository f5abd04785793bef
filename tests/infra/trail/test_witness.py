"""A witness: it cosigns what goes on from what it saw, refuses everything else, and the publisher asks it."""

import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
import uvicorn

from infra.trail.given import KEY, Trail, fill
from infra.trail.slow import SlowLog
from knelpunt.infra.http.witness import witness_app
from knelpunt.infra.trail import checkpoint as checkpoints
from knelpunt.infra.trail import verify
from knelpunt.infra.trail.bundling import write_bundle
from knelpunt.infra.trail.checking import check_trail, published
from knelpunt.infra.trail.checkpoint import Checkpoint
from knelpunt.infra.trail.cosigning import Cosigners
from knelpunt.infra.trail.errors import TrailError
from knelpunt.infra.trail.following import policy_at
from knelpunt.infra.trail.mirror import fetching
from knelpunt.infra.trail.note import COSIGNATURE, ED25519, new_key, read_note, to_base64
from knelpunt.infra.trail.publisher import Publisher
from knelpunt.infra.trail.witness import SIZE_TYPE, Witness

ME = new_key("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))
STRANGER = new_key(KEY.name, ED25519, bytes(32))
NOW = 1_767_225_600
SLOW = SlowLog([b"%d" % number for number in range(20)])
FORKED = SlowLog([*SLOW.entries[:3], b"forged", *SLOW.entries[4:]])
ORIGIN_ID = sha256(KEY.name.encode()).hexdigest()


def note_of(log: SlowLog, size: int) -> bytes:
    return checkpoints.sign(Checkpoint(KEY.name, size, log.mth(0, size)), KEY)


def request(old: int, note: bytes, proof: list[bytes]) -> bytes:
    return "".join(f"{line}\n" for line in (f"old {old}", *map(to_base64, proof), "")).encode() + note


def grown(old: int, new: int, log: SlowLog = SLOW) -> bytes:
    """A request that says that a log has grown."""
    return request(old, note_of(log, new), log.subproof(old, 0, new, True) if old else [])


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness that has seen five entries."""
    found = Witness(tmp_path, ME, [KEY.public])
    assert found.add_checkpoint(grown(0, 5), NOW).status == 200
    return found


def test_it_cosigns_what_goes_on(witness) -> None:
    """Each cosignature is over the checkpoint and the time; what was cosigned last is there to be seen."""
    for old, new in ((5, 5), (5, 9), (9, 20)):
        reply = witness.add_checkpoint(grown(old, new), NOW + new)
        assert reply.status == 200
        [(key, signature)] = read_note(note_of(SLOW, new) + reply.body).signed_by([ME.public])
        assert (key, signature.seconds) == (ME.public, NOW + new)
        seen = witness.last(ORIGIN_ID)
        assert seen == note_of(SLOW, new) + reply.body
    assert witness.last("0" * 64) is None
    assert witness.last("../witness.key") is None


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"", 400),
        (b"old 5", 400),
        (b"old 05\n\n" + note_of(SLOW, 9), 400),
        (b"old -1\n\n" + note_of(SLOW, 9), 400),
        (request(5, b"?", []), 400),
        (request(5, note_of(SLOW, 9), [b"short"]), 400),
        (request(5, note_of(SLOW, 9), [bytes(32)] * 64), 400),
        (b"old 5\n" + b"x" * (1 << 17), 400),
        (request(9, note_of(SLOW, 5), []), 400),
        (request(0, note_of(SLOW, 9).replace(b"registry.example", b"registry.another"), []), 404),
        (request(5, note_of(SLOW, 9).replace(b"\n9\n", b"\n8\n"), []), 403),
        (request(5, checkpoints.sign(Checkpoint(KEY.name, 9, bytes(32)), STRANGER), []), 403),
        (grown(0, 9), 409),
        (grown(4, 9), 409),
        (grown(6, 9), 409),
        (request(5, note_of(SLOW, 9), []), 422),
        (request(5, note_of(SLOW, 9), [bytes(32)] * 4), 422),
        (grown(5, 9, FORKED), 422),
        (request(5, note_of(FORKED, 5), []), 422),
        (request(5, note_of(SLOW, 5), [bytes(32)]), 422),
    ],
    ids=range(20),
)  # fmt: skip
def test_it_refuses_everything_else(witness, asked, status) -> None:
    """With the status that the specification gives it, and with nothing forgotten of what was seen."""
    before = witness.last(ORIGIN_ID)
    reply = witness.add_checkpoint(asked, NOW)
    assert reply.status == status
    if status == 409:
        assert (reply.body, reply.kind) == (b"5\n", SIZE_TYPE)
    assert witness.last(ORIGIN_ID) == before


def test_the_first_checkpoint(tmp_path) -> None:
    """The first needs no proof and takes none; an empty tree has one root."""
    witness = Witness(tmp_path, ME, [KEY.public])
    assert witness.add_checkpoint(request(0, note_of(SLOW, 9), [bytes(32)]), NOW).status == 422
    empty = checkpoints.sign(Checkpoint(KEY.name, 0, bytes(32)), KEY)
    assert witness.add_checkpoint(request(0, empty, []), NOW).status == 422
    assert witness.add_checkpoint(grown(0, 0), NOW).status == 200
    assert witness.add_checkpoint(grown(0, 9), NOW).status == 200
    assert Witness(tmp_path, ME, [KEY.public]).add_checkpoint(grown(0, 9), NOW).body == b"9\n"


def test_two_at_once(tmp_path) -> None:
    """Of two histories that are handed in at the same moment, one is cosigned."""
    replies: list[int] = []
    barrier = threading.Barrier(8)

    def hand_in(log: SlowLog) -> None:
        barrier.wait()
        replies.append(Witness(tmp_path, ME, [KEY.public]).add_checkpoint(grown(0, 9, log), NOW).status)

    threads = [threading.Thread(target=hand_in, args=(log,)) for log in (SLOW, FORKED) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [200, *[409] * 7]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A witness over HTTP, at the address given."""
    folder = tmp_path / "witness"
    folder.mkdir()
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(witness_app(Witness(folder, ME, [KEY.public])), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def test_over_http(served) -> None:
    """Status, type and body are as the specification says them."""
    with urllib.request.urlopen(f"{served}/add-checkpoint", grown(0, 5), timeout=10) as answer:
        assert read_note(note_of(SLOW, 5) + answer.read()).signed_by([ME.public])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served}/add-checkpoint", grown(0, 9), timeout=10)
    assert refused.value.code == 409
    assert refused.value.headers["Content-Type"] == SIZE_TYPE
    assert refused.value.read() == b"5\n"
    with urllib.request.urlopen(f"{served}/{ORIGIN_ID}/checkpoint", timeout=10) as answer:
        assert answer.read().startswith(note_of(SLOW, 5))
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{served}/{'0' * 64}/checkpoint", timeout=10)
    assert missing.value.code == 404


def test_a_published_log_is_cosigned(trail, served, tmp_path, caplog) -> None:
    """With a policy that names a witness, checkpoints carry its cosignature; a forged history gets none."""
    policy = tmp_path / "policy"
    policy.write_text(f"log {KEY.public.text}\nwitness w1 {ME.public.text} {served}\nquorum w1\n")
    for count in (3, 300):
        fill(trail.url, count)
        for _ in range(2):  # a publisher that starts anew must first be told where the witness is
            publishing = Publisher(trail.folder, KEY, trail.url, Cosigners(policy_at(policy).witnesses))
            publishing.publish()
            publishing.close()
        found = policy_at(policy).opened(trail.folder.checkpoint() or b"")
        assert found == published(trail.folder, KEY.public)
    assert list(check_trail(trail.folder, KEY.public, trail.url)) == []
    write_bundle(trail.folder, KEY.public, policy.read_bytes(), tmp_path / "bundle")
    assert verify.main([str(tmp_path / "bundle")]) == 0

    forged = Trail(trail.url, tmp_path / "forged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knelpunt.infra.trail.publisher.entry", lambda position, *_: b"forged %d" % position)
        publishing = Publisher(forged.folder, KEY, trail.url, Cosigners(policy_at(policy).witnesses))
        publishing.publish()
        publishing.close()
    assert "does not show that this log begins with its first 303 entries" in caplog.text
    with pytest.raises(checkpoints.NoteError, match="lacks cosignatures"):
        policy_at(policy).opened(forged.folder.checkpoint() or b"")


def test_a_witness_that_is_away_keeps_nothing_from_being_published(trail, caplog) -> None:
    """Without an answer, or with one that never ends, the checkpoint is published in time, without its cosignature."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        policy = trail.folder.path.parent / "policy"
        policy.write_text(
            f"log {KEY.public.text}\nwitness w1 {ME.public.text} http://127.0.0.1:{silent.getsockname()[1]}\n"
            f"witness w2 {WITNESS_TWO} http://127.0.0.1:1\nquorum none\n"
        )
        fill(trail.url, 3)
        publishing = Publisher(trail.folder, KEY, trail.url, Cosigners(policy_at(policy).witnesses))
        started = monotonic()
        assert publishing.publish().size == 3
        assert monotonic() - started < 2
        publishing.close()
    assert "w1 did not answer in time" in caplog.text or "w1 does not cosign" in caplog.text
    assert "w2 does not cosign" in caplog.text


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of something that answers whoever connects with the same bytes, whatever they ask."""

    class Answers(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


NO_HTTP = b"SSH-2.0-x\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NO_HTTP, id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nbroken", id="broken off"),
        pytest.param(
            f"HTTP/1.1 409 Conflict\r\nContent-Type: {SIZE_TYPE}\r\nContent-Length: 3\r\n\r\n-5\n".encode(),
            id="nowhere",
        ),
    ],
)
def test_a_witness_that_answers_nonsense_keeps_nobody_from_cosigning(trail, served, caplog, answer) -> None:
    """The checkpoint is published with the cosignature of the one that works; the other is passed over and logged."""
    policy = trail.folder.path.parent / "policy"
    fill(trail.url, 3)
    with answering(answer) as address:
        policy.write_text(
            f"log {KEY.public.text}\nwitness w1 {ME.public.text} {served}\n"
            f"witness w2 {WITNESS_TWO} {address}\nquorum w1\n"
        )
        publishing = Publisher(trail.folder, KEY, trail.url, Cosigners(policy_at(policy).witnesses))
        assert publishing.publish().size == 3
        publishing.close()
    assert policy_at(policy).opened(trail.folder.checkpoint() or b"").size == 3
    assert "w2 does not cosign" in caplog.text


def test_a_log_that_speaks_no_http_cannot_be_mirrored_now() -> None:
    """Whoever mirrors it is told so, and tries again."""
    with answering(NO_HTTP) as address, pytest.raises(TrailError, match="cannot be reached"):
        fetching(address, None)("checkpoint")


WITNESS_TWO = new_key("witness.example/w2", COSIGNATURE, bytes(32)).public.text
