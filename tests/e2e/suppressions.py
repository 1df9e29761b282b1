#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Findings that a user knows of: counted, never silently gone; and the options of a report with run."""

import json
import os

from e2e import EndToEnd, PYTHON, main, victim

# close-drops-lock and polling, on two files each.
MISTAKES = """
import fcntl
for name in "one", "two":
    a = open(name, "w")
    fcntl.lockf(a, fcntl.LOCK_EX)
    open(name).close()
    fcntl.lockf(a, fcntl.LOCK_EX)
    b, c = open(name + ".b", "w"), open(name + ".b", "w")
    fcntl.flock(b, fcntl.LOCK_EX)
    for _ in range(30):
        try:
            fcntl.flock(c, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
"""


class Suppressions(EndToEnd):
    def setUp(self):
        super().setUp()
        self.record(PYTHON, "-c", MISTAKES)
        self.all = self.found(self.report())
        self.assertGreaterEqual(len(self.all), 4)

    def found(self, report):
        return {(finding["id"], os.path.basename(finding["path"])) for finding in report.document["findings"]}

    def write(self, *lines):
        with open(self.path("known"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def with_known(self, *lines):
        self.write(*lines)
        return self.report("trace", "--suppressions", "known")

    def test_what_is_suppressed_is_counted_and_the_rest_is_shown(self):
        report = self.with_known("# known", "", "polling", "close-drops-lock path one")
        gone = {one for one in self.all if one[0] == "polling" or one == ("close-drops-lock", "one")}
        self.assertEqual(self.found(report), self.all - gone)
        self.assertTrue(gone and self.found(report))
        suppressed = report.document["suppressed"]
        self.assertEqual((suppressed["by"], suppressed["findings"]), ("known", len(gone)))
        self.assertEqual(suppressed["ids"]["close-drops-lock"], 1)
        text = self.flocktrace("report", "--suppressions", "known", "trace").stdout
        self.assertIn(f"\nSuppressed: {len(gone)} findings (close-drops-lock 1x, ", text)
        self.assertIsNone(self.report().document["suppressed"])

    def test_a_star_is_any_finding_and_that_is_said_too(self):
        self.assertEqual(self.found(self.with_known("* path */work/*")), set())
        text = self.flocktrace("report", "--suppressions", "known", "trace").stdout
        self.assertIn(f"\nFindings\nSuppressed: {len(self.all)} findings (", text)

    def test_a_function_of_any_stack_of_it_suppresses(self):
        self.record(victim("close_drops"), trace="dropped")
        count = len(self.report("dropped").document["findings"])
        self.assertGreater(count, 0)
        for pattern, left in ("ma?n", 0), ("mai", count):
            self.write("* function " + pattern)
            self.assertEqual(len(self.report("dropped", "--suppressions", "known").document["findings"]), left, pattern)

    def test_what_gen_suppressions_writes_suppresses_all_of_it_and_nothing_else(self):
        self.assertEqual(self.flocktrace("report", "--gen-suppressions", "-o", "known", "trace").returncode, 0)
        report = self.report("trace", "--suppressions", "known")
        self.assertEqual((self.found(report), report.document["suppressed"]["findings"]), (set(), len(self.all)))
        self.record(PYTHON, "-c", MISTAKES.replace("two", "three"), trace="other")
        names = {name for _, name in self.found(self.report("other", "--suppressions", "known"))}
        self.assertEqual(names, {"three", "three.b"})

    def test_a_name_with_the_signs_of_a_pattern_is_written_as_one_that_matches(self):
        name = "a [b]*\\?\n#c "
        self.record(PYTHON, "-c", MISTAKES.replace('"one", "two"', repr(name) + ","), trace="odd")
        before = self.report("odd").document["findings"]
        self.assertGreater(len(before), 0)
        self.assertEqual(self.flocktrace("report", "--gen-suppressions", "-o", "known", "odd").returncode, 0)
        self.assertEqual(self.report("odd", "--suppressions", "known").document["findings"], [])

    def test_a_line_that_is_none_is_refused(self):
        for line in ("no-such-finding", "polling way x", "polling path", "polling function "):
            self.write("# fine", line)
            result = self.flocktrace("report", "--suppressions", "known", "trace")
            self.assertEqual((result.returncode, result.stdout), (125, ""), line)
            self.assertRegex(result.stderr, r"\Aflocktrace: known:2: [^\n]+\n\Z", line)
        result = self.flocktrace("report", "--suppressions", "missing", "trace")
        self.assertEqual((result.returncode, result.stderr), (125, "flocktrace: missing: No such file or directory\n"))


class RunOptions(EndToEnd):
    def test_run_reports_as_report_does_with_the_same_options(self):
        self.run_program("sh", "-c", "echo 'polling' >known; echo '* [0,EOF) JOB' >names")
        options = ("--by", "process", "--columns", "PROCESS,ACQUIRED", "--sort", "acquired", "--path", "*/one*", "--suppressions",
                   "known", "--names", "names", "-n", "5")
        run = self.flocktrace("run", "--trace", "kept", "-o", "report", *options, "--", PYTHON, "-c", MISTAKES)
        self.assertEqual((run.returncode, run.stdout), (0, ""), run.stderr)
        with open(self.path("report"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text, self.flocktrace("report", *options, "kept").stdout)
        for part in ("Only locks on */one*.", "Processes, by times acquired", "Suppressed: 1 finding (polling 1x), by known."):
            self.assertIn(part, text)
        run = self.flocktrace("run", "-o", "report.json", "--json", *options, "--", PYTHON, "-c", MISTAKES)
        with open(self.path("report.json"), encoding="utf-8") as file:
            document = json.load(file)
        self.assertEqual((document["suppressed"]["findings"], document["groups"][0]["by"]), (1, "process"))
        self.assertIn("JOB", {resource["name"] for resource in document["resources"]})

    def test_a_mistake_in_them_is_said_before_the_program_runs(self):
        self.run_program("sh", "-c", "echo 'no-such-finding' >bad")
        for options in (("--by", "owner"), ("--columns", "SIZE"), ("--since", "x"), ("--names", "bad"), ("--suppressions", "bad"),
                        ("--suppressions", "missing")):
            result = self.flocktrace("run", *options, "--", "touch", "ran")
            self.assertEqual((result.returncode, result.stdout), (125, ""), options)
            self.assertRegex(result.stderr, r"\Aflocktrace( run)?: [^\n]+\n\Z", options)
            self.assertFalse(os.path.exists(self.path("ran")))


if __name__ == "__main__":
    main()
