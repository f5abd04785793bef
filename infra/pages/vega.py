"""The program that draws charts in a browser: Vega-Embed with Vega and Vega-Lite, as vl-convert carries them.

vl-convert puts it together in some seconds, so it is kept in the folder for a user's cached files, for all processes
and the next start. Where nothing can be kept, each process makes its own.
"""

import contextlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Final

import platformdirs
import vl_convert

from ..durable import replace

SNIPPET: Final = "window.vegaEmbed = vegaEmbed;"
"""What our own script calls; nothing else of the program is reached for."""

NAME: Final = f"vega-embed-{version('vl-convert-python')}.js"

ADDRESS: Final = f"/static/{NAME}"
"""Names the version, so browsers may keep it for good."""

_making = Lock()


@cache
def kept() -> Path:
    """Return where the program is kept."""
    return platformdirs.user_cache_path("knelpunt", appauthor=False) / NAME


def program() -> bytes:
    """Return the program, some 900 kB; takes seconds where it was not kept."""
    with _making:
        return _program()


@cache
def _program() -> bytes:
    place = kept()
    with contextlib.suppress(OSError):
        return place.read_bytes()
    made = vl_convert.javascript_bundle(SNIPPET).encode()
    with contextlib.suppress(OSError):  # a service may have no home, or a full disk
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(place, made, place.parent)
    return made
