"""Starting a process that helps this one; what the two say to each other is framed by ``frames``.

Apart from those frames, since a helper says them too and has no use for this.
"""

import subprocess
import sys


def started(module: str) -> "subprocess.Popen[bytes]":
    """Return a process that runs a module of ours, with pipes to speak over, out of reach of the terminal's signals."""
    return subprocess.Popen(  # noqa: S603  a module of ours
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what goes wrong there goes wrong here too, when it is done again
        start_new_session=True,
    )
