#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""No finding where nothing is wrong: programs that everybody trusts, and the idioms of their manuals."""

import os
import sqlite3
import textwrap
import unittest

from e2e import PYTHON, EndToEnd, main, needs


class WellBehaved(EndToEnd):
    def check(self, *command, locks=True):
        _, report = self.recorded(*command)
        self.assertEqual([finding["message"] for finding in report.document["findings"]], [])
        if locks:
            self.assertTrue(report.document["resources"], "locked nothing: proves nothing")
        return report

    def python(self, program):
        with open(self.path("program.py"), "w") as file:
            file.write(textwrap.dedent(program))
        return self.check(PYTHON, self.path("program.py"))

    def shell(self, script):
        return self.check("/bin/bash", "-c", textwrap.dedent(script))

    @needs("flock")
    def test_flock_with_a_command_by_several_at_a_time(self):
        self.shell("for i in 1 2 3 4; do flock f sh -c 'sleep 0.02' & done; wait")

    @needs("flock")
    def test_flock_in_a_subshell(self):
        self.shell("for i in 1 2 3 4; do ( flock 9; sleep 0.02 ) 9>f & done; wait")

    @needs("flock")
    def test_flock_of_a_descriptor_released_by_flock(self):
        self.shell("exec 9>f; for i in 1 2 3; do flock 9; sleep 0.01; flock -u 9; done; exec 9>&-")

    @needs("flock")
    def test_flock_of_the_script_itself(self):
        with open(self.path("script"), "w") as file:
            file.write('#!/bin/bash\n[ "$FLOCKER" != "$0" ] && exec env FLOCKER="$0" flock -en "$0" "$0" "$@"\nsleep 0.02\n')
        os.chmod(self.path("script"), 0o700)
        self.shell("./script; ./script & ./script; wait")

    @needs("flock")
    def test_flock_that_gives_up(self):
        self.shell("( flock 9; flock -n f true; flock -w 0.05 f true; true ) 9>f")

    @needs("flock")
    def test_a_shared_flock_and_one_that_keeps_its_descriptor_from_the_command(self):
        self.shell("flock -s f true & flock -s f sleep 0.02 & wait; flock -o f sleep 0.02; flock -F f sleep 0.02")

    @needs("flock", "sqlite3")
    def test_flock_of_a_database_around_the_program_that_locks_it_otherwise(self):
        sqlite3.connect(self.path("db")).execute("create table t (a)").connection.commit()
        self.shell("""
            for i in 1 2; do flock db sqlite3 db 'insert into t values (1)' & done; wait
            for i in 1 2; do ( flock 9; sqlite3 db 'insert into t values (1)' ) 9<db & done; wait""")

    @needs("sqlite3")
    def test_sqlite_in_each_journal_mode_with_writers_and_readers(self):
        for mode in ("delete", "persist", "wal"):
            with self.subTest(mode):
                for name in os.listdir(self.directory):
                    os.unlink(self.path(name))
                connection = sqlite3.connect(self.path("db"))
                connection.execute(f"pragma journal_mode={mode}")
                connection.execute("create table t (a)")
                connection.commit()
                connection.close()
                report = self.shell("""
                    write() { for i in 1 2 3; do echo 'begin immediate; insert into t values (1); commit;'; done; }
                    for i in 1 2 3; do (echo '.timeout 20000'; write) | sqlite3 -bail db & done
                    for i in 1 2 3; do echo '.timeout 20000
                    select count(*) from t;' | sqlite3 -bail db & done
                    wait""")
                self.assertTrue(report.resources("db") or report.resources("db-shm"))

    @needs("dpkg", "dpkg-deb")
    def test_dpkg_installs_and_removes(self):
        if os.getuid():
            self.skipTest("dpkg wants root")
        os.makedirs(self.path("package/DEBIAN"))
        with open(self.path("package/DEBIAN/control"), "w") as file:
            file.write("Package: well-behaved\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: empty\n")
        os.makedirs(self.path("root/var/lib/dpkg/info"))
        os.makedirs(self.path("root/var/lib/dpkg/updates"))
        open(self.path("root/var/lib/dpkg/status"), "w").close()
        self.run_program("dpkg-deb", "-b", "package", "package.deb")
        dpkg = "dpkg --root=root --force-not-root --force-depends --force-script-chrootless --log=log"
        self.shell(f"{dpkg} -i package.deb && {dpkg} -r well-behaved && {dpkg} -P well-behaved; true")

    @needs("apt-get", "flock")
    def test_apt_waits_for_its_turn_and_takes_it(self):
        """Two at a time, and one that finds a lock taken for a moment."""
        report = self.shell("""
            mkdir -p root/state/lists/partial root/cache/archives/partial root/dpkg
            : > root/dpkg/status
            apt="apt-get -o Dir::State=$PWD/root/state -o Dir::State::status=$PWD/root/dpkg/status -o Dir::Cache=$PWD/root/cache"
            apt="$apt -o DPkg::Lock::Timeout=30"
            $apt install > /dev/null & $apt install > /dev/null & $apt check > /dev/null; wait; $apt clean""")
        self.assertIn("lock-frontend", {os.path.basename(resource["path"]) for resource in report.document["resources"]})

    def test_python_locks_and_releases_each_way(self):
        self.python("""
            import fcntl, os
            with open("f", "w+b") as file:
                file.write(bytes(100)); file.flush()
                for lock in (fcntl.flock, fcntl.lockf):
                    for mode in (fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_EX | fcntl.LOCK_NB):
                        lock(file, mode); lock(file, fcntl.LOCK_UN)
                fcntl.lockf(file, fcntl.LOCK_EX, 10, 20)
                fcntl.lockf(file, fcntl.LOCK_EX, 10, 40)
            with open("f", "r+b") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
            """)

    def test_python_closes_all_its_descriptors_of_a_file_at_once(self):
        self.python("""
            import fcntl
            with open("f", "w+b") as file, open("f", "rb") as again:
                fcntl.lockf(file, fcntl.LOCK_EX)
            """)

    def test_a_lock_file_held_for_life_by_one_that_locked_it_once(self):
        self.python("""
            import fcntl, os, time
            pid = os.open("daemon.pid", os.O_RDWR | os.O_CREAT)
            fcntl.lockf(pid, fcntl.LOCK_EX | fcntl.LOCK_NB)
            time.sleep(1.1)
            """)

    def test_a_daemon_that_locks_and_then_forks(self):
        self.python("""
            import fcntl, os, time
            lock = os.open("daemon.lock", os.O_RDWR | os.O_CREAT)
            fcntl.flock(lock, fcntl.LOCK_EX)
            ready, go = os.pipe()
            if os.fork():
                os.read(ready, 1)
                os._exit(0)
            os.write(go, b"x")
            time.sleep(0.05)
            """)

    def test_a_lock_file_that_is_removed_by_its_owner_with_nobody_there(self):
        self.shell("for i in 1 2 3; do ( flock 9; sleep 0.01; rm f ) 9>f; done")

    def test_children_share_a_file_without_a_name(self):
        self.python("""
            import fcntl, os, tempfile
            with tempfile.TemporaryFile() as file:
                for _ in range(3):
                    if os.fork() == 0:
                        for _ in range(3):
                            fcntl.lockf(file, fcntl.LOCK_EX); fcntl.lockf(file, fcntl.LOCK_UN)
                        os._exit(0)
                for _ in range(3):
                    os.wait()
            """)

    def test_threads_that_take_turns(self):
        self.python("""
            import fcntl, threading
            def work():
                with open("f", "w") as file:
                    for _ in range(10):
                        fcntl.flock(file, fcntl.LOCK_EX); fcntl.flock(file, fcntl.LOCK_UN)
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            """)


if __name__ == "__main__":
    main()
