"""Where the master key comes from, and that it is never replaced."""

import base64
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from knelpunt.infra.vault.master import MasterKeyError, master_key


def test_made_on_first_use(tmp_path) -> None:
    """Without anything else a key is made in the data directory, for its owner's eyes only, and found again."""
    key = master_key(tmp_path / "data", {})
    assert len(key) == 32
    assert master_key(tmp_path / "data", {}) == key
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["master.key"]
    assert stat.S_IMODE((tmp_path / "data" / "master.key").stat().st_mode) == 0o600


def test_made_once_by_several(tmp_path) -> None:
    """Programs that start at the same moment all get the same key."""
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: master_key(tmp_path, {}), range(16)))) == 1


def test_given_by_file_or_variable(tmp_path) -> None:
    """An operator's file comes first, then the variable; nothing is made then."""
    key, other = secrets.token_bytes(32), secrets.token_bytes(32)
    path = tmp_path / "key"
    path.write_bytes(base64.b64encode(key))
    path.chmod(0o400)
    given = {"KNELPUNT_MASTER_KEY_FILE": str(path), "KNELPUNT_MASTER_KEY": base64.b64encode(other).decode()}
    assert master_key(tmp_path / "data", given) == key
    del given["KNELPUNT_MASTER_KEY_FILE"]
    assert master_key(tmp_path / "data", given) == other
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"", 0o600, "is not 32 bytes"),
        (base64.b64encode(bytes(31)), 0o600, "is not 32 bytes"),
        (b"no base64 at all!", 0o600, "is not 32 bytes"),
        (b"\xff\xfe", 0o600, "it is not text"),
        (base64.b64encode(bytes(32)), 0o640, "open to other users"),
    ],
)
def test_an_unusable_key_is_refused_and_kept(tmp_path, content, mode, reason) -> None:
    """A damaged key, or one that others can read, is refused with one sentence; never replaced by a new one."""
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(MasterKeyError, match=reason):
        master_key(tmp_path, {})
    assert path.read_bytes() == content


def test_a_named_file_must_be_there(tmp_path) -> None:
    """A file that was named and is missing is an error: a new key would open nothing."""
    with pytest.raises(MasterKeyError, match="No such file"):
        master_key(tmp_path, {"KNELPUNT_MASTER_KEY_FILE": str(tmp_path / "gone")})


def test_a_folder_that_cannot_be_made(tmp_path) -> None:
    """A data directory that cannot be made gives one sentence."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MasterKeyError, match="cannot be written"):
        master_key(tmp_path / "file" / "data", {})
