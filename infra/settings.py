"""The settings of the registry's programs: read once, from the environment, into one typed value.

``docs/operating.md`` describes each for operators. A variable that is set to nothing counts as not set.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from .cloud_events import OIN as OIN_FORM
from .http import allowance, limits
from .identity.development import DevelopmentIssuer
from .identity.published import KeysUnavailable, verifier
from .identity.tokens import Verifier
from .observing.lines import LogFormat
from .postgres.embedded import default_data_dir
from .trail.folder import KEY, TrailFolder
from .vault.master import FILE_NAME, FILE_VARIABLE, KEY_VARIABLE, master_key
from .webhooks.reach import Network, networks_from

DATABASE_URL: Final = "KNELPUNT_DATABASE_URL"
VAULT_URL: Final = "KNELPUNT_VAULT_URL"
OVERSEER_URL: Final = "KNELPUNT_OVERSEER_DATABASE_URL"
DATA_DIR: Final = "KNELPUNT_DATA_DIR"
TOKEN: Final = "KNELPUNT_TOKEN"  # noqa: S105  the name of a variable
ISSUER: Final = "KNELPUNT_ISSUER"
JWKS: Final = "KNELPUNT_JWKS"
AUDIENCE: Final = "KNELPUNT_AUDIENCE"
DOCUMENTS: Final = "KNELPUNT_DOCUMENTS"
INTROSPECTION: Final = "KNELPUNT_INTROSPECTION"
COST_PER_MINUTE: Final = "KNELPUNT_COST_PER_MINUTE"
TRAIL_DIR: Final = "KNELPUNT_TRAIL_DIR"
LOG_KEY_FILE: Final = "KNELPUNT_LOG_KEY_FILE"
LOG_ORIGIN: Final = "KNELPUNT_LOG_ORIGIN"
LOG_POLICY: Final = "KNELPUNT_LOG_POLICY"
PUBLIC_URL: Final = "KNELPUNT_PUBLIC_URL"
OIN: Final = "KNELPUNT_OIN"
WEBHOOK_NETWORKS: Final = "KNELPUNT_WEBHOOK_NETWORKS"
CLIENT_ID: Final = "KNELPUNT_CLIENT_ID"
CLIENT_SECRET_FILE: Final = "KNELPUNT_CLIENT_SECRET_FILE"  # noqa: S105  the name of a variable
READ_DATABASE_URL: Final = "KNELPUNT_READ_DATABASE_URL"
LOG_FORMAT: Final = "KNELPUNT_LOG_FORMAT"
OTLP_ENDPOINT: Final = "KNELPUNT_OTLP_ENDPOINT"
OTEL_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"  # the name that all programs share
LAG_EVENTS_MAX: Final = "KNELPUNT_LAG_EVENTS_MAX"
LAG_SECONDS_MAX: Final = "KNELPUNT_LAG_SECONDS_MAX"

TRAIL: Final = "trail"
"""The trail's folder within the data directory, where no other is named."""

EXPORTS: Final = "exports"

VARIABLES: Final = (
    *(DATABASE_URL, VAULT_URL, OVERSEER_URL, DATA_DIR, FILE_VARIABLE, KEY_VARIABLE, TOKEN, ISSUER, JWKS, AUDIENCE),
    *(DOCUMENTS, INTROSPECTION, COST_PER_MINUTE),
    *(TRAIL_DIR, LOG_KEY_FILE, LOG_ORIGIN, LOG_POLICY),
    *(PUBLIC_URL, CLIENT_ID, CLIENT_SECRET_FILE),
    *(OIN, WEBHOOK_NETWORKS),
    *(READ_DATABASE_URL, LOG_FORMAT, OTLP_ENDPOINT, LAG_EVENTS_MAX, LAG_SECONDS_MAX),
)
"""Every variable of the registry's own that it reads."""

NUMBER_DIGITS_MAX: Final = 15
"""More than that many items no machine answers in a minute, nor will any log have so many events."""


