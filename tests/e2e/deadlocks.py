#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that really deadlock, and are killed: the report names all who took part, what they hold and wait for."""

import contextlib
import json
import os
import signal
import subprocess

from e2e import FLOCKTRACE, MS, PYTHON, TIMEOUT, EndToEnd, main, wait_for

# The parent forks workers, each of which opens files of its own, and says who they are; it waits for them to end. A worker takes
# its first lock, waits for the others to have theirs, and asks for its second.
PROGRAM = r"""
import fcntl, json, os, signal, struct, sys
scenario = sys.argv[1]
read, write = os.pipe()
go_read, go_write = os.pipe()

def take(file, kind, wait, mode=fcntl.F_WRLCK, start=0):
    if kind == "flock":
        fcntl.flock(file, (fcntl.LOCK_EX if mode == fcntl.F_WRLCK else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        return
    request = struct.pack("hhqqi4x", mode, 0, start, 10, 0)
    command = {("posix", 0): fcntl.F_SETLK, ("posix", 1): fcntl.F_SETLKW, ("ofd", 0): fcntl.F_OFD_SETLK, ("ofd", 1): fcntl.F_OFD_SETLKW}
    fcntl.fcntl(file, command[kind, wait], request)

def worker(first, second):
    pid = os.fork()
    if pid:
        return pid
    os.close(go_write)
    files = {}
    for wait, (name, kind, mode, start) in enumerate((first, second)):
        file = files.setdefault(name, open(name, "a+b")) if scenario not in ("self", "chain") else open(name, "a+b")
        files[name, wait] = file
        if wait:
            os.write(write, b"x")
            os.read(go_read, 1)
            if scenario == "timer" and name == "a":
                signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
                signal.setitimer(signal.ITIMER_REAL, 0.5)
        take(file, kind, wait, mode, start)
    os._exit(0)

W, R = fcntl.F_WRLCK, fcntl.F_RDLCK
def ring(kind, n):
    return [((f"r{i}", kind, W, 0), (f"r{(i + 1) % n}", kind, W, 0)) for i in range(n)]
two = lambda one, other: [(("a", one, W, 0), ("b", other, W, 0)), (("b", other, W, 0), ("a", one, W, 0))]
scenarios = {
    "ofd": two("ofd", "ofd"), "flock": two("flock", "flock"), "mixed": two("posix", "flock"), "timer": two("flock", "flock"),
    "upgrade": [(("a", "ofd", R, 0), ("a", "ofd", W, 0))] * 2,
    "self": [(("a", "flock", W, 0), ("a", "flock", W, 0))],
    "ring": ring("posix", 13),
    "queue": two("flock", "flock") + [(("c", "flock", W, 0), ("a", "flock", R, 0))],
    "chain": [(("a", "flock", W, 0), ("a", "flock", W, 0)), (("b", "flock", W, 0), ("a", "flock", W, 0))],
}
if scenario == "child":
    parents = open("a", "a+b")
    fcntl.flock(parents, fcntl.LOCK_EX)
    pid = os.fork()
    if not pid:
        parents.close()
        fcntl.flock(open("a", "a+b"), fcntl.LOCK_EX)
        os._exit(0)
    print(json.dumps([pid]), flush=True)
    os.waitpid(pid, 0)
    sys.exit(0)
pids = [worker(*one) for one in scenarios[scenario]]
os.close(go_read)
for _ in pids:
    os.read(read, 1)
os.write(go_write, b"x" * len(pids))
print(json.dumps(pids), flush=True)
for pid in pids:
    os.waitpid(pid, 0)
"""


