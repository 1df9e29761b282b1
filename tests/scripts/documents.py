#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What README.md and the manual page promise: command lines that run, and every setting and option that there is.

usage: documents.py BUILD-DIRECTORY
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv.pop()).resolve()
README = (TOP / "README.md").read_text()
MANUAL = (TOP / "analyzer/flocktrace.1").read_text()
JSON_MANUAL = (TOP / "analyzer/flocktrace-json.5").read_text()
COMMANDS = ["run", "record", "report", "check", "dump", "doctor", "who", "top"]

# These build and run everything, this test too: here it must be enough that a shell can read them.
SET_UP = {"scripts/demo", "scripts/test"}


def manual_text():
    """The manual page without its markup."""
    text = re.sub(r"\\f.|\\~|\\", lambda match: " " if match.group() == r"\~" else "", MANUAL)
    return re.sub(r"^\.\w+ ", "", text, flags=re.M)


def settings():
    """(name, default) of each row of settings.def."""
    rows = re.findall(r'^X\(\w+, "(\w+)", "(.*?)", ".*"\)$', (TOP / "trace/settings.def").read_text(), flags=re.M)
    assert len(rows) >= 5, rows
    return rows


def help_of(*words):
    return subprocess.run([BUILD / "bin/flocktrace", *words, "--help"], capture_output=True, text=True, check=True).stdout


class Readme(unittest.TestCase):
    def test_every_command_line_runs(self):
        lines = [line for block in re.findall(r"^```sh\n(.*?)^```", README, flags=re.M | re.S) for line in block.splitlines()]
        self.assertGreater(len(lines), 10)
        with tempfile.TemporaryDirectory() as directory:
            scratch = pathlib.Path(directory)
            (scratch / "scripts").symlink_to(TOP / "scripts")
            (scratch / "build").symlink_to(BUILD)
            runtime = scratch / "runtime"
            runtime.mkdir(mode=0o700)
            environment = {**os.environ, "HOME": directory, "XDG_RUNTIME_DIR": str(runtime)}
            environment.pop("DESTDIR", None)
            for line in lines:
                with self.subTest(line):
                    command = ["sh", "-n", line] if line in SET_UP else ["bash", "-o", "pipefail", "-c", line]
                    result = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=60)
                    self.assertEqual(result.returncode, 0, result.stderr[-2000:])
                    self.assertTrue(line not in SET_UP or os.access(TOP / line, os.X_OK))

    def test_the_first_screen_is_what_comes(self):
        block, = self.blocks("console")
        command, *lines = block.splitlines()
        with tempfile.TemporaryDirectory() as directory:
            os.symlink(TOP / "scripts", os.path.join(directory, "scripts"))
            report = subprocess.run(command.replace("$ flocktrace", str(BUILD / "bin/flocktrace")), shell=True, cwd=directory,
                                    stderr=subprocess.PIPE, text=True, timeout=60, check=True).stderr
        # A busy machine may have more to tell: there the holder did not only sleep.
        shape = lambda line: re.sub(r"[\d.:]+ ?(ms|us|s|%)?(?=\W|$)", "N", re.sub(r" +", " ", line.split(" clock_nanosleep")[0]))  # noqa: E731
        real = iter(report.splitlines())
        for line in lines:
            self.assertTrue(any(shape(line) == shape(other) for other in real), f"{line}\n{report}")

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.M | re.S)

    def in_ci(self, directory):
        """(a directory with a Makefile whose tests pass, its environment with flocktrace in the PATH)"""
        scratch = pathlib.Path(directory)
        (scratch / "Makefile").write_text("test:\n\t@echo tested\n")
        runtime = scratch / "runtime"
        runtime.mkdir(mode=0o700)
        return scratch, {**os.environ, "PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(runtime)}

    def test_what_ci_systems_are_to_run_runs(self):
        lines = [line.split(": ")[-1].removeprefix("- ").strip() if "run: " in line else line.strip().removeprefix("- ")
                 for block in self.blocks("yaml") for line in block.splitlines() if "flocktrace run" in line]
        self.assertEqual(len(lines), 2)
        for line in lines:
            with self.subTest(line), tempfile.TemporaryDirectory() as directory:
                scratch, environment = self.in_ci(directory)
                result = subprocess.run(["sh", "-e", "-c", line], cwd=scratch, env=environment, capture_output=True, text=True, timeout=60)
                self.assertEqual((result.returncode, result.stdout), (0, "tested\n"), result.stderr)
                self.assertTrue((scratch / "locks.xml").exists())

    def test_the_line_for_cmake_puts_tests_under_flocktrace(self):
        line, = self.blocks("cmake")
        with tempfile.TemporaryDirectory() as directory:
            scratch, environment = self.in_ci(directory)
            (scratch / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(example C)\nenable_testing()\n" + line +
                'file(WRITE ${CMAKE_BINARY_DIR}/test.c "#include <stdlib.h>\\nint main(void) { return !getenv(\\"FLOCKTRACE_SESSION\\"); }")\n'
                "add_executable(example ${CMAKE_BINARY_DIR}/test.c)\nadd_test(NAME example COMMAND example)\n")
            for command in (["cmake", "-B", "out"], ["cmake", "--build", "out"], ["ctest", "--test-dir", "out", "-V"]):
                result = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, timeout=60)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertIn("Complete.", result.stdout)

    def test_the_exit_codes_are_the_tables(self):
        rows = re.findall(r'^X\(\w+, "(\w+)", (\d+),', (TOP / "analyzer/render/conditions.def").read_text(), flags=re.M)
        listed = re.findall(r"^\| `(\w+)`(?:, `finding:ID`)? \| (\d+) \|", README, flags=re.M)
        self.assertGreaterEqual(len(rows), 5)
        self.assertEqual(listed, rows)
        for name, code in rows:
            self.assertRegex(MANUAL, rf"(?ms)^\.B {code}\n[^\n]*{name}|^\.B {code}\n.*?\b{name}\b")

    def test_every_setting_is_there_with_its_default(self):
        for name, default in settings():
            shown = f"`{default}`" if default else ""
            self.assertRegex(README, rf"(?m)^\| `{name}` \| {re.escape(shown)} ?\| ")

    def test_no_setting_is_there_that_there_is_not(self):
        self.assertEqual(set(re.findall(r"FLOCKTRACE_\w+", README)) - {name for name, _ in settings()}, set())

    def test_the_words_about_settings_are_the_tables(self):
        rows = dict(re.findall(r'^X\(\w+, "(\w+)", .*, "(.*)"\)$', (TOP / "trace/settings.def").read_text(), flags=re.M))
        plain = README.replace("`", "")
        for name, words in rows.items():
            self.assertIn(words, plain, name)


