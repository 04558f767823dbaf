"""Run by path, before a child's own program: dies with its parent, gives up root, then becomes it.

`enter.py PARENT_PID SIGNAL UID GID PROGRAM [ARGUMENT…]`; UID and GID are -1 to stay who we are.

A program of its own and not `preexec_fn`, which is unsafe in a parent with threads. Standard
library only, so that it starts in milliseconds with `python -I -S`.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Never returns: exits, or is replaced by the program."""
    parent, death_signal, uid, gid = (int(text) for text in sys.argv[1:5])
    program = sys.argv[5:]
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if prctl is not None:
        # After setuid, which clears it. It follows the thread that started us, not its process.
        prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the parent was gone before the start")
    os.execv(program[0], program)  # noqa: S606 - becoming the program is what this is for


if __name__ == "__main__":
    main()
