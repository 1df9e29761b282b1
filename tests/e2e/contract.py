#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run and record leave the program alone; bad input is one line and status 125."""

import glob
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import unittest

from e2e import FLOCKTRACE, PRELOAD, PYTHON, EndToEnd, main, victim, wait_for

# Directories of tests that run beside this one.
OTHER_TESTS = re.compile(r"/(tmp|dev/shm)/flocktrace-(e2e|oracle|bench|test)\.[^/]*$")
TROUBLE, CANNOT_EXECUTE, NOT_FOUND = 125, 126, 127


class Program(EndToEnd):
    """What the program's caller sees."""

    def both(self):
        """The two commands that start programs; no trace is ever overwritten."""
        return (("run",), ("record",))

    def start(self, command, *program, **options):
        if command == ("record",):
            self.traces = getattr(self, "traces", 0) + 1
            command += ("-o", f"trace{self.traces}")
        return self.flocktrace(*command, "--", *program, **options)

    def test_exit_status_passes_through(self):
        for command in self.both():
            for status in (0, 1, 7, 81, 125, 255):
                with self.subTest(command=command, status=status):
                    self.assertEqual(self.start(command, "sh", "-c", f"exit {status}").returncode, status)

    def test_death_by_signal_passes_through(self):
        for command in self.both():
            for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
                with self.subTest(command=command, signal=number):
                    result = self.start(command, "sh", "-c", f"kill -{int(number)} $$")
                    self.assertEqual(result.returncode, -number)

    def test_a_signal_sent_to_flocktrace_reaches_the_program_and_the_report_comes(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number):
                script = f"trap 'echo got it; exit 3' {int(number)}; echo ready > ready; while :; do sleep 0.01; done"
                process = subprocess.Popen([FLOCKTRACE, "run", "sh", "-c", script], cwd=self.directory, env=self.environment,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                wait_for(lambda: os.path.exists(self.path("ready")), "the program's start")
                process.send_signal(number)
                stdout, stderr = process.communicate(timeout=20)
                self.assertEqual((process.returncode, stdout), (3, "got it\n"))
                self.assertIn("Complete.", stderr)
                os.unlink(self.path("ready"))

    def test_stdin_and_stdout_are_the_programs_own(self):
        for command in self.both():
            result = self.start(command, "sh", "-c", "cat; flock f true", stdin="a\0b\n")
            self.assertEqual(result.stdout, "a\0b\n")

    def test_json_on_stderr_is_json_alone(self):
        result = self.flocktrace("run", "--json", "--", "true")
        self.assertEqual(json.loads(result.stderr)["waits"], [])

    def test_the_report_of_run_goes_to_stderr_or_to_a_file(self):
        result = self.flocktrace("run", "--", victim("contention"))
        self.assertIn("Complete.", result.stderr)
        self.assertNotIn("Complete.", result.stdout)
        result = self.flocktrace("run", "-o", "report.txt", "--", victim("contention"))
        self.assertNotIn("Complete.", result.stderr)
        with open(self.path("report.txt")) as file:
            self.assertIn("Complete.", file.read())

    def test_what_cannot_be_written_to_stdout_is_said_by_every_command(self):
        self.record("true")
        for command in ("--help", "--version", "run --help", "record --help", "report --help", "dump --help", "doctor --help",
                        "report --list-columns", "report trace", "report --json trace", "dump trace", "doctor true"):
            with self.subTest(command):
                result = self.run_program("sh", "-c", f"exec {FLOCKTRACE} {command} >/dev/full")
                self.assertEqual((result.returncode, result.stderr), (125, "flocktrace: stdout: No space left on device\n"))

    def test_a_report_that_cannot_be_written_is_said_and_the_program_keeps_its_status(self):
        result = self.flocktrace("run", "-o", "/dev/full", "sh", "-c", "exit 3")
        self.assertEqual(result.returncode, 3)
        self.assertIn("flocktrace: /dev/full: the report could not be written\n", result.stderr)

    def test_run_shows_all_where_it_is_asked_to(self):
        script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do flock file$i.x$(printf %c $i)y true; done"
        few, all_ = (self.flocktrace("run", *options, "sh", "-c", script).stderr for options in ([], ["--all"]))
        listed = [len(set(re.findall(r"(?m)^file\d+", report))) for report in (few, all_)]
        self.assertLess(listed[0], 12)
        self.assertEqual(listed[1], 12)

    def test_a_program_without_waits_gets_three_lines(self):
        result = self.flocktrace("run", "--", victim("posix"))
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 4, result.stderr)  # and the hint
        self.assertIn("Complete.", lines)

    def test_a_program_that_cannot_be_started(self):
        """The status is that of env(1); the line says more where exec's error says too little."""
        for name, content, mode in (("plain", "text", 0o644), ("script", "#! /no/such/interpreter -x\n", 0o755)):
            with open(self.path(name), "w") as file:
                file.write(content)
            os.chmod(self.path(name), mode)
        for program, status, line in (("./nowhere", NOT_FOUND, "./nowhere: No such file or directory"),
                                      ("no-such-program", NOT_FOUND, "no-such-program: No such file or directory"),
                                      ("./plain", CANNOT_EXECUTE, "./plain: Permission denied"),
                                      (".", CANNOT_EXECUTE, ".: Permission denied"),
                                      ("/tmp", CANNOT_EXECUTE, "/tmp: Is a directory"),
                                      ("./script", NOT_FOUND, "./script: its interpreter /no/such/interpreter does not exist"),
                                      ("", NOT_FOUND, "the program's name is empty")):
            self.assertEqual(self.run_program("env", program).returncode, status)
            for command in self.both():
                with self.subTest(command=command, program=program):
                    result = self.start(command, program)
                    self.assertEqual((result.returncode, result.stderr), (status, f"flocktrace: {line}\n"))

    def test_wrong_use_is_trouble(self):
        for command in ("run", "record", "report", "dump"):
            result = self.flocktrace(command, "--no-such")
            self.assertEqual(result.stderr, f"flocktrace {command}: unknown option --no-such; try 'flocktrace {command} --help'\n")
            self.assertRegex(self.flocktrace(command, "--help").stdout, rf"^Usage: flocktrace {command} .*\n(.*\n)+\n(.*\n)*  -h, --help +show this\n$")
        for arguments in ([], ["run"], ["record"], ["no-such-command"], ["report", "--no-such-option"], ["run", "--no-such", "true"],
                          ["dump", "a", "b", "c"]):
            with self.subTest(arguments):
                result = self.flocktrace(*arguments)
                self.assertEqual(result.returncode, TROUBLE, result.stderr)
                self.assertTrue(result.stderr)
                self.assertEqual(result.stdout, "")

    def test_help_and_version_go_to_stdout(self):
        for arguments in (["--help"], ["--version"], ["run", "--help"], ["report", "--help"]):
            with self.subTest(arguments):
                result = self.flocktrace(*arguments)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertTrue(result.stdout)

    def test_nothing_is_left_behind(self):
        def others(path):
            """What somebody else on this machine records into meanwhile: its maker lives, or has removed it by now."""
            maker = re.search(r"/session\.(\d+)\.\w+$", path)
            return (maker and os.path.exists("/proc/" + maker.group(1))) or (os.path.isdir(path) and os.listdir(path)) or not os.path.exists(path)

        def everything():
            places = ("/dev/shm/flocktrace*", "/dev/shm/flocktrace*/*", "/tmp/flocktrace*", "/tmp/*.trace", self.directory + "/*", self.runtime + "/flocktrace/*")
            return {path for place in places for path in glob.glob(place) if not OTHER_TESTS.match(path) and not others(path)}

        before = everything()
        self.flocktrace("run", "--", victim("contention"))
        self.flocktrace("run", "--", "sh", "-c", "kill -9 $$")
        self.flocktrace("run", "--", "./nowhere")
        self.record("true")
        self.assertEqual({os.path.basename(path) for path in everything() - before}, {"contention", "trace"})

    def test_the_environment_is_the_same_but_for_ours(self):
        script = [PYTHON, "-c", "import os, json; print(json.dumps(dict(os.environ)))"]
        plain, recorded = (json.loads(out) for out in (self.run_program(*script).stdout, self.record(*script)))
        added = {name for name in recorded if recorded[name] != plain.get(name)}
        self.assertLessEqual(added, {"LD_PRELOAD", "FLOCKTRACE_SESSION", "_"})
        self.assertLessEqual(set(plain) - {"_"}, set(recorded))

    def test_no_descriptor_is_open_in_the_program_that_was_not_before(self):
        script = [PYTHON, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')))"]
        self.assertEqual(self.run_program(*script).stdout, self.record(*script))

    def test_an_existing_preload_is_kept(self):
        # A flocktrace that is itself built with a sanitizer minds who comes first.
        result = self.record(PYTHON, "-c", "import os; print(os.environ['LD_PRELOAD'])",
                             environment={"LD_PRELOAD": "/lib/x86_64-linux-gnu/libm.so.6", "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.assertIn("libm.so.6", result)
        self.assertIn("libflocktrace.so", result)


class Settings(EndToEnd):
    """FLOCKTRACE_… in the environment of run and record."""

    NONSENSE = {
        "FLOCKTRACE_STACKS": ("abc", "-1", "63", "32 ", "1e1", "0-62", "offf", "99999999999999999999"),
        "FLOCKTRACE_IOCTL": ("some", "ALL", "exclusive|all"),
        "FLOCKTRACE_SLOW": ("-3", "10ms", "1000000001"),
        "FLOCKTRACE_ARGV": ("yes", "2"),
        "FLOCKTRACE_PYTHON": ("1", "3.11"),
    }
    SENSE = {
        "FLOCKTRACE_STACKS": ("0", "1", "62", "off", ""),
        "FLOCKTRACE_IOCTL": ("exclusive", "all", "off"),
        "FLOCKTRACE_SLOW": ("0", "250"),
        "FLOCKTRACE_ARGV": ("0", "1"),
        "FLOCKTRACE_PYTHON": ("on", "off"),
        "FLOCKTRACE_ONLY": ("sh,python3",),
    }

    def test_nonsense_is_refused_in_one_line_before_anything_is_made_or_started(self):
        for name, values in self.NONSENSE.items():
            for value in values:
                for command in (["run", "-o", "report"], ["run", "--trace", "trace"], ["record", "-o", "trace"]):
                    with self.subTest(command=command, name=name, value=value):
                        result = self.flocktrace(*command, "--", "touch", "ran", environment={name: value})
                        self.assertEqual(result.returncode, TROUBLE)
                        self.assertRegex(result.stderr, rf"\Aflocktrace: {name}={re.escape(value)}: must be .+\n\Z")
                        self.assertEqual(os.listdir(self.directory), [])

    def test_what_makes_sense_is_taken(self):
        for name, values in self.SENSE.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    result = self.flocktrace("run", "--", "flock", "f", "true", environment={name: value})
                    self.assertEqual((result.returncode, "must be" in result.stderr), (0, False), result.stderr)

    def test_a_session_that_the_user_names_does_not_count_and_that_is_said(self):
        for command in (["run"], ["record", "-o", "trace"]):
            result = self.flocktrace(*command, "--", "true", environment={"FLOCKTRACE_SESSION": "/nowhere/session"})
            self.assertEqual(result.returncode, 0)
            self.assertEqual(result.stderr.splitlines()[0],
                             f"flocktrace: FLOCKTRACE_SESSION does not count: {command[0]} makes a session of its own")
        result = self.flocktrace("run", "--json", "--", "true", environment={"FLOCKTRACE_SESSION": "/nowhere/session"})
        self.assertEqual(json.loads(result.stderr)["waits"], [])


class NextCommand(EndToEnd):
    """The last line of run is worth typing."""

    def last_line(self, *arguments):
        return self.flocktrace(*arguments, "--", "flock", "f", "true").stderr.splitlines()[-1]

    def test_a_trace_that_was_kept_is_named(self):
        line = self.last_line("run", "--trace", "kept 1.trace")
        self.assertEqual(line, "Next: flocktrace report 'kept 1.trace'")
        result = self.run_program("sh", "-c", line.replace("Next: flocktrace", FLOCKTRACE))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_without_one_it_says_how_to_keep_it(self):
        self.assertEqual(self.last_line("run"), "Next: flocktrace run --trace FILE … keeps what was recorded, for report and dump")


class BadInput(EndToEnd):
    """One line on stderr that names the file and the reason; 125; no crash."""

    def refused(self, path, *reasons, commands=("report", "dump")):
        for command in commands:
            result = self.flocktrace(command, path)
            self.assertEqual(result.returncode, TROUBLE, result.stderr)
            self.assertEqual(result.stdout, "")
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(path, result.stderr)
            self.assertTrue(any(reason in result.stderr for reason in reasons), result.stderr)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return name

    def trace(self):
        self.record(victim("posix"))
        with open(self.path("trace"), "rb") as file:
            return bytearray(file.read())

    def test_what_is_no_trace(self):
        self.refused(self.write("empty", b""), "empty", "truncated")
        self.refused(self.write("text", b"hello world\n" * 1000), "not a flocktrace")
        self.refused(self.write("zeros", bytes(100_000)), "not a flocktrace")
        self.refused("nowhere", "No such file")
        os.mkdir(self.path("directory"))
        self.refused("directory", "directory")
        os.mkfifo(self.path("pipe"))
        self.refused("pipe", "pipe")
        self.refused("/dev/null", "device")

    def test_another_version_and_another_byte_order(self):
        content = self.trace()
        content[12] += 1
        self.refused(self.write("newer", content), "version 2")
        content[12] -= 1
        content[8:12] = content[8:12][::-1]
        self.refused(self.write("foreign", content), "byte order")
        content = self.trace()
        content[:8] = content[:8][::-1]
        self.refused(self.write("foreign2", content), "byte order", "not a flocktrace")

    def test_a_header_that_lies_about_its_parts(self):
        content = self.trace()
        for offset in range(16, 120, 4):
            lying = bytearray(content)
            lying[offset:offset + 4] = b"\xff\xff\xff\x7f"
            self.write("lying", lying)
            for command in ("report", "dump"):
                result = self.flocktrace(command, "lying")
                self.assertIn(result.returncode, (0, TROUBLE), f"offset {offset}: {result.stderr}")

    def test_a_truncated_trace_is_refused_or_read_as_far_as_it_goes(self):
        content = self.trace()
        for size in (1, 63, 64, 256, 4095, 4096, 4097, len(content) // 2, len(content) - 64, len(content) - 1):
            self.write("short", content[:size])
            for command in ("report", "dump"):
                result = self.flocktrace(command, "short")
                self.assertIn(result.returncode, (0, TROUBLE), f"{size} bytes: {result.stderr}")
                if result.returncode:
                    self.assertIn("short", result.stderr)
        self.refused(self.write("short", content[:4000]), "truncated")

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody without permission")
    def test_no_permission(self):
        self.write("secret", bytes(self.trace()))
        os.chmod(self.path("secret"), 0o600)
        os.chmod(self.directory, 0o755)
        os.chmod(os.path.dirname(self.directory), 0o755)
        result = self.run_program("setpriv", "--reuid=65534", "--clear-groups", FLOCKTRACE, "report", "secret")
        if "setpriv" in result.stderr or result.returncode in (CANNOT_EXECUTE, NOT_FOUND):
            self.skipTest("nobody cannot run the program from here")
        self.assertEqual(result.returncode, TROUBLE)
        self.assertIn("secret", result.stderr)
        self.assertIn("Permission denied", result.stderr)

    def test_a_report_that_was_there_outlives_a_run_that_did_not_start(self):
        self.write("report", b"yesterday's")
        result = self.flocktrace("run", "-o", "report", "--", "./nowhere")
        self.assertEqual(result.returncode, NOT_FOUND)
        with open(self.path("report")) as file:
            self.assertEqual(file.read(), "yesterday's")
        self.flocktrace("run", "-o", "report", "--", "true")
        with open(self.path("report")) as file:
            self.assertIn("Complete.", file.read())

    def test_a_trace_that_cannot_be_written_is_said_before_the_program_starts(self):
        result = self.flocktrace("record", "-o", "/nowhere/trace", "--", "touch", "ran")
        self.assertEqual(result.returncode, TROUBLE)
        self.assertIn("/nowhere/trace", result.stderr)
        self.assertFalse(os.path.exists(self.path("ran")))


class PreloadObject(EndToEnd):
    """Without a preload object that fits, nothing is started."""

    def copy(self, make_library):
        """A flocktrace of its own beside a lib directory that make_library fills; its path."""
        for name in ("bin", "lib"):
            os.mkdir(self.path(name))
        shutil.copy(FLOCKTRACE, self.path("bin"))
        make_library(self.path("lib/libflocktrace.so"))
        return self.path("bin/flocktrace")

    def refused(self, make_library, reason=""):
        binary = self.copy(make_library)
        for command in (["run", "--trace", "trace"], ["record", "-o", "trace"]):
            result = self.run_program(binary, *command, "--", "touch", "ran")
            self.assertEqual(result.returncode, TROUBLE, result.stderr)
            self.assertIn("libflocktrace.so", result.stderr)
            self.assertIn(reason, result.stderr)
            self.assertFalse(os.path.exists(self.path("ran")))
            self.assertFalse(os.path.exists(self.path("trace")))

    def test_missing(self):
        self.refused(lambda path: None)

    def test_not_loadable(self):
        self.refused(lambda path: open(path, "w").close())

    def test_a_library_that_is_not_ours(self):
        self.refused(lambda path: shutil.copy("/lib/x86_64-linux-gnu/libm.so.6", path))

    def test_another_format_version(self):
        note = struct.pack("<III", 11, 4, 1) + b"flocktrace\0\0"

        def newer(path):
            with open(PRELOAD, "rb") as file:
                content = bytearray(file.read())
            at = content.index(note) + len(note)
            content[at] += 1
            with open(path, "wb") as file:
                file.write(content)
        self.refused(newer, "version 2")

    def test_truncated(self):
        def truncated(path):
            with open(PRELOAD, "rb") as source, open(path, "wb") as target:
                target.write(source.read()[:5000])
        self.refused(truncated)

    def test_a_copy_beside_its_library_works(self):
        binary = self.copy(lambda path: shutil.copy(PRELOAD, path))
        result = self.run_program(binary, "run", "--", victim("contention"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("waited", result.stderr)


if __name__ == "__main__":
    main()
