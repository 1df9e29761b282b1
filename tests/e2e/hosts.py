#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The host never notices: programs that preload objects have hurt go on as they did."""

import os
import subprocess

from e2e import FLOCKTRACE, PYTHON, TIMEOUT, EndToEnd, main, needs, victim


class Hosts(EndToEnd):
    def same(self, *command, **options):
        """Status, stdout and stderr of the program, alone and recorded."""
        alone = self.run_program(*command, **options)
        if os.path.exists(self.path("trace")):
            os.unlink(self.path("trace"))
        recorded = self.flocktrace("record", "-o", "trace", "--", *command, **options)
        stderr = "".join(line for line in recorded.stderr.splitlines(True) if not line.startswith("Next: flocktrace "))
        self.assertEqual((alone.returncode, alone.stdout, alone.stderr), (recorded.returncode, recorded.stdout, stderr))
        return self.report()

    def test_a_program_is_born_the_same(self):
        self.same(victim("born"), "an argument")
        self.same("sh", "-c", f"exec -a other {victim('born')} <&- || exec {victim('born')} <&-")

    def test_calls_before_and_after_the_recorder_go_through(self):
        report = self.same(victim("early"))
        self.assert_clean(report)

    def test_standard_descriptors_that_are_closed_stay_closed(self):
        script = "import os; print(os.open('/dev/null', os.O_RDONLY), file=open('said', 'w'))"
        for number, closed in enumerate(("<&-", ">&-", "2>&-", "<&- >&- 2>&-")):
            with self.subTest(closed):
                said = []
                for prefix in ("", f"{FLOCKTRACE} record -o trace{number} -- "):
                    command = f"exec {prefix}{PYTHON} -c \"{script}\" {closed}"
                    subprocess.run(["sh", "-c", command], cwd=self.directory, env=self.environment, timeout=TIMEOUT,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
                    with open(self.path("said")) as file:
                        said.append(file.read())
                self.assertEqual(said[0], said[1])

    def test_a_child_of_vfork_does_not_end_its_parents_locks(self):
        report = self.same(PYTHON, "-c", """
import fcntl, os, subprocess
with open("f", "w") as f:
    fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX)
    for _ in range(20):
        subprocess.run(["true"], check=True)
        os.posix_spawn("/bin/true", ["true"], os.environ); os.wait()
    assert subprocess.run(["flock", "-n", "f", "true"]).returncode == 1
""")
        self.assert_clean(report)
        self.assertEqual(report.resource("f", world="flock")["failed_tries"], 1)

    @needs("node")
    def test_node_workers(self):
        self.same("node", "-e", "new (require('worker_threads').Worker)('console.log(6 * 7)', { eval: true })")

    @needs("perl")
    def test_perl_forks_and_signals(self):
        self.same("perl", "-e", "$SIG{CHLD} = sub { wait; print qq(reaped\\n); exit 3 }; fork or exit; sleep 10 while 1")

    @needs("gcc")
    def test_a_compiler_run(self):
        with open(self.path("a.c"), "w") as file:
            file.write("int main(void) { return 0; }\n")
        self.same("gcc", "-pipe", "a.c", "-o", "a")

    @needs("git", "flock")
    def test_a_git_repository(self):
        self.same("sh", "-c", "rm -rf r; git init -q r; cd r; echo x > f; git add f;"
                  " git -c user.name=a -c user.email=a@b commit -qm x; git gc -q; git fsck 2>&1; git rev-list --count HEAD")

    @needs("java")
    def test_a_java_file_lock(self):
        with open(self.path("Lock.java"), "w") as file:
            file.write("""
import java.nio.channels.*; import java.nio.file.*;
class Lock { public static void main(String[] a) throws Exception {
    try (FileChannel c = FileChannel.open(Path.of("f"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        try (FileLock l = c.lock(10, 20, false)) { System.out.println(l.isValid()); } } } }
""")
        report = self.same("java", "Lock.java")
        self.assertEqual(report.resource("f", start=10, end=30)["acquisitions"], 1)

    @needs("rustc")
    def test_a_program_whose_allocator_calls_syscall_before_main(self):
        self.same("rustc", "--version")


if __name__ == "__main__":
    main()
