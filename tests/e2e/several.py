#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Traces that were recorded apart, reported on as one."""

import os
import struct
import subprocess
from datetime import datetime, timedelta

from e2e import EndToEnd, FLOCKTRACE, MS, PYTHON, TIMEOUT, main, needs, wait_for

HOLDER = """
import fcntl, os, time
import e2e
file = open("both.lock", "w")
fcntl.lockf(file, fcntl.LOCK_EX, 10)
open("held", "w").close()
e2e.wait_for(lambda: os.path.exists("pid") and open("pid").read(), "the waiter")
import lab
lab.wait_until_blocked(int(open("pid").read()))
time.sleep(0.1)
fcntl.lockf(file, fcntl.LOCK_UN, 10)
"""

WAITER = """
import fcntl, os
import e2e
e2e.wait_for(lambda: os.path.exists("held"), "the holder")
file = open("both.lock", "r+")
open("pid", "w").write(str(os.getpid()))
fcntl.lockf(file, fcntl.LOCK_EX, 10)
"""

# Takes and drops a lock as fast as it can, while the other recording does so too.
EAGER = """
import fcntl, os, sys
import e2e
open("ready" + sys.argv[1], "w").close()
e2e.wait_for(lambda: os.path.exists("ready1") and os.path.exists("ready2"), "the other")
file = open("eager.lock", "w")
for turn in range(3000):
    if sys.argv[2] == "flock":
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX, 10)
        fcntl.lockf(file, fcntl.LOCK_UN, 10)
    if turn % 10 == 0:
        os.sched_yield()
"""

BOOT_ID, REALTIME = 96, 120  # bytes into the header (trace/FORMAT.md)


