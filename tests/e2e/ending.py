#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A job that has deadlocked is ended: all that it started, and nobody else."""

import os
import re
import signal
import subprocess
import sys
import time

from e2e import FLOCKTRACE, PYTHON, EndToEnd, main, needs, wait_for

# Two flock(1) that have a lock each before they ask for the other's; $1: more options of flock.
KNOT = """
flock a sh -c "touch ra; while ! test -e rb; do sleep 0.01; done; flock $1 b true" &
one=$!
flock b sh -c "touch rb; while ! test -e ra; do sleep 0.01; done; flock $1 a true" &
wait $one
first=$?
wait $! && exit $first
"""
# Two that try again and again, as Python's filelock does, until they have tried so often.
POLLERS = """
import fcntl, os, sys, time
def poll(name, tries):
    while tries:
        file, tries = os.open(name, os.O_RDWR | os.O_CREAT), tries - 1
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        time.sleep(0.05)
    os._exit(3)
for one, other in ("ab", "ba"):
    if not os.fork():
        poll(one, 1)
        os.close(os.open("r" + one, os.O_CREAT))
        while not os.path.exists("r" + other):
            time.sleep(0.001)
        poll(other, int(sys.argv[1]))
        os._exit(0)
sys.exit(max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in "ab"))
"""
MAKEFILE = "test:\n\t@sh knot.sh\n"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def may_unshare():
    return not subprocess.run([*CONTAINER, "true"], capture_output=True).returncode


