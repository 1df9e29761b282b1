#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One call in, one call out: results, errno, memory and signals are as without the recorder."""

import os
import random
import re

from e2e import PRELOAD, PYTHON, EndToEnd, main, victim


THREADS, PAIRS = 4, 5000

# Threads that lock while they move between processors; in a child, too, and in the image that it becomes.
MOVING = """
import fcntl, os, random, sys, threading
cpus = sorted(os.sched_getaffinity(0))
chance = random.Random(int(sys.argv[1]))
def lock(number):
    file = open(f"moving-{number}", "w")
    for i in range(int(sys.argv[2])):
        if i % 100 == number:
            os.sched_setaffinity(threading.get_native_id(), {chance.choice(cpus)})
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_UN)
def lock_in_threads():
    threads = [threading.Thread(target=lock, args=(number,)) for number in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
lock_in_threads()
if len(sys.argv) == 3:
    if os.fork() == 0:
        lock_in_threads()
        os.execv(sys.executable, sys.orig_argv + ["image"])
    sys.exit(os.WEXITSTATUS(os.wait()[1]))
"""


def hazard(name):
    return victim("x").replace("victim-x", "hazard-" + name)


class Calls(EndToEnd):
    def same(self, *command, **options):
        """Alone and recorded: same status and output. (stdout, Report)"""
        alone = self.run_program(*command, **options)
        self.assertEqual((alone.returncode, alone.stderr), (0, ""))
        stdout = self.record(*command, **options)
        if alone.stdout != stdout:
            lines = [pair for pair in zip(alone.stdout.splitlines(), stdout.splitlines()) if pair[0] != pair[1]]
            self.fail(f"alone and recorded: {lines[:10] or (len(alone.stdout), len(stdout))}")
        return stdout, self.report()

    def test_every_fcntl_command_with_every_kind_of_argument(self):
        stdout, report = self.same(hazard("fcntl_commands"))
        self.assertGreater(len(stdout.splitlines()), 40000)
        # The oracle speaks of locks: struct flock that cannot be read is refused, not a crash.
        for argument in ("0", "-1", "42", "unmapped", "neither", "cut"):
            self.assertIn(f"file 6 {argument} = -1 14\n", stdout)
        self.assertIn("file 6 read-only = 0 23130\n", stdout)
        self.assert_clean(report)
        self.assertEqual(report.errors()[("fcntl F_SETLK", "EFAULT")], 6 * 3)

    def test_errno_is_untouched_by_success_and_exact_after_failure(self):
        stdout, _ = self.same(hazard("errno"))
        self.assertIn("main: errno 0\n", stdout)

    def test_calls_before_the_constructor_and_after_destructors(self):
        _, report = self.same(victim("early"))
        self.assert_clean(report)

    def test_cancelled_calls_and_late_ones(self):
        _, report = self.same(hazard("leaving"))
        self.assert_clean(report)
        self.assertEqual([wait["outcome"] for wait in report.waits_for("waited")], ["abandoned"] * 3)
        # Each is told twice: as it began, and as it was left.
        self.assertEqual(self.flocktrace("dump", "trace").stdout.count("F_OFD_SETLKW"), 6)
        # A close that was cancelled has closed nothing: the lock that it did not give up is waited for.
        for world in ("record", "flock"):
            resource = report.resource("closed", world=world)
            holders = [wait["holders"] for wait in report.waits if wait["resource"] == resource["id"]]
            self.assertIn([1], [[other["process"] for other in each] for each in holders], world)
        for name, times in (("at-exit", 1), ("in-destructor", 1), ("in-thread", 1), ("in-key-destructor", 3)):
            for world in ("record", "flock"):
                self.assertEqual(report.resource(name, world=world)["acquisitions"], times, name)

    def test_a_handler_locks_a_thousand_times_a_second_while_main_locks(self):
        stdout, report = self.recorded(hazard("signals"), "timer")
        for name, times in (("of-main", int(stdout)), ("closed-by-main", int(stdout)), ("in-handler", 500), ("of-handler", 500)):
            self.assertEqual(report.total(name, "acquisitions"), times, name)
        self.assertEqual(report.quality["lost_nested"] + report.quality["lost_unseen"], 0)

    def test_ten_thousand_jumps_out_of_calls_and_recording_still_works(self):
        seed = str(random.randrange(1 << 31))
        print(f"seed {seed}", flush=True)
        _, report = self.same(hazard("signals"), "jump", seed)
        # What a jump left half written is lost, and said so; what comes after is all there.
        self.assertLess(report.quality["lost"] + report.quality["holes"], 1000)
        self.assertEqual([report.quality[what] for what in ("overlaps", "lost_nested", "lost_stacks")], [0, 0, 0])
        self.assertEqual(report.resource("even")["acquisitions"], 5000)
        self.assertEqual(report.resource("odd")["acquisitions"], 5000)
        self.assertEqual(report.resource("after")["acquisitions"], 1)
        self.assertEqual(report.resource("taken", world="record")["acquisitions"], 2)

    def test_jumps_off_a_signal_stack_that_lies_above_its_threads(self):
        _, report = self.same(hazard("signals"), "stack")
        self.assert_clean(report)
        self.assertEqual(report.quality["lost_nested"], 0)
        # Whoever left a call waits no more as soon as the next call is made.
        lines = self.flocktrace("dump", "--raw", "trace").stdout.splitlines()
        told = ["left" if "abandoned" in line else "locked" for line in lines if re.search(r"abandoned|F_SETLK,.*/(odd|even)", line)]
        self.assertEqual(told, ["left", "locked"] * 10)

    def test_a_handler_on_a_stack_that_disarms_itself_interrupts_a_wait_and_ends_none(self):
        _, report = self.same(hazard("signals"), "disarmed")
        self.assert_clean(report)
        # A busy machine makes waits of nobody known.
        known = [wait for wait in report.waits_for("taken") if any(holder["pid"] for holder in wait["holders"])]
        self.assertEqual([wait["outcome"] for wait in known], ["granted"])
        self.assertNotIn("abandoned", self.flocktrace("dump", "trace").stdout)

    def test_no_thread_handler_mask_or_right_is_changed(self):
        stdout, report = self.same("/usr/bin/python3", "-c", "import fcntl\nfor name in 'f', 'g':\n"
                                   "    with open(name, 'w') as file: fcntl.lockf(file, fcntl.LOCK_EX); fcntl.flock(file, fcntl.LOCK_EX)\n"
                                   "    print(*(line for line in open('/proc/self/status') if line.startswith(('Threads', 'SigB', 'SigI', 'SigC', "
                                   "'Cap', 'NoNew', 'Seccomp', 'Uid', 'Groups', 'CoreDump'))))")
        self.assertEqual(stdout.count("Threads:\t1\n"), 2)
        self.assertEqual(report.total("f", "acquisitions") + report.total("g", "acquisitions"), 4)

    def test_a_close_that_blocks_is_interrupted_and_is_cancelled(self):
        _, report = self.same(hazard("slow_close"))
        self.assert_clean(report)
        self.assertEqual(report.total("beside", "acquisitions"), 2000)
        self.assertEqual(report.total("of-handler", "acquisitions"), 1)
        # What it closes is given up by that call, and not at the end of the process.
        self.assertEqual(report.quality["implied_ends"], 0)

    def test_a_program_that_has_functions_of_these_names_itself(self):
        _, report = self.same(hazard("own_symbols"))
        self.assert_clean(report)
        self.assertEqual([report.resource("own", world=world)["acquisitions"] for world in ("record", "flock")], [1, 1])
        self.assertEqual(report.quality["implied_ends"], 0)

    def test_a_library_beside_us_that_has_functions_of_these_names(self):
        """Seen is what it passes on, wherever it stands; not what it asks the kernel for itself before we are asked."""
        for library, first, seen in (("own", True, True), ("own", False, True), ("kernels", True, False), ("kernels", False, True)):
            with self.subTest(f"{library}, {first}"):
                objects = [PRELOAD, hazard(library + "_symbols_library.so")]
                preload = "LD_PRELOAD=" + ":".join(reversed(objects) if first else objects)
                self.assertEqual(self.record("env", preload, hazard("lock_once"), "f"), "locked\n")
                report = self.report()
                self.assert_clean(report)
                self.assertEqual([one["acquisitions"] for one in report.resources("f", world="flock")], [1] if seen else [])

    def test_no_threads_clock_goes_back(self):
        seed = random.randrange(1 << 31)
        print(f"seed {seed}", flush=True)
        self.same(PYTHON, "-c", MOVING, str(seed), str(PAIRS))
        last, calls = {}, {}
        for line in self.flocktrace("dump", "trace").stdout.splitlines():
            match = re.match(r"\s*\d+\s+(\d+\.\d+)\s+(\d+/\d+)\s+(fcntl|flock)\(", line)
            if match:
                time, thread = float(match[1]), match[2]
                self.assertGreaterEqual(time, last.get(thread, 0), line)
                last[thread] = time
                calls[thread] = calls.get(thread, 0) + 1
        self.assertEqual(len([one for one in calls.values() if one >= 2 * PAIRS]), 3 * THREADS)

    def test_interrupted_and_restarted_calls(self):
        stdout, report = self.same(hazard("signals"), "restart")
        self.assertEqual(stdout.count("interrupted: -1, errno 4, at a signal"), 4)
        self.assertEqual(stdout.count("restarted: 0, errno 23130, after all signals"), 4)
        self.assert_clean(report)
        self.assertEqual(sum(wait["error"] == "EINTR" for wait in report.waits), 4, report.waits)


if __name__ == "__main__":
    main()
