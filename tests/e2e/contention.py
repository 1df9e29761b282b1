#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One holder, one waiter, known milliseconds: what the report says of them."""

import collections
import json
import os
import re

from e2e import FLOCKTRACE, MS, PYTHON, EndToEnd, main, needs, victim


class Contention(EndToEnd):
    def setUp(self):
        super().setUp()
        stdout, self.report_ = self.recorded(victim("contention"), "150")
        pids = list(dict.fromkeys(int(line.split()[0]) for line in stdout.splitlines()[:-1]))
        self.holder, self.waiter = pids

    def test_both_waits_have_their_holder_and_duration(self):
        waits = self.report_.waits
        self.assertEqual(len(waits), 2)
        for wait in waits:
            self.assertEqual(wait["pid"], self.waiter)
            self.assert_about(wait["wait_ns"], 150 * MS)
            self.assertEqual([holder["pid"] for holder in wait["holders"]], [self.holder])
        record = self.report_.resource("contention", world="record", start=50, end=150)
        self.assertEqual((record["acquisitions"], record["contended"]), (1, 1))
        self.assertEqual(record["wait_ns"]["max"], record["wait_ns"]["total"])

    def test_blame_adds_up_to_the_waits(self):
        blamed = sum(one["exclusive_ns"] for one in self.report_.document["blame"])
        waited = sum(wait["wait_ns"] for wait in self.report_.waits)
        self.assert_about(blamed, waited)
        self.assertLessEqual(blamed, waited)

    def test_the_text_names_waiter_holder_and_range_in_a_sentence(self):
        text = self.flocktrace("report", "trace").stdout
        first = text.splitlines()
        self.assertRegex(first[0], r"\ANo deadlock\. 2 waits cost \d+(\.\d+)? ms")
        self.assertEqual(first[2], "Complete.")
        self.assertRegex(text, rf"victim-contenti\w*\[{self.waiter}\] waited \S+ m?s for exclusive \[50, 150\) of \S*contention")
        self.assertRegex(text, rf"held by victim-contenti\w*\[{self.holder}\]")
        self.assertIn("hold", text)
        self.assertIn("contention.c:", text)

    def test_the_report_is_the_same_each_time(self):
        for options in ([], ["--json"]):
            first, second = (self.flocktrace("report", *options, "trace").stdout for _ in range(2))
            self.assertEqual(first, second)


class Renewed(EndToEnd):
    """A file system gives the number of a file that was removed to the next one."""

    SCRIPT = """
import fcntl, os, sys
number = None
for name in sys.argv[1:]:
    for _ in range(1000): # others may be given it in between
        file = open(name, "w")
        if number in (None, os.fstat(file.fileno()).st_ino):
            break
        file.close()
        os.unlink(name)
    number = os.fstat(file.fileno()).st_ino
    print(number)
    fcntl.flock(file, fcntl.LOCK_EX)
    file.close()
    os.unlink(name)
"""

    def record_files(self, *names):
        born = self.run_program("stat", "-c", "%W", ".").stdout
        with open("/proc/self/status") as status:
            if born in ("0\n", "-\n") or "Seccomp:\t0" not in status.read():
                self.skipTest("when a file was made can't be asked here")
        stdout, report = self.recorded(PYTHON, "-c", self.SCRIPT, *names)
        if len(set(stdout.split())) > 1:
            self.skipTest("numbers are not used again here")
        return report

    def test_another_file_with_the_number_of_one_that_is_gone_is_another_one(self):
        report = self.record_files("first", "second", "third")
        self.assertEqual([report.resource(name)["acquisitions"] for name in ("first", "second", "third")], [1, 1, 1])

    def test_a_lock_file_that_is_made_again_and_again_is_one(self):
        self.assertEqual(self.record_files("again", "again", "again").resource("again")["acquisitions"], 3)


class LateChild(EndToEnd):
    def test_a_child_that_had_to_wait_for_a_processor_is_not_taken_for_a_dead_one(self):
        _, report = self.recorded(victim("late_child"))
        wait = report.wait("late_child")
        self.assertEqual((wait["outcome"], len(wait["holders"])), ("granted", 1))
        self.assertGreater(wait["wait_ns"], 90 * MS)


