#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A bare LD_PRELOAD without run or record, the settings, and `report` without an argument."""

import fcntl
import glob
import os
import re
import select
import signal
import stat
import struct
import subprocess
import time

from e2e import FLOCKTRACE, PRELOAD, PYTHON, TIMEOUT, EndToEnd, main, victim, wait_for
from inherited import LEAK, check_leak


REALTIME = 120  # bytes into the header (trace/FORMAT.md)
OTHER_PLACES = [f"{place}/flocktrace-{os.geteuid()}" for place in ("/dev/shm", "/tmp")]


def sessions(runtime):
    return glob.glob(runtime + "/flocktrace/*")


def is_waited_for(inode):
    with open("/proc/locks") as file:
        return any("->" in line and f":{inode} " in line for line in file)


class DefaultSession(EndToEnd):
    def setUp(self):
        super().setUp()
        # A default session that exists anywhere is taken before a new one is made: the user's own is hidden from these tests.
        # So are those that other tests record into meanwhile.
        places = [place for place in ["/dev/shm"] + OTHER_PLACES[1:] if os.path.exists(place)]
        self.alone = []
        if places and os.geteuid() == 0:
            mounts = "; ".join(f"mount -t tmpfs -o mode=0700 none {place}" for place in places)
            self.alone = ["unshare", "-m", "sh", "-ec", mounts + '; exec "$@"', "sh"]
        elif any(os.path.exists(place + "/default") for place in OTHER_PLACES):
            self.skipTest("a default session is in use, and would be taken")

    def run_program(self, *command, environment=None, **options):
        """Nothing of ours is loaded into what hides the other sessions."""
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        return super().run_program(*self.alone, "env", *variables, *command, **options)

    def preloaded(self, *command, **environment):
        result = self.run_program(*command, environment={"LD_PRELOAD": PRELOAD, **environment})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def test_a_program_that_locks_nothing_leaves_no_file(self):
        self.preloaded("/bin/true")
        self.preloaded(PYTHON, "-c", "open('x', 'w').close()")
        self.assertEqual(os.listdir(self.runtime), [])

    def test_the_first_lock_makes_a_session_that_report_finds(self):
        stdout = self.preloaded(victim("contention"))
        self.assertEqual([os.path.basename(path) for path in sessions(self.runtime)], ["default"])
        status = os.stat(sessions(self.runtime)[0])
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.runtime + "/flocktrace").st_mode), 0o700)
        self.assertLessEqual(status.st_size, 4 << 20)
        result = self.flocktrace("report")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("waited", result.stdout)
        self.assertIn(sessions(self.runtime)[0], result.stdout + result.stderr)
        report = self.report(sessions(self.runtime)[0])
        self.assert_clean(report)
        holder = int(stdout.split()[0])
        self.assertEqual([one["pid"] for wait in report.waits for one in wait["holders"]], [holder] * 2)

    def test_a_lock_that_is_left_to_a_program_is_its_own(self):
        for way in "dies", "closes", "is adopted":
            with self.subTest(way):
                self.preloaded(PYTHON, "-c", LEAK, way)
                default = self.runtime + "/flocktrace/default"
                check_leak(self, self.report(default), way)
                os.unlink(default)

    def test_two_programs_share_one_session(self):
        self.preloaded(victim("posix"))
        self.preloaded(victim("flock"))
        self.assertEqual(len(sessions(self.runtime)), 1)
        report = self.report(sessions(self.runtime)[0])
        self.assertTrue(report.resources("posix"))
        self.assertTrue(report.resources("flock"))

    def test_the_newest_events_are_kept_when_the_ring_laps(self):
        self.preloaded(PYTHON, "-c", """
import fcntl
with open("early", "w") as f: fcntl.flock(f, fcntl.LOCK_EX)
with open("late", "w") as f:
    for _ in range(60000):
        fcntl.flock(f, fcntl.LOCK_EX)
        fcntl.flock(f, fcntl.LOCK_UN)
""")
        report = self.report(sessions(self.runtime)[0])
        self.assertGreater(report.quality["lost"], 0)
        self.assertGreater(report.resource("late")["acquisitions"], 1000)
        self.assertEqual(report.resources("early"), [])
        text = self.flocktrace("report").stdout
        self.assertIn("INCOMPLETE", text)
        self.assertIn("covers the last", text)

    def test_nonsense_in_a_setting_is_its_default_and_nobody_is_told(self):
        for value, stacks in (("abc", True), ("63", True), ("off", False), ("0", False)):
            with self.subTest(value):
                self.preloaded("flock", "f", "true", FLOCKTRACE_STACKS=value)
                default = self.runtime + "/flocktrace/default"
                self.assertEqual("stack of #" in self.flocktrace("dump", default).stdout, stacks)
                os.unlink(default)

    def recording_now(self, command):
        """A program that records until its stdin ends; it has locked a file before this returns."""
        environment = {**self.environment, **({} if command else {"LD_PRELOAD": PRELOAD})}
        process = subprocess.Popen([*self.alone, *command, PYTHON, "-c", "import fcntl, sys; f = open('f', 'w'); "
                                    "fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print(1, flush=True); sys.stdin.read()"],
                                   cwd=self.directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        process.stdout.readline()
        return process

    def reading(self):
        """What report without TRACE says that it reads, and what it passed over."""
        lines = self.flocktrace("report").stderr.splitlines()
        return [re.sub(r"\b(session)\.\d+\.\w+", r"\1", line.replace(self.runtime + "/flocktrace/", "")) for line in lines]

    def test_report_leaves_a_run_that_is_going_on_to_its_own_report(self):
        self.preloaded("flock", "f", "true")
        self.recording_now([FLOCKTRACE, "run"])
        self.assertEqual(self.reading(), ["flocktrace: reading default (nobody is recording into it now)",
                                          "flocktrace: not taken: session (in use by run or record)"])

    def test_report_takes_a_run_that_is_going_on_where_there_is_nothing_else(self):
        self.recording_now([FLOCKTRACE, "run"])
        self.assertEqual(self.reading(), ["flocktrace: reading session (1 process is recording into it)"])

    def test_a_session_is_as_new_as_its_newest_record_and_not_as_its_file(self):
        self.preloaded("flock", "f", "true")
        self.assertEqual(self.flocktrace("record", "true").returncode, 0)
        trace, = glob.glob(self.path("flocktrace.*.trace"))
        self.assertEqual(self.reading(), [f"flocktrace: reading {os.path.basename(trace)} (finished)"])
        self.preloaded("flock", "f", "true")
        os.utime(self.runtime + "/flocktrace/default", (0, 0))  # as on tmpfs, where no write to a mapping changes it
        self.assertEqual(self.reading(), ["flocktrace: reading default (nobody is recording into it now)"])
        self.recording_now([])
        self.assertEqual(self.reading(), ["flocktrace: reading default (1 process is recording into it)"])

    def test_a_trace_that_is_being_written_is_called_so(self):
        self.recording_now([FLOCKTRACE, "record"])
        line, passed_over = self.reading()
        self.assertRegex(line, r"^flocktrace: reading flocktrace\.python3\.\d+\.trace \(still being recorded\)$")
        self.assertIn("not taken: session", passed_over)

    def check_one_after_another(self, *command):
        """Nobody waits, and nobody holds for longer than it has run."""
        ran_ns = 0
        for _ in range(5):
            begin = time.monotonic_ns()
            self.preloaded(*command)
            ran_ns += time.monotonic_ns() - begin
            time.sleep(0.2)
        report = self.report(sessions(self.runtime)[0])
        # A call that takes 10 ms counts as a wait: on a busy machine it may take them without.
        self.assertEqual([wait for wait in report.waits if wait["wait_ns"] < 10_000_000], [])
        held = report.resource("f")["hold_ns"]
        self.assertGreater(held["total"], 0)
        self.assertLess(held["total"], ran_ns)
        self.assertEqual(report.quality["unknown_ends"], 0)
        if not report.waits:
            self.assertIn("\nComplete.\n", self.flocktrace("report", sessions(self.runtime)[0]).stdout)

    def test_flocks_one_after_another_did_not_wait(self):
        self.check_one_after_another("flock", "f", "true")

    def test_flocks_of_a_shell_did_not_wait(self):
        self.check_one_after_another("sh", "-c", "flock f true; flock f true")

    def test_programs_one_after_another_that_leave_their_lock_to_exit_did_not_wait(self):
        self.check_one_after_another(PYTHON, "-c", "import fcntl, os; f = open('f', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); os._exit(0)")

    def test_a_killed_holder_held_nobody_knows_how_long(self):
        script = "import fcntl, os; f = open('f', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); os.kill(os.getpid(), 9)"
        self.run_program(PYTHON, "-c", script, environment={"LD_PRELOAD": PRELOAD})
        self.preloaded(PYTHON, "-c", "import fcntl; f = open('f', 'w'); fcntl.lockf(f, fcntl.LOCK_EX)")
        report = self.report(sessions(self.runtime)[0])
        self.assertEqual((report.quality["unknown_ends"], report.quality["overlaps"], report.waits), (1, 0, []))
        self.assertIn("INCOMPLETE: 1 hold of unknown end\n", self.flocktrace("report", sessions(self.runtime)[0]).stdout.replace(".\n", "\n"))

    def test_who_took_its_lock_before_the_ring_lapped_is_named(self):
        with open(self.path("f"), "w"):
            pass
        preload = [*self.alone, "env", "LD_PRELOAD=" + PRELOAD]
        script = "import fcntl, sys; f = open('f'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"
        holder = subprocess.Popen([*preload, PYTHON, "-c", script], cwd=self.directory, env=self.environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        holder.stdout.readline()
        self.preloaded(PYTHON, "-c", """
import fcntl
with open("late", "w") as f:
    for _ in range(20000):
        fcntl.flock(f, fcntl.LOCK_EX)
        fcntl.flock(f, fcntl.LOCK_UN)
""")
        waiter = subprocess.Popen([*preload, "flock", "f", "true"], cwd=self.directory, env=self.environment)
        self.addCleanup(waiter.wait)
        self.addCleanup(waiter.kill)
        wait_for(lambda: is_waited_for(os.stat(self.path("f")).st_ino), "the wait")
        report = self.report(sessions(self.runtime)[0])
        self.assertGreater(report.quality["lost"], 0)
        wait = report.wait("f")
        self.assertEqual((wait["pid"], [one["pid"] for one in wait["holders"]]), (waiter.pid, [holder.pid]))

    def test_without_any_session_report_says_so(self):
        result = self.flocktrace("report", environment={"HOME": self.directory})
        self.assertEqual(result.returncode, 125)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr)

    def test_a_wait_in_progress_can_be_read(self):
        with open(self.path("f"), "w"):
            pass
        preload = [*self.alone, "env", "LD_PRELOAD=" + PRELOAD]
        script = "import fcntl, sys; f = open('f'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"
        holder = subprocess.Popen([*preload, PYTHON, "-c", script], cwd=self.directory, env=self.environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        holder.stdout.readline()
        waiter = subprocess.Popen([*preload, "flock", "f", "true"], cwd=self.directory, env=self.environment)
        inode = os.stat(self.path("f")).st_ino
        try:
            wait_for(lambda: is_waited_for(inode), "the wait")
            wait = self.report(sessions(self.runtime)[0]).wait("f")
            self.assertEqual((wait["pid"], wait["outcome"]), (waiter.pid, "waiting"))
            self.assertEqual([one["pid"] for one in wait["holders"]], [holder.pid])
            self.assertFalse(wait["at_most"])
            # And after the waiter was killed in it.
            waiter.kill()
            waiter.wait()
            wait = self.report(sessions(self.runtime)[0]).wait("f")
            self.assertEqual((wait["pid"], wait["outcome"], wait["at_most"]), (waiter.pid, "died", True))
            self.assertEqual([one["pid"] for one in wait["holders"]], [holder.pid])
            text = self.flocktrace("report", sessions(self.runtime)[0]).stdout
            self.assertRegex(text, r"\A.*1 wait cost at most [^\n]*\n.*\nINCOMPLETE: 1 wait of unknown end")
            # It did not take what was free from here on.
            holder.communicate()
            freed = self.report(sessions(self.runtime)[0]).wait("f")["wait_ns"]
            time.sleep(0.1)
            self.assertEqual(self.report(sessions(self.runtime)[0]).wait("f")["wait_ns"], freed)
            # That is not added to what was measured.
            self.preloaded(victim("contention"))
            text = self.flocktrace("report", sessions(self.runtime)[0]).stdout
            self.assertRegex(text, r"\A.*\d waits cost \d[^;\n]*, the worst \d[^;\n]*; 1 more of unknown end cost at most \d[^\n]*\.\n")
        finally:
            waiter.kill()
            waiter.wait()
            holder.communicate()

    def test_who_died_in_a_request_that_nobody_else_saw_is_in_the_report(self):
        with open(self.path("f"), "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            waiter = subprocess.Popen([*self.alone, "env", "LD_PRELOAD=" + PRELOAD, "flock", "f", "true"], cwd=self.directory,
                                      env=self.environment)
            self.addCleanup(waiter.wait)
            self.addCleanup(waiter.kill)
            wait_for(lambda: is_waited_for(os.stat(self.path("f")).st_ino), "the wait")
            seen = time.monotonic()
            time.sleep(0.05)
            lasted = (time.monotonic() - seen) * 1e9
            waiter.kill()
            waiter.wait()
        wait = self.report(sessions(self.runtime)[0]).wait("f")
        self.assertEqual((wait["pid"], wait["outcome"], wait["at_most"], [one["traced"] for one in wait["holders"]]), (waiter.pid, "died", True, [False]))
        self.assertGreaterEqual(wait["wait_ns"], lasted)
        text = self.flocktrace("report", "--columns", "WAIT-MAX", sessions(self.runtime)[0]).stdout
        self.assertRegex(text, r"\A1 request was cut off [^\n]* 1 wait cost at most [^\n]*\n.*\nINCOMPLETE: 1 wait of unknown end")
        self.assertRegex(text, r"WAIT MAX\n *<= \d")


class KilledRecorder(EndToEnd):
    def test_a_wait_survives_a_recorder_that_is_killed_together_with_its_program(self):
        with open(self.path("f"), "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            group = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "flock", "f", "true"], cwd=self.directory,
                                     env=self.environment, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                wait_for(lambda: is_waited_for(os.fstat(held.fileno()).st_ino), "the wait")
                begun = time.time_ns()
                wait_for(lambda: os.stat(self.path("trace")).st_mtime_ns > begun + 20_000_000, "the recorder to look again")
            finally:
                os.killpg(group.pid, signal.SIGKILL)
                group.wait()
            wait_for(lambda: not is_waited_for(os.fstat(held.fileno()).st_ino), "the death")
        for path, outcome, at_most in (("trace", "waiting", False), (sessions(self.runtime)[0], "died", True)):
            with self.subTest(outcome):
                report = self.report(path)
                wait = report.wait("f")
                self.assertEqual((wait["outcome"], wait["at_most"]), (outcome, at_most))
                self.assertEqual([one["traced"] for one in wait["holders"]], [False])
                self.assertGreater(wait["wait_ns"], 10_000_000)
                self.assertFalse(report.quality["complete"])
                self.assertIn("INCOMPLETE: recording was cut off", self.flocktrace("report", path).stdout)


    def started_before(self, path, seconds):
        with open(path, "r+b") as session:
            session.seek(REALTIME)
            realtime, = struct.unpack("<Q", session.read(8))
            session.seek(REALTIME)
            session.write(struct.pack("<Q", realtime - seconds * 1_000_000_000))

    def test_what_a_killed_run_leaves_is_kept_for_a_day_and_what_is_in_use_for_longer(self):
        program = [FLOCKTRACE, "run", "sh", "-c", "echo $$; read line"]
        runs = [subprocess.Popen(program, cwd=self.directory, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL) for _ in range(3)]
        shells = [int(run.stdout.readline()) for run in runs]
        old, new, used = sorted(sessions(self.runtime), key=lambda path: [run.pid for run in runs].index(int(path.split(".")[-2])))
        for run in runs[:2]:
            run.kill()
            run.wait()
        for path, days in ((old, 2), (used, 2)):
            self.started_before(path, days * 86_400)
        self.flocktrace("run", "true")
        self.assertEqual(set(sessions(self.runtime)), {old, new, used}, "their programs go on")
        for shell, run in list(zip(shells, runs))[:2]:
            pidfd = os.pidfd_open(shell)
            run.stdin.close()
            select.select([pidfd], [], [], TIMEOUT)
            os.close(pidfd)
        self.flocktrace("run", "true")
        self.assertEqual(set(sessions(self.runtime)), {new, used})
        self.assertEqual(self.report(new).document["processes"][0]["pid"], shells[1])
        runs[2].communicate()


class NamedSession(EndToEnd):
    def test_what_is_no_session_is_left_alone_and_the_program_does_not_notice(self):
        os.mkdir(self.path("directory"))
        os.mkfifo(self.path("pipe"), 0o600)
        for name, content in (("empty", b""), ("text", b"hello\n" * 10_000)):
            with open(self.path(name), "wb") as file:
                file.write(content)
            os.chmod(self.path(name), 0o600)
        self.record("true")  # a trace is no session
        os.symlink("text", self.path("link"))
        for name in ("nowhere", "directory", "pipe", "empty", "text", "trace", "link"):
            with self.subTest(name):
                before = os.path.exists(self.path(name)) and os.stat(self.path(name)).st_mtime_ns
                result = self.run_program(victim("posix"), environment={"LD_PRELOAD": PRELOAD, "FLOCKTRACE_SESSION": self.path(name)})
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertTrue(result.stdout.endswith("OK\n"))
                self.assertEqual(os.path.exists(self.path(name)) and os.stat(self.path(name)).st_mtime_ns, before)
        self.assertEqual(sessions(self.runtime), [])


class Settings(EndToEnd):
    def test_only_named_programs_are_recorded(self):
        for only, pattern in (("victim-posix", {"posix"}), ("victim-posix,victim-flock", {"posix", "flock"}), ("nothing", set())):
            with self.subTest(only):
                self.record("sh", "-c", f"{victim('posix')}; {victim('flock')}", environment={"FLOCKTRACE_ONLY": only})
                report = self.report()
                found = {os.path.basename(one["path"]) for one in report.document["resources"]}
                self.assertEqual(found, pattern)

    def test_without_stacks_there_are_no_sites(self):
        self.record(victim("contention"), environment={"FLOCKTRACE_STACKS": "off"})
        report = self.report()
        self.assert_clean(report)
        self.assertEqual([wait["site"] for wait in report.waits], [None, None])
        self.assertEqual(report.quality["lost_stacks"], 0)

    def test_a_depth_of_two_keeps_two_frames(self):
        self.record(victim("stacks"), environment={"FLOCKTRACE_STACKS": "2"})
        report = self.report()
        self.assertTrue(report.sites)
        for frames in report.sites.values():
            # The inlined function between the two has no frame of its own on the stack.
            functions = [frame.split()[0] for frame in frames]
            self.assertEqual(functions[:2], ["take", "prepare_and_take"])
            self.assertEqual(len(functions), 3)

    def test_all_ioctl_requests_are_recorded_on_request(self):
        for setting, expected in (("exclusive", (True, False)), ("all", (True, True)), ("off", (False, False))):
            with self.subTest(setting):
                self.record(victim("ioctl"), environment={"FLOCKTRACE_IOCTL": setting})
                dump = self.flocktrace("dump", "trace").stdout
                self.assertEqual(tuple(f", {name}) = 0" in dump for name in ("TIOCEXCL", "FIONREAD")), expected)

    def test_the_dump_says_nothing_of_a_call_that_is_not_known(self):
        self.record("perl", "-e", "fork; wait")
        dump = self.flocktrace("dump", "trace").stdout
        self.assertRegex(dump, r"(?m)  fork\(\)$")
        self.assertRegex(dump, r"(?m)  exit\(\?\)$")
        self.assertRegex(dump, r"  fork\(value=\d+\) = 0  ")


if __name__ == "__main__":
    main()
