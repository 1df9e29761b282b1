#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Python's fcntl and os.lockf, recorded: ranges, modes, waits with their holders, tries, errors."""

import json
import re
import termios

from e2e import MS, PYTHON, EndToEnd, main

RECORD_LOCKS, FLOCK = "record", "flock"

# name, parent takes, parent frees, child waits; then world, mode, start, end of the child's request
CONTENDED = [
    ("lockf-ex", "lockf(f, LOCK_EX)", "lockf(f, LOCK_UN)", "lockf(f, LOCK_EX)", RECORD_LOCKS, "exclusive", 0, None),
    ("lockf-sh", "lockf(f, LOCK_EX, 100)", "lockf(f, LOCK_UN, 100)", "lockf(f, LOCK_SH, 10, 90)", RECORD_LOCKS, "shared", 90, 100),
    ("lockf-under-sh", "lockf(f, LOCK_SH, 100)", "lockf(f, LOCK_UN, 100)", "lockf(f, LOCK_EX, 0, 99)", RECORD_LOCKS, "exclusive", 99,
     None),
    ("lockf-cur", "lockf(f, LOCK_EX)", "lockf(f, LOCK_UN)", "f.seek(500); lockf(f, LOCK_EX, 5, -10, 1)", RECORD_LOCKS, "exclusive", 490,
     495),
    ("lockf-end", "lockf(f, LOCK_EX)", "lockf(f, LOCK_UN)", "lockf(f, LOCK_EX, 0, -1, 2)", RECORD_LOCKS, "exclusive", 999, None),
    ("flock-ex", "flock(f, LOCK_EX)", "flock(f, LOCK_UN)", "flock(f, LOCK_EX)", FLOCK, "exclusive", 0, None),
    ("flock-sh", "flock(f, LOCK_EX)", "flock(f, LOCK_UN)", "flock(f, LOCK_SH)", FLOCK, "shared", 0, None),
    ("setlkw", "fcntl(f, F_SETLK, w(10, 20))", "fcntl(f, F_SETLK, u(0, 0))", "fcntl(f, F_SETLKW, w(0, 11))", RECORD_LOCKS, "exclusive",
     0, 11),
    ("ofd", "fcntl(f, F_OFD_SETLK, w(10, 20))", "fcntl(f, F_OFD_SETLK, u(0, 0))", "fcntl(f, F_OFD_SETLKW, r(29, 1))", RECORD_LOCKS,
     "shared", 29, 30),
    ("posix-meets-ofd", "fcntl(f, F_OFD_SETLKW, w(0, 0))", "f.close()", "fcntl(f, F_SETLKW, w(5, 5))", RECORD_LOCKS, "exclusive", 5, 10),
    ("os-lockf", "f.seek(100); os.lockf(f.fileno(), os.F_LOCK, 50)", "f.seek(100); os.lockf(f.fileno(), os.F_ULOCK, 50)",
     "f.seek(200); os.lockf(f.fileno(), os.F_LOCK, -60)", RECORD_LOCKS, "exclusive", 140, 200),
    ("freed-by-close", "lockf(f, LOCK_EX)", "open(f.name).close()", "lockf(f, LOCK_EX)", RECORD_LOCKS, "exclusive", 0, None),
    ("freed-by-downgrade", "flock(f, LOCK_EX)", "flock(f, LOCK_SH)", "flock(f, LOCK_SH)", FLOCK, "shared", 0, None),
]

PRELUDE = """
import os, struct, sys, time
from fcntl import *
from lab import contend, say, wait_until_blocked

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38

def lock(kind, start, length, whence=0):
    return struct.pack("hhqqi4x", kind, whence, start, length, 0)

def r(*where): return lock(F_RDLCK, *where)
def w(*where): return lock(F_WRLCK, *where)
def u(*where): return lock(F_UNLCK, *where)
"""