class Ending(EndToEnd):
    def setUp(self):
        super().setUp()
        self.write("knot.sh", KNOT)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def pids(self, name):
        """Those that the program has written into a file."""
        with open(self.path(name)) as file:
            return [int(word) for word in file.read().split()]

    def assert_ended_for_deadlock(self, result, program):
        self.assertEqual(result.returncode, 81, result.stderr)
        reason = re.search(r"flocktrace: FAIL deadlock: (.*): certain for (\S+) ms, so the program was ended\.", result.stderr)
        self.assertTrue(reason, result.stderr)
        self.assertGreaterEqual(len(re.findall(r"flock\[\d+\]", reason.group(1))), 2, result.stderr)
        self.assertLess(float(reason.group(2)), 1000)
        self.assertIn(f"Next: flocktrace report flocktrace.{program}.", result.stderr)

    @needs("make")
    def test_make_test_that_deadlocks_is_over_within_a_second(self):
        self.write("Makefile", MAKEFILE)
        result = self.flocktrace("run", "--fail-on=deadlock", "--", "make", "test")
        self.assert_ended_for_deadlock(result, "make")
        self.assertRegex(result.stderr, r"\nDeadlock: .*\n.*flock\[\d+\] waited for [ab], held by flock\[\d+\], which waited for [ab], held by ")
        kept = next(name for name in os.listdir(self.directory) if name.endswith(".trace"))
        self.assertEqual(self.flocktrace("check", kept).returncode, 81)
        self.assertIn("make: *** ", result.stderr)

    def test_it_was_one_deadlock_and_nobody_is_missed_because_he_was_ended(self):
        result = self.flocktrace("run", "--fail-on=deadlock", "--", "sh", "knot.sh")
        self.assert_ended_for_deadlock(result, "sh")
        self.assertRegex(result.stderr, r"\nDeadlock: 6 processes waited for each other from \S+, for \S+ m?s\.\n")
        self.assertEqual(len(re.findall(r"^\d+\. Deadlock", result.stderr, flags=re.MULTILINE)), 1, result.stderr)
        self.assertNotRegex(result.stderr, r"INCOMPLETE: .*(not recorded|still ran)")

    def test_two_with_a_time_limit_are_left_to_it_and_the_status_is_the_programs(self):
        begin = time.monotonic()
        result = self.flocktrace("run", "--fail-on=deadlock", "--", "sh", "knot.sh", "-w 2")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertNotIn("flocktrace: FAIL", result.stderr)
        self.assertGreater(time.monotonic() - begin, 2)

    def test_who_polls_in_opposite_orders_is_ended_once_that_has_lasted_and_not_before(self):
        result = self.flocktrace("run", "--fail-on=deadlock", "--stuck-after=2s", "--", PYTHON, "-c", POLLERS, "1000")
        self.assertEqual(result.returncode, 81, result.stderr)
        reason = re.search(r"FAIL deadlock: .*: livelock for (\S+) s, so the program was ended\.", result.stderr)
        self.assertTrue(reason, result.stderr)
        self.assertTrue(2 <= float(reason.group(1)) < 3, reason.group(0))
        os.unlink(self.path("ra")), os.unlink(self.path("rb"))
        result = self.flocktrace("run", "--fail-on=deadlock", "--stuck-after=50s", "--", PYTHON, "-c", POLLERS, "30")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("flocktrace: Livelock: ", result.stderr)

    def test_without_the_condition_it_goes_on_waiting(self):
        process = subprocess.Popen([FLOCKTRACE, "run", "--fail-on=incomplete", "--", "sh", "knot.sh"], cwd=self.directory, env=self.environment,
                                   stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.communicate)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        wait_for(lambda: os.path.exists(self.path("ra")) and os.path.exists(self.path("rb")), "both have a lock")
        time.sleep(0.5)
        self.assertIsNone(process.poll())

    def start_bystanders(self):
        """Our own child, and one whose parent has gone."""
        self.run_program("sh", "-c", "sleep 100 > /dev/null 2>&1 & echo $! > bystanders")
        ours = subprocess.Popen(["sleep", "100"])
        pids = [ours.pid, *self.pids("bystanders")]
        self.addCleanup(ours.wait)
        for pid in pids:
            self.addCleanup(lambda pid=pid: alive(pid) and os.kill(pid, signal.SIGKILL))
        return pids

    @needs("setsid")
    def test_all_that_came_of_it_are_ended_and_nobody_else(self):
        """In a session of its own; an orphan; one without the environment; stopped; one that ignores SIGTERM. And a bystander."""
        self.write("all.sh", """
            setsid sh -c 'echo $$ > own; sleep 100' &
            (setsid sh -c 'echo $$ > orphan; exec sleep 100' &)
            env -i sh -c 'echo $$ > cleared; exec sleep 100' &
            sh -c 'echo $$ > stopped; kill -STOP $$; sleep 100' &
            sh -c 'trap "" TERM; echo $$ > stubborn; while :; do sleep 0.1; done' &
            for one in own orphan cleared stopped stubborn; do while ! test -s $one; do sleep 0.01; done; done
            . ./knot.sh
        """)
        bystanders = self.start_bystanders()
        begin = time.monotonic()
        result = self.flocktrace("run", "--fail-on=deadlock", "--grace=300ms", "--", "sh", "all.sh")
        self.assert_ended_for_deadlock(result, "sh")
        self.assertGreater(time.monotonic() - begin, 0.3)
        for name in ("own", "orphan", "cleared", "stopped", "stubborn"):
            self.assertFalse(alive(*self.pids(name)), name)
        self.assertTrue(all(map(alive, bystanders)))

    def test_who_started_flocktrace_by_exec_keeps_its_other_children(self):
        self.write("caller.sh", f"sleep 100 & echo $! > other\nexec '{FLOCKTRACE}' run --fail-on=deadlock -- sh knot.sh")
        with open(self.path("errors"), "w") as errors:  # not a pipe: the other child would keep it open
            result = subprocess.run(["sh", "caller.sh"], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=errors, timeout=60)
        other, = self.pids("other")
        self.assertTrue(alive(other))
        os.kill(other, signal.SIGKILL)
        self.assertEqual(result.returncode, 81)

    def test_as_the_first_process_of_a_container(self):
        if not may_unshare():
            self.skipTest("no namespaces may be made here")
        result = self.run_program(*CONTAINER, FLOCKTRACE, "run", "--fail-on=deadlock", "--", "sh", "knot.sh")
        self.assert_ended_for_deadlock(result, "sh")
        result = self.run_program(*CONTAINER, FLOCKTRACE, "run", "--fail-on=deadlock", "--", "sh", "-c", "kill -9 $$")
        self.assertEqual(result.returncode, 128 + 9)

    def test_from_outside_of_a_container(self):
        if not may_unshare():
            self.skipTest("no namespaces may be made here")
        bystanders = self.start_bystanders()
        result = self.flocktrace("run", "--fail-on=deadlock", "--", *CONTAINER, "sh", "knot.sh")
        self.assertTrue(all(map(alive, bystanders)))
        self.assert_ended_for_deadlock(result, "unshare")

    def check_signal_to(self, number, *container):
        """A program that ignores the signal, with one that waits for its lock: what is known by then comes while it still runs."""
        self.write("deaf.sh", "trap '' TERM INT HUP; exec 9> a; flock 9; (exec 9>&-; flock a true) & echo $$ > deaf; wait; exit 5")
        errors = open(self.path("errors"), "w+")
        process = subprocess.Popen([*container, FLOCKTRACE, "run", "--fail-on=deadlock", "--", "sh", "deaf.sh"], cwd=self.directory,
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
        for undo in (errors.close, process.wait, lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL)):
            self.addCleanup(undo)
        wait_for(lambda: os.path.exists(self.path("deaf")) and self.pids("deaf"), "the program has begun")
        flocktrace = process.pid
        if container:
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                flocktrace, = map(int, children.read().split())
        begin = time.monotonic()
        os.kill(flocktrace, number)
        wait_for(lambda: "Coverage\n" in self.read("errors"), "the report")
        took = time.monotonic() - begin
        self.assertIsNone(process.poll())
        waited = re.search(r"1\. flock\[\d+\] waited ([\d.]+ m?s) for exclusive flock of a, held by \S+, and is waiting still\.", self.read("errors"))
        self.assertTrue(waited, self.read("errors"))
        number, unit = waited.group(1).split()
        self.assertGreater(float(number) * {"s": 1000, "ms": 1}[unit], 50)  # until then, not until the last record
        os.unlink(self.path("deaf"))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return took

    def test_a_signal_that_the_program_ignores_brings_a_report_within_a_second_while_it_runs(self):
        took = [self.check_signal_to(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        if may_unshare():
            took += [self.check_signal_to(signal.SIGTERM, *CONTAINER)]
        self.assertLess(min(took), 1, took)  # the best of them: the machine may have other work

    def stuck(self, program, *options):
        self.write("stuck.sh", program)
        return self.flocktrace("run", "--fail-on=stuck", "--stuck-after=500ms", *options, "--", "sh", "stuck.sh")

    def test_a_holder_that_is_stopped_while_others_wait_is_stuck(self):
        result = self.stuck("""
            flock a sh -c 'echo $$ $PPID > holders; exec sleep 100' &
            while ! test -s holders; do sleep 0.01; done
            kill -STOP $(cat holders)
            flock a true
        """)
        self.assertEqual(result.returncode, 86, result.stderr)
        sleeper, flock = self.pids("holders")
        line = next(line for line in result.stderr.splitlines() if line.startswith("flocktrace: FAIL"))
        self.assertRegex(line, r"FAIL stuck: flock\[\d+\] waits for \S+/a, which is held by .* and stopped: so the program was ended\.$")
        self.assertIn(f"[{sleeper}]", line)
        self.assertIn(f"[{flock}]", line)
        self.assertFalse(alive(sleeper) or alive(flock))

    def test_a_lock_that_only_heirs_of_a_dead_taker_have_is_stuck(self):
        """A daemon has inherited it, and who started the daemon is gone."""
        result = self.stuck("""
            flock a sh -c 'sleep 100 & echo $! > heir'
            flock a true
        """)
        self.assertEqual(result.returncode, 86, result.stderr)
        heir, = self.pids("heir")
        self.assertRegex(result.stderr, rf"FAIL stuck: flock\[\d+\] waits for \S+/a, which is held by sleep\[{heir}\] \(descriptor \d+\), "
                                        r"inherited from a process that is gone; ")
        self.assertFalse(alive(heir))

    def test_a_shell_that_has_the_descriptor_of_its_flock_is_not_stuck(self):
        result = self.stuck("(flock 9; echo > in; sleep 2) 9> a & while ! test -s in; do sleep 0.01; done; flock a true; exit 4")
        self.assertEqual(result.returncode, 4, result.stderr)
        result = self.stuck("flock a sleep 2 & while flock -n a true; do :; done; flock a true; exit 4")
        self.assertEqual(result.returncode, 4, result.stderr)
        if may_unshare():
            result = self.run_program(*CONTAINER, FLOCKTRACE, "run", "--fail-on=stuck", "--stuck-after=500ms", "--", "sh", "-c",
                                      "exec 9> a; flock 9; (exec 9>&-; flock a true) & sleep 2; exec 9>&-; wait; exit 4")
            self.assertEqual(result.returncode, 4, result.stderr)

    def told(self, program, let_go, command=("run", "--trace", "trace")):
        """Runs it until a line says that somebody is stuck, and lets it go on then: (that line, its findings)."""
        self.write("stuck.sh", program)
        errors = open(self.path("errors"), "w+")
        self.addCleanup(errors.close)
        process = subprocess.Popen([FLOCKTRACE, *command, "--stuck-after=300ms", "--", "sh", "stuck.sh"],
                                   cwd=self.directory, env=self.environment, stderr=errors)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(lambda: re.search(r"^flocktrace: .* waits for .*\.\n", self.read("errors"), flags=re.M), "somebody is stuck")
        line = next(line for line in self.read("errors").splitlines() if line.startswith("flocktrace: "))
        let_go()
        self.assertEqual(process.wait(60), 0, self.read("errors"))
        return line, [finding for finding in self.report().document["findings"] if finding["id"].startswith("stuck")]

    def assert_kept(self, findings, name, holder, waiter):
        self.assertEqual([finding["id"] for finding in findings], [name])
        self.assertGreaterEqual(findings[0]["duration_ns"], 300e6)
        sides = {side["role"]: side["pid"] for side in findings[0]["sides"]}
        self.assertEqual((sides["waited"], sides.get("held", sides.get("inherited"))), (waiter, holder))
        check = self.flocktrace("check", "--fail-on=stuck", "trace")
        message = findings[0]["message"].replace(self.path(""), "")
        self.assertEqual((check.returncode, check.stdout.splitlines()[0]), (86, f"FAIL stuck: {name}: {message}."))

    WAIT = "flock a true & echo $! > waiter; wait $!"

    def test_a_stopped_holder_is_told_at_once_and_kept_in_the_trace(self):
        def let_go():
            holder, = self.pids("holder")
            with open(f"/proc/{holder}/stat") as stat:
                self.assertEqual(stat.read().rsplit(")", 1)[1].split()[0], "T")
            os.kill(holder, signal.SIGCONT)
        self.write("hold.py", "import fcntl, os, signal; f = open('a', 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
                              "open('holder', 'w').write(str(os.getpid())); os.kill(os.getpid(), signal.SIGSTOP)")
        line, findings = self.told(f"{PYTHON} hold.py & while ! test -s holder; do sleep 0.01; done; {self.WAIT}", let_go)
        (holder,), (waiter,) = self.pids("holder"), self.pids("waiter")
        self.assertRegex(line, rf"^flocktrace: flock\[{waiter}\] waits for \S+/a, which is held by python3\[{holder}\] and stopped\.$")
        self.assert_kept(findings, "stuck-stopped", holder, waiter)

    # A program locks a, starts another one by subprocess.Popen, and exits at once.
    LEAK = """import fcntl, os, subprocess
f = open('a', 'w'); os.set_inheritable(f.fileno(), {}); fcntl.flock(f, fcntl.LOCK_EX)
p = subprocess.Popen(['sleep', '{}'], close_fds=False); open('heir', 'w').write(str(p.pid)); os._exit(0)"""

    def test_a_lock_that_was_leaked_through_popen_is_told_at_once_and_kept_in_the_trace(self):
        def let_go():
            heir, = self.pids("heir")
            links = [os.readlink(f"/proc/{heir}/fd/{fd}") for fd in os.listdir(f"/proc/{heir}/fd")]
            self.assertIn(self.path("a"), links)
            os.kill(heir, signal.SIGKILL)
        self.write("leak.py", self.LEAK.format(True, 100))
        line, findings = self.told(f"{PYTHON} leak.py; {self.WAIT}", let_go)
        (heir,), (waiter,) = self.pids("heir"), self.pids("waiter")
        self.assertRegex(line, rf"^flocktrace: flock\[{waiter}\] waits for \S+/a, which is held by sleep\[{heir}\] \(descriptor \d+\), inherited ")
        self.assert_kept(findings, "stuck-inherited", heir, waiter)
        self.assertRegex(self.flocktrace("report", "trace").stdout, 
                         rf"\n    Inherited by sleep\[{heir}\] at \d\d:\d\d:\d\d(, when python3\[\d+\] started it)?\n")

    def test_record_tells_it_too_and_after_as_long_as_it_is_told_to(self):
        self.write("leak.py", self.LEAK.format(True, 100))
        _, findings = self.told(f"{PYTHON} leak.py; {self.WAIT}", lambda: os.kill(*self.pids("heir"), signal.SIGKILL), ("record", "-o", "trace"))
        self.assert_kept(findings, "stuck-inherited", *self.pids("heir"), *self.pids("waiter"))
        result = self.flocktrace("record", "--stuck-after=soon", "--", "touch", "ran")
        self.assertEqual((result.returncode, os.path.exists(self.path("ran"))), (125, False))
        self.assertIn("--stuck-after needs a time such as 500ms, 10s or 2min, not 'soon'", result.stderr)

    # The first is not recorded: it takes a, and then waits for b. The second has b, and waits for a.
    OUTSIDER = """env -i flock a sh -c 'echo $$ > outsider; until test -e b1; do sleep 0.01; done; exec flock b true' &
        while ! test -s outsider; do sleep 0.01; done
        flock b sh -c 'echo $$ > waiter; > b1; exec flock a true'"""

    def test_a_circle_with_one_who_is_not_recorded_is_told_with_its_pid_and_kept_in_the_trace(self):
        def let_go():
            outsider, = self.pids("outsider")
            with open("/proc/locks") as locks:  # the kernel shows that it waits, too
                self.assertRegex(locks.read(), rf"(?m)^\d+: -> FLOCK +ADVISORY +WRITE {outsider} ")
            os.kill(outsider, signal.SIGKILL)
        line, (finding,) = self.told(self.OUTSIDER, let_go)
        (outsider,), (waiter,) = self.pids("outsider"), self.pids("waiter")
        self.assertRegex(line, rf"^flocktrace: flock\[{waiter}\] waits for \S+/a, which is held by flock\[{outsider}\] \(not recorded\), "
                               rf"which waits for \S+/b, which is held by .*: likely a deadlock\.$")
        self.assertEqual((finding["id"], finding["unrecorded_holder"]), ("stuck-unrecorded", outsider))
        self.assertIn(f"held by process {outsider} (not recorded), ", finding["message"])
        self.assertEqual([side["pid"] for side in finding["sides"]], [waiter])
        self.assertEqual(self.report().document["deadlocks"], [])  # nobody saw the records of all of them
        self.assertEqual(self.flocktrace("check", "--fail-on=stuck", "trace").returncode, 86)
        self.assertRegex(self.flocktrace("dump", "trace").stdout, rf"process {outsider}, which is not recorded, has the lock, and waits in turn")

    def test_a_circle_with_one_who_is_not_recorded_ends_the_program(self):
        result = self.stuck(self.OUTSIDER)
        self.assertEqual(result.returncode, 86, result.stderr)
        outsider, = self.pids("outsider")
        self.assertRegex(result.stderr, rf"FAIL stuck: flock\[\d+\] waits for \S+/a, which is held by flock\[{outsider}\] \(not recorded\), ")
        self.assertFalse(alive(outsider))

    def test_a_circle_with_one_who_was_recorded_before_its_exec_only_is_told(self):
        self.write("outsider.py", "import fcntl, os, time\na, b = open('a', 'w'), open('b', 'w'); fcntl.flock(a, fcntl.LOCK_EX)\n"
                                  "open('outsider', 'w').write(str(os.getpid()))\n"
                                  "while not os.path.exists('b1'): time.sleep(0.01)\nfcntl.flock(b, fcntl.LOCK_EX)")
        program = self.OUTSIDER.split("\n", 1)[1]
        line, (finding,) = self.told(f"env -i {PYTHON} outsider.py &\n{program}", lambda: os.kill(*self.pids("outsider"), signal.SIGKILL))
        (outsider,), (waiter,) = self.pids("outsider"), self.pids("waiter")
        self.assertRegex(line, rf"^flocktrace: flock\[{waiter}\] waits for \S+/a, which is held by python3\S*\[{outsider}\] \(not recorded\), "
                               rf"which waits for \S+/b, which is held by .*: likely a deadlock\.$")
        self.assertEqual((finding["id"], finding["unrecorded_holder"]), ("stuck-unrecorded", outsider))

    def test_one_who_is_not_recorded_and_works_on_with_its_lock_is_not_stuck(self):
        result = self.stuck("env -i flock a sh -c '> in; sleep 2' & while ! test -e in; do sleep 0.01; done; flock a true; exit 4")
        self.assertEqual(result.returncode, 4, result.stderr)

    def test_a_circle_of_those_who_are_recorded_is_a_deadlock_and_not_told_as_stuck(self):
        result = self.stuck(self.OUTSIDER.replace("env -i ", "") + " & sleep 2; kill $(cat outsider); wait; exit 4")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("flocktrace: Deadlock: ", result.stderr)
        self.assertNotIn("not recorded)", result.stderr)

    def test_a_lock_that_was_leaked_through_popen_ends_the_program(self):
        self.write("leak.py", self.LEAK.format(True, 100))
        result = self.stuck(f"{PYTHON} leak.py; {self.WAIT}")
        self.assertEqual(result.returncode, 86, result.stderr)
        heir, = self.pids("heir")
        self.assertRegex(result.stderr, rf"FAIL stuck: flock\[\d+\] waits for \S+/a, which is held by sleep\[{heir}\] ")
        self.assertFalse(alive(heir))

    def test_who_tries_says_that_it_will_wait_and_waits_is_left_alone(self):
        """As cargo does it."""
        self.write("cargo.py", """import fcntl, time, sys
f = open('target', 'w')
try:
    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print('Compiling', flush=True)
    time.sleep(1.5)
except BlockingIOError:
    print('Blocking waiting for file lock on build directory', flush=True)
    fcntl.flock(f, fcntl.LOCK_EX)
    print('Compiling', flush=True)
""")
        self.write("build.sh", f"{PYTHON} cargo.py > first & while ! grep -q Compiling first; do sleep 0.01; done; {PYTHON} cargo.py; wait; exit 7")
        result = self.flocktrace("run", "--fail-on=deadlock,stuck", "--stuck-after=500ms", "--trace", "trace", "--", "sh", "build.sh")
        self.assertEqual((result.returncode, result.stdout), (7, "Blocking waiting for file lock on build directory\nCompiling\n"), result.stderr)
        wait, = self.report().waits_for("target")
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("blocked", "granted", 2))

    def test_who_only_takes_long_or_closes_on_exec_is_not_stuck(self):
        self.write("leak.py", self.LEAK.format(False, 1))
        for program in ("flock a sleep 1 & while flock -n a true; do :; done; flock a true", f"{PYTHON} leak.py; flock a true"):
            self.write("stuck.sh", program)
            result = self.flocktrace("run", "-o", "report", "--trace", "trace", "--stuck-after=300ms", "--", "sh", "stuck.sh")
            self.assertNotIn(" waits for ", result.stderr)
            self.assertEqual(self.flocktrace("check", "--fail-on=stuck", "trace").stdout, "ok   stuck\n")
            os.unlink(self.path("trace"))

    def test_a_deadlock_over_a_pipe_is_in_the_report_and_in_the_trace_whoever_dies_first(self):
        for waits_too in ("", "import time; time.sleep(0.3); "):
            self.write("pipe.py", f"""import fcntl, os
r, w = os.pipe(); f = open('a', 'w'); fcntl.lockf(f, fcntl.LOCK_EX)
if not os.fork():
    os.close(r); {waits_too}fcntl.lockf(open('a', 'w'), fcntl.LOCK_EX); os.write(w, b'x')
else:
    os.close(w); os.read(r, 1)
""")
            result = self.flocktrace("run", "--fail-on=deadlock", "--trace", "trace", "--", PYTHON, "pipe.py")
            self.assertEqual(result.returncode, 81, result.stderr)
            self.assertIn("Deadlock: 2 processes waited for each other ", self.flocktrace("report", "trace").stdout.splitlines()[0])
            check = self.flocktrace("check", "--fail-on=deadlock", "trace")
            self.assertEqual(check.returncode, 81, check.stdout)
            os.unlink(self.path("trace"))

    def test_a_grace_that_is_no_time_is_refused(self):
        result = self.flocktrace("run", "--grace=soon", "--", "touch", "ran")
        self.assertEqual((result.returncode, os.path.exists(self.path("ran"))), (125, False))
        self.assertIn("--grace needs a time, not 'soon'", result.stderr)


if __name__ == "__main__":
    # What is ended wrongly must not be somebody's: in there is nobody else.
    if may_unshare() and "E2E_CONTAINED" not in os.environ:
        os.environ["E2E_CONTAINED"] = "1"
        os.execvp(CONTAINER[0], [*CONTAINER, sys.executable, *sys.argv])
    main()
