"""The sender of webhooks as a program beside the service: receivers may be slow, and nobody is to wait for them.

``python -m knelpunt.infra.serving.webhooks`` sends until its standard input ends.
"""

import asyncio
from os import environ

from ..bootstrap import database
from ..cloud_events import source_of
from ..settings import settings_from
from ..trail.publisher import registry_origin
from ..webhooks.sending import Sender
from .beside import until_told
from .observed import observed


def main() -> None:
    """Send until told to stop."""
    stop = until_told()
    settings = settings_from(environ)
    with observed(settings, "webhooks"), database(settings) as found:
        source = source_of(settings.oin, registry_origin(found.url))
        sender = Sender(found.url, source, settings.master_key(), settings.webhook_networks)
        asyncio.run(sender.run(stop.is_set))


if __name__ == "__main__":
    main()
