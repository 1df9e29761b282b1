#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What those do who hold what others wait for: the report beside what /proc told somebody else at the same time."""

import json
import re
import subprocess

from e2e import MS, PYTHON, EndToEnd, main
from lab import SYS_FCNTL

CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
SYS_FSYNC, SYS_CLOCK_NANOSLEEP = 74, 230
NAMES = {SYS_FCNTL: "fcntl", SYS_FSYNC: "fsync", SYS_CLOCK_NANOSLEEP: "clock_nanosleep"}

# A child that is quick with its lock, until it falls asleep with it; its parent waits then.
IDLE = """
import fcntl, os, time
heard, tell = os.pipe()
def save(file):
    fcntl.lockf(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_UN)
def back_up(file):
    fcntl.lockf(file, fcntl.LOCK_EX)
    os.write(tell, b"x")
    time.sleep(10.5)
    fcntl.lockf(file, fcntl.LOCK_UN)
pid = os.fork()
if not pid:
    file = open("a", "w")
    for _ in range(20):
        save(file)
    back_up(file)
    os._exit(0)
os.read(heard, 1)
save(open("a", "r+"))
os.wait()
print(pid)
"""

# The program: one holds what another waits for, and does something for a second; a third looks at it meanwhile, and says what it saw.
PROGRAM = r"""
import collections, ctypes, fcntl, json, os, signal, sys, threading, time
from lab import say, wait_until_blocked
scenario, seconds, me = sys.argv[1], float(sys.argv[2]), os.getpid()
libc = ctypes.CDLL(None)

def child(body):
    pid = os.fork()
    if not pid:
        try:
            body()
        finally:
            os._exit(0)
    return pid

def wait():
    with open("a", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)

def state():
    with open(f"/proc/{me}/syscall") as file:
        call = file.read().split()[0]
    with open(f"/proc/{me}/stat") as file:
        state = file.read().rsplit(")", 1)[1].split()[0]
    return state if state in "TR" else "R" if call == "running" else call

def watch():
    seen, end = collections.Counter(), time.monotonic() + seconds
    while time.monotonic() < end:
        seen[state()] += 1
        time.sleep(0.005)
    say(pid=me, seen=seen)

def stop():
    os.kill(me, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(me, signal.SIGCONT)

def hold_other():
    with open("b", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        os.write(tell, b"x")
        time.sleep(seconds)

def spin():
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

file, other, data = (open(name, "w") for name in ("a", "b", "data"))
heard, tell = os.pipe()
if scenario == "waits":
    child(hold_other)
    os.read(heard, 1)
if scenario == "thread-gone":
    taker = threading.Thread(target=lambda: fcntl.lockf(file, fcntl.LOCK_EX))
    taker.start(), taker.join()
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
else:
    fcntl.lockf(file, fcntl.LOCK_EX)
for _ in range(int(sys.argv[3])):
    wait_until_blocked(child(wait))
child(watch)
end = time.monotonic() + seconds
if scenario == "fsync":
    while time.monotonic() < end:
        os.write(data.fileno(), bytes(4096)), os.fsync(data.fileno())
elif scenario == "sleeps":
    time.sleep(seconds)
elif scenario == "sleeps-beside-a-thread":
    threading.Thread(target=spin).start()
    libc.sleep(1 + int(seconds))
elif scenario == "stopped":
    child(stop)
    time.sleep(seconds)
elif scenario == "waits":
    fcntl.lockf(other, fcntl.LOCK_EX)
else:
    spin()
fcntl.lockf(file, fcntl.LOCK_UN)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
os._exit(0)
"""


