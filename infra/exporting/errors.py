"""What an export cannot do, and the sentences that say so: the pages have each in Dutch, too."""

from typing import Final

NO_ARROW: Final = "Parquet takes pyarrow, which is not here: run pip install 'knelpunt[parquet]'."
ANOTHER: Final = "Another export of yours is being made: ask for this one when that is done."
STILL_MADE: Final = "An export of yours is being made: throw this one away when that is done."
NO_ROOM_NOW: Final = "There is no room for an export at this moment: ask again later."
TOO_MANY: Final = "As many exports are being made as can be at a time: ask again in a minute."
BROKEN_OFF: Final = "It was broken off before it was done: ask for it again, and it goes on."
AWAY: Final = "The database could not be reached: ask for it again, and it goes on."
NO_ROOM: Final = "There was no room for it on the disk: tell whoever runs the registry."
NOT_NOTED: Final = "What is read of people is noted first, which was not possible: ask for it again, and it goes on."

SAID: Final = (NO_ARROW, ANOTHER, STILL_MADE, NO_ROOM_NOW, TOO_MANY, BROKEN_OFF, AWAY, NO_ROOM, NOT_NOTED)


class ExportRefusedError(Exception):
    """Nothing is exported; the message is one sentence that says what to do."""


class ExportBusyError(Exception):
    """Nothing is exported now; the message is one sentence that says when it may be."""
