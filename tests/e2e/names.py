#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What programs mean by the ranges that they lock: named where it is certain, and nowhere else."""

import os
import sqlite3

from e2e import EndToEnd, PYTHON, main, needs

PENDING, RESERVED, SHARED = (0x40000000, 0x40000001), (0x40000001, 0x40000002), (0x40000002, 0x40000200)

# Locks these ranges of a file, each alone, as file name start end …; the content is left as it is.
LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    for start, end in zip(sys.argv[2::2], sys.argv[3::2]):
        fcntl.lockf(file, fcntl.LOCK_EX, int(end) - int(start), int(start))
        fcntl.lockf(file, fcntl.LOCK_UN, int(end) - int(start), int(start))
"""

# One writes and keeps its lock until the other was seen to fail.
TWO_WRITERS = """
import os, sqlite3
ready, done = os.pipe(), os.pipe()
if not os.fork():
    database = sqlite3.connect("orders.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    os.write(ready[1], b"x")
    os.read(done[0], 1)
    database.execute("INSERT INTO t VALUES(1)")
    database.execute("COMMIT")
    os._exit(0)
os.read(ready[0], 1)
database = sqlite3.connect("orders.db", timeout=0, isolation_level=None)
try:
    database.execute("BEGIN IMMEDIATE")
    raise SystemExit("was not refused")
except sqlite3.OperationalError:
    os.write(done[1], b"x")
assert os.wait()[1] == 0
"""

TWO_CONNECTIONS = """
import sqlite3
one, two = (sqlite3.connect("orders.db", isolation_level=None) for _ in range(2))
for _ in range(2):
    one.execute("INSERT INTO t VALUES(1)")
    two.execute("INSERT INTO t VALUES(2)")
"""

# lab.contend() would write into the database.
WAITING = """
import fcntl, os, lab
RESERVED = 0x40000001
with open("orders.db", "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, 1, RESERVED)
    child = os.fork()
    if not child:
        with open("orders.db", "r+b") as own:
            fcntl.lockf(own, fcntl.LOCK_EX, 1, RESERVED)
        os._exit(0)
    lab.wait_until_blocked(child)
    fcntl.lockf(file, fcntl.LOCK_UN, 1, RESERVED)
    assert os.waitpid(child, 0)[1] == 0
"""


class Names(EndToEnd):
    def make_database(self, journal="delete"):
        database = sqlite3.connect(self.path("orders.db"))
        database.execute(f"PRAGMA journal_mode={journal}")
        database.execute("CREATE TABLE t(n)")
        database.commit()
        database.close()

    def names(self, report, file):
        return {(resource["start"], resource["end"]): resource["name"] for resource in report.resources(file)}

    def text(self, *options, trace="trace"):
        result = self.flocktrace("report", *options, trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_the_ranges_of_a_sqlite_database_have_sqlites_names(self):
        self.make_database()
        _, report = self.recorded(PYTHON, "-c", TWO_WRITERS)
        names = self.names(report, "orders.db")
        self.assertEqual({names[PENDING], names[RESERVED], names[SHARED]}, {"PENDING", "RESERVED", "SHARED"})
        self.assertRegex(self.text("--all"), r"(?m)^orders.db +\[1073741825, 1073741826\) +RESERVED ")

    def test_a_database_that_is_gone_is_known_by_its_ranges(self):
        self.make_database()
        self.record(PYTHON, "-c", TWO_WRITERS)
        os.unlink(self.path("orders.db"))
        self.assertEqual(self.names(self.report(), "orders.db")[RESERVED], "RESERVED")

    def test_who_locks_such_ranges_of_another_file_gives_them_no_names(self):
        for content in b"no database", b"no database" * 100:
            with open(self.path("plain"), "wb") as file:
                file.write(content)
            _, report = self.recorded(PYTHON, "-c", LOCK, "plain", *map(str, PENDING + RESERVED + SHARED + (0, 1, 120, 121)))
            self.assertEqual(set(self.names(report, "plain").values()), {None})

    def test_a_file_that_was_replaced_does_not_say_what_it_was(self):
        with open(self.path("orders.db"), "wb") as file:
            file.write(bytes(4096))
        self.record(PYTHON, "-c", LOCK, "orders.db", *map(str, RESERVED))
        os.rename(self.path("orders.db"), self.path("old.db"))
        self.make_database()
        self.assertEqual(self.names(self.report(), "orders.db")[RESERVED], None)

    def test_the_write_ahead_logs_index_has_its_names(self):
        self.make_database("wal")
        _, report = self.recorded(PYTHON, "-c", TWO_WRITERS)
        names = self.names(report, "orders.db-shm")
        bytes_120_to_128 = ("WRITE", "CHECKPOINT", "RECOVER", "READ0", "READ1", "READ2", "READ3", "READ4", "DMS")
        self.assertEqual({start: name for (start, end), name in names.items() if end - start == 1},
                         {120 + i: name for i, name in enumerate(bytes_120_to_128) if (120 + i, 121 + i) in names})
        self.assertIn((120, 121), names)
        self.assertNotIn(None, names.values())

    def test_errors_and_findings_name_what_was_locked(self):
        sqlite3.connect(self.path("orders.db")).execute("CREATE TABLE t(i)")
        _, report = self.recorded(PYTHON, "-c", TWO_WRITERS.replace("try:", "for turn in range(30):\n    try:").replace(
            "    database.execute(\"BEGIN IMMEDIATE\")\n    raise", "        database.execute(\"BEGIN IMMEDIATE\")\n        raise").replace(
            "except sqlite3.OperationalError:\n    os.write", "    except sqlite3.OperationalError:\n        pass\nos.write"))
        named = {error["name"] for error in report.document["errors"]}
        self.assertEqual(named, {"RESERVED"})
        polling = [finding for finding in report.document["findings"] if finding["id"] == "polling"]
        self.assertEqual([(one["name"], one["start"], one["end"]) for one in polling], [("RESERVED", *RESERVED)])
        self.assertRegex(polling[0]["message"], r"to lock \S*orders\.db RESERVED$")
        text = self.flocktrace("report", "--all", "trace").stdout
        self.assertRegex(text, r"(?m)^fcntl F_SETLK: EAGAIN \d+x on orders\.db RESERVED ")
        self.assertRegex(text, r"to lock orders\.db RESERVED\.")

    def test_errors_of_several_ranges_have_no_name(self):
        script = ("import fcntl, os, sys\nfile = open('orders.db', 'r+b')\nready, done = os.pipe(), os.pipe()\nif os.fork() == 0:\n"
                  "    fcntl.lockf(file, fcntl.LOCK_EX)\n    os.write(ready[1], b'x')\n    os.read(done[0], 1)\n    os._exit(0)\n"
                  "os.read(ready[0], 1)\nfor start in map(int, sys.argv[1:]):\n    try:\n        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, start)\n"
                  "    except BlockingIOError:\n        pass\nos.write(done[1], b'x')\nos.wait()\n")
        sqlite3.connect(self.path("orders.db")).execute("CREATE TABLE t(i)")
        for starts, name in ((RESERVED[0], RESERVED[0]), "RESERVED"), ((RESERVED[0], PENDING[0], RESERVED[0]), None):
            _, report = self.recorded(PYTHON, "-c", script, *map(str, starts))
            error, = report.document["errors"]
            self.assertEqual((error["count"], error["name"]), (len(starts), name))

    @needs("tdbtool")
    def test_the_ranges_of_a_tdb_database_have_tdbs_names(self):
        script = "printf 'create t.tdb\\ninsert a b\\n' | tdbtool >/dev/null"
        _, report = self.recorded("sh", "-c", script)
        names = self.names(report, "t.tdb")
        self.assertEqual((names[0, 1], names[4, 5], names[164, 165], names[168, None]), ("OPEN", "ACTIVE", "FREELIST", "ALL RECORDS"))
        chains = {start: name for (start, end), name in names.items() if start >= 168 and end}
        self.assertTrue(chains)
        self.assertEqual(chains, {start: f"CHAIN {(start - 168) // 4}" for start in chains})

    def test_the_lock_files_of_dpkg_and_apt_are_known_by_their_paths(self):
        files = {"var/lib/dpkg/lock-frontend": "dpkg frontend", "var/lib/dpkg/lock": "dpkg database", "var/lib/dpkg/other": None,
                 "var/lib/apt/lists/lock": "apt package lists", "var/cache/apt/archives/lock": "apt downloads",
                 "usr/lib/sysimage/rpm/.rpm.lock": "rpm transaction"}
        for file in files:
            os.makedirs(os.path.dirname(self.path(file)), exist_ok=True)
            open(self.path(file), "w").close()
        self.record(PYTHON, "-c", "import fcntl, sys\nfor name in sys.argv[1:]: fcntl.lockf(open(name, 'r+b'), fcntl.LOCK_EX)", *files)
        named = {os.path.relpath(resource["path"], self.directory): resource["name"] for resource in self.report().document["resources"]}
        self.assertEqual(named, files)

    def test_who_waits_for_a_named_range_is_told_its_name(self):
        self.make_database()
        self.record(PYTHON, "-c", WAITING)
        lines = self.text("--all").splitlines()
        self.assertRegex(lines[1], r" holding orders\.db RESERVED\.$")
        self.assertIn(" for exclusive RESERVED of orders.db, held by ", "\n".join(lines))
        self.assertRegex("\n".join(lines), r"Held for .*: exclusive RESERVED, acquired")

    def test_users_give_names_of_their_own(self):
        open(self.path("job.lock"), "w").close()
        self.record(PYTHON, "-c", LOCK, "job.lock", "0", "4", "4", "9", "9", "10")
        with open(self.path("own"), "w") as file:
            file.write("# ours\n\njob.lock [0,4)  head of the queue\n/other/job.lock [9,10) nothing\n  */work/job.lock\t[4,9) tail \n")
        report = self.report("trace", "--names", "own")
        self.assertEqual(self.names(report, "job.lock"), {(0, 4): "head of the queue", (4, 9): "tail", (9, 10): None})

    def test_a_line_that_is_no_name_is_refused(self):
        open(self.path("job.lock"), "w").close()
        self.record(PYTHON, "-c", LOCK, "job.lock", "0", "4")
        for line in "job.lock", "job.lock [0,4)", "job.lock 0-4 x", "job.lock [4,4) x", "job.lock [0,EOF] x", "* [-1,4) x", "* [0,99999999999999999999) x":
            with open(self.path("own"), "w") as file:
                file.write("* flock anything\n" + line + "\n")
            result = self.flocktrace("report", "--names", "own", "trace")
            self.assertEqual((result.returncode, result.stdout), (125, ""), line)
            self.assertRegex(result.stderr, r"\Aflocktrace: own:2: [^\n]+\n\Z", line)
        result = self.flocktrace("report", "--names", "missing", "trace")
        self.assertEqual((result.returncode, result.stderr), (125, "flocktrace: missing: No such file or directory\n"))

    def test_connections_of_one_process_are_never_cleared(self):
        self.make_database()
        self.record(PYTHON, "-c", TWO_CONNECTIONS)
        report = self.report()
        self.assertFalse(report.quality["complete"])
        lines = self.text().splitlines()
        self.assertRegex(lines[0], "^No waits were seen in .* but the record is incomplete")
        self.assertRegex(lines[2], r"INCOMPLETE: .*orders\.db.* exclude each other without lock calls")

    def test_one_connection_is_complete(self):
        self.make_database()
        self.record(PYTHON, "-c", "import sqlite3\none = sqlite3.connect('orders.db', isolation_level=None)\n"
                                  "for _ in range(2): one.execute('INSERT INTO t VALUES(1)')")
        self.assertTrue(self.report().quality["complete"])


if __name__ == "__main__":
    main()
