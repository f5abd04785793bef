"""What can be wrong with a trail; each message is one sentence that says what to do."""


class TrailError(Exception):
    """The trail cannot be used as it is."""


class Inconsistent(TrailError):  # noqa: N818  named for what it is
    """What would be signed next does not go on from what was signed before, so that nothing is signed."""


class TileError(TrailError):
    """A tile, a bundle or the name of one is not as it must be."""


class NotPublished(TrailError):  # noqa: N818  named for what it is
    """What is asked for stands under no published checkpoint yet."""
