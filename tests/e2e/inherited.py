#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
An open file description that several have: whoever unlocks it frees what another locked. If that is not seen, the lock seems held
when the next one gets it: an overlap.
"""

from e2e import MS, PYTHON, EndToEnd, main

PRELUDE = """
import os, sys
from fcntl import *

def child():
    "Forks one; the function that is returned makes it do something, and returns when that is done."
    orders, done = os.pipe(), os.pipe()
    if not os.fork():
        for line in os.fdopen(orders[0]):
            exec(line, globals())
            os.write(done[1], b".")

    def tell(order):
        os.write(orders[1], order.encode() + b"\\n")
        if "exit" not in order:
            os.read(done[0], 1)
    return tell

def next_one_gets_it():
    flock(os.open("f", os.O_RDWR), LOCK_EX | LOCK_NB)

fd = os.open("f", os.O_RDWR | os.O_CREAT)
os.set_inheritable(fd, True)
"""

LAST_UNLOCKS = """
import threading
waiter = threading.Thread(target=flock, args=(os.open("f", os.O_RDWR), LOCK_EX))
waiter.start()
last("import time; time.sleep(0.3); flock(fd, LOCK_UN)")
waiter.join()
last("os._exit(0)")
"""

# The heir is a shell that isn't recorded, and says nothing before it becomes another program: by then the taker is dead, and that is
# known, or it has closed the file.
LEAK = """
import ctypes, os, sys, time
from fcntl import *
from subprocess import Popen

def start_heir(fd, ready):
    environment = {**os.environ, "PRELOAD": os.environ["LD_PRELOAD"]}
    del environment["LD_PRELOAD"]
    os.set_inheritable(fd, True)
    Popen(["sh", "-c", "read line; LD_PRELOAD=$PRELOAD exec sleep 0.3"], stdin=ready, close_fds=False, env=environment)
    os.set_inheritable(fd, False)

def take(way, ready):
    fd = os.open("f", os.O_RDWR | os.O_CREAT)
    flock(fd, LOCK_EX)
    start_heir(fd, ready)
    os.close(fd) if way == "closes" else os._exit(0)

def heir_speaks():
    children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
    return any(open(f"/proc/{child}/comm").read() == "sleep\\n" for child in children)

ready, go = os.pipe()
if sys.argv[1] == "is adopted": # by who has locked nothing, and is recorded
    ctypes.CDLL(None).prctl(36, 1) # PR_SET_CHILD_SUBREAPER
if sys.argv[1] == "closes":
    take("closes", ready)
elif not os.fork():
    take("dies", ready)
else:
    os.wait()
other = os.open("f", os.O_RDWR)
os.write(go, b"\\n")
while sys.argv[1] == "is adopted" and not heir_speaks():
    time.sleep(0.001)
flock(other, LOCK_EX)
"""


def check_leak(test, report, way):
    holder = max(report.wait("f")["holders"], key=lambda holder: holder["overlap_ns"])
    test.assertEqual(holder["command"], "sleep")
    test.assertGreater(holder["overlap_ns"], 250 * MS)
    test.assertTrue(report.sites[holder["site"]][0].startswith("take"))
    test.assertIsNotNone(holder["acquired_by"])
    test.assertEqual([finding["id"] for finding in report.document["findings"]], ["leaked-to-child"], way)


class Inherited(EndToEnd):
    def check(self, body):
        with open(self.path("program.py"), "w") as file:
            file.write(PRELUDE + body)
        _, report = self.recorded(PYTHON, "program.py")
        self.assertEqual((report.total("f", "acquisitions"), report.total("f", "failed_tries")), (2, 0))

    def test_a_program_that_speaks_after_its_taker_has_gone_is_an_heir(self):
        for way in "dies", "closes", "is adopted":
            with self.subTest(way):
                self.record(PYTHON, "-c", LEAK, way)
                check_leak(self, self.report(), way)

    def test_siblings_share_what_their_parent_has_closed(self):
        self.check("""
one, other = child(), child()
os.close(fd)
one("flock(fd, LOCK_EX)")
other("flock(fd, LOCK_UN)")
next_one_gets_it()
one("os._exit(0)")
other("os._exit(0)")
""")

    def check_kept_until_the_last_unlocks(self, taken_at, body):
        with open(self.path("program.py"), "w") as file:
            file.write(PRELUDE + body + LAST_UNLOCKS)
        self.record(PYTHON, "program.py")
        report = self.report()
        holder = max(report.wait("f")["holders"], key=lambda holder: holder["overlap_ns"])
        self.assertIn(taken_at, report.sites.get(holder["site"], [""])[0])
        self.assertGreater(holder["overlap_ns"], 250 * MS)

    def test_a_child_keeps_what_its_parent_has_locked_and_closed_since(self):
        self.check_kept_until_the_last_unlocks("program.py:27", """
last = child()
last("pass")
flock(fd, LOCK_EX)
os.close(fd)
""")

    def test_a_child_keeps_what_its_sibling_has_locked_and_closed_since(self):
        self.check_kept_until_the_last_unlocks("<string>:1", """
last, sibling = child(), child()
last("pass")
os.close(fd)
sibling("flock(fd, LOCK_EX)")
sibling("os.close(fd)")
sibling("os._exit(0)")
""")

    def test_a_child_shares_what_its_parent_has_under_another_number_by_now(self):
        self.check("""
one = child()
number = os.dup(fd)
os.close(fd)
flock(number, LOCK_EX)
one("flock(fd, LOCK_UN)")
next_one_gets_it()
one("os._exit(0)")
""")

    def test_a_child_shares_what_its_parent_has_duplicated_before_and_not_locked(self):
        self.check("""
number = os.dup(fd)
one = child()
os.close(fd)
one("flock(fd, LOCK_EX)")
flock(number, LOCK_UN)
next_one_gets_it()
one("os._exit(0)")
""")

    def test_a_child_shares_the_duplicate_that_its_parent_is_left_with(self):
        for close in "os.close(fd)", "os.closerange(fd, fd + 1)", "os.dup2(other, fd)":
            with self.subTest(close):
                self.check(f"""
other = os.open("other", os.O_RDWR | os.O_CREAT)
one = child()
number = os.dup(fd)
one("flock(fd, LOCK_EX)")
{close}
flock(number, LOCK_UN)
next_one_gets_it()
one("os._exit(0)")
""")

    def test_a_child_shares_each_duplicate_that_its_parent_has(self):
        self.check("""
number = os.dup(fd)
one = child()
one("flock(fd, LOCK_EX)")
os.close(fd)
flock(number, LOCK_UN)
next_one_gets_it()
one("os._exit(0)")
""")

    def test_a_new_image_shares_with_itself_what_the_old_one_duplicated(self):
        self.check(f"""
os.dup2(fd, 50)
os.execv({PYTHON!r}, ["python3", "-c", f'''
import os
from fcntl import *
flock({{fd}}, LOCK_EX)
flock(50, LOCK_UN)
flock(os.open("f", os.O_RDWR), LOCK_EX | LOCK_NB)
'''])
""")


if __name__ == "__main__":
    main()
