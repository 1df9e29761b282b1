#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""top in a real terminal, tmux's: what it shows, its keys, resizing, and the terminal as it was when it has gone."""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from e2e import FLOCKTRACE, PRELOAD, PYTHON, EndToEnd, main, needs, wait_for
from lab import wait_until_blocked

HOLD = "import fcntl, os, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); os.write(1, b'up\\n'); sys.stdin.readline()"
NOBODYS = 54321  # a user that nobody else is: others record on this machine, too
RED = re.compile(r"\x1b\[[\d;]*31m")


@needs("tmux")
class InATerminal(EndToEnd):
    def setUp(self):
        super().setUp()
        self.socket = self.path("tmux")
        self.addCleanup(lambda: subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True))
        # A small one of its own, whatever else records on this machine.
        self.record("flock", "x", "true", trace="small.trace")
        self.holder = self.program(HOLD, "held")
        self.waiter = self.waits_for("held")

    def program(self, code, *words):
        process = subprocess.Popen([PYTHON, "-c", code, *words], cwd=self.directory, env=self.environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), b"up\n")
        return process

    def waits_for(self, name):
        process = self.program("import fcntl, os, sys; os.write(1, b'up\\n'); fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)", name)
        wait_until_blocked(process.pid)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def tmux(self, *words):
        result = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *words], cwd=self.directory, env=self.environment,
                                capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def start(self, *options, width=200, variables=""):
        """In a shell of the terminal, which says how it ended."""
        self.tmux("new-session", "-d", "-x", str(width), "-y", "300", "sh")
        self.tmux("send-keys", f"stty -a > before; echo $$ > shell; {variables} {FLOCKTRACE} top {' '.join(options)} small.trace; echo ended=$? | tee status; stty -a > after", "Enter")
        wait_for(lambda: "q quit" in self.screen(), "the screen of top")
        wait_for(lambda: "held" in self.screen(), "the lock on it")

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def top(self):
        with open(self.path("shell")) as file:
            shell = file.read().strip()
        return int(subprocess.run(["pgrep", "-P", shell, "flocktrace"], capture_output=True, text=True, check=True).stdout)

    def status(self):
        wait_for(lambda: os.path.exists(self.path("after")) and os.path.getsize(self.path("after")), "the end of top")
        with open(self.path("before")) as before, open(self.path("after")) as after:
            self.assertEqual(before.read(), after.read(), "the terminal is as it was")
        with open(self.path("status")) as file:
            return file.read().strip()

    def row(self, pid):
        return next((line for line in self.screen().splitlines() if re.search(rf" {pid} ", line)), "")

    def test_it_shows_who_holds_and_waits_and_q_ends_it(self):
        self.start()
        self.assertIn(" holds ", self.row(self.holder.pid))
        self.assertRegex(self.row(self.waiter.pid), rf" waits .* {self.holder.pid} ")
        self.tmux("send-keys", "q")
        self.assertEqual(self.status(), "ended=0")
        self.assertIn("ended=0", self.screen())
        self.assertNotIn("q quit", self.screen())

    def test_it_looks_again_by_itself(self):
        self.start("-d", "0.5")
        late = self.waits_for("held")
        wait_for(lambda: " waits " in self.row(late.pid), "the later wait")
        self.end(late)
        wait_for(lambda: not self.row(late.pid), "its end")

    def test_s_changes_the_order(self):
        self.start("-d", "3600")
        self.assertIn("every 3600 s, by file", self.screen())
        for order in ("asleep", "command", "pid", "file"):
            self.tmux("send-keys", "s")
            wait_for(lambda: self.screen().splitlines()[0].endswith(", by " + order), "order " + order)

    def test_it_fits_into_a_terminal_of_another_size(self):
        self.start("-d", "3600", width=200)
        self.tmux("resize-window", "-x", "60", "-y", "12")
        wait_for(lambda: len(self.screen().splitlines()) == 12 and "q quit" in self.screen().splitlines()[-1], "the smaller screen")
        self.assertTrue(all(len(line) <= 60 for line in self.screen().splitlines()))
        self.tmux("resize-window", "-x", "200", "-y", "300")
        wait_for(lambda: "q quit" in self.screen().splitlines()[-1] and "held" in self.screen(), "the larger screen")

    def test_a_signal_ends_it_and_leaves_the_terminal_in_order(self):
        self.start()
        os.kill(self.top(), signal.SIGTERM)
        self.assertEqual(self.status(), f"ended={128 + signal.SIGTERM}")
        self.assertNotIn("q quit", self.screen())

    def deadlock(self):
        """Each holds one, and waits for the other's."""
        code = HOLD + "; fcntl.flock(open(sys.argv[2]), fcntl.LOCK_EX)"
        pair = [self.program(code, "one", "other"), self.program(code, "other", "one")]
        for process in pair:
            process.stdin.write(b"\n")
            process.stdin.flush()
        for process in pair:
            wait_until_blocked(process.pid)
        return pair

    def test_a_deadlock_is_red(self):
        pair = self.deadlock()
        self.start("--sort=pid", variables="env -u NO_COLOR")
        lines = self.screen("-e").splitlines()
        red = [line for line in lines if RED.search(line)]
        self.assertTrue(any("Deadlock: " in line for line in red), lines)
        for process in pair:
            self.assertTrue(any(f" {process.pid} " in line and " waits " in line for line in red), lines)
        self.assertFalse(any(f" {self.waiter.pid} " in line for line in red))

    def test_no_color_is_respected(self):
        self.deadlock()
        self.start(variables="NO_COLOR=1")
        self.assertIn("Deadlock: ", self.screen())
        self.assertNotRegex(self.screen("-e"), RED)

    def test_a_terminal_that_nobody_knows_is_refused(self):
        self.tmux("new-session", "-d", "-x", "80", "-y", "30", "sh")
        self.tmux("send-keys", f"TERM=nowhere {FLOCKTRACE} top 2> said; echo $? > status", "Enter")
        wait_for(lambda: os.path.exists(self.path("status")) and os.path.getsize(self.path("status")), "the end of top")
        with open(self.path("said")) as said, open(self.path("status")) as status:
            self.assertEqual((said.read().count("\n"), status.read()), (1, "125\n"))


