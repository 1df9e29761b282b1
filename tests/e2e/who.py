#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""who tells of each lock of the machine who has it and who waits for whom; beside it, lslocks and /proc say the same or less."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from e2e import FLOCKTRACE, PYTHON, EndToEnd, main, needs, wait_for
from lab import wait_until_blocked

AS_ROOT = unittest.skipIf(os.geteuid() != 0, "only root can be somebody else, mount, or make a namespace")
NOBODY = 65534
LSLOCKS_KIND = {"POSIX": "POSIX", "FLOCK": "flock", "OFDLCK": "OFD"}
FOREVER = "signal.pause()"
PRELUDE = """
import fcntl, os, signal, struct, subprocess, sys, threading, time
def flock(name, how=fcntl.LOCK_EX):
    file = open(name, "w"); fcntl.flock(file, how); keep.append(file); return file
def posix(name, start=0, length=0, how=fcntl.LOCK_EX):
    file = open(name, "r+"); fcntl.lockf(file, how, length, start); keep.append(file); return file
def ofd(name, start, length, command=37, kind=fcntl.F_WRLCK):
    file = open(name, "r+"); fcntl.fcntl(file, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)); keep.append(file); return file
def up(): os.write(1, b"up\\n")
keep = []
"""


class Who(EndToEnd):
    def setUp(self):
        super().setUp()
        for name in "abc":
            open(self.path(name), "w").close()

    def popen(self, *command, **options):
        process = subprocess.Popen(command, cwd=self.directory, env=self.environment, stdin=options.pop("stdin", subprocess.PIPE),
                                   stdout=subprocess.PIPE, text=True, start_new_session=True, **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        """With all that it started."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def start(self, code, **options):
        """A Python program that has come as far as up(), or blocks."""
        process = self.popen(PYTHON, "-c", PRELUDE + code, **options)
        self.assertEqual(process.stdout.readline(), "up\n")
        return process

    def start_blocked(self, code, **options):
        process = self.start("up()\n" + code, **options)
        wait_until_blocked(process.pid)
        return process

    def who(self, *arguments, status=0, **options):
        result = self.flocktrace("who", "--json", *map(str, arguments), **options)
        self.assertEqual((result.returncode, result.stderr), (status, ""), result.stdout)
        return json.loads(result.stdout)

    def text(self, *arguments, status=0):
        result = self.flocktrace("who", *map(str, arguments))
        self.assertEqual((result.returncode, result.stderr), (status, ""), result.stdout)
        return result.stdout

    def only(self, items):
        self.assertEqual(len(items), 1, items)
        return items[0]

    def mine(self, document, name):
        return [lock for lock in document["locks"] if lock["path"] == self.path(name)]

    def blockers(self, document, wait):
        return sorted(holder["pid"] for lock in document["locks"] if lock["id"] in wait["blocked_by"] for holder in lock["holders"])

    # ---- What is held, and by whom

    def test_each_kind_of_lock_has_its_holder_mode_range_and_path(self):
        process = self.start(f"posix('a', 10, 5); ofd('b', 0, 0, kind=fcntl.F_RDLCK); flock('c'); up(); {FOREVER}")
        document = self.who(process.pid)
        told = {(os.path.basename(lock["path"]), lock["kind"], lock["mode"], lock["start"], lock["end"]) for lock in document["locks"]}
        self.assertEqual(told, {("a", "POSIX", "exclusive", 10, 15), ("b", "OFD", "shared", 0, None), ("c", "flock", "exclusive", 0, None)})
        for lock in document["locks"]:
            holder = self.only(lock["holders"])
            self.assertEqual((holder["pid"], holder["command"]), (process.pid, "python3"))
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{holder['fd']}"), lock["path"])
            self.assertTrue(lock["listed"])

    def test_no_row_of_lslocks_is_missing_or_different_and_those_it_leaves_blank_are_filled_in(self):
        if not shutil.which("lslocks"):
            self.skipTest("lslocks is not installed")
        self.start(f"posix('a', 10, 5); ofd('b', 3, 4); up(); {FOREVER}")
        with open(self.path("c"), "r+") as stdin:  # lslocks looks at no descriptor 0
            self.start(f"fcntl.flock(0, fcntl.LOCK_EX); up(); {FOREVER}", stdin=stdin)
        self.start_blocked("posix('a', 0, 20)")
        self.start_blocked("ofd('b', 0, 5, 38)")
        self.start(f"flock('gone'); os.unlink('gone'); up(); {FOREVER}")
        rows = json.loads(self.run_program("lslocks", "-J", "-b", "-n", "-o", "COMMAND,PID,TYPE,INODE,MODE,START,END,PATH").stdout)["locks"]
        document = self.who()
        inodes = {str(os.stat(self.path(name)).st_ino) for name in "abc"} | {lock["inode"] for lock in self.mine(document, "gone")}
        compared = resolved = 0
        for row in rows:
            if str(row["inode"]) not in inodes:
                continue
            waits = row["mode"].endswith("*")
            candidates = [item for item in document["waits" if waits else "locks"]
                          if item["inode"] == str(row["inode"]) and item["kind"] == LSLOCKS_KIND[row["type"]]
                          and item["mode"] == ("shared" if row["mode"].startswith("READ") else "exclusive")
                          and item["start"] == row["start"] and (item["end"] - 1 if item["end"] else 0) == row["end"]]
            item = self.only(candidates)
            pids = [item["pid"]] if waits else [holder["pid"] for holder in item["holders"]]
            if row["pid"] > 0:
                self.assertIn(row["pid"], pids)
            else:
                resolved += 1  # an OFD lock, of which lslocks knows nobody
                self.assertTrue(pids and pids[0] > 0)
            if row["path"] and not row["path"].endswith("..."):
                self.assertEqual(row["path"].removesuffix(" (deleted)"), item["path"])
            else:
                resolved += 1
                self.assertIn(os.path.basename(item["path"]), ("a", "b", "c", "gone"))
            compared += 1
        self.assertEqual(compared, 6)
        self.assertGreaterEqual(resolved, 2)

    def test_all_in_the_way_of_a_writer_are_named_though_the_kernels_list_has_one(self):
        readers = [self.start(f"flock('c', fcntl.LOCK_SH); up(); {FOREVER}") for _ in range(3)]
        writer = self.start_blocked("flock('c')")
        document = self.who(self.path("c"))
        wait = self.only(document["waits"])
        self.assertEqual((wait["pid"], wait["tid"], wait["mode"]), (writer.pid, writer.pid, "exclusive"))
        self.assertEqual(self.blockers(document, wait), sorted(reader.pid for reader in readers))
        # Nothing is said of a sleep that is younger than our own last tick of the scheduler's clock.
        wait_for(lambda: self.only(self.who(self.path("c"))["waits"])["asleep_ns"], "the time asleep")

    def test_only_locks_that_conflict_are_in_the_way(self):
        holder = self.start(f"posix('a', 0, 10); up(); {FOREVER}")
        self.start(f"posix('a', 50, 10); up(); {FOREVER}")
        reader = self.start(f"ofd('a', 20, 5, kind=fcntl.F_RDLCK); flock('a', fcntl.LOCK_SH); up(); {FOREVER}")
        self.start_blocked("posix('a', 5, 20)")
        document = self.who(self.path("a"))
        self.assertEqual(self.blockers(document, self.only(document["waits"])), sorted([holder.pid, reader.pid]))

    @needs("flock")
    def test_who_inherited_a_lock_of_a_process_that_is_dead_is_named(self):
        process = self.popen("sh", "-c", "exec 9>c; flock 9; sleep 1000 & echo $!")
        heir = int(process.stdout.readline())
        process.wait()
        lock = self.only(self.who(self.path("c"))["locks"])
        self.assertTrue(lock["taker_is_dead"])
        self.assertEqual([(holder["pid"], holder["command"], holder["fd"]) for holder in lock["holders"]], [(heir, "sleep", 9)])
        self.assertIn(f"which is dead; the lock lasts while its descriptor is open in sleep[{heir}] (fd 9).", self.text(self.path("c")))

    def test_two_descriptions_of_one_process_are_two_locks(self):
        process = self.start(f"flock('c', fcntl.LOCK_SH); flock('c', fcntl.LOCK_SH); up(); {FOREVER}")
        locks = self.who(process.pid)["locks"]
        self.assertEqual([len(lock["holders"]) for lock in locks], [1, 1])

    def test_a_file_that_is_deleted_keeps_its_path(self):
        process = self.start(f"flock('gone'); os.unlink('gone'); up(); {FOREVER}")
        lock = self.only(self.who(process.pid)["locks"])
        self.assertEqual((lock["path"], lock["deleted"]), (self.path("gone"), True))

    # ---- What is asked for

    def test_a_path_tells_of_that_file_alone_and_a_process_of_those_around_it(self):
        holder = self.start(f"flock('a'); flock('b'); up(); {FOREVER}")
        waiter = self.start_blocked("flock('a')")
        document = self.who(self.path("b"))
        self.assertEqual([lock["path"] for lock in document["locks"]], [self.path("b")])
        self.assertEqual(document["waits"], [])
        document = self.who(waiter.pid)
        self.assertEqual([lock["path"] for lock in document["locks"]], [self.path("a")])
        self.assertEqual(self.only(document["waits"])["pid"], waiter.pid)
        document = self.who(holder.pid)
        self.assertEqual(sorted(lock["path"] for lock in document["locks"]), [self.path("a"), self.path("b")])
        self.assertEqual(self.only(document["waits"])["pid"], waiter.pid)

    def test_the_status_says_whether_there_is_anything(self):
        self.assertIn("0 locks and 0 waits; ", self.text(self.path("a"), status=1))
        for wrong in ("nowhere", "0", "999999999"):
            result = self.flocktrace("who", wrong)
            self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (125, "", 1))
        for usage in (["--sort=size"], ["a", "b"], ["--nothing"]):
            result = self.flocktrace("who", *usage)
            self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (125, "", 1))

    def test_the_text_is_a_table_and_has_no_colours_on_a_pipe(self):
        holder = self.start(f"flock('a'); up(); {FOREVER}")
        waiter = self.start_blocked("flock('a')")
        lines = self.text("a").splitlines()
        self.assertEqual(lines[0].split()[:6], ["COMMAND", "PID", "FD", "DOES", "LOCK", "MODE"])
        self.assertEqual(lines[1].split()[:2] + lines[1].split()[3:5], ["python3", str(holder.pid), "holds", "flock"])
        self.assertEqual(lines[2].split()[1], str(waiter.pid))
        self.assertEqual((lines[2].split()[3], lines[2].split()[6]), ("waits", str(holder.pid)))
        self.assertNotIn("\x1b", "".join(lines))

    # ---- Deadlocks

    def deadlock(self, process):
        return self.only(self.who(process.pid)["deadlocks"])

    def cross(self, first, second, more="pass", **options):
        """Two programs; each takes one lock, and then the other's. They are asleep in that."""
        processes = [self.start(f"{one}; up(); sys.stdin.readline(); {more}; {other}", **options) for one, other in ((first, second), (second, first))]
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            wait_until_blocked(process.pid)
        return processes

    def test_two_in_opposite_orders_are_a_deadlock(self):
        for first, second in (("flock('a')", "flock('b')"), ("flock('a')", "posix('b')"), ("ofd('a', 0, 5, 38)", "ofd('a', 5, 5, 38)")):
            with self.subTest(f"{first} {second}"):
                processes = self.cross(first, second)
                deadlock = self.deadlock(processes[0])
                self.assertEqual((deadlock["verdict"], deadlock["cycle"]), ("deadlock", 2))
                self.assertEqual({member["pid"] for member in deadlock["members"]}, {process.pid for process in processes})
                self.assertTrue(self.text(processes[1].pid).startswith("Deadlock: python3["))
                for process in processes:
                    process.kill()

    def test_a_thread_that_could_let_go_makes_it_likely_only(self):
        processes = self.cross("flock('a')", "flock('b')", more="threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()")
        self.assertEqual(self.deadlock(processes[0])["verdict"], "likely")
        self.assertTrue(self.text(processes[0].pid).startswith("Likely deadlock: "))

    @needs("flock")
    def test_a_timer_that_is_seen_makes_it_a_deadlock_until_then(self):
        holders = [self.popen("flock", one, "sh", "-c", f"echo up; read go; flock -w 1000 {other} true") for one, other in (("d", "e"), ("e", "d"))]
        for holder in holders:
            self.assertEqual(holder.stdout.readline(), "up\n")
        for holder in holders:
            holder.stdin.write("\n")
            holder.stdin.flush()
        wait_for(lambda: len(self.who(holders[0].pid)["deadlocks"]) == 1, "the deadlock of two with a time limit")
        self.assertEqual(self.deadlock(holders[0])["verdict"], "until-timeout")

    @needs("flock")
    def test_a_parent_that_waits_for_its_child_which_waits_for_its_lock(self):
        parent = self.start("flock('a'); up(); subprocess.call(['flock', 'a', 'true'])")
        wait_for(lambda: self.who(parent.pid)["deadlocks"], "the deadlock of parent and child")
        deadlock = self.deadlock(parent)
        self.assertEqual(len(deadlock["members"]), 2)
        self.assertIn(f"python3[{parent.pid}] waits for the end of flock[", self.text(parent.pid))

    @needs("flock")
    def test_a_parent_that_reads_from_its_child_which_waits_for_its_lock(self):
        for how in ("stdout=subprocess.PIPE", "stdout=subprocess.PIPE, stderr=subprocess.PIPE"):  # read() of one pipe, poll() of two
            with self.subTest(how):
                parent = self.start(f"flock('a'); up(); subprocess.run(['flock', 'a', 'true'], {how})")
                wait_for(lambda: self.who(parent.pid)["deadlocks"], "the deadlock over a pipe")
                deadlock = self.deadlock(parent)
                self.assertEqual(deadlock["verdict"], "deadlock")
                self.assertEqual({(member["pid"] == parent.pid, member["waits_for"]) for member in deadlock["members"]}, {(True, "pipe"), (False, "lock")})
                self.assertRegex(self.text(parent.pid), rf"python3\[{parent.pid}\] waits for what flock\[\d+\] is to write into a pipe")
                self.end(parent)

    @needs("flock")
    def test_a_pipe_into_which_somebody_else_could_write_is_none(self):
        parent = self.start("flock('a'); r, w = os.pipe(); subprocess.Popen(['sleep', '1000'], pass_fds=[w]); "
                            "subprocess.Popen(['flock', 'a', 'true'], pass_fds=[w]); os.close(w); up(); os.read(r, 1)")
        wait_for(lambda: self.who(parent.pid)["waits"], "the child's wait")
        self.assertEqual(self.who(parent.pid)["deadlocks"], [])

    @AS_ROOT
    def test_a_common_user_who_may_not_see_all_who_could_let_go_calls_it_likely(self):
        os.chmod(self.directory, 0o777)
        os.chmod(os.path.dirname(self.directory), 0o755)
        place = os.path.join("/var/tmp", f"flocktrace-who-{os.getpid()}")
        shutil.copy(FLOCKTRACE, place)
        self.addCleanup(os.unlink, place)
        os.chmod(place, 0o755)
        for name in "ab":
            os.chmod(self.path(name), 0o666)
        common = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        processes = self.cross("flock('a')", "flock('b')", **common)
        result = subprocess.run([place, "who", "--json", str(processes[0].pid)], cwd="/", capture_output=True, text=True, timeout=60, check=True, **common)
        document = json.loads(result.stdout)
        self.assertGreater(document["processes_not_looked_at"], 0)
        self.assertEqual(self.only(document["deadlocks"])["verdict"], "likely")
        self.assertEqual(self.deadlock(processes[0])["verdict"], "deadlock")

    def test_waiting_for_one_who_works_is_none(self):
        self.start(f"flock('a'); up(); {FOREVER}")
        waiter = self.start_blocked("flock('a')")
        self.assertEqual(self.who(waiter.pid)["deadlocks"], [])

    # ---- Where /proc/locks is blind, or wrong

    @AS_ROOT
    @needs("flock", "unshare")
    def test_a_pid_namespace_hides_lock_and_wait_from_the_kernels_list_and_not_from_who(self):
        outer = self.start(f"flock('a'); up(); {FOREVER}")
        code = f"""
import json, os, subprocess, sys
from lab import wait_until_blocked
file = open("c", "w")
subprocess.run(["flock", "-n", str(file.fileno())], pass_fds=[file.fileno()], check=True)
waits = [subprocess.Popen(["flock", name, "true"]) for name in ("c", "a")]
for wait in waits:
    wait_until_blocked(wait.pid)
listed = open("/proc/locks").read()
told = subprocess.run([{FLOCKTRACE!r}, "who", "--json"], capture_output=True, text=True, check=True)
print(json.dumps([listed, json.loads(told.stdout), [wait.pid for wait in waits], os.getpid()]))
for wait in waits:
    wait.kill()
"""
        result = self.run_program("unshare", "-pf", "--mount-proc", PYTHON, "-c", code)
        self.assertEqual(result.returncode, 0, result.stderr)
        listed, document, waiters, holder = json.loads(result.stdout)
        inode = str(os.stat(self.path("c")).st_ino)
        self.assertNotIn(f":{inode} ", listed)
        lock = self.only(self.mine(document, "c"))
        self.assertEqual((lock["listed"], lock["taker"]), (False, None))
        self.assertEqual([one["pid"] for one in lock["holders"]], [holder])
        waits = {wait["path"]: wait for wait in document["waits"]}
        self.assertEqual(waits[self.path("c")]["pid"], waiters[0])
        self.assertEqual(waits[self.path("c")]["blocked_by"], [lock["id"]])
        self.assertEqual((waits[self.path("a")]["pid"], waits[self.path("a")]["blocked_by"]), (waiters[1], []))
        self.assertIsNone(outer.poll())

    @AS_ROOT
    @needs("unshare")
    def test_a_deadlock_inside_of_a_pid_namespace_is_told_inside_and_outside(self):
        code = f"""
import fcntl, json, os, subprocess, sys
from lab import wait_until_blocked
child = "import fcntl, os, sys\\nfiles = [open(name, 'w') for name in sys.argv[1:]]\\nfcntl.flock(files[0], fcntl.LOCK_EX); os.write(1, b'x'); sys.stdin.readline(); fcntl.flock(files[1], fcntl.LOCK_EX)"
pair = [subprocess.Popen([sys.executable, "-c", child, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for names in ("ab", "ba")]
for process in pair:
    process.stdout.read(1)
for process in pair:
    process.stdin.write(chr(10)); process.stdin.flush()
for process in pair:
    wait_until_blocked(process.pid)
told = subprocess.run([{FLOCKTRACE!r}, "who", "--json", "a"], capture_output=True, text=True, check=True)
print(json.dumps([json.loads(told.stdout), [process.pid for process in pair]]), flush=True)
sys.stdin.readline()
for process in pair:
    process.kill()
"""
        process = self.popen("unshare", "-pf", "--mount-proc", PYTHON, "-c", code)
        inside, pids = json.loads(process.stdout.readline())
        deadlock = self.only(inside["deadlocks"])
        self.assertEqual((deadlock["verdict"], sorted(member["pid"] for member in deadlock["members"])), ("deadlock", sorted(pids)))
        deadlock = self.only(self.who(self.path("a"))["deadlocks"])
        self.assertEqual((deadlock["verdict"], len(deadlock["members"])), ("deadlock", 2))

    @AS_ROOT
    @needs("unshare", "mount")
    def test_on_an_overlay_of_several_file_systems_path_and_file_are_right(self):
        code = f"""
import fcntl, json, os, subprocess
for name in ("lower", "upper"):
    os.mkdir(name); subprocess.run(["mount", "-t", "tmpfs", "tmpfs", name], check=True)
for name in ("lower/f", "lower/g"):
    open(name, "w").close()
for name in ("upper/files", "upper/work", "merged"):
    os.mkdir(name)
subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=lower,upperdir=upper/files,workdir=upper/work", "merged"], check=True)
file = open("merged/f")
fcntl.flock(file, fcntl.LOCK_SH)
device = os.fstat(file.fileno()).st_dev
told = [subprocess.run([{FLOCKTRACE!r}, "who", "--json", name], capture_output=True, text=True).stdout for name in ("merged/f", "merged/g")]
print(json.dumps([json.loads(one) for one in told] + [f"{{os.major(device)}}:{{os.minor(device)}}"]))
"""
        result = self.run_program("unshare", "-m", PYTHON, "-c", code)
        if result.returncode:
            self.skipTest("no overlay here: " + result.stderr.splitlines()[-1])
        asked, other, device = json.loads(result.stdout)
        lock = self.only(asked["locks"])
        self.assertEqual(lock["path"], self.path("merged/f"))
        self.assertNotEqual(lock["device"], device)  # as stat() tells it: so it could not be found by that
        self.assertEqual(other["locks"], [])

    @AS_ROOT
    def test_who_may_not_look_at_all_says_how_much_it_has_not_seen(self):
        process = self.start(f"posix('a'); up(); {FOREVER}")
        place = os.path.join("/var/tmp", f"flocktrace-who-{os.getpid()}")
        shutil.copy(FLOCKTRACE, place)
        self.addCleanup(os.unlink, place)
        os.chmod(place, 0o755)
        result = subprocess.run([place, "who"], cwd="/", capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[], timeout=60)
        self.assertRegex(result.stdout, r"\d+ of other users not\.\nAs root it looks at all\.\n$")
        row = self.only([line for line in result.stdout.splitlines() if f" {process.pid} " in line])
        self.assertIn(f"inode {os.stat(self.path('a')).st_ino} on device ", row)

    @AS_ROOT
    def test_the_unit_and_the_container_are_named(self):
        base = next((place for place in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup")
                     if os.path.exists(place + "/cgroup.procs")), None)
        identity = "0123456789abcdef" * 4
        for group, unit in ((f"flocktrace-{os.getpid()}.service", f"flocktrace-{os.getpid()}.service"),
                            (f"docker-{identity}.scope", "container 0123456789ab")):
            try:
                os.mkdir(f"{base}/{group}")
            except OSError as error:
                self.skipTest(f"no control groups to write: {error}")
            self.addCleanup(os.rmdir, f"{base}/{group}")
            process = self.start(f"flock('a'); up(); {FOREVER}")
            self.addCleanup(self.end, process)
            with open(f"{base}/{group}/cgroup.procs", "w") as file:
                file.write(str(process.pid))
            self.assertEqual(self.only(self.only(self.who(process.pid)["locks"])["holders"])["unit"], unit)
            process.kill()
            process.wait()

    # ---- Stacks

    def test_stacks_are_told_and_the_wait_goes_on(self):
        holder = self.start("flock('a'); up(); sys.stdin.readline()")
        waiter = self.start("up(); flock('a'); up()")
        wait_until_blocked(waiter.pid)
        wait = self.only(self.who("--stack", waiter.pid)["waits"])
        self.assertTrue(any("flock" in frame for frame in wait["stack"]), wait["stack"])
        self.assertIn(f"\npython3[{waiter.pid}]:\n    flock", self.text("--stack", waiter.pid))
        wait_until_blocked(waiter.pid)
        holder.stdin.close()
        self.assertEqual(waiter.stdout.readline(), "up\n")


main()
