#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that try again and again instead of blocking: what they wait, and for whom."""

import json
import os

from e2e import MS, PYTHON, EndToEnd, main, needs

# Holds the file's lock until a line comes, and says by its own clock for how long others were refused.
TRYING = """
import fcntl, json, os, sys, time
lock, how, tries, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
gate, go = os.pipe()
held, holds = os.pipe()
holder = os.fork()
if holder == 0:
    file = open(lock, "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    os.write(holds, b"x")
    os.read(gate, 1)
    os._exit(0)
os.read(held, 1)
file, failed, begin = open(lock, "r+"), 0, time.monotonic_ns()
while True:
    if how == "reopen":
        file.close()
        file = open(lock, "r+")
    try:
        if how == "test, then block":
            os.lockf(file.fileno(), os.F_TEST, 1)
        else:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
    except OSError:
        failed += 1
    if how == "give up" and failed == tries:
        break
    if failed == tries:
        os.write(go, b"x")
        os.waitpid(holder, 0)
    elif how.endswith("then block"):
        if os.fork() == 0:
            import lab
            lab.wait_until_blocked(os.getppid())
            time.sleep(0.1)
            os.write(go, b"x")
            os._exit(0)
        fcntl.lockf(file, fcntl.LOCK_EX)
        break
    time.sleep(pause)
print(json.dumps({"pid": os.getpid(), "holder": holder, "failed": failed, "ns": time.monotonic_ns() - begin}), flush=True)
if how == "give up":
    os.write(go, b"x")
"""

# As the filelock package does it: opens the file anew for each try. Both never give up; in opposite orders, or in the same one.
CROSSED = """
import fcntl, json, os, signal, sys, time
orders = {"opposite": ("ab", "ba"), "same": ("ab", "ab")}[sys.argv[1]]
tell, told = os.pipe()
def lock(name):
    for tries in range(sys.maxsize):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            os.close(file)
        if tries == 30:
            os.write(told, b"x")
        time.sleep(0.05)
def worker(first, second):
    pid = os.fork()
    if pid == 0:
        lock(first)
        os.write(told, b"x")
        os.read(go, 1)
        lock(second)
        os._exit(0)
    os.read(tell, 1)
    return pid
go, gone = os.pipe()
pids = [worker(*order) for order in orders]
os.write(gone, b"xx")
for _ in orders if sys.argv[1] == "opposite" else ():
    os.read(tell, 1)
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps(pids), flush=True)
"""