CHAIN = """
import fcntl, os, time
from lab import say, wait_until_blocked
one, two = open("f", "w"), open("g", "w")

def a_child(work):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        work(tell)
        os._exit(0)
    return child, ready

def b(tell):
    fcntl.lockf(two, fcntl.LOCK_EX)
    os.write(tell, b"x")
    fcntl.lockf(one, fcntl.LOCK_EX)

fcntl.lockf(one, fcntl.LOCK_EX)
middle, ready = a_child(b)
os.read(ready, 1)
wait_until_blocked(middle)
last, _ = a_child(lambda tell: fcntl.lockf(two, fcntl.LOCK_EX))
wait_until_blocked(last)
time.sleep(0.2)
fcntl.lockf(one, fcntl.LOCK_UN)
for child in middle, last:
    assert os.waitpid(child, 0)[1] == 0
say(a=os.getpid(), b=middle, c=last)
"""


class Chain(EndToEnd):
    def setUp(self):
        super().setUp()
        stdout, self.report_ = self.recorded(PYTHON, "-c", CHAIN)
        self.who = json.loads(stdout)

    def test_who_held_the_lock_that_the_holder_waited_for_is_the_root(self):
        a, b, c = (self.who[name] for name in "abc")
        wait = self.report_.wait("g")
        holder, = wait["holders"]
        self.assertEqual((wait["pid"], holder["pid"]), (c, b))
        chain = holder["waited_itself"]
        self.assertEqual((os.path.basename(chain["path"]), chain["root"]["pid"]), ("f", a))
        self.assert_about(chain["ns"], wait["wait_ns"])
        blame = {one["pid"]: one for one in self.report_.document["process_blame"]}
        self.assert_about(blame[b]["exclusive_ns"], wait["wait_ns"])
        self.assertGreater(blame[a]["root_ns"], self.report_.wait("f")["wait_ns"] * 9 // 10 + chain["ns"])

    def test_the_text_says_so_and_blames_the_root(self):
        text = self.flocktrace("report", "trace").stdout
        self.assertRegex(text, rf"of which \S+ ms while it waited itself, for \[0, EOF\) of f, held by \w+\S*\[{self.who['a']}\]")
        self.assertRegex(text.splitlines()[1], r"holding \[0, EOF\) of f\.")


# Waits of each kind, one after the other.
WAITS = """
import fcntl, lab
def posix(file):
    fcntl.lockf(file, fcntl.LOCK_EX, 100)
def unlock_posix(file):
    fcntl.lockf(file, fcntl.LOCK_UN, 100)
def whole(file):
    fcntl.flock(file, fcntl.LOCK_EX)
def unlock_whole(file):
    fcntl.flock(file, fcntl.LOCK_UN)
for turn in range(3):
    lab.contend("posix", posix, unlock_posix, posix, 150)
    lab.contend("whole", whole, unlock_whole, whole, 150)
"""


class Strace(EndToEnd):
    CALL = re.compile(r"^(\d+) +(?:(fcntl|flock)\(.*(?:F_SETLKW|LOCK_EX).* <([\d.]+)>$|<\.\.\. (fcntl|flock) resumed>.* <([\d.]+)>$)")

    def by_process(self):
        """Both at once, on the same calls: {pid: (ns that strace, that the report has)} of the waits, and how many there are."""
        for name in "calls", "trace":
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        result = self.run_program("strace", "-f", "-T", "-o", "calls", "-e", "trace=fcntl,flock", FLOCKTRACE, "record", "-o", "trace", "--",
                                  PYTHON, "-c", WAITS)
        self.assertEqual(result.returncode, 0, result.stderr)
        seen = collections.Counter()
        with open(self.path("calls"), encoding="utf-8") as file:
            for call in filter(None, map(self.CALL.match, file)):
                ns = float(call.group(3) or call.group(5)) * 1e9
                if ns > 10 * MS:
                    seen[int(call.group(1))] += ns
        waits = self.report().waits
        said = collections.Counter()
        for wait in waits:
            said[wait["tid"]] += wait["wait_ns"]
        self.assertEqual(said.keys(), seen.keys())
        self.assertEqual(len(waits), 6)
        return {pid: (seen[pid], said[pid]) for pid in seen}

    @needs("strace")
    def test_waits_are_as_long_as_strace_says(self):
        """Within 5 % and 50 us a call. What both measure lies between two wakings of strace, so a busy machine gets three tries."""
        for _ in range(3):
            times = self.by_process()
            apart = {pid: pair for pid, pair in times.items() if abs(pair[0] - pair[1]) > pair[0] * 0.05 + 50_000}
            if not apart:
                return
        self.fail(f"strace and the report differ: {apart}")


if __name__ == "__main__":
    main()