class Manual(unittest.TestCase):
    def test_every_setting_is_there_with_its_default(self):
        for name, default in settings():
            entry = re.search(rf"^\.B {name}\n(.*?)^\.(?:TP|PP)", MANUAL, flags=re.M | re.S)
            self.assertTrue(entry, name)
            if default:
                self.assertIn(f"Default: {default}.", entry.group(1))
        self.assertEqual(set(re.findall(r"FLOCKTRACE_\w+", MANUAL)) - {name for name, _ in settings()}, set())

    def test_every_command_and_option_is_there(self):
        text = manual_text()
        listed = re.findall(r"^  (\w+) {2,}", help_of(), flags=re.M)
        self.assertEqual(set(COMMANDS), set(listed), "the commands that --help names")
        for command in COMMANDS:
            self.assertIn(f"flocktrace {command}", text)
            options = re.findall(r"^\s+(?:-\w, )?(--[\w-]+)", help_of(command), flags=re.M)
            self.assertIn("--help", options)
            for option in options:
                self.assertIn(option, text, f"flocktrace {command}")

    def test_the_findings_are_the_tables_with_their_weight_and_in_its_words(self):
        table = (TOP / "analyzer/findings/findings.def").read_text()
        rows = re.findall(r'^X\(\w+,\s*"([\w-]+)",\s*(\w+),\s*"(.*?)",', table, flags=re.M)
        self.assertEqual(len(rows), len(re.findall(r"^X\(", table, flags=re.M)))
        listed = re.search(r"^\.SH FINDINGS\n(.*?)^\.SH", MANUAL, flags=re.M | re.S).group(1).replace("\\", "")
        self.assertEqual(re.findall(r'^\.BR ([\w-]+) "', listed, flags=re.M), [name for name, _, _ in rows])
        for name, severity, about in rows:
            self.assertIn(f'.BR {name} " ({severity.lower()})"\n{about}\n', listed)

    def test_it_promises_no_option_that_there_is_not(self):
        known = set(re.findall(r"--[\w-]+", help_of() + "".join(map(help_of, COMMANDS))))
        self.assertEqual(set(re.findall(r"--[a-z][\w-]*", manual_text())) - known, set())

    def test_it_is_clean_roff(self):
        if subprocess.run(["sh", "-c", "command -v man groff"], capture_output=True).returncode:
            self.skipTest("no man or groff here")
        for page, section in (("flocktrace.1", "EXIT STATUS"), ("flocktrace-json.5", "SEE ALSO")):
            result = subprocess.run(["man", "--warnings", "-l", TOP / "analyzer" / page], capture_output=True, text=True,
                                    env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn(section, result.stdout)


class JsonManual(unittest.TestCase):
    """That each key of a report is in it, e2e.py looks at."""

    def test_it_promises_no_key_that_there_is_not(self):
        written = "".join(source.read_text() for source in (TOP / "analyzer/render").glob("json*.[ch]"))
        keys = {key for line in re.findall(r"^\.TP\n\.BR? (.*)", JSON_MANUAL, flags=re.M) for key in re.findall(r"\w+", line)}
        self.assertGreater(len(keys), 100)
        self.assertEqual({key for key in keys if f'"{key}"' not in written}, set())


class Version(unittest.TestCase):
    def test_it_is_the_same_everywhere(self):
        version = re.search(r"project\(flocktrace VERSION (\S+)", (TOP / "CMakeLists.txt").read_text()).group(1)
        self.assertIn(f'"flocktrace {version}"', MANUAL)
        self.assertIn(f'"flocktrace {version}"', JSON_MANUAL)
        self.assertRegex((TOP / "CHANGELOG.md").read_text(), rf"(?m)^## {re.escape(version)}")


unittest.main(verbosity=1)
