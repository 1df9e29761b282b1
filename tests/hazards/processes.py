#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Children of every make: who holds what is what the kernel says, and programs behave as they did."""

import json
import os
import subprocess

from e2e import FLOCKTRACE, PRELOAD, PYTHON, EndToEnd, Report, main, needs, victim, wait_for

# For scripts: whether that process sleeps in fcntl or flock, and whether the kernel knows a lock on the file.
LOOKS = """
import fcntl, os, platform, subprocess, sys, time
NUMBERS = {"x86_64": ("72", "73"), "aarch64": ("25", "32")}[platform.machine()]
def ended(pid):
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
def blocks(pid):
    while not ended(pid):
        with open(f"/proc/{pid}/syscall") as file, open(f"/proc/{pid}/wchan") as reason:
            # While anybody on the machine reads /proc/locks, every lock call sleeps.
            if file.read().split()[0] in NUMBERS and "rwsem" not in reason.read():
                return True
        time.sleep(0.001)
    return False
def held(name):
    inode = os.stat(name).st_ino
    with open("/proc/locks") as locks:
        return any(f":{inode} " in line for line in locks)
"""


def hazard(name):
    return victim("x").replace("victim-x", "hazard-" + name)


def library(name):
    """A shared library of that name, where the linker finds it or Debian puts it."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = [line.split()[-1] for line in listed.splitlines() if line.split()[0] == name]
    multiarch = os.path.dirname(next(line.split()[-1] for line in listed.splitlines() if line.split()[0] == "libc.so.6"))
    return next((path for path in found + [f"/usr{multiarch}/faketime/{name}"] if os.path.exists(path)), None)


class Processes(EndToEnd):
    def same(self, *command, **options):
        """Alone and recorded: same status and output. (stdout, Report)"""
        alone = self.run_program(*command, **options)
        self.assertEqual((alone.returncode, alone.stderr), (0, ""))
        stdout = self.record(*command, **options)
        self.assertEqual(alone.stdout, stdout)
        return stdout, self.report()

    def test_who_holds_what_a_child_closes(self):
        for way in self.run_program(hazard("processes"), "ways").stdout.split():
            with self.subTest(way):
                stdout, report = self.same(hazard("processes"), way)
                with open(self.path("holder")) as file:
                    holder = int(file.read())
                if way == "syscall-clone":
                    told = [line for line in self.flocktrace("dump", "trace").stdout.splitlines() if "of-child" in line and "F_SETLKW" in line]
                    self.assertTrue(told and not any(f" {holder}/" in line for line in told), told)
                kinds = ["posix", "ofd", "flock"]
                if way == "daemon":
                    # The parent ends inside libc: that its POSIX locks went is known when its death is seen, or implied.
                    self.assertLessEqual(report.quality["overlaps"], 1)
                    self.assertIn("posix free\nofd free\nflock free\n", stdout)
                    kinds.remove("posix")
                else:
                    self.assert_clean(report)
                for kind in kinds:
                    held = f"{kind} held\n" in stdout
                    self.assertEqual(held, f"{kind} waits\n" in stdout)
                    self.assertEqual({pid for pids in self.holders(report, kind) for pid in pids}, {holder} if held else set(), kind)

    def test_what_a_child_in_its_parents_memory_locks_is_counted_and_not_taken_for_its_parents(self):
        for way, unseen, meanwhile in (("vfork", 4, 0), ("clone", 8, 1), ("syscall", 8, 1)):
            with self.subTest(way):
                _, report = self.same(hazard("vm_child"), way)
                self.assert_clean(report)
                self.assertEqual((report.quality["lost_unseen"], report.quality["complete"]), (unseen, False))
                self.assertEqual((report.total("known", "acquisitions"), report.total("meanwhile", "acquisitions")), (2, meanwhile))
                self.assertEqual(report.resources("own"), [])
                self.assertNotIn("timer(", self.flocktrace("dump", "trace").stdout)

    def test_a_lock_held_over_subprocess(self):
        _, report = self.same(PYTHON, "-c", LOOKS + """
