"""What an export cannot do."""


class ExportRefusedError(Exception):
    """Nothing is exported; the message is one sentence that says what to do."""
