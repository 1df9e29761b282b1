#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""flock(1) in shell scripts: who holds, and until when, in each of its idioms."""

import os

from e2e import MS, EndToEnd, main, needs

# Each script holds lock `f`, says "held PID-OF-THE-HOLDING-SHELL", goes on when it is told, and must free it by what it does last.
HOLD_MS = 150


class ShellLocks(EndToEnd):
    def contend(self, holder, shell):
        """
        Runs the holder's script in the shell, then `flock f true`, lets the holder go on once the contender sleeps, and ends. The
        holder reads its permission to go on from descriptor 7. (stdout, Report)
        """
        script = f"""
mkfifo go
: > f
{shell} -c '{holder}' 7<>go 9>&- > held &
until grep -q held held; do sleep 0.01; done
flock f true 7>&- &
until grep -q -- "-> FLOCK .*:$(stat -c %i f) " /proc/locks; do sleep 0.01; done
sleep {HOLD_MS / 1000}
echo > go
wait
cat held
"""
        return self.recorded(shell, "-c", script)

    def check_one_wait(self, report, holders):
        wait = report.wait("f", kind="blocked", outcome="granted")
        self.assertGreaterEqual(wait["wait_ns"], HOLD_MS * MS)
        self.assertEqual(wait["command"], "flock")
        found = [holder["pid"] for holder in wait["holders"]]
        self.assertEqual(len(found), 1, wait)
        self.assertIn(found[0], holders)
        self.assert_about(wait["holders"][0]["overlap_ns"], wait["wait_ns"])

    def for_each_shell(self, script, check):
        for shell in ("/bin/dash", "/bin/bash"):
            with self.subTest(shell):
                for name in ("go", "f", "held", "trace"):
                    if os.path.exists(self.path(name)):
                        os.unlink(self.path(name))
                stdout, report = self.contend(script, shell)
                check(stdout, report)

    def holder_is_what_the_script_says(self, stdout, report):
        said = [int(word) for line in stdout.splitlines() if line.startswith("held") for word in line.split()[1:]]
        self.assertTrue(said)
        self.check_one_wait(report, said)

    @needs("flock", "dash", "bash")
    def test_flock_with_a_command_holds_until_the_command_ends(self):
        # flock(1) is the holder, and the parent of its command.
        self.for_each_shell('flock f sh -c "echo held \\$PPID; read go <&7"', self.holder_is_what_the_script_says)

    @needs("flock", "dash", "bash")
    def test_a_subshell_holds_until_it_ends_though_flock_has_long_ended(self):
        self.for_each_shell('( flock 9; sh -c "echo held \\$PPID"; read go <&7 ) 9>f; sleep 0.2', self.holder_is_what_the_script_says)

    @needs("flock", "dash", "bash")
    def test_a_shell_holds_until_it_closes_the_descriptor(self):
        self.for_each_shell('exec 9>f; flock 9; echo held $$; read go <&7; exec 9>&-; sleep 0.2', self.holder_is_what_the_script_says)

    @needs("flock", "dash", "bash")
    def test_a_shell_holds_until_it_unlocks_through_flock(self):
        self.for_each_shell('exec 9>f; flock -x 9; echo held $$; read go <&7; flock -u 9; sleep 0.2',
                            self.holder_is_what_the_script_says)

    @needs("flock", "dash", "bash")
    def test_a_shell_holds_until_it_exits(self):
        self.for_each_shell('exec 9>f; flock 9; echo held $$; read go <&7', self.holder_is_what_the_script_says)

    @needs("flock", "bash")
    def test_a_descriptor_with_a_high_number_is_the_shells_too(self):
        stdout, report = self.contend('exec 200>f; flock 200; echo held $$; read go <&7; exec 200>&-; sleep 0.2', "/bin/bash")
        self.holder_is_what_the_script_says(stdout, report)

    @needs("flock")
    def test_a_nonblocking_flock_that_fails_is_counted_and_its_status_passed_on(self):
        script = "exec 9>f; flock 9; flock -n f true; echo $?; flock -n -E 9 f true; echo $?; flock -n 9; echo $?"
        stdout, report = self.recorded("sh", "-c", script)
        self.assertEqual(stdout.split(), ["1", "9", "0"])
        self.assertEqual(report.resource("f")["failed_tries"], 2)
        self.assertEqual(report.waits, [])

    @needs("flock")
    def test_a_timeout_of_flock_is_a_wait_that_failed(self):
        stdout, report = self.recorded("sh", "-c", "exec 9>f; flock 9; flock -w 0.1 f true; echo $? $$")
        status, shell = stdout.split()
        self.assertEqual(status, "1")
        wait = report.wait("f", outcome="failed")
        self.assert_about(wait["wait_ns"], 100 * MS)
        self.assertEqual([holder["pid"] for holder in wait["holders"]], [int(shell)])
        self.assertEqual(report.errors(), {("flock", "EINTR"): 1})


if __name__ == "__main__":
    main()
