"""Publishes what is recorded, in small steps, and ends; says when it begins. Run by test_publisher to be killed."""

import sys
from pathlib import Path

from knelpunt.infra.trail import publisher
from knelpunt.infra.trail.folder import TrailFolder
from knelpunt.infra.trail.note import ED25519, new_key

publisher.BATCH_EVENTS = 100


def main() -> None:
    url, folder = sys.argv[1:]
    key = new_key("registry.example/events", ED25519, bytes(range(32)))
    publishing = publisher.Publisher(TrailFolder(Path(folder)), key, url)
    print("publishing", flush=True)
    publishing.publish()
    publishing.close()


if __name__ == "__main__":
    main()