class OnAPipe(EndToEnd):
    def test_it_is_shown_once(self):
        result = self.flocktrace("top")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\d+ processes? looked at")
        self.assertNotIn("\x1b", result.stdout)

    @needs("flock")
    def test_what_a_session_has_recorded_comes_with_its_stacks(self):
        with subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", "sh", "-c",
                               "flock f sh -c '>up; exec sleep 1000' & until [ -e up ]; do sleep 0.01; done; flock f true"],
                              cwd=self.directory, env=self.environment, start_new_session=True) as recorded:
            try:
                wait_for(lambda: glob.glob(self.runtime + "/flocktrace/session.*"), "the session")
                session, = glob.glob(self.runtime + "/flocktrace/session.*")
                wait_for(lambda: " is waiting still." in self.flocktrace("top", session).stdout, "the wait")
                said = self.flocktrace("top", session).stdout.split(f"\nRecorded in {session}:\n")[1]
                self.assertRegex(said, r"\n1\. flock\[\d+\] waited .*, held by flock\[\d+\].*, and is waiting still\.\n"
                                       r"    Waiting since .* in flock at stack #1:\n        \S+")
            finally:
                os.killpg(recorded.pid, signal.SIGKILL)

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    @needs("flock")
    def test_without_a_name_it_takes_the_newest_session_into_which_somebody_records_and_none_when_nobody_does(self):
        place = tempfile.TemporaryDirectory(prefix="flocktrace-top.", dir="/var/tmp")
        self.addCleanup(place.cleanup)
        for file in (FLOCKTRACE, PRELOAD):
            os.makedirs(os.path.join(place.name, os.path.basename(os.path.dirname(file))))
            shutil.copy(file, os.path.join(place.name, os.path.basename(os.path.dirname(file))))
        for name in (place.name, place.name + "/bin", place.name + "/lib"):
            os.chmod(name, 0o755)
        for name in ("run", "work"):
            os.mkdir(os.path.join(place.name, name), 0o700)
            os.chown(os.path.join(place.name, name), NOBODYS, NOBODYS)
        flocktrace = os.path.join(place.name, "bin/flocktrace")
        options = {"cwd": place.name + "/work", "env": {**self.environment, "XDG_RUNTIME_DIR": place.name + "/run"}, "text": True,
                   "user": NOBODYS, "group": NOBODYS, "extra_groups": []}

        def top():
            return subprocess.run([flocktrace, "top"], capture_output=True, check=True, timeout=60, **options).stdout

        self.assertNotIn("\nRecorded in ", top())
        with subprocess.Popen([flocktrace, "record", "-o", "trace", "--", "flock", "f", "cat"], stdin=subprocess.PIPE, **options) as recorded:
            wait_for(lambda: "\nRecorded in " in top(), "a session that nobody named")
            session, = glob.glob(place.name + "/run/flocktrace/session.*")
            self.assertIn(f"\nRecorded in {session}:\n", top())
            recorded.stdin.close()
            self.assertEqual(recorded.wait(), 0)
        self.assertNotIn("\nRecorded in ", top())

    def test_wrong_words_are_refused(self):
        for words in (["-d", "0.1"], ["-d", "x"], ["--sort=size"], ["nowhere"], ["a", "b"], ["--nothing"]):
            result = self.flocktrace("top", *words)
            self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (125, "", 1), words)


main()
