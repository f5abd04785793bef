"""Documents that an operator trusts: with these, nothing else is answered.

A client of one's own asks the same few questions, so it can name them by their SHA-256 instead of sending them, and
whoever steals its token can ask nothing but them (GraphQL over HTTP, appendix "Persisted Documents").
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

SUFFIX: Final = ".graphql"

DOCUMENTS_MAX: Final = 10_000
"""More files than any client has questions: somebody named the wrong folder."""


class DocumentsUnavailable(Exception):  # noqa: N818  named for what it is
    """The folder of trusted documents cannot be used; the message is one sentence that says what to do."""


def trusted_documents(folder: Path) -> Mapping[str, str]:
    """Return the documents in the files of a folder and those below, by their ids. Raises ``DocumentsUnavailable``."""
    if not folder.is_dir():
        raise DocumentsUnavailable(f"{folder} is no folder: KNELPUNT_DOCUMENTS names one with {SUFFIX} files.")
    files = sorted(folder.rglob(f"*{SUFFIX}"))
    if not files:
        raise DocumentsUnavailable(f"{folder} holds no {SUFFIX} file, so that nothing could be asked: add one.")
    if len(files) > DOCUMENTS_MAX:
        raise DocumentsUnavailable(f"{folder} holds more than {DOCUMENTS_MAX} {SUFFIX} files: name a smaller folder.")
    try:
        texts = [file.read_bytes().decode() for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentsUnavailable(f"A file in {folder} cannot be read as UTF-8 text ({error}): mend it.") from error
    return {document_id(text): text for text in texts}


def document_id(text: str) -> str:
    """Return the id under which a document is asked for: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"
