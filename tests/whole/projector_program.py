"""A projector that runs until it is killed. Run as ``python projector_program.py URL``; prints ``ready`` first."""

import sys
from threading import Event

from knelpunt.infra.projecting.projector import Projector

if __name__ == "__main__":
    print("ready", flush=True)
    Projector(sys.argv[1]).run(Event())