class Deadlocks(EndToEnd):
    def deadlock(self, scenario, workers, kill=slice(None)):
        """Records until the deadlock was told, and then kills some; (their pids, the report, its text)."""
        errors = open(self.path("errors"), "w+", encoding="utf-8")
        self.addCleanup(errors.close)
        process = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", PYTHON, "-c", PROGRAM, scenario],
                                   cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        pids = json.loads(process.stdout.readline())
        self.assertEqual(len(pids), workers)
        if kill is not None:
            wait_for(lambda: "flocktrace: Deadlock: " in self.read("errors"), "a deadlock is told")
            self.told = self.read("errors")
            for pid in pids[kill]:
                with contextlib.suppress(ProcessLookupError):  # the death of another one has let it go on to its end
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(process.wait(TIMEOUT), 0, self.read("errors"))
        report = self.report()
        self.assert_clean(report)
        return pids, report, self.flocktrace("report", "trace").stdout

    def only(self, report):
        self.assertEqual(len(report.document["deadlocks"]), 1, report.document["deadlocks"])
        return report.document["deadlocks"][0]

    def names(self, deadlock, behind=False):
        """{pid: (files held, what it waits for)}"""
        return {member["pid"]: ([os.path.basename(hold["path"]) for hold in member["holds"]],
                                os.path.basename(member["waits_for"].get("path") or member["waits_for"]["kind"]))
                for member in deadlock["members"] if member["behind"] == behind}

    def check_two(self, scenario, expected, worlds):
        pids, report, text = self.deadlock(scenario, 2)
        deadlock = self.only(report)
        self.assertEqual((deadlock["verdict"], deadlock["consequence"], deadlock["cycle"]), ("certain", "hang", 2))
        self.assertEqual(self.names(deadlock), {pid: one for pid, one in zip(pids, expected)})
        self.assertEqual({member["waits_for"]["world"] for member in deadlock["members"] if not member["behind"]}, worlds)
        # The survivor may go on before the launcher has seen that the other one is dead.
        self.assertIn(deadlock["end"]["how"], ("died", "went on"))
        self.assertIn(deadlock["end"]["pid"], pids)
        lines = text.splitlines()
        self.assertRegex(lines[0], r"^Deadlock: 2 processes waited for each other's locks from \d\d:\d\d:\d\d, for \S+ m?s\.$")
        for pid in pids:
            self.assertIn(f"[{pid}]", lines[1])
            self.assertRegex(text, rf"\[{pid}\] waited for .*, since \S+, in \S+.* at stack #\d+")
            self.assertRegex(text, rf"\[{pid}\] held .*, since \S+, acquired at stack #\d+")
            self.assertRegex(self.told, rf"\[{pid}\] waits for .*, since \S+, in \S+.* at stack #\d+")
        self.assertNotIn("Not certain", text)
        self.assertIn("Left alone, they wait for ever: the kernel looks for circles of a process's record locks only, ", text)
        self.assertRegex(self.told, r"flocktrace: Deadlock: 2 processes wait for each other's locks since \d\d:\d\d:\d\d\.\n")
        for member in deadlock["members"]:
            if not member["behind"]:
                self.assertTrue(report.sites[member["site"]])
                self.assertTrue(report.sites[member["holds"][0]["site"]])
        return pids, deadlock, text

    def test_open_file_description_locks_in_opposite_orders(self):
        self.check_two("ofd", [(["a"], "b"), (["b"], "a")], {"record"})

    def test_flocks_in_opposite_orders(self):
        self.check_two("flock", [(["a"], "b"), (["b"], "a")], {"flock"})

    def test_a_record_lock_and_a_flock_in_opposite_orders(self):
        self.check_two("mixed", [(["a"], "b"), (["b"], "a")], {"record", "flock"})

    def test_two_upgraders_of_a_shared_lock(self):
        self.check_two("upgrade", [(["a"], "a"), (["a"], "a")], {"record"})

    def test_a_parent_that_waits_for_the_workers_is_behind_them(self):
        _, deadlock, text = self.check_two("flock", [(["a"], "b"), (["b"], "a")], {"flock"})
        behind = [member for member in deadlock["members"] if member["behind"]]
        self.assertEqual([member["waits_for"]["kind"] for member in behind], ["child"])
        self.assertIn("Behind them", text)

    def test_who_only_queues_is_told_apart(self):
        pids, report, _ = self.deadlock("queue", 3, kill=slice(1, 2))  # the others end by themselves then
        deadlock = self.only(report)
        self.assertEqual(set(self.names(deadlock)), set(pids[:2]))
        self.assertEqual(self.names(deadlock, behind=True)[pids[2]], ([], "a"))

    def test_one_thread_over_two_descriptions(self):
        pids, report, text = self.deadlock("self", 1)
        deadlock = self.only(report)
        self.assertEqual(self.names(deadlock), {pids[0]: (["a"], "a")})
        self.assertRegex(text.splitlines()[0], rf"^Deadlock: \S+\[{pids[0]}\] waited for a lock of its own from ")

    def test_a_parent_waits_for_its_child_that_waits_for_the_parents_lock(self):
        pids, report, text = self.deadlock("child", 1)
        deadlock = self.only(report)
        child, parent = (next(member for member in deadlock["members"] if (member["pid"] == pids[0]) == wanted) for wanted in (True, False))
        self.assertEqual((parent["waits_for"]["kind"], parent["waits_for"]["pid"]), ("child", pids[0]))
        self.assertEqual(os.path.basename(child["waits_for"]["path"]), "a")
        self.assertEqual([os.path.basename(hold["path"]) for hold in parent["holds"]], ["a"])
        self.assertRegex(text.splitlines()[0], r"^Deadlock: 2 processes waited for each other from ")
        self.assertIn("Left alone, they wait for ever: the kernel does not look for circles with a child or a pipe in them.\n", text)

    def test_a_ring_of_13_which_the_kernel_does_not_see_is_told_in_full(self):
        pids, report, text = self.deadlock("ring", 13)
        deadlock = self.only(report)
        self.assertEqual((deadlock["cycle"], deadlock["consequence"]), (13, "hang"))
        members = [member["pid"] for member in deadlock["members"][:13]]
        at = pids.index(members[0])
        self.assertEqual(members, pids[at:] + pids[:at])
        for pid in pids:
            self.assertRegex(text, rf"\[{pid}\] held exclusive \[0, 10\) of r\d+")
        self.assertIn("Left alone, they wait for ever: the kernel sees no circle that is longer than 12.\n", text)

    def test_an_armed_timer_makes_it_until_timeout(self):
        pids, report, text = self.deadlock("timer", 2, kill=None)
        deadlock = self.only(report)
        self.assertEqual((deadlock["verdict"], deadlock["consequence"]), ("until-timeout", "timeout"))
        self.assertEqual(set(self.names(deadlock)), set(pids))
        self.assertGreater(deadlock["duration_ns"], 300 * MS)
        self.assertTrue(text.startswith("Deadlock until a timer fires: 2 processes "), text)

    def test_who_waits_for_one_that_waits_for_itself_is_behind(self):
        pids, report, _ = self.deadlock("chain", 2)
        deadlock = self.only(report)
        self.assertEqual(set(self.names(deadlock)), {deadlock["members"][0]["pid"]})
        self.assertEqual(deadlock["cycle"], 1)


if __name__ == "__main__":
    main()