with open("f", "w") as f:
    fcntl.lockf(f, fcntl.LOCK_EX)
    for _ in range(10):
        subprocess.run(["true"], check=True)
    other = subprocess.Popen([sys.executable, "-c", "import fcntl; fcntl.lockf(open('f', 'r+'), fcntl.LOCK_EX)"])
    assert blocks(other.pid)
    with open("holder", "w") as holder:
        print(os.getpid(), file=holder)
    fcntl.lockf(f, fcntl.LOCK_UN)
    assert other.wait() == 0
""")
        self.assert_clean(report)
        self.assertEqual(self.holders(report, "f"), [[self.number("holder")]])

    def number(self, name):
        with open(self.path(name)) as file:
            return int(file.read())

    def holders(self, report, name):
        """For each wait the pids of those waited for. A busy machine makes waits of nobody known, which say nothing."""
        found = [[holder["pid"] for holder in wait["holders"] if holder["pid"]] for wait in report.waits_for(name)]
        return [pids for pids in found if pids]

    def test_exec_keeps_and_drops_what_the_kernel_does(self):
        script = LOOKS + """
def reads_stdin(pid):
    with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/syscall") as call:
        return comm.read() == "cat\\n" and call.read().split()[:2] in (["0", "0x0"], ["63", "0x0"])
