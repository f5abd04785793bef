"""A slow and obvious log, written from RFC 6962 and C2SP alone: every hash from the entries, every file by counting."""

from hashlib import sha256


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class SlowLog:
    """A log whose hashes are computed as the RFC defines them."""

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries
        self.leaves = [leaf(entry) for entry in entries]
        self._kept: dict[tuple[int, int], bytes] = {}

    def mth(self, start: int, end: int) -> bytes:
        """MTH(D[start:end])."""
        n = end - start
        if n == 0:
            return sha256(b"").digest()
        if n == 1:
            return self.leaves[start]
        if (start, end) not in self._kept:
            k = 1
            while k * 2 < n:
                k *= 2
            self._kept[start, end] = node(self.mth(start, start + k), self.mth(start + k, end))
        return self._kept[start, end]

    def path(self, m: int, start: int, end: int) -> list[bytes]:
        """PATH(m, D[start:end])."""
        n = end - start
        if n == 1:
            return []
        k = 1
        while k * 2 < n:
            k *= 2
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def subproof(self, m: int, start: int, end: int, b: bool) -> list[bytes]:
        """SUBPROOF(m, D[start:end], b)."""
        n = end - start
        if m == n:
            return [] if b else [self.mth(start, end)]
        k = 1
        while k * 2 < n:
            k *= 2
        if m <= k:
            return [*self.subproof(m, start, start + k, b), self.mth(start + k, end)]
        return [*self.subproof(m - k, start + k, end, False), self.mth(start, start + k)]

    def files(self, size: int) -> dict[str, bytes]:
        """Every tile and bundle of the log's first ``size`` entries, by its name."""
        files: dict[str, bytes] = {}
        for n in range(-(-size // 256)):
            some = self.entries[n * 256 : min(size, n * 256 + 256)]
            content = b"".join(len(entry).to_bytes(2, "big") + entry for entry in some)
            files[self.name("entries", n, len(some))] = content
        level = 0
        while size >> (8 * level):
            span = 256**level
            hashes = [self.mth(i * span, (i + 1) * span) for i in range(size // span)]
            for n in range(-(-len(hashes) // 256)):
                some = hashes[n * 256 : n * 256 + 256]
                files[self.name(str(level), n, len(some))] = b"".join(some)
            level += 1
        return files

    @staticmethod
    def name(level: str, n: int, width: int) -> str:
        """The name of a tile, by the letter of C2SP tlog-tiles."""
        text = f"{n % 1000:03}"
        while n >= 1000:
            n //= 1000
            text = f"x{n % 1000:03}/{text}"
        return f"tile/{level}/{text}" + ("" if width == 256 else f".p/{width}")
