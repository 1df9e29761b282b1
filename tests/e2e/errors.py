#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each error that a lock call can get stands in the report as the error that it was, as often as it came."""

import os
import re
import signal

from e2e import MS, PYTHON, EndToEnd, main, victim


class Errors(EndToEnd):
    def errors_of(self, *command):
        stdout, report = self.recorded(*command)
        self.assertTrue(stdout.endswith("OK\n"))
        return report.errors()

    def test_what_the_kernel_refuses_at_once(self):
        self.assertEqual(self.errors_of(victim("errors")), {
            ("flock", "EAGAIN"): 1, ("flock", "EBADF"): 2, ("flock", "EINVAL"): 3,
            ("fcntl F_SETLK", "EAGAIN"): 1, ("fcntl F_SETLK", "EBADF"): 2, ("fcntl F_SETLK", "EINVAL"): 6,
            ("fcntl F_SETLK", "EOVERFLOW"): 2,
            ("fcntl F_SETLKW", "EBADF"): 1, ("fcntl F_SETLKW", "EINVAL"): 1, ("fcntl F_SETLKW", "EOVERFLOW"): 1,
            ("fcntl F_OFD_SETLK", "EBADF"): 1, ("lockf F_TLOCK", "EBADF"): 1,
        })

    def test_bad_pointers(self):
        self.assertEqual(self.errors_of(victim("bad_pointer")), {
            ("fcntl F_SETLK", "EFAULT"): 3, ("fcntl F_SETLKW", "EFAULT"): 1, ("fcntl F_GETLK", "EFAULT"): 1,
            ("fcntl F_OFD_SETLK", "EFAULT"): 1, ("fcntl F_OFD_SETLKW", "EFAULT"): 1,
        })

    def test_what_linux_gives_hardly_ever(self):
        self.assertEqual(self.errors_of(victim("refused")), {
            ("fcntl F_SETLKW", "ENOLCK"): 1, ("fcntl F_SETLK", "EACCES"): 1, ("fcntl F_OFD_SETLK", "ENOSYS"): 1,
            ("flock", "ENOLCK"): 2, ("lockf F_LOCK", "ENOLCK"): 1, ("lockf F_TLOCK", "EACCES"): 1,
        })

    def test_a_section_that_lockf_finds_busy(self):
        self.assertEqual(self.errors_of(victim("lockf_busy")), {("lockf F_TLOCK", "EAGAIN"): 2, ("lockf F_TEST", "EACCES"): 1})

    def test_locks_found_taken_are_the_verdict_where_nothing_blocked(self):
        self.record(PYTHON, "-c", """
import errno, fcntl, os, struct
file = os.open("f", os.O_RDWR | os.O_CREAT)
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
if os.fork() == 0:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        assert error.errno == errno.EAGAIN
    fcntl.fcntl(file, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
    os._exit(0)
os.wait()
""")
        report = self.report()
        self.assertEqual((report.document["totals"]["tries"], report.document["totals"]["tries_taken"]), (3, 2))
        text = self.flocktrace("report", "trace").stdout
        self.assertIn("No request blocked, but 2 of 3 tries found the lock taken (fcntl F_SETLK: EAGAIN 1x, queries 1x).\n"
                      "A single try is no wait, nor is a question alone.\nComplete.\n", text)

    def test_a_deadlock_that_the_kernel_saw(self):
        self.assertEqual(self.errors_of(victim("deadlock")), {("fcntl F_SETLKW", "EDEADLK"): 1})

    def test_waits_that_a_signal_ended_have_their_duration_and_holder(self):
        stdout, report = self.recorded(victim("alarm_eintr"))
        holder = int(stdout.split()[0])
        self.assertEqual(report.errors(), {("fcntl F_SETLKW", "EINTR"): 1, ("flock", "EINTR"): 1, ("fcntl F_OFD_SETLKW", "EINTR"): 1,
                                           ("lockf F_LOCK", "EINTR"): 1})
        waits = report.waits_for("alarm", outcome="failed", error="EINTR")
        self.assertEqual(len(waits), 4)
        for wait in waits:
            self.assert_about(wait["wait_ns"], 100 * MS)
            self.assertEqual([one["pid"] for one in wait["holders"]], [holder])

    def test_waits_that_never_ended(self):
        stdout, report = self.recorded(victim("killed_while_waiting"))
        holder = int(stdout.split()[0])
        waits = report.waits_for("killed")
        self.assertEqual(len(waits), 3)
        for wait in waits:
            self.assertEqual(wait["outcome"], "died")
            # Two holds where the parent locks again before the death is seen.
            self.assertEqual({one["pid"] for one in wait["holders"]}, {holder})
        self.assertEqual(report.document["totals"]["died_waiting"], 3)
        text = self.flocktrace("report", "trace").stdout
        self.assertTrue(text.startswith("3 requests were cut off by the death of their process. 3 waits cost"), text)
        self.assertEqual(len(re.findall(r"held by .*, and its process ended while it waited\.$", text, re.M)), 3, text)

    def test_a_wait_that_outlasts_the_recording_was_no_death(self):
        # The program ends; what it started holds and waits on.
        script = """exec 9>f; flock 9; sleep 600 >/dev/null 2>&1 & holder=$!; flock f true 9>&- >/dev/null 2>&1 &
                    until grep -q -- "-> .*:$(stat -c %i f) " /proc/locks; do sleep 0.01; done; echo $! $holder"""
        for process in self.record("sh", "-c", script).split():
            self.addCleanup(os.kill, int(process), signal.SIGKILL)
        text = self.flocktrace("report", "trace").stdout
        self.assertIn("1 request was still waiting when recording ended", text)
        self.assertIn(", and was still waiting when recording ended.", text)
        self.assertNotIn("killed", text)


if __name__ == "__main__":
    main()