class WrongSetting(Exception):  # noqa: N818  named for what it is
    """A variable holds what it cannot mean; the message is one sentence that says what it may hold."""


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator decides.

    Without ``database_url`` the registry runs its own PostgreSQL under ``data_dir``. ``vault_url`` names the vault's
    database, if it has one of its own on a server; on our own PostgreSQL it always has. ``overseer_url`` names the
    database of the two logs, which is the vault's, by a login that may read them. ``issuer`` names the issuer of
    tokens that the organisation already has, ``jwks`` the file or https address of its keys, ``audience`` for whom
    its tokens must be; without an issuer, the built-in one for development signs them. ``documents`` is the folder of
    the only documents that are answered over HTTP, ``introspection`` whether tools may ask for the schema there, and
    ``cost_per_minute`` how many items one asker may have answered in a minute, 0 for no limit. ``log_origin`` is the
    name that a new log gets: where it is served, without the scheme. ``public_url`` is where browsers reach the
    pages; ``client_id`` is what the issuer calls this registry, and ``client_secret_file`` holds what it proves that
    with, if it has to. ``oin`` is the number of who runs it in the Dutch register of organisations,
    and ``webhook_networks`` the private networks to which webhooks may be sent. ``read_database_urls`` name streaming
    replicas of the database. ``log_format`` is how the service says what it does, ``otlp_endpoint`` where its traces
    go, and beyond ``lag_events_max`` or ``lag_seconds_max`` of lag it calls itself not ready.
    """

    data_dir: Path
    database_url: str | None = None
    vault_url: str | None = None
    overseer_url: str | None = None
    master_key_file: str | None = None
    master_key_text: str | None = None
    token: str | None = None
    issuer: str | None = None
    jwks: str | None = None
    audience: str | None = None
    documents: Path | None = None
    introspection: bool = True
    cost_per_minute: int = allowance.COST_PER_MINUTE
    trail_dir: Path | None = None
    log_key_file: Path | None = None
    log_origin: str | None = None
    log_policy: Path | None = None
    public_url: str | None = None
    client_id: str | None = None
    client_secret_file: Path | None = None
    oin: str | None = None
    webhook_networks: tuple[Network, ...] = ()
    read_database_urls: tuple[str, ...] = ()
    log_format: LogFormat = LogFormat.TEXT
    otlp_endpoint: str | None = None
    lag_events_max: int = limits.LAG_EVENTS_MAX
    lag_seconds_max: int = limits.LAG_SECONDS_MAX

    def trail(self) -> TrailFolder:
        """Return the folder of the trail."""
        return TrailFolder(self.trail_dir or self.data_dir / TRAIL)

    def exports(self) -> Path:
        """Return the folder in which exports wait for who asked for them over HTTP."""
        return self.data_dir / EXPORTS

    def log_key_path(self) -> Path:
        """Return where the log's key is, or would be made."""
        return self.log_key_file or self.trail().path / KEY

    def master_key(self) -> bytes:
        """Return the vault's master key, 32 bytes; made in ``data_dir`` if nobody names one. Raises MasterKeyError."""
        named = {FILE_VARIABLE: self.master_key_file or "", KEY_VARIABLE: self.master_key_text or ""}
        return master_key(self.data_dir, named)

    def key_place(self) -> str:
        """Return where the master key comes from, or would: a file's path or a variable's name."""
        if self.master_key_file is None and self.master_key_text is not None:
            return KEY_VARIABLE
        return self.master_key_file or str(self.data_dir / FILE_NAME)

    def has_master_key(self) -> bool:
        """Return whether somebody names a master key or there is one already, so that none would be made."""
        named = self.master_key_file is not None or self.master_key_text is not None
        return named or (self.data_dir / FILE_NAME).exists()

    def verifier(self) -> Verifier:
        """Return what checks tokens: those of the issuer that is set, or else of the built-in one.

        Raises ``KeysUnavailable`` and ``IssuerKeyError``.
        """
        if self.issuer is None:
            return DevelopmentIssuer.at(self.data_dir).verifier()
        if self.jwks is None:
            message = f"{ISSUER} is set and {JWKS} is not: name the file or the https address of the issuer's keys."
            raise KeysUnavailable(message)
        return verifier(self.issuer, self.jwks, self.audience)

    def client_secret(self) -> str | None:
        """Return what this registry proves to the issuer that it is its client with. Raises ``WrongSetting``."""
        if self.client_secret_file is None:
            return None
        try:
            return self.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WrongSetting(f"{CLIENT_SECRET_FILE}: {self.client_secret_file} cannot be read ({error}).") from error

    def __repr__(self) -> str:
        """Show where things are, and neither password, key nor token."""
        return f"Settings(data_dir={str(self.data_dir)!r}, embedded={self.database_url is None})"


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment holds. Raises ``WrongSetting``."""
    documents = environment.get(DOCUMENTS)
    return Settings(
        data_dir=Path(environment.get(DATA_DIR) or default_data_dir()),
        database_url=environment.get(DATABASE_URL) or None,
        vault_url=environment.get(VAULT_URL) or None,
        overseer_url=environment.get(OVERSEER_URL) or None,
        master_key_file=environment.get(FILE_VARIABLE) or None,
        master_key_text=environment.get(KEY_VARIABLE) or None,
        token=environment.get(TOKEN) or None,
        issuer=environment.get(ISSUER) or None,
        jwks=environment.get(JWKS) or None,
        audience=environment.get(AUDIENCE) or None,
        documents=Path(documents) if documents else None,
        introspection=_switch(environment, INTROSPECTION),
        cost_per_minute=_number(environment, COST_PER_MINUTE, allowance.COST_PER_MINUTE),
        trail_dir=_path(environment.get(TRAIL_DIR)),
        log_key_file=_path(environment.get(LOG_KEY_FILE)),
        log_origin=environment.get(LOG_ORIGIN) or None,
        log_policy=_path(environment.get(LOG_POLICY)),
        public_url=_public(environment),
        client_id=environment.get(CLIENT_ID) or None,
        client_secret_file=_path(environment.get(CLIENT_SECRET_FILE)),
        oin=_oin(environment),
        webhook_networks=_networks(environment),
        read_database_urls=_replicas(environment),
        log_format=_log_format(environment),
        otlp_endpoint=_collector(environment),
        lag_events_max=_number(environment, LAG_EVENTS_MAX, limits.LAG_EVENTS_MAX),
        lag_seconds_max=_number(environment, LAG_SECONDS_MAX, limits.LAG_SECONDS_MAX),
    )


def _public(environment: Mapping[str, str]) -> str | None:
    given = (environment.get(PUBLIC_URL) or "").rstrip("/")
    parts = urlsplit(given)
    if given and (parts.scheme not in {"https", "http"} or not parts.hostname or parts.path or parts.query):
        raise WrongSetting(f"{PUBLIC_URL} is {given!r}: it may be an address without a path, as https://example.org.")
    return given or None


def _oin(environment: Mapping[str, str]) -> str | None:
    given = environment.get(OIN)
    if given and not OIN_FORM.fullmatch(given):
        raise WrongSetting(f"{OIN} is {given!r}: it may be the twenty digits of an organisatie-identificatienummer.")
    return given or None


def _networks(environment: Mapping[str, str]) -> tuple[Network, ...]:
    given = environment.get(WEBHOOK_NETWORKS) or ""
    try:
        return networks_from(given)
    except ValueError:
        message = f"{WEBHOOK_NETWORKS} is {given!r}: it may be networks parted by commas, as 10.1.0.0/16,fd00::/8."
        raise WrongSetting(message) from None


def _switch(environment: Mapping[str, str], name: str) -> bool:
    given = environment.get(name) or "on"
    if given not in {"on", "off"}:
        raise WrongSetting(f"{name} is {given!r}: it may be 'on' or 'off'.")
    return given == "on"


def _replicas(environment: Mapping[str, str]) -> tuple[str, ...]:
    given = (environment.get(READ_DATABASE_URL) or "").split()
    if given and not environment.get(DATABASE_URL):
        raise WrongSetting(f"{READ_DATABASE_URL} is set and {DATABASE_URL} is not: name the database they replicate.")
    if not all(url.startswith(("postgresql://", "postgres://")) for url in given):
        message = f"{READ_DATABASE_URL} may be addresses parted by blanks, as postgresql://user:password@host/database."
        raise WrongSetting(message)
    return tuple(given)


def _log_format(environment: Mapping[str, str]) -> LogFormat:
    given = environment.get(LOG_FORMAT) or LogFormat.TEXT
    try:
        return LogFormat(given)
    except ValueError:
        raise WrongSetting(f"{LOG_FORMAT} is {given!r}: it may be 'text' or 'json'.") from None


def _collector(environment: Mapping[str, str]) -> str | None:
    name = OTLP_ENDPOINT if environment.get(OTLP_ENDPOINT) else OTEL_ENDPOINT
    given = environment.get(name)
    if given and (urlsplit(given).scheme not in {"https", "http"} or not urlsplit(given).hostname):
        raise WrongSetting(f"{name} is {given!r}: it may be the address of a collector, as http://127.0.0.1:4318.")
    return given or None


def _number(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    given = environment.get(name)
    if not given:
        return otherwise
    if not (given.isascii() and given.isdecimal() and len(given) <= NUMBER_DIGITS_MAX):
        raise WrongSetting(f"{name} is {given!r}: it may be a whole number, and 0 for no limit.")
    return int(given)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
