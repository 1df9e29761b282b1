#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Limits and sandboxes: where the recorder may not have what it needs, the program goes on as without it, and the report tells
what is missing."""

import os
import unittest

from e2e import PRELOAD, VICTIMS, EndToEnd, main, needs

CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"


def hazard(name):
    return os.path.join(VICTIMS, "hazard-" + name)


class Sandbox(EndToEnd):
    """hazard-sandbox puts filters over itself that kill for any system call but its own."""

    def sandboxed(self, how, *prefix, pairs):
        """So many pairs of fcntl and flock locks were recorded, all of them on one file."""
        report = self.recorded(*prefix, hazard("sandbox"), how)[1]
        self.assertEqual((report.quality["lost_unseen"], report.quality["untraced_processes"]), (0, []))
        for world in ("record", "flock"):
            self.assertEqual(report.resource("sandboxed", world=world)["acquisitions"], pairs)
        return report

    def test_a_filter_by_prctl_after_one_lock_that_kills_for_all_but_the_hosts_own_calls(self):
        self.sandboxed("prctl", pairs=1002)

    def test_a_filter_by_syscall_prctl(self):
        self.sandboxed("syscall-prctl", pairs=1002)

    def test_a_filter_by_seccomp_over_all_threads(self):
        self.sandboxed("seccomp", pairs=1002)

    def test_what_is_first_seen_behind_a_filter_is_counted(self):
        self.assertEqual(self.record(hazard("sandbox"), "unseen"), "OK\n")
        report = self.report()
        # Four calls each of a thread and of a descriptor that were not known before, two whose struct may not be looked at, and
        # a close that may have taken a lock along.
        self.assertEqual(report.quality["lost_unseen"], 4 + 4 + 2 + 1)
        self.assertIn("11 calls passed unrecorded", report.quality["missing"])
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 2)
        self.assertGreaterEqual(report.resource("handler")["acquisitions"], 100)

    def test_a_filter_that_lets_the_recorder_ask_hides_nothing(self):
        self.assertEqual(self.record(hazard("sandbox"), "seen"), "OK\n")
        report = self.report()
        self.assertEqual(report.quality["lost_unseen"], 0)
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 3)
        self.assertEqual(report.resource("never-locked", world="flock")["acquisitions"], 1)

    def test_a_child_forked_behind_a_filter_is_named(self):
        self.assertEqual(self.record(hazard("sandbox"), "fork"), "OK\n")
        report = self.report()
        self.assertEqual((report.quality["lost_unseen"], report.quality["lost_processes"]), (2, 1))
        self.assertFalse(report.quality["complete"])

    def test_a_filter_that_was_there_at_the_start_hides_nothing(self):
        # One pair before exec, and then as without it.
        self.sandboxed("prctl", hazard("sandbox"), "permissive", pairs=1003)

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(CLOCK_SOURCE), "another clock can't be pretended here")
    @needs("unshare", "mount")
    def test_a_clock_that_is_a_system_call_is_not_read_behind_a_filter(self):
        with open(self.path("clock"), "w") as file:
            file.write("hpet\n")
        said = self.record("unshare", "-m", "sh", "-ec", f"mount --bind clock {CLOCK_SOURCE}; exec \"$@\"", "sh",
                           hazard("sandbox"), "prctl")
        self.assertEqual(said, "OK\n")
        report = self.report()
        self.assertEqual(report.quality["lost_unseen"], 4 * 1001)
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 1)

    def test_without_a_session_too(self):
        for how in ("prctl", "syscall-prctl", "seccomp", "unseen", "fork"):
            with self.subTest(how):
                result = self.run_program(hazard("sandbox"), how, environment={"LD_PRELOAD": PRELOAD, "FLOCKTRACE_SESSION": "/nowhere"})
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "OK\n", ""))
                # And one of its own making.
                result = self.run_program(hazard("sandbox"), how, environment={"LD_PRELOAD": PRELOAD})
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "OK\n", ""))


if __name__ == "__main__":
    main()
