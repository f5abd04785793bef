"""How backing up and restoring fail."""


class BackupError(Exception):
    """A backup cannot be made or restored; the message is one sentence that says what to do."""
