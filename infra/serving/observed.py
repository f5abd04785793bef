"""What every program of the service does around its work: say how it goes, in lines and spans, from first to last.

It gives back memory, too: they all run for months.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from ..observing import lines, tracing
from ..settings import Settings
from . import memory

_log = logging.getLogger(__name__)


@contextmanager
def observed(settings: Settings, part: str) -> Generator[None]:
    """Say as the settings want it what this process does, a ``part`` of the service, until the end of the block.

    Raises ``TelemetryMissing``.
    """
    memory.give_back()
    lines.begin(settings.log_format)
    end = tracing.begin(settings.otlp_endpoint, part)
    lines.tell(_log, "begun", part=part)
    try:
        yield
    finally:
        lines.tell(_log, "ended", part=part)
        end()
