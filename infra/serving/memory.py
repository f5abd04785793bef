"""How a process that answers looks for garbage: not among what it keeps for as long as it runs.

Schema, templates and libraries are half a million objects that never go. Python went through all of them once in a
dozen pages, which took a tenth of a second, and whoever asked just then waited for it (decisions/0055).
"""

import gc
from typing import Final

YOUNG_MAX: Final = 10_000
"""How many more objects may come than go before the youngest are looked through: some page's worth. At Python's own
700 that is done ten times a page, mostly to find that all of them are still in use."""


def settle() -> None:
    """Take all that there is by now for permanent. To be called once, when a process has all it needs to answer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
