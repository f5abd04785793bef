"""The one error by which an import ends before anything is written."""


class ImportRefusedError(Exception):
    """A mapping or a log file cannot be imported at all; the message is one sentence that says which and why."""
