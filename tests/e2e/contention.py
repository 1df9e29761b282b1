#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One holder, one waiter, known milliseconds: what the report says of them."""

import json
import os

from e2e import MS, PYTHON, EndToEnd, main, victim


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
        self.assertRegex(first[0], r"2 waits cost \d+(\.\d+)? ms")
        self.assertEqual(first[2], "Complete.")
        self.assertRegex(text, rf"victim-contenti\w*\[{self.waiter}\] waited \S+ m?s for exclusive \[50, 150\) of \S*contention")
        self.assertRegex(text, rf"held by victim-contenti\w*\[{self.holder}\]")
        self.assertIn("hold", text)
        self.assertIn("contention.c:", text)

    def test_the_report_is_the_same_each_time(self):
        for options in ([], ["--json"]):
            first, second = (self.flocktrace("report", *options, "trace").stdout for _ in range(2))
            self.assertEqual(first, second)


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


if __name__ == "__main__":
    main()
