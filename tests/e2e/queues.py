#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the queues for locks were like: convoys, holds that contain waits, shares."""

from e2e import EndToEnd, MS, PYTHON, main

# Who has it gives it up once two others wait, so that one of them waits on, and asks again once another has it. The last two are too few.
CONVOY = """
import fcntl, os, time
open("busy.lock", "w").close()
open("done", "w").close()
inode = os.stat("busy.lock").st_ino
def look():
    with open("/proc/locks") as locks:
        lines = [line.split() for line in locks if f":{inode} " in line]
    return [int(line[4]) for line in lines if line[1] == "FLOCK"], sum(line[1] == "->" for line in lines)
def others():
    return 3 - os.stat("done").st_size
for child in range(4):
    if os.fork() == 0:
        file = open("busy.lock")
        for turn in range(8):
            fcntl.flock(file, fcntl.LOCK_EX)
            while look()[1] < min(2, others()):
                time.sleep(0.002)
            fcntl.flock(file, fcntl.LOCK_UN)
            while others() and look()[0] in ([], [os.getpid()]):
                time.sleep(0.002)
        with open("done", "a") as done:
            done.write("x")
        os._exit(0)
for child in range(4):
    os.wait()
"""

# The child holds the inner one while the parent, with the outer one, waits for it.
NESTED = """
import fcntl, os, time
import lab
ready = os.pipe()
outer, inner = open("outer.lock", "w"), open("inner.lock", "w")
if os.fork() == 0:
    fcntl.lockf(inner, fcntl.LOCK_EX)
    os.write(ready[1], b"x")
    lab.wait_until_blocked(os.getppid())
    time.sleep(0.1)
    os._exit(0)
os.read(ready[0], 1)
fcntl.lockf(outer, fcntl.LOCK_EX)
fcntl.lockf(inner, fcntl.LOCK_EX)
fcntl.lockf(outer, fcntl.LOCK_UN)
os.wait()
"""


class Queues(EndToEnd):
    def text(self, *options):
        return self.flocktrace("report", *options, "trace").stdout

    def test_a_lock_that_goes_from_waiter_to_waiter_is_a_convoy(self):
        _, report = self.recorded(PYTHON, "-c", CONVOY)
        resource = report.resource("busy.lock")
        convoy = resource["longest_convoy"]
        self.assertGreaterEqual(convoy["waits"], 10)
        self.assertLessEqual(convoy["waits"], resource["contended"])
        self.assertGreater(convoy["ns"], 0)
        self.assertLessEqual(convoy["ns"], report.document["totals"]["recorded_ns"])
        self.assertRegex(self.text(), r"(?m)^Queues\nflock of busy\.lock:\n    A convoy: from [\d:]+ on somebody always waited, for [\d.]+ ms; "
                                      + str(convoy["waits"]) + " waits ended meanwhile")
        self.assertEqual((resource["holds_with_waits"], resource["waited_while_held_ns"]), (0, 0))

    def test_a_hold_with_a_wait_in_it_is_told(self):
        _, report = self.recorded(PYTHON, "-c", NESTED)
        outer, inner = report.resource("outer.lock"), report.resource("inner.lock")
        wait = max(report.waits_for("inner.lock"), key=lambda wait: wait["wait_ns"])
        self.assertEqual((outer["holds_with_waits"], outer["waited_while_held_ns"]), (1, wait["wait_ns"]))
        self.assertEqual(inner["holds_with_waits"], 0)
        self.assertGreaterEqual(outer["waited_while_held_ns"], 100 * MS)
        text = self.text()
        self.assertRegex(text, r"(?m)^\[0, EOF\) of outer\.lock:\n    Held while its holder waited for another lock: 1 time, for ")
        self.assertNotIn("convoy", text)

    def test_shares_are_columns_and_numbers(self):
        _, report = self.recorded(PYTHON, "-c", NESTED)
        outer, inner = report.resource("outer.lock"), report.resource("inner.lock")
        recorded = report.document["totals"]["recorded_ns"]
        self.assertEqual((inner["acquisitions"], outer["acquisitions"]), (2, 1))
        for resource in inner, outer:
            self.assertEqual(resource["contended_per_mille"], 1000 * resource["contended"] // resource["acquisitions"])
        self.assertLessEqual(abs(outer["busy_per_mille"] - 1000 * outer["held_by_anybody_ns"] / recorded), 1)
        self.assertGreater(outer["busy_per_mille"], 0)
        table = self.text("--columns", "FILE,CONTENDED,BUSY,QUEUE").split("\nResources, ")[1].split("\n\n")[0]
        header, *lines = table.splitlines()[1:]
        cells = {line.split()[0]: line.split()[1:] for line in lines}
        self.assertEqual(header.split(), ["FILE", "CONTENDED", "BUSY", "QUEUE"])
        for resource, name in (inner, "inner.lock"), (outer, "outer.lock"):
            self.assertEqual(cells[name][:2], [str(resource["contended_per_mille"] // 10), "%"])
            self.assertEqual(cells[name][-1], str(resource["longest_queue"]))
        self.assertGreaterEqual(inner["longest_queue"], 1)


if __name__ == "__main__":
    main()
