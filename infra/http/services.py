"""What the HTTP service is made of, handed to it in one piece."""

from msgspec import Struct

from ..identity.tokens import Verifier
from ..store.writer import Writer
from ..vault.vault import Vault

READERS: int = 16
"""Connections that answer questions at the same time; more only queue up in the database."""


class Services(Struct, frozen=True, kw_only=True):
    """The parts of the registry that answering over HTTP takes.

    ``url`` logs in as a member of the registry's roles; the service makes its own pool of reading connections over it
    and follows the log there. ``development`` says whether the built-in issuer's tokens are believed, which is shown;
    ``introspection`` whether tools may ask for the schema.
    """

    url: str
    writer: Writer
    vault: Vault
    verifier: Verifier
    development: bool = False
    introspection: bool = True
    readers_max: int = READERS
