#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a CI job fails for: exit codes, reasons, JUnit, and what GitHub Actions shows."""

import glob
import os
import xml.etree.ElementTree

from e2e import PYTHON, VICTIMS, EndToEnd, main

# The child waits until its parent has seen it wait, for a while, and so does its parent's hold last.
CONTENTION = "import lab, fcntl, sys; lab.contend('x', lambda f: fcntl.flock(f, 2), lambda f: fcntl.flock(f, 8), lambda f: fcntl.flock(f, 2)); sys.exit(3)"
# The parent kills one of the two in the end, as an impatient user would.
KNOT = r"""
import fcntl, lab, os, signal, time
ready, go = os.pipe(), os.pipe()
def child(first, second):
    pid = os.fork()
    if not pid:
        one, two = open(first, "w"), open(second, "w")
        fcntl.flock(one, fcntl.LOCK_EX)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        fcntl.flock(two, fcntl.LOCK_EX)
        os._exit(0)
    return pid
pids = [child("a", "b"), child("b", "a")]
os.read(ready[0], 1), os.read(ready[0], 1)
os.write(go[1], b"xx")
for pid in pids:
    lab.wait_until_blocked(pid)
time.sleep(0.05)
os.kill(pids[1], signal.SIGKILL)
for pid in pids:
    os.waitpid(pid, 0)
"""
MISTAKE = [os.path.join(VICTIMS, "mistake-lost"), "close-drops-lock", "mistake"]


