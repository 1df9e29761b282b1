#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Other runtimes: sanitizers and valgrind find what they found and are recorded; what makes its calls without libc is named."""

import glob
import os
import re
import unittest

from e2e import VICTIMS, EndToEnd, main, needs

SANITIZED = os.path.join(VICTIMS, "hazard-sanitized-")
LOCK_ONCE = os.path.join(VICTIMS, "hazard-lock_once")
GO_LIKE = os.path.join(VICTIMS, "hazard-go_like")
OWN_NAMESPACE = os.path.join(VICTIMS, "hazard-own_namespace")
LIBRARY = os.path.join(VICTIMS, "libhazard-own_namespace_library.so")

# sanitizer: the mistake that it must find, and how it says so
FINDS = {
    "address": ("overflow", "SUMMARY: AddressSanitizer: heap-buffer-overflow"),
    "leak": ("leak", "SUMMARY: LeakSanitizer: 1234 byte"),
    "thread": ("race", "SUMMARY: ThreadSanitizer: data race"),
    "undefined": ("undefined", "runtime error: signed integer overflow"),
}


def without_numbers(text):
    """Process numbers and addresses differ from run to run."""
    return re.sub(r"==\d+==|--\d+--|0x[0-9a-f]+|pid=\d+|tid=\d+", "#", text)


