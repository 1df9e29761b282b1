#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who took part and could not be recorded is named, with the reason; and nothing is called complete then."""

import os
import shutil
import unittest

from e2e import FLOCKTRACE, PYTHON, EndToEnd, main, needs, victim

# Lives until it is looked at.
LINGER = "import time; time.sleep(0.7)"


class Coverage(EndToEnd):
    def untraced(self, *command, **options):
        self.record(*command, **options)
        report = self.report()
        return report, {(os.path.basename(one["exe"] or ""), one["reason"]) for one in report.quality["untraced_processes"]}

    def test_everything_recorded_is_complete(self):
        report, found = self.untraced("sh", "-c", f"{victim('contention')}; {victim('exec')}; {PYTHON} -c '{LINGER}'")
        self.assertEqual(found, set())
        self.assertEqual((report.quality["complete"], report.quality["missing"]), (True, ""))

    def test_a_program_that_takes_long_to_start_is_recorded(self):
        """It ends soon after its start, and another one that is left out in the same process is not forgotten."""
        report, found = self.untraced("sh", "-c", f"{victim('slow_start')}; true")
        self.assertEqual((found, report.quality["missing"]), (set(), ""))
        report, found = self.untraced("sh", "-c", f"exec {PYTHON} -c '{LINGER}'", environment={"FLOCKTRACE_ONLY": "sh"})
        self.assertEqual([reason for _, reason in found], ["left out by FLOCKTRACE_ONLY"])

    @unittest.skipUnless(os.path.exists(victim("static")), "no static libc here")
    def test_a_static_program(self):
        report, found = self.untraced("sh", "-c", victim("static") + "; true")
        self.assertEqual(found, {("victim-static", "static")})
        self.assertFalse(report.quality["complete"])

    def test_a_lost_environment(self):
        name = os.path.basename(os.path.realpath(PYTHON))
        report, found = self.untraced("sh", "-c", f"env -i {PYTHON} -c '{LINGER}'; true")
        self.assertEqual(found, {(name, "lost environment")})
        _, found = self.untraced("sh", "-c", f"env -u LD_PRELOAD {PYTHON} -c '{LINGER}'; true")
        self.assertEqual(found, {(name, "lost environment")})

    @unittest.skipIf(os.geteuid() != 0, "only root can make a program of somebody else's")
    def test_a_setuid_program(self):
        shutil.copy(os.path.realpath("/bin/sleep"), self.path("sleeper"))
        os.chown(self.path("sleeper"), 65534, 65534)
        os.chmod(self.path("sleeper"), 0o4755)
        if os.statvfs(self.directory).f_flag & os.ST_NOSUID:
            self.skipTest("mounted nosuid")
        report, found = self.untraced("sh", "-c", "./sleeper 0.7; true")
        self.assertEqual(found, {("sleeper", "setuid")})

    def test_the_text_says_incomplete_and_names_them(self):
        result = self.flocktrace("run", "sh", "-c", f"env -i {PYTHON} -c '{LINGER}'; {victim('posix')}")
        self.assertIn("INCOMPLETE", result.stderr)
        self.assertIn("lost environment", result.stderr)
        self.assertNotIn("Complete.", result.stderr)

    def test_what_a_process_does_after_the_end_of_the_program_is_missing(self):
        os.mkfifo(self.path("locked"))
        os.mkfifo(self.path("hold"))
        hold = os.open(self.path("hold"), os.O_RDWR)
        result = self.flocktrace("run", "sh", "-c",
                                 "flock n.lock sh -c 'echo >locked; cat hold' >/dev/null 2>&1 & read line <locked; exit 5")
        os.close(hold)
        self.assertEqual(result.returncode, 5)
        self.assertRegex(result.stderr, r"INCOMPLETE: [23] processes still ran at the end of the program\.")
        self.assertNotIn("Complete.", result.stderr)

    @needs("prlimit")
    def test_a_trace_that_reached_the_limit_of_file_sizes_says_how_many_records_are_not_in_it(self):
        self.run_program("prlimit", "--fsize=4194304", FLOCKTRACE, "record", "-o", "trace", "--", PYTHON, "-c", """
import fcntl
f = open("f", "w")
for i in range(60_000):
    fcntl.lockf(f, fcntl.LOCK_EX)
    fcntl.lockf(f, fcntl.LOCK_UN)
""", check=True)
        self.assertLessEqual(os.path.getsize(self.path("trace")), 4194304)
        report = self.report()
        self.assertFalse(report.quality["complete"])
        self.assertGreater(report.quality["lost"], 60_000)
        self.assertGreaterEqual(report.quality["lost"] + report.quality["records"], 3 * 60_000)
        self.assertIn("records lost", self.flocktrace("report", "trace").stdout)

    def test_an_untraced_holder_is_called_unknown(self):
        self.record(PYTHON, "-c", f"""
import fcntl, subprocess, time
from lab import *
f = open("f", "w")
holder = subprocess.Popen([{PYTHON!r}, "-c", "import fcntl, sys; f = open('f'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"],
                          env={{}}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
holder.stdout.readline()
child = os.fork()
if child == 0:
    begin = time.monotonic_ns()
    fcntl.flock(f, fcntl.LOCK_EX)
    say(waited_ns=time.monotonic_ns() - begin)
    os._exit(0)
wait_until_blocked(child)
time.sleep(0.05)
holder.kill()
holder.wait()
os.waitpid(child, 0)
""")
        report = self.report()
        wait = report.wait("f")
        self.assertEqual([(one["pid"], one["traced"]) for one in wait["holders"]], [(None, False)])
        self.assertEqual(report.quality["untraced_holders"], 1)
        self.assertFalse(report.quality["complete"])


if __name__ == "__main__":
    main()