class Status(EndToEnd):
    """With which status `run` and `check` end."""

    def test_a_program_keeps_its_own_status_unless_a_condition_is_met(self):
        for condition in ([], ["--fail-on=deadlock,incomplete,finding"], ["--max-wait=50s", "--max-hold=50s"]):
            result = self.flocktrace("run", *condition, "--", PYTHON, "-c", CONTENTION)
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertNotIn("flocktrace: FAIL", result.stderr)
            self.assertEqual(glob.glob(self.path("*.trace")), [])

    def test_a_wait_above_the_limit_ends_with_83_and_is_named(self):
        result = self.flocktrace("run", "--max-wait", "50ms", "--", PYTHON, "-c", CONTENTION)
        self.assertEqual(result.returncode, 83)
        self.assertRegex(result.stderr, r"flocktrace: FAIL wait: \S+\[\d+\] waited \S+ ms for exclusive flock of x, from \S+\.\n")

    def test_a_hold_above_the_limit_ends_with_83_and_is_named(self):
        result = self.flocktrace("run", "--max-hold", "50ms", "--", PYTHON, "-c", CONTENTION)
        self.assertEqual(result.returncode, 83)
        self.assertRegex(result.stderr, r"FAIL hold: flock of x was held for \S+ ms\.\n")

    def test_a_finding_ends_with_84_any_or_one_by_its_name(self):
        for words, status in (("finding", 84), ("finding:close-drops-lock", 84), ("finding:polling", 0), ("deadlock,finding:close-drops-lock", 84)):
            result = self.flocktrace("run", "--fail-on", words, "--", *MISTAKE)
            self.assertEqual(result.returncode, status, words)
        with open(self.path("known"), "w") as file:
            file.write("close-drops-lock\n")
        result = self.flocktrace("run", "--fail-on=finding", "--suppressions=known", "--", *MISTAKE)
        self.assertEqual(result.returncode, 0, "a finding that is suppressed fails nothing")

    def test_what_was_not_recorded_ends_with_85_unless_there_is_worse(self):
        lost = ["env", "-i", PYTHON, "-c", "pass"]
        self.assertEqual(self.flocktrace("run", "--fail-on=incomplete", "--", *lost).returncode, 85)
        self.assertEqual(self.flocktrace("run", "--fail-on=deadlock", "--", *lost).returncode, 0)
        both = ["sh", "-c", '"$@"; env -i true', "sh", PYTHON, "-c", CONTENTION]
        self.assertEqual(self.flocktrace("run", "--fail-on=incomplete", "--max-wait=50ms", "--", *both).returncode, 83)

    def test_a_deadlock_ends_with_81_though_the_program_passed(self):
        result = self.flocktrace("run", "--fail-on=deadlock", "--", PYTHON, "-c", KNOT)
        self.assertEqual(result.returncode, 81, result.stderr)
        self.assertRegex(result.stderr, r"FAIL deadlock: .*\[\d+\].*\[\d+\]")

    def test_a_job_that_fails_keeps_its_trace_for_later_and_never_overwrites_one(self):
        result = self.flocktrace("run", "--max-wait=50ms", "--", PYTHON, "-c", CONTENTION)
        kept = glob.glob(self.path("flocktrace.python3.*.trace"))
        self.assertEqual(len(kept), 1)
        name = os.path.basename(kept[0])
        self.assertTrue(result.stderr.endswith(f"Next: flocktrace report {name}\n"), result.stderr)
        self.assertEqual(self.report(name).wait("x")["outcome"], "granted")
        named = self.flocktrace("run", "--trace=mine", "--max-wait=50ms", "--", PYTHON, "-c", CONTENTION)
        self.assertEqual((named.returncode, len(glob.glob(self.path("*.trace")))), (83, 1))
        self.assertTrue(named.stderr.endswith("Next: flocktrace report mine\n"), named.stderr)

    def test_check_says_the_same_of_a_trace(self):
        self.record(PYTHON, "-c", CONTENTION, status=3)
        for options, status in (([], 0), (["--max-wait=50ms"], 83), (["--max-hold=50ms"], 83), (["--max-wait=50s"], 0),
                                (["--max-wait=50ms", "--path=other"], 0), (["--fail-on=finding"], 0)):
            result = self.flocktrace("check", *options, "trace")
            self.assertEqual(result.returncode, status, options)
            self.assertEqual("FAIL" in result.stdout, status != 0)
        self.assertEqual(self.flocktrace("check", "trace").stdout, "ok   deadlock\nok   incomplete\n")
        self.record(PYTHON, "-c", KNOT)
        result = self.flocktrace("check", "trace")
        self.assertEqual(result.returncode, 81)
        self.assertRegex(result.stdout, r"^FAIL deadlock: .* waited for \S+, held by .*, which waited for .*\.\nok   incomplete\n$")
        self.assertEqual(result.stderr, "Next: flocktrace report trace\n")
        self.record("env", "-i", "true")
        self.assertEqual(self.flocktrace("check", "trace").returncode, 85)

    def test_what_makes_no_sense_is_one_line_before_anything_runs(self):
        for words, line in ((["--fail-on=nonsense"], "--fail-on does not know 'nonsense', but deadlock, "),
                            (["--fail-on=finding:nonsense"], "there is no finding 'nonsense'"),
                            (["--fail-on="], "--fail-on does not know ''"),
                            (["--fail-on=wait"], "--fail-on=wait needs --max-wait"),
                            (["--fail-on=hold"], "--fail-on=hold needs --max-hold"),
                            (["--junit=none/there"], "none/there: No such file or directory")) + tuple(
                ([f"--max-wait={value}"], f"--max-wait needs a time such as 500ms, 10s or 2min, not '{value}'")
                for value in ("", "0", "soon", "-1", "1e3", "0x10", "10 s", "1.2.3", "inf", "99999999h")):
            for command in (["run"], ["check"]):
                result = self.flocktrace(*command, *words, *(["--", "touch", "ran"] if command == ["run"] else ["none"]))
                self.assertEqual((result.returncode, result.stderr.count("\n")), (125, 1), (words, result.stderr))
                self.assertIn(line, result.stderr)
                self.assertFalse(os.path.exists(self.path("ran")))


