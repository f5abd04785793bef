"""Which issuer of tokens is believed: the one that an operator sets, or else the built-in one for development."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .development import ISSUER as DEVELOPMENT
from .development import DevelopmentIssuer
from .keys import keys_at
from .verifying import Issuer, Verifier

ISSUER: Final = "KNELPUNT_ISSUER"
JWKS: Final = "KNELPUNT_JWKS"
AUDIENCE: Final = "KNELPUNT_AUDIENCE"
CLIENTS: Final = "KNELPUNT_CLIENTS"

VARIABLES: Final = (ISSUER, JWKS, AUDIENCE, CLIENTS)
"""The variables that this module reads: the issuer's name, its key set (a file, or an https URL), for whom its tokens
must be, and (separated by commas) the programs to which they may have been issued."""


class IssuerSettingsError(Exception):
    """An issuer is set, but not all that it takes to believe it; the message is one sentence that says what to do."""


def real_issuer_is_set(environment: Mapping[str, str]) -> bool:
    """Return whether an operator has set an issuer: then development tokens are neither made nor believed."""
    return bool(environment.get(ISSUER))


def verifier_from(environment: Mapping[str, str], data_dir: Path) -> Verifier:
    """Return the verifier of tokens for an environment.

    Raises ``IssuerSettingsError`` for an issuer without its keys or audience, and ``DevelopmentKeyError``.
    """
    name = environment.get(ISSUER)
    if not name:
        return Verifier({DEVELOPMENT: DevelopmentIssuer(data_dir).issuer()})
    for variable in (JWKS, AUDIENCE):
        if not environment.get(variable):
            raise IssuerSettingsError(f"{ISSUER} is set, and so must be {variable}.")
    clients = [client.strip() for client in environment.get(CLIENTS, "").split(",") if client.strip()]
    issuer = Issuer(keys_at(environment[JWKS]), environment[AUDIENCE], frozenset(clients) or None)
    return Verifier({name: issuer})