class Holders(EndToEnd):
    def setUp(self):
        super().setUp()
        with open(self.path("program.py"), "w") as file:
            file.write(PROGRAM)

    def scenario(self, name, seconds=1, waiters=1, before=()):
        """(what the third saw, as shares by name; what the report says of it as the holder of a)"""
        stdout, self.report_ = self.recorded(*before, PYTHON, "program.py", name, str(seconds), str(waiters))
        said = json.loads(stdout)
        looks = sum(said["seen"].values())
        self.assertGreater(looks, 2)
        shares = {}
        for seen, count in said["seen"].items():
            key = {"R": "running", "T": "stopped"}.get(seen) or NAMES.get(int(seen), seen)
            shares[key] = shares.get(key, 0) + count / looks
        holders = [holder for wait in self.report_.waits_for("a") for holder in wait["holders"] if holder["pid"] == said["pid"]]
        return shares, max(holders, key=lambda holder: holder["looks"])

    def share(self, holder, **wanted):
        self.assertGreaterEqual(holder["looks"], 5, holder)
        self.assertEqual(holder["looks"], sum(one["looks"] for one in holder["doing"]))
        return sum(one["looks"] for one in holder["doing"] if all(one[key] == value for key, value in wanted.items())) / holder["looks"]

    def line(self):
        """What the text says of it."""
        return re.search(r"\n    Meanwhile it was (.*), in [\d,]+ looks\.\n", self.flocktrace("report", "trace").stdout).group(1)

    def test_one_that_writes_to_disk_is_in_fsync_as_often_as_proc_says(self):
        shares, holder = self.scenario("fsync", 2)
        for name, wanted in (("fsync", {"call": "fsync"}), ("running", {"state": "running"})):
            self.assertAlmostEqual(self.share(holder, **wanted), shares.get(name, 0), delta=0.4, msg=(name, shares, holder))
        self.assertRegex(self.line(), r"% (in fsync|running)")

    def test_one_that_sleeps(self):
        shares, holder = self.scenario("sleeps")
        self.assertGreater(shares["clock_nanosleep"], 0.5)
        self.assertGreater(self.share(holder, state="asleep", call="clock_nanosleep"), 0.5)
        self.assertRegex(self.line(), r"^\d+ % in clock_nanosleep")

    def test_one_that_works(self):
        shares, holder = self.scenario("works")
        self.assertGreater(shares["running"], 0.5)
        self.assertGreater(self.share(holder, state="running", call=None), 0.5)
        self.assertRegex(self.line(), r"^\d+ % running")

    def test_one_that_is_stopped(self):
        shares, holder = self.scenario("stopped")
        self.assertGreater(shares["stopped"], 0.5)
        self.assertGreater(self.share(holder, state="stopped"), 0.5)

    def test_one_that_waits_for_another_lock(self):
        shares, holder = self.scenario("waits")
        self.assertGreater(shares["fcntl"], 0.5)
        self.assertGreater(self.share(holder, state="waiting", call=None), 0.5)
        self.assertRegex(self.line(), r"^\d+ % waiting for a lock")

    def test_the_thread_that_took_the_lock_is_the_holder_until_it_ends(self):
        _, holder = self.scenario("sleeps-beside-a-thread")
        self.assertGreater(self.share(holder, state="asleep", call="clock_nanosleep"), 0.8)
        _, holder = self.scenario("thread-gone")  # then any other; this one runs, and another sleeps
        self.assertGreater(self.share(holder, state="running"), 0.5)

    def test_in_a_container(self):
        if subprocess.run([*CONTAINER, "true"], capture_output=True).returncode:
            self.skipTest("no namespaces may be made here")
        for name, state in (("sleeps", "asleep"), ("sleeps-beside-a-thread", "asleep")):
            _, holder = self.scenario(name, before=CONTAINER)
            self.assertGreater(self.share(holder, state=state, call="clock_nanosleep"), 0.5)

    def test_many_who_wait_make_no_more_records_than_one(self):
        self.scenario("sleeps", 1, 100)
        resource = self.report_.resource("a")
        self.assertLessEqual(resource["looks"], self.report_.waits_for("a")[0]["wait_ns"] / 20e6 + 1)  # 50 a second
        self.assertEqual(sum(one["looks"] for one in resource["doing"]), resource["looks"])
        records = [line for line in self.flocktrace("dump", "trace").stdout.splitlines() if " holds, seen " in line]
        self.assertTrue(1 <= len(records) <= 30, records)
        self.assertRegex(self.flocktrace("report", "trace").stdout, r"\n    While others waited, its holders were .*in clock_nanosleep.*, in \d+ looks")

    def test_a_lock_that_was_taken_by_flock_1_for_its_shell_is_held_by_the_shell(self):
        self.record("sh", "-c", "(flock 9; echo > in; sleep 1; true) 9> a & while ! test -s in; do sleep 0.01; done; flock a true; wait")
        holder = self.report().wait("a")["holders"][0]
        # Who has it is asked of every process of the machine: that is not done often. It may be seen as it starts sleep(1), too.
        self.assertEqual((holder["doing"][0]["state"], holder["doing"][0]["call"]), ("asleep", "wait4"))

    def test_one_that_sleeps_with_the_lock_for_far_longer_than_it_used_to_is_idle(self):
        stdout, report = self.recorded(PYTHON, "-c", IDLE)
        finding, = [one for one in report.document["findings"] if one["id"] == "stuck-idle"]
        self.assertGreaterEqual(finding["duration_ns"], 10 * 1000 * MS)
        self.assertGreaterEqual(finding["number"], 100)
        taken, waited = finding["sides"]
        self.assertEqual((taken["role"], taken["pid"], waited["role"]), ("taken", int(stdout), "waited"))
        self.assertIn("back_up()", self.flocktrace("report", "trace").stdout)

    def test_nobody_is_looked_at_while_nobody_waits(self):
        self.record(PYTHON, "-c", "import fcntl, time; f = open('a', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(0.3)")
        self.assertNotIn(" holds, seen ", self.flocktrace("dump", "trace").stdout)


if __name__ == "__main__":
    main()
