"""``knelpunt witness``: cosigns other registries' logs, as long as they only grow."""

from pathlib import Path
from typing import Annotated, Final

import typer

from ..serving.listening import listening
from ..trail.key import witness_key
from ..trail.note import ED25519, NoteError, PublicKey, public_key
from ..trail.witness import Witness
from .failure import WrongUsage
from .serving import HOST, Host, Port, address_of
from .session import settings
from .terminal import notices

PORT: Final = 8402
FOLDER: Final = "witness"
KEY: Final = "witness.key"


def witness(
    name: Annotated[str, typer.Argument(help="Its name, where it is reached: witness.example/w1.", show_default=False)],
    logs: Annotated[list[str], typer.Option("--log", help="The public key of a log to watch; can be repeated.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where its key is and what it saw; default: in the data directory.")
    ] = None,
    host: Host = HOST,
    port: Port = PORT,
) -> None:
    """Cosign checkpoints of logs over HTTP (C2SP tlog-witness), until stopped. Needs no database."""
    # Here and not above: all other commands have no use for it.
    import uvicorn  # noqa: PLC0415

    from ..http.witness import witness_app  # noqa: PLC0415

    place = folder or settings().data_dir / FOLDER
    watched = [_log_key(each) for each in logs]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = witness_key(place / KEY, name)
    with listening(host, port) as sock:
        notices().print(f"Witness {key.public.text}", soft_wrap=True)
        notices().print(f"Cosigning on {address_of(sock)} (Ctrl-C stops).")
        config = uvicorn.Config(
            witness_app(Witness(place, key, watched)), log_level="warning", access_log=False, server_header=False
        )
        try:
            uvicorn.Server(config).run([sock])
        except KeyboardInterrupt:
            notices().print("Stopped.")


def _log_key(text: str) -> PublicKey:
    try:
        key = public_key(text)
    except NoteError as error:
        raise WrongUsage(f"--log: {text!r} is no public key of a log ({error})") from None
    if key.kind != ED25519:
        raise WrongUsage(f"--log: the key of {key.name} is a witness's.")
    return key