class PythonLocks(EndToEnd):
    def python(self, body):
        """Runs it recorded; ([what it said], Report)."""
        with open(self.path("program.py"), "w") as file:
            file.write(PRELUDE + body)
        stdout, report = self.recorded(PYTHON, "program.py")
        return [json.loads(line) for line in stdout.splitlines()], report

    def test_each_wait_has_its_range_mode_duration_and_holder(self):
        said, report = self.python("\n".join(
            f"contend({name!r}, lambda f: [{take.replace('; ', ', ')}], lambda f: [{free.replace('; ', ', ')}],"
            f" lambda f: [{wait.replace('; ', ', ')}])" for name, take, free, wait, *_ in CONTENDED))
        said = {words["name"]: words for words in said}
        self.assertEqual(len(said), len(CONTENDED))
        for name, _, _, _, world, mode, start, end in CONTENDED:
            with self.subTest(name):
                truth, wait = said[name], report.wait(name)
                resource = report.resources_by_id[wait["resource"]]
                self.assertEqual((resource["world"], resource["start"], resource["end"]), (world, start, end))
                self.assertEqual((wait["mode"], wait["kind"], wait["outcome"]), (mode, "blocked", "granted"))
                self.assertEqual((wait["pid"], wait["tid"]), (truth["waiter"], truth["waiter"]))
                self.assert_about(wait["wait_ns"], truth["waited_ns"])
                self.assertEqual([holder["pid"] for holder in wait["holders"]], [truth["holder"]])
                holder = wait["holders"][0]
                self.assertTrue(holder["traced"])
                self.assertEqual(holder["mode"], "shared" if name == "lockf-under-sh" else "exclusive")
                self.assert_about(holder["overlap_ns"], truth["waited_ns"])
                self.assertLessEqual(holder["overlap_ns"], wait["wait_ns"])
        self.assertEqual(len(report.waits), len(CONTENDED))

    def test_uncontended_calls_are_counted_under_the_range_they_ask_for(self):
        _, report = self.python("""
f = open("ranges", "w+b"); f.write(bytes(1000)); f.flush(); f.seek(300)
for _ in range(3):
    lockf(f, LOCK_EX); lockf(f, LOCK_UN)
lockf(f, LOCK_EX | LOCK_NB, 10, 20, 0)
lockf(f, LOCK_EX, 10, 20, 1)
lockf(f, LOCK_EX, 10, -20, 2)
lockf(f, LOCK_EX, 0, 7)
os.lockf(f.fileno(), os.F_TLOCK, -100)
fcntl(f, F_SETLK, w(50, -50))
assert struct.unpack("hhqqi4x", fcntl(f, F_GETLK, w(0, 0)))[0] == F_UNLCK
os.lockf(f.fileno(), os.F_TEST, 5)
flock(f, LOCK_EX); flock(f, LOCK_SH); flock(f, LOCK_UN)
""")
        for start, end, count in [(0, None, 3), (20, 30, 1), (320, 330, 1), (980, 990, 1), (7, None, 1), (200, 300, 1), (0, 50, 1)]:
            with self.subTest(start=start, end=end):
                resource = report.resource("ranges", world=RECORD_LOCKS, start=start, end=end)
                self.assertEqual((resource["acquisitions"], resource["contended"], resource["failed_tries"]), (count, 0, 0))
        self.assertEqual(report.resource("ranges", world=FLOCK)["acquisitions"], 2)
        self.assertEqual(report.waits, [])

    def test_processes_that_take_turns_never_seem_to_hold_a_lock_together(self):
        workers, rounds = 4, 60
        _, report = self.python(f"""
import multiprocessing
def work(call, free):
    for _ in range({rounds}):
        with open("counter", "r+") as f:
            call(f)
            value = int(f.read()); f.seek(0); f.write(str(value + 1)); f.flush()
            free(f)
with open("counter", "w") as f: f.write("0")
for call, free in ((lambda f: lockf(f, LOCK_EX), lambda f: lockf(f, LOCK_UN)), (lambda f: flock(f, LOCK_EX), lambda f: None),
                   (lambda f: fcntl(f, F_OFD_SETLKW, w(0, 0)), lambda f: f.close())):
    workers = [multiprocessing.Process(target=work, args=(call, free)) for _ in range({workers})]
    for worker in workers: worker.start()
    for worker in workers: worker.join(); assert worker.exitcode == 0
assert int(open("counter").read()) == {3 * workers * rounds}
""")
        self.assertEqual(report.resource("counter", world=RECORD_LOCKS)["acquisitions"], 2 * workers * rounds)
        self.assertEqual(report.resource("counter", world=FLOCK)["acquisitions"], workers * rounds)
        for wait in report.waits_for("counter"):
            self.assertNotIn(wait["pid"], [holder["pid"] for holder in wait["holders"]])

    def test_each_failed_try_is_counted(self):
        said, report = self.python("""
with open("tried", "w") as f, open("tried", "r+") as other:
    flock(f, LOCK_EX)
    ends = os.pipe()
    if os.fork() == 0:
        tries = 0
        while True:
            try:
                flock(other, LOCK_EX | LOCK_NB)
                break
            except BlockingIOError:
                tries += 1
                os.write(ends[1], b".")
                time.sleep(0.001)
        say(tries=tries)
        os._exit(0)
    os.read(ends[0], 1); os.read(ends[0], 1); os.read(ends[0], 1)
    flock(f, LOCK_UN)
    os.wait()
""")
        resource = report.resource("tried")
        self.assertGreaterEqual(said[0]["tries"], 3)
        self.assertEqual(resource["failed_tries"], said[0]["tries"])
        self.assertEqual(resource["acquisitions"], 2)
        self.assertEqual(report.errors(), {("flock", "EAGAIN"): said[0]["tries"]})

    def test_one_section_is_freed_while_another_is_kept(self):
        said, report = self.python("""
with open("sections", "w+") as f:
    lockf(f, LOCK_EX, 100)
    lockf(f, LOCK_UN, 50)
    child = os.fork()
    if child == 0:
        own = open("sections", "r+")
        lockf(own, LOCK_EX | LOCK_NB, 50)
        lockf(own, LOCK_EX, 1, 50)
        say(waiter=os.getpid(), holder=os.getppid())
        os._exit(0)
    wait_until_blocked(child)
    time.sleep(0.1)
    lockf(f, LOCK_UN, 50, 50)
    os.wait()
""")
        wait = report.wait("sections")
        self.assertEqual((wait["pid"], [holder["pid"] for holder in wait["holders"]]), (said[0]["waiter"], [said[0]["holder"]]))
        self.assertEqual(report.resource("sections", start=0, end=50)["contended"], 0)
        self.assertEqual(report.resource("sections", start=50, end=51)["contended"], 1)

    def test_two_readers_hold_up_a_writer_together(self):
        said, report = self.python("""
with open("shared", "w") as f: pass
def reader(ready, leave):
    if os.fork() == 0:
        f = open("shared")
        lockf(f, LOCK_SH)
        os.write(ready[1], b".")
        os.read(leave[0], 1)
        os._exit(0)
ready, leave = os.pipe(), os.pipe()
reader(ready, leave); reader(ready, leave)
os.read(ready[0], 1); os.read(ready[0], 1)
child = os.fork()
if child == 0:
    lockf(open("shared", "r+"), LOCK_EX)
    os._exit(0)
wait_until_blocked(child)
time.sleep(0.1)
os.write(leave[1], b"..")
for _ in range(3): os.wait()
""")
        wait = report.wait("shared")
        self.assertEqual(len({holder["pid"] for holder in wait["holders"]}), 2)
        for holder in wait["holders"]:
            self.assertEqual(holder["mode"], "shared")
            self.assertGreaterEqual(holder["overlap_ns"], 100 * MS)

    def test_subprocess_children_do_not_end_the_parents_locks(self):
        said, report = self.python("""
import subprocess
with open("kept", "w") as f:
    flock(f, LOCK_EX)
    lockf(f, LOCK_EX)
    subprocess.run(["true"], check=True)
    subprocess.run(["true"], check=True, close_fds=False)
    child = os.fork()
    if child == 0:
        own = open("kept", "r+")
        flock(own, LOCK_EX)
        lockf(own, LOCK_EX)
        os._exit(0)
    wait_until_blocked(child)
    time.sleep(0.1)
    flock(f, LOCK_UN)
    wait_until_blocked(child)
    time.sleep(0.1)
    say(holder=os.getpid())
os.wait()
""")
        for world in (RECORD_LOCKS, FLOCK):
            waits = [wait for wait in report.waits_for("kept") if report.resources_by_id[wait["resource"]]["world"] == world]
            self.assertEqual([[holder["pid"] for holder in wait["holders"]] for wait in waits], [[said[0]["holder"]]])
            self.assertGreaterEqual(waits[0]["holders"][0]["overlap_ns"], 100 * MS)

    def test_parent_and_child_that_open_the_file_at_the_same_number_are_two_owners(self):
        said, report = self.python("""
open("f", "w").close()
ready, go = os.pipe()
child = os.fork()
f = os.open("f", os.O_RDWR)  # after the fork: the same number in both
if child == 0:
    os.read(ready, 1)
    flock(f, LOCK_EX)
    os._exit(0)
flock(f, LOCK_EX)
os.write(go, b"x")
wait_until_blocked(child)
time.sleep(0.05)
flock(f, LOCK_UN)
os.waitpid(child, 0)
say(holder=os.getpid())
""")
        self.assertEqual([holder["pid"] for holder in report.wait("f")["holders"]], [said[0]["holder"]])
        self.assert_clean(report)

    def test_a_duplicate_made_before_the_lock_keeps_it_after_the_first_descriptor_is_closed(self):
        said, report = self.python("""
f = os.open("copied", os.O_RDWR | os.O_CREAT)
other = os.open("copied", os.O_RDWR)
copy = os.dup(f)
flock(f, LOCK_EX)
os.close(f)
child = os.fork()
if child == 0:
    os.close(copy)
    flock(other, LOCK_EX)
    os._exit(0)
wait_until_blocked(child)
time.sleep(0.1)
say(holder=os.getpid())
os.close(copy)
os.wait()
""")
        wait = report.wait("copied")
        self.assertEqual([holder["pid"] for holder in wait["holders"]], [said[0]["holder"]])
        self.assertGreaterEqual(wait["holders"][0]["overlap_ns"], 100 * MS)
        self.assertEqual(report.quality["overlaps"], 0)

    def test_an_ioctl_that_excludes_nobody_is_not_recorded(self):
        self.record(PYTHON, "-c", """
import array, fcntl, os, termios
read, write = os.pipe()
os.write(write, b"abc")
count = array.array("i", [0])
fcntl.ioctl(read, termios.FIONREAD, count)
assert count[0] == 3
main, terminal = os.openpty()
fcntl.ioctl(terminal, termios.TIOCEXCL)
""")
        dump = self.flocktrace("dump", "trace").stdout
        calls = [line for line in dump.splitlines() if re.search(r"^ *\d+ +[\d.]+ +\d+/\d+ +ioctl\(", line)]
        self.assertEqual(len(calls), 2, dump)  # before and after
        self.assertTrue(all(str(termios.TIOCEXCL) in line or "TIOCEXCL" in line for line in calls), calls)


