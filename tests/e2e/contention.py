#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One holder, one waiter, known milliseconds: what the report says of them."""

from e2e import MS, EndToEnd, main, victim


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


if __name__ == "__main__":
    main()
