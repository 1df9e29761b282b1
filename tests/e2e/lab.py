# SPDX-License-Identifier: MIT
"""For the recorded Python programs of the tests: contention in a known order, without sleeping and hoping."""

import json
import os
import time

SYS_FCNTL, SYS_FLOCK = 72, 73


def is_blocked(pid):
    """Asleep in fcntl or flock."""
    try:
        with open(f"/proc/{pid}/syscall") as file:
            number = file.read().split()[0]
        with open(f"/proc/{pid}/stat") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state == "S" and number in (str(SYS_FCNTL), str(SYS_FLOCK))


def wait_until_blocked(pid):
    while not is_blocked(pid):
        time.sleep(0.001)


def say(**words):
    os.write(1, (json.dumps(words) + "\n").encode())


def contend(name, take, free, wait, hold_ms=100):
    """
    The parent takes, a child waits, and once it was seen asleep and hold_ms more have passed the parent frees: functions of an
    open file. The child says who waited, for how long by its own clock, and who held.
    """
    with open(name, "w+b") as file:
        file.write(bytes(1000))
        file.flush()
        take(file)
        child = os.fork()
        if child == 0:
            file.close()  # a copy of an open file description would keep its lock alive
            with open(name, "r+b") as own:
                begin = time.monotonic_ns()
                wait(own)
                say(name=name, waiter=os.getpid(), holder=os.getppid(), waited_ns=time.monotonic_ns() - begin)
            os._exit(0)
        wait_until_blocked(child)
        time.sleep(hold_ms / 1000)
        free(file)
        assert os.waitpid(child, 0)[1] == 0