class Culprit(EndToEnd):
    """The line about who is to blame names the script, as far as it is known, and nothing of the interpreter's insides."""

    SCRIPT = """
import fcntl, os, time
f = open("f", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
if os.fork() == 0:
    fcntl.lockf(f, fcntl.LOCK_EX)
    os._exit(0)
while not any("->" in line and f":{os.fstat(f.fileno()).st_ino} " in line for line in open("/proc/locks")):
    time.sleep(0.001)
time.sleep(0.01)
fcntl.lockf(f, fcntl.LOCK_UN)
os.wait()
"""

    def test_where_no_line_is_known_the_process_without_its_arguments_and_the_script_with_them(self):
        with open(self.path("worker.py"), "w") as file:
            file.write(self.SCRIPT)
        for argv, expected in (("0", r"\w+\(\) \(python3\)|python3\[\d+\]"), ("1", r"(\w+\(\) \()?/usr/bin/python3 worker\.py\)?")):
            self.record(PYTHON, "worker.py", environment={"FLOCKTRACE_ARGV": argv, "FLOCKTRACE_PYTHON": "off"})
            culprit = self.flocktrace("report", "trace").stdout.splitlines()[1]
            self.assertRegex(culprit, rf"of it caused by ({expected}), holding \[0, EOF\) of f\.$")
            self.assertNotRegex(culprit, "Py|main|_start")


if __name__ == "__main__":
    main()
