"""A helper of an import: judges traces and packs their commands, in a process of its own, until its input ends.

What it imports is little, since it is started anew for every large import: no database, no web, no questions.
"""

import gc
import signal
import sys

from .. import frames
from . import framing
from .judging import judged
from .packing import Packer


def main() -> None:
    """Answer each batch of traces with what became of them, in their order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the import, with which this ends
    gc.disable()  # nothing here is in a circle, and looking for one takes a tenth of the time
    instruction = frames.receive(sys.stdin.buffer, framing.INSTRUCTION)
    if instruction is None:
        return
    packer = Packer(instruction.secret)
    while (traces := frames.receive(sys.stdin.buffer, framing.TRACES)) is not None:
        frames.send(sys.stdout.buffer, [judged(trace, instruction.mapping, packer) for trace in traces])


if __name__ == "__main__":
    main()
