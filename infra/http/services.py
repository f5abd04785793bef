"""What the HTTP service is made of, handed to it in one piece."""

from collections.abc import Mapping

from graphql import GraphQLSchema
from msgspec import Struct

from ..exporting.jobs import Exports
from ..identity.tokens import Verifier
from ..logbook.processing import ProcessingLog
from ..logbook.security import SecurityLog
from ..store.writer import Writer
from ..trail.folder import TrailFolder
from ..vault.vault import Vault
from .allowance import COST_PER_MINUTE
from .limits import LAG_EVENTS_MAX, LAG_SECONDS_MAX

READERS: int = 8
"""Connections by which one service answers questions at the same time. A service has one processor for its own half of
the work, so that some three are busy when it can do no more; the others are for questions that take their time. More
would only queue up in the database, which keeps some 7 MB for each."""


class Services(Struct, frozen=True, kw_only=True):
    """The parts of the registry that answering over HTTP takes.

    ``schema`` is what can be asked: all of it, or questions alone. ``url`` logs in as a member of the registry's roles;
    the service makes its own pool of reading connections over it and follows the log there. What is read of people, and
    what is refused, goes to the two logs; ``overseer_url`` reads the first of them for the privacy officer, if named.
    ``development`` says whether the built-in issuer's tokens are believed, which is shown;
    ``introspection`` whether tools may ask for the schema. ``documents`` are the only ones that are answered, by their
    ids, or none for all; ``cost_per_minute`` is what one asker may have answered, 0 for no limit. ``trail`` is the
    folder in which the log is published; without one, none is. ``replica_urls`` name streaming replicas, to which
    questions go. Beyond ``lag_events_max`` events or ``lag_seconds_max`` seconds by which projections lag, the service
    is not ready; 0 for no limit. ``exports`` makes exports; without it nobody gets any.
    """

    schema: GraphQLSchema
    url: str
    writer: Writer
    vault: Vault
    processing: ProcessingLog
    security: SecurityLog
    verifier: Verifier
    overseer_url: str | None = None
    trail: TrailFolder | None = None
    exports: Exports | None = None
    development: bool = False
    introspection: bool = True
    documents: Mapping[str, str] | None = None
    cost_per_minute: int = COST_PER_MINUTE
    readers_max: int = READERS
    replica_urls: tuple[str, ...] = ()
    lag_events_max: int = LAG_EVENTS_MAX
    lag_seconds_max: int = LAG_SECONDS_MAX
