#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs as they are: sqlite3, perl, node, stress-ng."""

import hashlib
import os

from e2e import MS, EndToEnd, main, needs


class Programs(EndToEnd):
    def sqlite_writers(self, journal):
        writers, rows = 4, 15
        script = f"""
sqlite3 orders.db 'pragma journal_mode={journal}; create table orders(id integer primary key, writer int)' > /dev/null
for writer in {' '.join(map(str, range(writers)))}; do
    for row in {' '.join(map(str, range(rows)))}; do
        echo "begin immediate; insert into orders(writer) values($writer); commit;"
    done | sqlite3 -bail -cmd '.timeout 20000' orders.db &
done
wait
sqlite3 orders.db 'select count(*) from orders'
"""
        stdout, report = self.recorded("sh", "-c", script)
        self.assertEqual(stdout.strip(), str(writers * rows))
        return report

    @needs("sqlite3")
    def test_sqlite_writers_with_a_rollback_journal_lock_the_database(self):
        report = self.sqlite_writers("delete")
        self.assertGreaterEqual(report.total("orders.db", "acquisitions"), 4 * 15 * 3)
        # The byte that says who is going to write: PENDING is at 1 GiB, RESERVED the next.
        reserved = report.resource("orders.db", start=0x40000001, end=0x40000002)
        self.assertGreaterEqual(reserved["acquisitions"], 4 * 15)
        tries = sum(one["failed_tries"] for one in report.document["resources"])
        self.assertEqual(tries, report.errors().get(("fcntl F_SETLK", "EAGAIN"), 0))

    @needs("sqlite3")
    def test_sqlite_writers_with_a_write_ahead_log_lock_the_shared_memory(self):
        report = self.sqlite_writers("wal")
        # The last one to close the database removes the file, so there may be several.
        write_locks = report.resources("orders.db-shm", start=120, end=121)
        self.assertGreaterEqual(sum(one["acquisitions"] for one in write_locks), 4 * 15)

    @needs("php")
    def test_php_requests_of_one_session_wait_for_each_other_and_those_of_others_do_not(self):
        stdout, report = self.recorded("sh", "-c", """
mkfifo go
request='session_id(md5($argv[1])); session_start(); $n = @++$_SESSION["n"]; if ($argv[2]) { touch("begun"); file_get_contents($argv[2]); } echo getmypid(), " $n\n";'
php() { command php -n -d session.save_path=. -d session.use_strict_mode=0 -r "$request" "$@"; }
php ann go > first & first=$!
until [ -e begun ]; do sleep 0.01; done
php ann '' > second & second=$!
until grep -q -- "-> FLOCK .*:$(stat -c %i sess_*) " /proc/locks; do sleep 0.01; done
for other in bob eve joe kim; do php $other '' > other; done
echo > go
wait
cat first second
""")
        (holder, _), (waiter, visits) = [list(map(int, line.split())) for line in stdout.splitlines()]
        self.assertEqual(visits, 2)
        (wait,) = report.waits
        self.assertEqual((wait["pid"], [one["pid"] for one in wait["holders"]], wait["mode"]), (waiter, [holder], "exclusive"))
        session = "sess_" + hashlib.md5(b"ann").hexdigest()
        self.assertEqual(report.resources_by_id[wait["resource"]]["path"], self.path(session))
        self.assertEqual(report.document["findings"], [])
        # Nobody wants to see sessions one by one.
        self.assertRegex(self.flocktrace("report", "trace").stdout, r"\nsess_# \(5 files\) +flock")

    @needs("perl", "flock")
    def test_perls_flock_waits_for_flock_of_util_linux(self):
        stdout, report = self.recorded("sh", "-c", """
mkfifo go
: > f
flock f sh -c 'echo $PPID > holder; read line < go' &
until [ -s holder ]; do sleep 0.01; done
perl -MFcntl=:flock -MTime::HiRes=time -e '
    open(my $f, "+<", "f"); my $begin = time; flock($f, LOCK_EX) or die; printf("%d %d\\n", $$, (time - $begin) * 1e9);
    flock($f, LOCK_UN); flock($f, LOCK_SH | LOCK_NB) or die; close($f)' &
until grep -q -- "-> FLOCK .*:$(stat -c %i f) " /proc/locks; do sleep 0.01; done
sleep 0.15
echo > go
wait
cat holder
""")
        (waiter, waited), (holder,) = [list(map(int, line.split())) for line in stdout.splitlines()]
        wait = report.wait("f", outcome="granted")
        self.assertEqual((wait["pid"], wait["command"]), (waiter, "perl"))
        self.assertEqual([(one["pid"], one["command"]) for one in wait["holders"]], [(holder, "flock")])
        self.assert_about(wait["wait_ns"], waited)

    @needs("node", "flock")
    def test_a_descriptor_that_node_closes_through_syscall_frees_its_lock(self):
        # node has no flock: a child locks the description that both share.
        with open(self.path("program.js"), "w") as file:
            file.write("""
const fs = require('fs'), { spawn, spawnSync } = require('child_process');
const fd = fs.openSync('f', 'w+');
spawnSync('flock', ['3'], { stdio: ['ignore', 'inherit', 'inherit', fd] });
const contender = spawn('flock', ['f', 'true'], { stdio: 'inherit' });
contender.on('exit', (code) => console.log(process.pid, contender.pid, code));
const inode = fs.fstatSync(fd).ino;
const timer = setInterval(() => {
    const locks = fs.readFileSync('/proc/locks', 'utf8');
    if (!new RegExp(`-> FLOCK .*:${inode} `).test(locks)) return;
    clearInterval(timer);
    setTimeout(() => { fs.closeSync(fd); setTimeout(() => {}, 200); }, 150);
}, 10);
""")
        stdout, report = self.recorded("node", "program.js")
        node, contender, code = map(int, stdout.split())
        self.assertEqual(code, 0)
        wait = report.wait("f", outcome="granted")
        self.assertEqual(wait["pid"], contender)
        self.assertEqual([holder["pid"] for holder in wait["holders"]], [node])
        self.assert_about(wait["holders"][0]["overlap_ns"], wait["wait_ns"])
        self.assertGreaterEqual(wait["wait_ns"], 150 * MS)
        self.assertEqual(report.quality["overlaps"], 0)

    @needs("stress-ng")
    def test_stress_ng_of_every_lock_loses_at_most_what_it_kills(self):
        operations = 300
        command = ["stress-ng", "--temp-path", "."]
        known = self.run_program("stress-ng", "--stressors").stdout.split()
        stressors = [one for one in ("flock", "lockf", "locka", "lockofd", "lockmix") if one in known]
        self.assertGreaterEqual(len(stressors), 4)
        for stressor in stressors:
            command += [f"--{stressor}", "2", f"--{stressor}-ops", str(operations)]
        self.record(*command)
        report = self.report()
        # stress-ng kills children of its own, and one may be in the middle of writing a record then: that one is lost.
        self.assertLessEqual(report.quality["lost"], 2 * len(stressors))
        # Its lockf workers share one file position and move it at once: where a lock began is then known to the kernel alone,
        # and some holds seem to overlap. So nothing is said of overlaps here.
        self.assertEqual(report.quality["holes"], 0)
        for world in ("record", "flock"):
            found = [one for one in report.document["resources"] if one["world"] == world]
            self.assertGreater(sum(one["acquisitions"] for one in found), 0)
        self.assertGreater(report.document["totals"]["requests"], len(stressors) * operations)
        text = self.flocktrace("report", "trace")
        self.assertEqual(text.returncode, 0)
        # A person reads it to the end: ranges without a pattern are one line, also where their holders waited.
        self.assertLess(len(text.stdout.splitlines()), 400)
        *_, resources = text.stdout.partition("\nResources, ")
        self.assertLess(len(resources.splitlines()), 60)
        self.assertLess(os.path.getsize(self.path("trace")), 256 << 20)


if __name__ == "__main__":
    main()