def take(kind, fd):
    if kind == "flock":
        fcntl.flock(fd, fcntl.LOCK_EX)
    else:
        command = fcntl.F_SETLKW if kind == "posix" else fcntl.F_OFD_SETLKW
        fcntl.fcntl(fd, command, __import__("struct").pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
for mode in "kept", "close-on-exec", "sibling", "merged":
    for kind in ("posix",) if mode == "merged" else ("posix", "ofd", "flock"):
        name = f"{mode}-{kind}"
        fd = os.open(name, os.O_RDWR | os.O_CREAT)
        sibling = os.open(name, os.O_RDWR) if mode in ("sibling", "merged") else None
        stay, go = os.pipe()
        pid = os.fork()
        if not pid:
            if mode == "merged":
                take(kind, sibling)
                os.set_inheritable(sibling, True)
            take(kind, fd)
            os.set_inheritable(fd, mode != "close-on-exec")
            os.dup2(stay, 0)
            os.execv("/bin/cat", ["cat"])
        os.close(fd)
        if sibling:
            os.close(sibling)
        while not reads_stdin(pid):
            time.sleep(0.001)
        kept = held(name)
        other = os.fork()
        if not other:
            os.close(go)
            take(kind, os.open(name, os.O_RDWR))
            os._exit(0)
        print(name, "held" if kept else "free", "waits" if blocks(other) else "taken", flush=True)
        with open(name + ".pid", "w") as file:
            print(pid, file=file)
        os.close(stay)
        os.close(go)
        os.waitpid(other, 0)
        os.waitpid(pid, 0)
"""
        stdout, report = self.same(PYTHON, "-c", script)
        self.assert_clean(report)
        self.assertEqual([line.split()[1] for line in stdout.splitlines()],
                         ["held"] * 3 + ["free"] * 3 + ["free", "held", "held"] + ["held"])
        for line in stdout.splitlines():
            name, state, what = line.split()
            self.assertEqual(what, "waits" if state == "held" else "taken", name)
            self.assertEqual(self.holders(report, name), [[self.number(name + ".pid")]] if state == "held" else [], name)

    def test_a_child_that_gives_what_it_inherited_another_number_and_locks_that(self):
        _, report = self.same(PYTHON, "-c", LOOKS + """
fd = os.open("f", os.O_RDWR | os.O_CREAT)
pid = os.fork()
if not pid:
    os.dup2(fd, 50)
    fcntl.flock(50, fcntl.LOCK_EX)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
other = subprocess.Popen([sys.executable, "-c", "import fcntl; fcntl.flock(open('f', 'r+'), fcntl.LOCK_EX)"])
assert blocks(other.pid)
with open("holder", "w") as holder:
    print(os.getpid(), file=holder)
os.close(fd)
assert other.wait() == 0
""")
        self.assert_clean(report)
        self.assertEqual(self.holders(report, "f"), [[self.number("holder")]])

    def test_a_child_that_was_left_a_lock_by_a_parent_that_is_gone_holds_it(self):
        """Popen of Python is vfork and exec: the parent ends before its child can ask it."""
        takes = {
            "flock": "fcntl.flock(fd, fcntl.LOCK_EX)",
            "ofd": "fcntl.fcntl(fd, fcntl.F_OFD_SETLKW, __import__('struct').pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 10, 0))",
        }
        for kind, take in takes.items():
            with self.subTest(kind):
                begin = f"import fcntl, os, subprocess, sys\nfd = os.open('{kind}', os.O_RDWR | os.O_CREAT)\n{take}\n"
                wait = f"while [ ! -e {kind}.go ]; do sleep 0.01; done"
                parent = begin + f"print(subprocess.Popen(['sh', '-c', {wait!r}], pass_fds=[fd]).pid, flush=True)\nos._exit(0)"
                _, report = self.recorded(PYTHON, "-c", LOOKS + f"""
ends, told = os.pipe()
subprocess.run([sys.executable, "-c", {parent!r}], check=True, stdout=told)
with open("holder", "wb") as holder:
    holder.write(os.read(ends, 20))
other = subprocess.Popen([sys.executable, "-c", {begin!r}])
assert blocks(other.pid)
time.sleep(0.1)
open("{kind}.go", "w").close()
assert other.wait() == 0
""")
                self.assert_clean(report)
                self.assertEqual(self.holders(report, kind), [[self.number("holder")]])

    def contend_in(self, first, second):
        """Two lockers, the second waits for the first; each behind a command that puts it elsewhere. Report."""
        locker = """
import fcntl, os, sys, time
f = open("f", "r+")
if sys.argv[1] == "first":
    fcntl.lockf(f, fcntl.LOCK_EX)
    open("ready", "w")
    while not os.path.exists("go"):
        time.sleep(0.001)
else:
    while not os.path.exists("ready"):
        time.sleep(0.001)
    fcntl.lockf(f, fcntl.LOCK_EX)
"""
        script = f"""
import os, subprocess, time
open("f", "w")
inode = os.stat("f").st_ino
lockers = [subprocess.Popen({list(first)!r} + [{PYTHON!r}, "-c", {locker!r}, "first"]),
           subprocess.Popen({list(second)!r} + [{PYTHON!r}, "-c", {locker!r}, "second"])]
def waits():
    with open("/proc/locks") as locks:
        return any("->" in line and f":{{inode}} " in line for line in locks)
while not waits():
    time.sleep(0.001)
time.sleep(0.1)
open("go", "w")
assert [locker.wait() for locker in lockers] == [0, 0]
"""
        return self.recorded(PYTHON, "-c", script)[1]

    def wait_with_holder(self, report):
        self.assertEqual([len(pids) for pids in self.holders(report, "f")], [1], report.waits)
        found = [wait for wait in report.waits_for("f") if any(holder["pid"] for holder in wait["holders"])]
        return found[0]

    @needs("unshare")
    def test_two_pid_namespaces_have_the_same_pid(self):
        elsewhere = ["unshare", "--pid", "--fork"]
        if subprocess.run([*elsewhere, "true"], capture_output=True).returncode:
            self.skipTest("no right to make a pid namespace")
        report = self.contend_in(elsewhere, elsewhere)
        wait = self.wait_with_holder(report)
        self.assertEqual([wait["pid"]] + [holder["pid"] for holder in wait["holders"] if holder["pid"]], [1, 1])
        self.assertNotIn(wait["process"], [holder["process"] for holder in wait["holders"]])
        # Each was forked into it, and became what it is by exec: one process.
        self.assertEqual([process["pid"] for process in report.document["processes"]].count(1), 2)

    @needs("unshare")
    def test_a_time_namespace_has_another_clock(self):
        elsewhere = ["unshare", "--time", "--monotonic", "100000", "--fork"]
        if subprocess.run([*elsewhere, "true"], capture_output=True).returncode:
            self.skipTest("no right to make a time namespace")
        for pair in ((elsewhere, []), ([], elsewhere)):
            for name in ("ready", "go"):
                if os.path.exists(self.path(name)):
                    os.unlink(self.path(name))
            report = self.contend_in(*pair)
            wait = self.wait_with_holder(report)
            self.assertLess(wait["wait_ns"], 20_000_000_000)
            self.assertGreater(max(holder["overlap_ns"] for holder in wait["holders"] if holder["pid"]), 50_000_000)
            self.assertLess(report.document["resources"][0]["hold_ns"]["max"], 20_000_000_000)

    def test_the_environment_is_the_same_but_for_our_variables(self):
        alone = self.run_program("env", environment={"LD_PRELOAD": ""}).stdout.splitlines()
        recorded = self.record("env", environment={"LD_PRELOAD": ""}).splitlines()
        ours = [line for line in recorded if line.startswith(("LD_PRELOAD=", "FLOCKTRACE_"))]
        self.assertEqual([line for line in alone if not line.startswith("LD_PRELOAD=")],
                         [line for line in recorded if line not in ours])
        self.assertEqual(sorted(line.split("=")[0] for line in ours), ["FLOCKTRACE_SESSION", "LD_PRELOAD"])

    def in_both_orders(self, other, command, environment, expected):
        """Whoever comes first, the other does its work too."""
        if not other:
            self.skipTest("not installed")
        for order in ([PRELOAD, other], [other, PRELOAD]):
            self.both_work(["env", "LD_PRELOAD=" + ":".join(order), *command], environment, expected)
        self.both_work(command, {**environment, "LD_PRELOAD": other}, expected)

    def both_work(self, command, environment, expected):
        result = self.flocktrace("record", "-o", "trace", "--", *command, environment=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(expected, result.stdout + result.stderr)
        self.assertEqual(self.report().resource("f")["acquisitions"], 1)
        os.unlink(self.path("trace"))

    LOCK = "import fcntl, os, time; f = open('f', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "

    def test_jemalloc_beside_us(self):
        self.in_both_orders(library("libjemalloc.so.2"), [PYTHON, "-c", self.LOCK], {"MALLOC_CONF": "stats_print:true"},
                            "Begin jemalloc statistics")

    def test_tcmalloc_beside_us(self):
        self.in_both_orders(library("libtcmalloc_minimal.so.4"), [PYTHON, "-c", self.LOCK], {"MALLOCSTATS": "1"}, "MALLOC: ")

    def test_mimalloc_beside_us(self):
        self.in_both_orders(library("libmimalloc.so.2"), [PYTHON, "-c", self.LOCK], {"MIMALLOC_SHOW_STATS": "1"}, "heap stats")

    def test_faketime_beside_us(self):
        self.in_both_orders(library("libfaketime.so.1"), [PYTHON, "-c", self.LOCK + "print(time.strftime('%Y'))"],
                            {"FAKETIME": "2001-06-01 00:00:00"}, "2001")

    def test_eatmydata_beside_us(self):
        self.in_both_orders(library("libeatmydata.so"), [PYTHON, "-c", self.LOCK + "print(os.fsync(os.pipe()[0]))"], {}, "None")

    @needs("fakeroot")
    def test_fakeroot_beside_us(self):
        work = f"{PYTHON} -c \"{self.LOCK}os.chown('f', 123, 456); print(os.stat('f').st_uid)\""
        self.both_work(["fakeroot", "sh", "-c", work], {}, "123\n")
        self.both_work(["fakeroot", "sh", "-c", f"LD_PRELOAD={PRELOAD}:$LD_PRELOAD {work}"], {}, "123\n")

    @needs("setpriv", "prlimit")
    def test_memory_that_is_locked_has_room_for_us(self):
        if os.getuid():
            self.skipTest("only root can become nobody")
        for path in (os.path.dirname(self.directory), self.directory, self.runtime):
            os.chown(path, 65534, 65534)
        nobody = ["prlimit", "--memlock=8388608", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.assertEqual(self.run_program(*nobody, hazard("mlockall")).stdout, "locked\n")
        bare = self.run_program(*nobody, "env", "LD_PRELOAD=" + PRELOAD, hazard("mlockall"))
        self.assertEqual((bare.stdout, bare.stderr), ("locked\n", ""))
        recorded = self.run_program(*nobody, FLOCKTRACE, "record", "-o", "locked.trace", "--", hazard("mlockall"))
        self.assertEqual(recorded.stdout, "locked\n", recorded.stderr)
        report = self.run_program(*nobody, FLOCKTRACE, "report", "--json")
        self.assertEqual(report.returncode, 0, report.stderr)
        report = Report(json.loads(report.stdout))
        # Others may use that session too.
        for name in ("first", "second"):
            self.assertEqual(report.resource(name, path=self.path(name))["acquisitions"], 1)


if __name__ == "__main__":
    main()
