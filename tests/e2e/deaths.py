#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who of the recorded has died, and who has not."""

import ctypes
import os
import re
import subprocess

from e2e import FLOCKTRACE, PYTHON, EndToEnd, main, wait_for

SYS_PIDFD_GETFD = 438  # the same on all architectures

# A parent that does as it is told, a line each; so does its child, which says its pid first.
FAMILY = """
import os, signal, sys
from fcntl import flock, LOCK_SH, LOCK_UN

def say(word):
    os.write(1, f"{word}\\n".encode())

def child():
    signal.signal(signal.SIGUSR1, lambda *_: lock())
    lock()
    while True:
        signal.pause()

def lock():
    file = os.open("f", os.O_RDWR | os.O_CREAT)
    flock(file, LOCK_SH)
    flock(file, LOCK_UN)
    say(os.getpid())

pid = 0
for order in sys.stdin:
    if order == "fork\\n":
        pid = os.fork() or child()
    elif order == "lock\\n":
        os.kill(pid, signal.SIGUSR1)
    elif order == "kill\\n":
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        say("killed")
        pid = 0
if pid:
    os.kill(pid, signal.SIGKILL)
"""


def descriptors_of(process, pid):
    """Pidfds of pid that another process has."""
    found = []
    for fd in os.listdir(f"/proc/{process}/fdinfo"):
        try:
            with open(f"/proc/{process}/fdinfo/{fd}") as file:
                if re.search(rf"^Pid:\t{pid}$", file.read(), re.M):
                    found.append(int(fd))
        except FileNotFoundError:
            pass
    return found


class Deaths(EndToEnd):
    def tell(self, order):
        self.program.stdin.write(order + "\n")
        self.program.stdin.flush()
        return self.program.stdout.readline().strip()

    def followed(self, pid):
        wait_for(lambda: descriptors_of(self.program.pid, pid), f"a pidfd of {pid}")
        return descriptors_of(self.program.pid, pid)[0]

    def borrow(self, fd):
        """The same open file as fd of flocktrace."""
        process = os.pidfd_open(self.program.pid)
        mine = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, process, fd, 0)
        os.close(process)
        if mine < 0:
            self.skipTest("may not have the descriptors of others: " + os.strerror(ctypes.get_errno()))
        self.addCleanup(os.close, mine)

    def test_who_comes_after_a_dead_process_lives_though_somebody_else_still_looks_at_that_one(self):
        with open(self.path("family.py"), "w") as file:
            file.write(FAMILY)
        self.program = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", PYTHON, "family.py"], cwd=self.directory,
                                        env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.program.communicate)
        first = int(self.tell("fork"))
        self.borrow(self.followed(first))
        self.assertEqual(self.tell("kill"), "killed")
        wait_for(lambda: not descriptors_of(self.program.pid, first), "the end of the first one")
        second = self.tell("fork")
        self.followed(second)
        self.assertEqual(self.tell("lock"), second)
        self.assertEqual(self.tell("kill"), "killed")
        self.program.communicate()  # it ends with its input
        said = [line.split(f"{second}/{second} ", 1)[1].split("(")[0].strip()
                for line in self.flocktrace("dump", "trace").stdout.splitlines() if f" {second}/{second} " in line]
        self.assertEqual([word for word in said if word in ("flock", "died")], [*["flock"] * 6, "died"])


if __name__ == "__main__":
    main()