class Told(EndToEnd):
    """What a CI system is told."""

    def cases(self, name="junit.xml"):
        suites = xml.etree.ElementTree.parse(self.path(name)).getroot()
        self.assertEqual(suites.tag, "testsuites")
        (suite,) = suites
        cases = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
        failures = [failure for failure in cases.values() if failure is not None]
        for element in (suites, suite):
            self.assertEqual((element.get("tests"), element.get("failures")), (str(len(cases)), str(len(failures))))
        return cases, suite

    def test_junit_has_a_test_case_for_each_condition_and_the_report(self):
        result = self.flocktrace("run", "--fail-on=deadlock,finding", "--max-wait=50ms", "--junit=junit.xml", "--", PYTHON, "-c", CONTENTION)
        self.assertEqual(result.returncode, 83)
        cases, suite = self.cases()
        self.assertEqual({name: failure is None for name, failure in cases.items()}, {"deadlock": True, "wait": False, "finding": True})
        self.assertIn(cases["wait"].get("message") + "\n", result.stderr)
        self.assertIn("Longest waits", suite.find("system-out").text)
        self.assertRegex(suite.get("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
        self.assertGreater(float(suite.get("time")), 0.1)

    def test_junit_is_xml_whatever_files_are_called(self):
        name = "<&\"'>\x01\x1b\n]]>\xff\ufffe\U0001f512"
        self.record(PYTHON, "-c", CONTENTION.replace("'x'", ascii(name)), status=3)
        self.assertEqual(self.flocktrace("check", "--max-wait=50ms", "--junit=junit.xml", "trace").returncode, 83)
        cases, _ = self.cases()
        self.assertRegex(cases["wait"].get("message"), "of <&\"'>" r"\\x01\\x1b\\n\]\]>")

    def test_github_gets_annotations_and_a_section_of_the_summary(self):
        environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": self.path("summary.md")}
        with open(self.path("summary.md"), "w") as file:
            file.write("before\n")
        result = self.flocktrace("run", "--fail-on=deadlock", "--max-wait=50ms", "--", PYTHON, "-c", CONTENTION, environment=environment)
        self.assertEqual([line for line in result.stderr.splitlines() if line.startswith("::")],
                         [line.replace("flocktrace: FAIL wait: ", "::error title=flocktrace wait::")
                          for line in result.stderr.splitlines() if line.startswith("flocktrace: FAIL")])
        self.assertNotIn("::", result.stdout)
        with open(self.path("summary.md")) as file:
            summary = file.read()
        self.assertTrue(summary.startswith("before\n### flocktrace: failed, "), summary[:200])
        self.assertIn("\n| deadlock | ✓ |", summary)
        self.assertRegex(summary, r"\n\| wait \| ✗ \| \S+ waited \S+ ms for exclusive flock of x, ")
        self.assertIn("\n```text\nNo deadlock. 1 wait cost ", summary)
        self.assertEqual(summary.count("```"), 2)

    def test_without_github_nothing_of_it_is_written(self):
        result = self.flocktrace("run", "--max-wait=50ms", "--", PYTHON, "-c", CONTENTION, environment={"GITHUB_ACTIONS": "", "GITHUB_STEP_SUMMARY": ""})
        self.assertNotIn("::error", result.stderr)

    def test_an_annotation_is_one_line_and_the_summary_no_markup_whatever_files_are_called(self):
        name = "100%\n| `x` <b>*"
        self.record(PYTHON, "-c", CONTENTION.replace("'x'", ascii(name)), status=3)
        result = self.flocktrace("check", "--max-wait=50ms", "--max-hold=50ms", "trace",
                                 environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": self.path("summary.md")})
        lines = [line for line in result.stderr.splitlines() if line.startswith("::error")]
        self.assertEqual(len(lines), 2)
        self.assertIn("100%25", lines[0])
        with open(self.path("summary.md")) as file:
            row = next(line for line in file if line.startswith("| wait "))
        self.assertEqual(row.count("|"), 4)
        self.assertNotIn("<b>", row)
        self.assertNotIn("`", row)


if __name__ == "__main__":
    main()