class Runtimes(EndToEnd):
    def record_run(self, *command, **options):
        if os.path.exists(self.path("trace")):
            os.unlink(self.path("trace"))
        result = self.flocktrace("record", "-o", "trace", "--", *command, **options)
        stderr = "".join(line for line in result.stderr.splitlines(True) if not line.startswith("Next: flocktrace "))
        return result.returncode, result.stdout, stderr

    def same(self, *command, **options):
        """The program alone and recorded: status, stdout, and stderr but for its numbers. The report."""
        alone = self.run_program(*command, **options)
        status, stdout, stderr = self.record_run(*command, **options)
        self.assertEqual((alone.returncode, alone.stdout, without_numbers(alone.stderr)), (status, stdout, without_numbers(stderr)))
        self.assertIn("locked\n", stdout)
        return self.report()

    def acquired(self, report, world):
        return sum(resource["acquisitions"] for resource in report.resources("f", world=world))

    def sanitized(self, sanitizer):
        found = sorted(glob.glob(SANITIZED + "*-" + sanitizer))
        if not found:
            self.skipTest("no compiler here has it")
        return found

    def check(self, sanitizer):
        for program in self.sanitized(sanitizer):
            with self.subTest(os.path.basename(program)):
                self.check_program(program, *FINDS[sanitizer])

    def check_program(self, program, bug, message):
        report = self.same(program, "f")
        self.assertEqual((self.acquired(report, "flock"), self.acquired(report, "record")), (2, 2))
        self.assert_clean(report)
        self.assertTrue(re.search(r"stack of #1, [3-9] frames", self.flocktrace("dump", "trace").stdout), "no stacks")
        for _ in range(20):  # a race doesn't show each time
            alone = self.run_program(program, "f", bug)
            status, stdout, stderr = self.record_run(program, "f", bug)
            if message in alone.stderr and message in stderr:
                break
        self.assertIn(message, alone.stderr)
        self.assertIn(message, stderr)
        self.assertEqual((alone.returncode, alone.stdout), (status, stdout))
        self.assertEqual(self.acquired(self.report(), "flock"), 2)

    def test_address_sanitizer(self):
        self.check("address")

    def test_leak_sanitizer(self):
        self.check("leak")

    def test_thread_sanitizer(self):
        self.check("thread")

    def test_undefined_behaviour_sanitizer(self):
        self.check("undefined")

    def test_memory_sanitizer(self):
        for program in self.sanitized("memory"):
            with self.subTest(os.path.basename(program)):
                self.assertEqual(self.acquired(self.same(program, "f"), "flock"), 2)

    def test_a_shared_asan_runtime_keeps_what_the_user_set(self):
        program = SANITIZED + "gcc-address"
        if not os.path.exists(program):
            self.skipTest("no gcc with ASan here")
        for options in ("exitcode=42", "exitcode=42:verify_asan_link_order=0", ""):
            with self.subTest(options):
                alone = self.run_program(program, "f", "overflow", environment={"ASAN_OPTIONS": options})
                status, _, stderr = self.record_run(program, "f", "overflow", environment={"ASAN_OPTIONS": options})
                self.assertEqual((alone.returncode, "heap-buffer-overflow" in stderr), (status, True))
        said = self.flocktrace("doctor", program)
        self.assertEqual(said.returncode, 0)
        self.assertIn("    shared ASan: ", said.stdout)

    @needs("perl")
    def test_what_a_program_with_asan_starts_does_not_get_its_runtime(self):
        """With the runtime in LD_PRELOAD perl would end with 1, for leaks that are none of ours."""
        program = SANITIZED + "gcc-address"
        if not os.path.exists(program):
            self.skipTest("no gcc with ASan here")
        for words in (["perl", "-e", "print 1"], ["grep", "-c", "libasan", "/proc/self/maps"]):
            with self.subTest(words[0]):
                alone = self.run_program(program, "f", "start", *words)
                self.assertEqual(self.record_run(program, "f", "start", *words), (alone.returncode, alone.stdout, alone.stderr))

    def test_a_program_with_asan_that_another_starts_runs_where_asan_options_are_set(self):
        program = SANITIZED + "gcc-address"
        if not os.path.exists(program):
            self.skipTest("no gcc with ASan here")
        options = {"ASAN_OPTIONS": "exitcode=42"}
        status, _, stderr = self.record_run("sh", "-c", f"{program} f && exec {program} f overflow", environment=options)
        self.assertEqual((status, "heap-buffer-overflow" in stderr), (42, True), stderr)
        self.assertEqual(self.acquired(self.report(), "flock"), 4)

    def test_a_program_without_asan_gets_no_asan_options(self):
        self.assertEqual(self.record_run("sh", "-c", "echo $ASAN_OPTIONS"), (0, "\n", ""))

    def test_an_asan_runtime_that_was_preloaded_before(self):
        """As for an instrumented module of an interpreter: it keeps its place behind us, and starts."""
        program = SANITIZED + "gcc-address"
        runtime = self.run_program("ldd", program).stdout if os.path.exists(program) else ""
        path = re.search(r"(/\S*libasan\.so\S*)", runtime)
        if not path:
            self.skipTest("no shared ASan here")
        report = self.same(LOCK_ONCE, "f", environment={"LD_PRELOAD": path[1]})
        self.assertEqual(self.acquired(report, "flock"), 1)

    @needs("valgrind")
    def test_valgrind(self):
        """Without stacks, no error that is not the program's; and what valgrind runs is recorded, so it is not called static."""
        report = self.same("valgrind", "-q", "--error-exitcode=9", LOCK_ONCE, "f")
        self.assertEqual((self.acquired(report, "flock"), report.quality["untraced_processes"]), (1, []))
        said = self.flocktrace("doctor", "valgrind", LOCK_ONCE)
        self.assertEqual(said.returncode, 0)
        self.assertIn("    valgrind: ", said.stdout)

    @unittest.skipUnless(os.path.exists(GO_LIKE), "written for x86-64")
    def test_programs_that_make_their_calls_without_libc(self):
        for program in glob.glob(GO_LIKE + "*"):
            with self.subTest(program):
                said = self.flocktrace("doctor", program)
                self.assertEqual(said.returncode, 1, said.stderr)
                self.assertIn("    go: ", said.stdout)
                status, stdout, stderr = self.record_run(program, "f")
                self.assertEqual((status, stdout), (0, "locked\n"))
                self.assertIn(" will not be recorded: a Go program", stderr)
                self.assertEqual(self.report().resources("f"), [])

    @unittest.skipUnless(os.path.exists(LIBRARY), "no shared libraries here")
    def test_libraries_in_a_namespace_of_their_own_work_and_are_not_seen(self):
        """A limit that the README names: the loader gives them another libc, or libc before us."""
        for how, seen in (("plain", 1), ("deepbind", 0), ("namespace", 0)):
            with self.subTest(how):
                self.assertEqual(len(self.same(OWN_NAMESPACE, LIBRARY, "f", how).resources("f")), seen)


if __name__ == "__main__":
    main()