class Polls(EndToEnd):
    def test_two_who_try_in_opposite_orders_and_never_give_up_are_in_a_livelock(self):
        stdout, report = self.recorded(PYTHON, "-c", CROSSED, "opposite")
        pids = json.loads(stdout)
        deadlock, = report.document["deadlocks"]
        self.assertEqual((deadlock["verdict"], deadlock["end"]["how"]), ("livelock", "died"))
        members = {one["pid"]: one for one in deadlock["members"] if not one["behind"]}
        self.assertEqual(set(members), set(pids))
        for pid, held, wanted in zip(pids, "ab", "ba"):
            self.assertTrue(members[pid]["waits_for"]["tries"])
            self.assertEqual(os.path.basename(members[pid]["waits_for"]["path"]), wanted)
            self.assertEqual([os.path.basename(one["path"]) for one in members[pid]["holds"]], [held])
        text = self.flocktrace("report", "trace").stdout
        self.assertRegex(text.splitlines()[0], r"^Livelock: 2 processes waited for each other's locks from ")
        self.assertIn(f"[{pids[0]}] tried again and again for ", text)

    def test_who_tries_in_the_same_order_is_in_none(self):
        _, report = self.recorded(PYTHON, "-c", CROSSED, "same")
        self.assertEqual(report.document["deadlocks"], [])

    def trying(self, how, tries, pause=0.02):
        stdout, report = self.recorded(PYTHON, "-c", TRYING, self.path("lock"), how, str(tries), str(pause))
        told = json.loads(stdout)
        wait = report.wait("lock")
        self.assertEqual((wait["pid"], wait["wasted_calls"]), (told["pid"], told["failed"]))
        self.assertEqual([one["pid"] for one in wait["holders"]], [told["holder"]])
        self.assert_about(wait["wait_ns"], told["ns"])
        self.assertEqual(sum(one["exclusive_ns"] for one in report.document["blame"]), wait["wait_ns"])
        return wait, report

    def test_who_tries_until_it_has_the_lock_has_waited_for_its_holder(self):
        wait, report = self.trying("same", 10)
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("poll", "granted", 11))
        self.assertEqual(wait["polling_tax_ns"] + wait["holders"][0]["overlap_ns"], wait["wait_ns"])
        self.assertGreaterEqual(wait["polling_tax_ns"], 20 * MS)
        self.assertEqual(report.document["totals"]["poll_waits"], 1)
        text = self.flocktrace("report", "trace").stdout
        self.assertRegex(text, r"^No deadlock\. 1 wait cost ")
        self.assertRegex(text, rf"python3\S*\[{wait['pid']}\] tried 11 times in [0-9.]+ ms for exclusive \[0, EOF\) of lock, "
                               r"held by \S+, and got it; [0-9.]+ ms of it the lock was free\.")

    def test_who_opens_the_file_anew_for_each_try_has_one_wait(self):
        wait, _ = self.trying("reopen", 10)
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("poll", "granted", 11))

    def test_the_finding_about_polling_counts_the_same_tries(self):
        wait, report = self.trying("same", 500, pause=0)
        finding, = [one for one in report.document["findings"] if one["id"] == "polling"]
        self.assertEqual(finding["number"], wait["wasted_calls"])
        self.assertLessEqual(finding["duration_ns"], wait["wait_ns"])

    def test_who_gives_up_has_waited_until_the_last_try(self):
        wait, _ = self.trying("give up", 5)
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("poll", "gave_up", 5))

    def test_a_try_and_a_blocking_call_after_it_are_one_wait(self):
        wait, _ = self.trying("then block", 0)
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("blocked", "granted", 2))

    def test_a_test_is_no_try_and_one_wait_with_the_blocking_call_after_it(self):
        wait, _ = self.trying("test, then block", 0)
        self.assertEqual((wait["kind"], wait["outcome"], wait["attempts"]), ("blocked", "granted", 1))
        self.assertRegex(self.flocktrace("report", "trace").stdout, r"waited \S+ ms for .*, after 1 query that found it taken\.\n")

    def assert_blame_adds_up(self, report):
        self.assertEqual(sum(one["exclusive_ns"] for one in report.document["blame"]), report.document["totals"]["wait_ns"])

    def sqlite_writers(self, journal):
        """Eight writers, which all come while another one has the database for a moment; (a writer's pid, Report)."""
        writers = 8
        stdout, report = self.recorded("sh", "-c", f"""
sqlite3 db 'pragma journal_mode={journal}; create table t(x)' > /dev/null
mkfifo first
sqlite3 -bail -cmd '.timeout 20000' db < first &
exec 9> first
echo 'begin immediate; insert into t values(0);
.shell touch begun' >&9
until [ -e begun ]; do sleep 0.01; done
for writer in {' '.join(map(str, range(writers)))}; do
    sqlite3 -bail -cmd '.timeout 20000' db "begin immediate; insert into t values($writer); commit;" &
done
sleep 0.3
echo 'commit;' >&9
exec 9>&-
wait
sqlite3 db 'select count(*) from t'
""")
        self.assertEqual(stdout.strip().splitlines()[-1], str(writers + 1))
        self.assert_blame_adds_up(report)
        polls = [wait for wait in report.waits if wait["kind"] == "poll" and wait["wait_ns"] >= 100 * MS]
        self.assertEqual(len({wait["pid"] for wait in polls}), writers)
        self.assertEqual({wait["outcome"] for wait in polls}, {"granted"})
        # On a busy machine one may also have to wait for who sets the log up, or for a reader.
        longest = {wait["pid"]: wait for wait in sorted(polls, key=lambda wait: wait["wait_ns"])}.values()
        self.assertTrue(all(wait["attempts"] > 3 for wait in longest))
        return longest, report

    @needs("sqlite3")
    def test_eight_sqlite_writers_wait_by_trying_with_a_rollback_journal(self):
        polls, _ = self.sqlite_writers("delete")
        self.assertTrue(all(wait["start"] == 0x40000001 for wait in polls))

    @needs("sqlite3")
    def test_eight_sqlite_writers_wait_by_trying_with_a_write_ahead_log(self):
        polls, report = self.sqlite_writers("wal")
        shm = {one["id"] for one in report.resources("db-shm", start=120, end=121)}
        self.assertTrue(all(wait["resource"] in shm for wait in polls))

    @needs("flock")
    def test_flock_with_a_time_limit_blocks(self):
        _, report = self.recorded("sh", "-c", "flock f sh -c 'flock -w 0.2 f true; :'")
        wait = report.wait("f")
        self.assertEqual((wait["kind"], wait["attempts"]), ("blocked", 1))

    @needs("apt-get", "flock")
    def test_apt_waits_for_the_lock_of_dpkg(self):
        options = ("-o Dir::State=$PWD/root/state -o Dir::State::status=$PWD/root/dpkg/status -o Dir::Cache=$PWD/root/cache "
                   "-o DPkg::Lock::Timeout=30")
        _, report = self.recorded("sh", "-c", f"""
mkdir -p root/state/lists/partial root/cache/archives/partial root/dpkg
: > root/dpkg/status
cat > hold.py <<'END'
import fcntl, os, sys
file = open("root/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open("held", "w").close()
sys.stdin.read()
END
mkfifo go
{PYTHON} hold.py < go &
exec 9> go
until [ -e held ]; do sleep 0.01; done
apt-get {options} install > out 2>&1 9>&- &
until grep -q 'held by process' out; do sleep 0.01; done
sleep 0.1
exec 9>&-
wait
""")
        wait = report.wait("lock-frontend", kind="poll")
        self.assertEqual((wait["command"], wait["outcome"]), ("apt-get", "granted"))
        self.assertEqual([one["command"] for one in wait["holders"]], [os.path.basename(PYTHON)])
        self.assertGreater(wait["polling_tax_ns"], 0)


if __name__ == "__main__":
    main()