class Several(EndToEnd):
    def record_together(self, *commands):
        """Each as a recording of its own, all at once: traces "1", "2", …"""
        running = [subprocess.Popen([FLOCKTRACE, "record", "-o", str(number), "--", *command], cwd=self.directory,
                                    env={**self.environment, "E2E_FLOCKTRACE": FLOCKTRACE, "E2E_PRELOAD": "", "E2E_VICTIMS": ""},
                                    stderr=subprocess.DEVNULL)
                   for number, command in enumerate(commands, 1)]
        for one in running:
            self.assertEqual(one.wait(TIMEOUT), 0)

    def refused(self, *traces):
        result = self.flocktrace("report", *traces)
        self.assertEqual((result.returncode, result.stdout), (125, ""))
        self.assertRegex(result.stderr, r"\Aflocktrace: [^\n]+\n\Z")
        return result.stderr

    def change(self, trace, offset, value):
        with open(self.path(trace), "r+b") as file:
            file.seek(offset)
            file.write(struct.pack("<Q", value))

    def number_at(self, trace, offset):
        with open(self.path(trace), "rb") as file:
            file.seek(offset)
            return struct.unpack("<Q", file.read(8))[0]

    def test_who_waits_in_one_for_who_holds_in_the_other(self):
        self.record_together((PYTHON, "-c", HOLDER), (PYTHON, "-c", WAITER))
        alone = self.report("2").wait("both.lock")
        self.assertEqual([holder["traced"] for holder in alone["holders"]], [False])
        for order in ("1", "2"), ("2", "1"):
            both = self.report(order[0], order[1])
            self.assert_clean(both)
            wait = both.wait("both.lock")
            self.assertEqual((wait["wait_ns"], wait["pid"]), (alone["wait_ns"], alone["pid"]))
            holder, = wait["holders"]
            self.assertEqual(holder["pid"], self.report("1").document["processes"][0]["pid"])
            self.assertGreater(holder["overlap_ns"], 100 * MS)
            self.assertEqual(both.resource("both.lock")["acquisitions"], 2)
            self.assertTrue(both.quality["complete"], both.quality["missing"])

    def test_no_two_of_different_recordings_share_a_number(self):
        self.record_together((PYTHON, "-c", HOLDER), (PYTHON, "-c", WAITER))
        each = [self.report(trace).document for trace in ("1", "2")]
        both = self.report("1", "2").document
        self.assertTrue({one["id"] for one in each[0]["processes"]} & {one["id"] for one in each[1]["processes"]})
        ids = [one["id"] for one in both["processes"]]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual({one["pid"] for one in both["processes"]}, {one["pid"] for one in each[0]["processes"] + each[1]["processes"]})
        for key in ("requests", "failed"):
            self.assertEqual(both["totals"][key], sum(one["totals"][key] for one in each))
        for key in ("records", "lost", "holes"):
            self.assertEqual(both["quality"][key], sum(one["quality"][key] for one in each))
        # To the microsecond it depends on whose clock offset is taken.
        for moment, of in ("start", min), ("end", max):
            apart = datetime.fromisoformat(both["run"][moment]) - of(datetime.fromisoformat(one["run"][moment]) for one in each)
            self.assertLess(abs(apart), timedelta(milliseconds=1))

    def test_thousands_of_turns_never_overlap(self):
        """The two clocks of a turn - unlock, grant - order it, whoever recorded which."""
        for kind in "lockf", "flock":
            with self.subTest(kind):
                for number in "12":
                    if os.path.exists(self.path("ready" + number)):
                        os.unlink(self.path("ready" + number))
                        os.unlink(self.path(number))
                self.record_together((PYTHON, "-c", EAGER, "1", kind), (PYTHON, "-c", EAGER, "2", kind))
                both = self.report("1", "2")
                self.assert_clean(both)
                resource = both.resource("eager.lock")
                self.assertEqual((resource["acquisitions"], resource["owners"]), (6000, 2))
                self.assertGreaterEqual(resource["hand_overs"], 1)
                self.assertLessEqual(resource["hold_ns"]["total"], both.document["totals"]["recorded_ns"])
                self.assertGreaterEqual(resource["held_by_anybody_ns"], 0.99 * resource["hold_ns"]["total"])

    def test_those_that_do_not_go_together_are_refused(self):
        self.record("flock", "f", "true", trace="one")
        self.record("flock", "f", "true", trace="two")
        self.assertEqual(self.report("one", "two").document["totals"]["requests"], 2)
        self.assertIn("one: of the same recording as one", self.refused("one", "one"))
        self.assertIn("missing: No such file", self.refused("one", "missing"))
        realtime = self.number_at("two", REALTIME)
        self.change("two", REALTIME, realtime + 3_000_000_000)
        self.assertIn("two: the clock was set", self.refused("one", "two"))
        self.change("two", REALTIME, realtime)
        self.change("two", BOOT_ID, self.number_at("two", BOOT_ID) ^ 1)
        self.assertIn("two: not of the same boot as one", self.refused("one", "two"))
        self.assertEqual(self.flocktrace("report", "two").returncode, 0)

    def test_a_recording_that_ended_while_somebody_held_a_lock_is_not_gone_on_with(self):
        self.record("sh", "-c", "exec 9>kept; flock 9; sleep 60 >/dev/null 2>&1 & echo $! >pid", trace="one")
        with open(self.path("pid"), encoding="utf-8") as file:
            sleeper = int(file.read())
        self.addCleanup(os.kill, sleeper, 9)
        self.assertEqual(self.flocktrace("report", "one").returncode, 0)
        self.record("flock", "other", "true", trace="two")
        line = self.refused("one", "two")
        self.assertRegex(line, r"one: ends while \S+\[\d+\] holds a lock, and the others go on")

    @needs("flock")
    def test_an_output_that_is_one_of_them_is_refused(self):
        self.record("flock", "f", "true", trace="one")
        self.record("flock", "f", "true", trace="two")
        self.assertIn("two: is the trace itself", self.refused("-o", "two", "one", "two"))


if __name__ == "__main__":
    main()
