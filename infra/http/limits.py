"""By how much projections may lag before the service calls itself not ready, unless a setting says otherwise."""

from typing import Final

LAG_EVENTS_MAX: Final = 50_000
"""An import of that size is taken in within seconds."""

LAG_SECONDS_MAX: Final = 600
"""Longer than it takes to derive anew what a changed term bears on, in all but the largest registries: answers are of
the moment before the change meanwhile, and right. Beyond it, the projector is gone or stuck."""
