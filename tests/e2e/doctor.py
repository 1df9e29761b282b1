#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""doctor tells what can be recorded and what is, run and record say beforehand what is not; and they are right."""

import os
import shutil
import subprocess
import unittest

from e2e import FLOCKTRACE, PRELOAD, PYTHON, EndToEnd, main, needs, victim, wait_for

AS_ROOT = unittest.skipIf(os.geteuid() != 0, "only root can make a program of somebody else's, and be somebody else")
NOBODY = 65534
# It is up once it has said so: an exec after that would be looked at half-way.
WAITS_FOR_INPUT = ("sh", "-c", "echo up; read line")


class Doctor(EndToEnd):
    def doctor(self, *arguments, status, **options):
        result = self.flocktrace("doctor", *arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (status, ""), result.stdout)
        return result.stdout

    def assert_not_recorded(self, word, *command, warned_of=None, **options):
        """doctor and run agree, and the run shows that both are right; what doctor says."""
        said = self.doctor(*command, status=1, **options)
        self.assertIn(f"    {word}: ", said)
        run = self.flocktrace("record", "-o", "trace", "--", *command, **options)
        self.assertIn(" will not be recorded: ", run.stderr)
        self.assertEqual(run.stderr.count("flocktrace: "), 1, run.stderr)
        self.assertEqual(self.report().resources("f"), [])
        os.unlink(self.path("trace"))
        return said

    def assert_recorded(self, *command, **options):
        said = self.doctor(*command, status=0, **options)
        result = self.flocktrace("record", "-o", "trace", "--", *command, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("will not", result.stderr)
        self.assertTrue(self.report().resources("f"))
        os.unlink(self.path("trace"))
        return said

    def script(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), 0o755)
        return self.path(name)

    LOCKS = "import fcntl; fcntl.flock(open('f', 'w'), fcntl.LOCK_EX)\n"

    # ---- Programs

    def test_a_program_that_can_be_recorded(self):
        self.assertEqual(self.doctor("true", status=0), shutil.which("true") + " can be recorded.\n")
        self.assert_recorded("flock", "f", "true")

    @unittest.skipUnless(os.path.exists(victim("static")), "no static libc here")
    def test_a_static_program_cannot(self):
        self.assert_not_recorded("static", victim("static"))

    def test_a_script_is_what_its_first_line_runs(self):
        for line in (PYTHON, f"{PYTHON} -u", f"/usr/bin/env {os.path.basename(PYTHON)}", f"/usr/bin/env -S {PYTHON} -u"):
            with self.subTest(line):
                said = self.assert_recorded(self.script("s", f"#!{line}\n{self.LOCKS}"), environment={"PATH": "/usr/bin:/bin"})
                self.assertIn(PYTHON, said)

    def test_a_script_without_a_first_line_is_run_by_the_shell(self):
        self.assertIn("/bin/sh", self.assert_recorded(self.script("s", "flock f true\n")))

    @unittest.skipUnless(os.path.exists(victim("static")), "no static libc here")
    def test_a_script_of_a_static_interpreter_cannot(self):
        self.assertIn(victim("static"), self.assert_not_recorded("static", self.script("s", f"#!{victim('static')}\n")))

    def test_env_that_clears_loses_us_and_env_that_sets_does_not(self):
        locks = (PYTHON, "-c", self.LOCKS)
        for words in (["-i"], ["-"], ["-u", "LD_PRELOAD"], ["--unset=LD_PRELOAD"], ["-uLD_PRELOAD"], ["LD_PRELOAD="], ["-i", "A=1"]):
            with self.subTest(words):
                self.assert_not_recorded("lost environment", "env", *words, *locks)
        for words in ([], ["A=1"], ["-u", "A"], ["-C", "."], [f"LD_PRELOAD={PRELOAD}"]):
            with self.subTest(words):
                self.assert_recorded("env", *words, *locks)

    def test_programs_whose_work_runs_elsewhere_are_known_by_name(self):
        for name, word in (("docker", "runs elsewhere"), ("systemctl", "runs elsewhere"), ("sudo", "lost environment"), ("tox", "lost environment")):
            with self.subTest(name):
                self.assert_not_recorded(word, self.script(name, "#!/bin/sh\n"))

    @unittest.skipUnless(os.path.exists(victim("static")), "no static libc here")
    def test_what_wrappers_run_is_looked_at(self):
        for words in (["nice"], ["nice", "-n", "5"], ["timeout", "-k", "9", "30"], ["timeout", "--signal", "KILL", "30"], ["nohup"],
                      ["setsid", "-w"], ["stdbuf", "-o", "L"], ["stdbuf", "-oL", "nice"], ["xargs", "-n", "1"], ["taskset", "-c", "0"],
                      ["ionice", "-c", "2", "-n", "4"], ["chrt", "-o", "0"], ["env", "A=1", "timeout", "--foreground", "30", "nice", "--"]):
            if not shutil.which(words[0]):
                continue
            with self.subTest(words):
                self.assertIn(victim("static"), self.assert_not_recorded("static", *words, victim("static")))
                self.assert_recorded(*words, PYTHON, "-c", self.LOCKS, "-n")

    @AS_ROOT
    @needs("su", "runuser", "setpriv", "chroot")
    def test_a_change_of_user_root_or_environment_loses_us_and_none_does_not(self):
        os.chmod(self.directory, 0o777)
        os.chmod(os.path.dirname(self.directory), 0o755)
        with open(self.path("f"), "w"):
            os.chmod(self.path("f"), 0o666)
        lock = ("flock", self.path("f"), "true")
        line = " ".join(lock)
        os.mkdir(self.path("root"))
        for words in (["setpriv", f"--reuid={NOBODY}", "--clear-groups", *lock], ["setpriv", "--reuid", str(NOBODY), "--clear-groups", *lock],
                      ["runuser", "-u", "nobody", "--", *lock], ["runuser", "nobody", "-s", "/bin/sh", "-c", line],
                      ["su", "nobody", "-s", "/bin/sh", "-c", line], ["chroot", "--userspec=nobody", "/", *lock],
                      ["chroot", "--userspec", f"{NOBODY}:{NOBODY}", "/", *lock]):
            with self.subTest(words):
                self.assertIn("flocktrace run as that user", self.assert_not_recorded("other user", *words))
        for words in (["setpriv", "--reset-env", *lock], ["su", "-", "-c", line], ["su", "-l", "root", "-c", line], ["runuser", "-l", "root", "-c", line]):
            with self.subTest(words):
                self.assert_not_recorded("lost environment", *words)
        self.assertIn("    other root: ", self.doctor("chroot", self.path("root"), *lock, status=1))
        for words in (["setpriv", "--reuid=0", "--no-new-privs", *lock], ["runuser", "-u", "root", *lock], ["runuser", "-c", line],
                      ["su", "-c", line], ["su", "root", "-c", line], ["chroot", "--userspec=0:0", "/", *lock]):
            with self.subTest(words):
                self.assert_recorded(*words)

    @AS_ROOT
    @needs("setpriv")
    def test_the_work_of_another_user_is_missing_as_doctor_says(self):
        os.chmod(self.directory, 0o777)
        result = self.flocktrace("run", "setpriv", f"--reuid={NOBODY}", "--clear-groups", "flock", "f", "sleep", "0.5")
        self.assertRegex(result.stderr, r"INCOMPLETE: \d process(es)? not recorded \(.*\bflock: no session to record into")

    @AS_ROOT
    def test_a_setuid_program_cannot_but_its_owner_may_record_it(self):
        shutil.copy(shutil.which("flock"), self.path("locker"))
        if os.statvfs(self.directory).f_flag & os.ST_NOSUID:
            self.skipTest("mounted nosuid")
        os.chmod(self.directory, 0o777)
        os.chown(self.path("locker"), NOBODY, NOBODY)
        os.chmod(self.path("locker"), 0o4755)
        self.assert_not_recorded("setuid", self.path("locker"), "f", "true")
        os.unlink(self.path("f"))
        os.chown(self.path("locker"), 0, 0)
        os.chmod(self.path("locker"), 0o4755)
        self.assert_recorded(self.path("locker"), "f", "true")

    def test_a_program_that_is_not_there_is_one_clear_line(self):
        for what in ("no-such-program", "./no-such-program", "4194305"):
            result = self.flocktrace("doctor", what)
            self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (125, "", 1), result.stderr)
            self.assertIn(what, result.stderr)

    def test_nothing_is_started(self):
        self.doctor(self.script("s", "#!/bin/sh\ntouch started\n"), status=0)
        self.assertFalse(os.path.exists(self.path("started")))

    # ---- Processes

    def start(self, *command, environment=None, **options):
        """A process that is up, until the test ends."""
        process = subprocess.Popen(command, cwd=self.directory, env={**self.environment, **(environment or {})},
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)

        def end():
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        self.assertTrue(process.stdout.readline())
        return process.pid

    @staticmethod
    def child_of(pid):
        found = []

        def look():
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                found[:] = map(int, file.read().split())
            return found
        wait_for(look, "a child")
        return found[0]

    def test_a_recorded_process_and_its_session(self):
        child = self.child_of(self.start(FLOCKTRACE, "record", "-o", "trace", "--", *WAITS_FOR_INPUT))
        said = self.doctor(str(child), status=0)
        self.assertIn(f"Process {child}", said)
        self.assertIn(f"    Recorder: {os.path.realpath(PRELOAD)}\n", said)
        sessions = os.listdir(os.path.join(self.runtime, "flocktrace"))
        self.assertIn(f"    Session: {self.runtime}/flocktrace/{sessions[0]}\n", said)

    def test_a_process_with_a_recorder_that_has_locked_nothing(self):
        pid = self.start(*WAITS_FOR_INPUT, environment={"LD_PRELOAD": PRELOAD})
        said = self.doctor(str(pid), status=0)
        # Into a default session that somebody left behind elsewhere it records from the start.
        self.assertRegex(said, "has locked nothing yet|Session: .*/default\n")

    def test_a_process_that_was_not_started_under_us(self):
        pid = self.start(*WAITS_FOR_INPUT)
        self.assertIn("    not started under flocktrace: ", self.doctor(str(pid), status=1))

    def test_a_process_whose_environment_was_lost(self):
        pid = self.child_of(self.start(FLOCKTRACE, "record", "-o", "trace", "--", "env", "-i", *WAITS_FOR_INPUT))
        self.assertIn("    lost environment: ", self.doctor(str(pid), status=1))

    def test_a_process_that_was_left_out(self):
        pid = self.start(*WAITS_FOR_INPUT, environment={"LD_PRELOAD": PRELOAD, "FLOCKTRACE_ONLY": "other"})
        self.assertIn("    left out by FLOCKTRACE_ONLY: ", self.doctor(str(pid), status=1))

    def test_a_process_whose_session_is_none(self):
        pid = self.start(*WAITS_FOR_INPUT, environment={"LD_PRELOAD": PRELOAD, "FLOCKTRACE_SESSION": "/no/such/session"})
        self.assertIn("    no session to record into: ", self.doctor(str(pid), status=1))

    @AS_ROOT
    def test_a_process_that_gained_rights(self):
        shutil.copy(shutil.which("cat"), self.path("reader"))
        if os.statvfs(self.directory).f_flag & os.ST_NOSUID:
            self.skipTest("mounted nosuid")
        os.chmod(self.directory, 0o755)
        os.chmod(os.path.dirname(self.directory), 0o755)
        os.chown(self.path("reader"), NOBODY, NOBODY)
        os.chmod(self.path("reader"), 0o4755)
        pid = self.start("sh", "-c", "echo up; exec ./reader", environment={"LD_PRELOAD": PRELOAD})
        wait_for(lambda: os.readlink(f"/proc/{pid}/exe").endswith("reader"), "exec")
        self.assertIn("    secure execution: ", self.doctor(str(pid), status=1))

    @AS_ROOT
    @needs("setpriv")
    def test_anothers_process_is_not_judged(self):
        pid = self.start(*WAITS_FOR_INPUT)
        result = self.run_program("setpriv", f"--reuid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                                  FLOCKTRACE, "doctor", str(pid))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("    not allowed: ", result.stdout)


if __name__ == "__main__":
    main()
