"""The registry's terms and graces: how long is long.

``RESPOND_BY`` and the graces are the registry's own conventions. The standstill term is taken from the eight weeks
that article 4:13 of the Awb calls reasonable in any case, though that article counts differently.
"""

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from .vocabulary import GapKind

DELIVERY_WINDOW: Final = timedelta(hours=24)
"""An offer recorded later than this after it was made counts as delivered when it was recorded: nobody is late before
they could know."""

CAUSE_NAMED_BY: Final = timedelta(days=28)
"""How long after it was resolved an obstacle may be without a cause before naming one is to be done."""

GRACES: Final = MappingProxyType(
    {
        GapKind.NEVER_TAKEN: timedelta(days=7),
        GapKind.LOST_REFERRAL: timedelta(days=7),
        GapKind.RELEASED: timedelta(days=7),
        GapKind.MOVED: timedelta(days=14),
        GapKind.CAROUSEL: timedelta(days=7),
        GapKind.UNCOORDINATED: timedelta(days=28),
    }
)
"""How long a gap of a kind must last before it counts; kinds not named count at once."""


class Settings(Struct, frozen=True):
    """The terms in force."""

    respond_by: timedelta = timedelta(days=14)
    standstill: timedelta = timedelta(days=56)
    confirm_by: timedelta = timedelta(days=14)


DEFAULTS: Final = Settings()
