#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The table of ioctl requests, against what dump and strace say of the same program."""

import collections
import os
import re

from e2e import EndToEnd, main, needs, victim

ALL = {"FLOCKTRACE_IOCTL": "all"}
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class Ioctls(EndToEnd):
    def ioctls(self, report):
        """{(name, base name of the file): entry}; names alone where the file is not known."""
        return {(one["name"], os.path.basename(one["path"] or "")): one for one in report.document["ioctls"]}

    def by_name(self, report, member):
        counts = collections.Counter()
        for one in report.document["ioctls"]:
            counts[one["name"]] += one[member]
        return counts

    def test_each_request_on_each_file_has_its_calls_errors_and_times(self):
        self.record(victim("ioctl"), environment=ALL)
        report = self.report()
        times, calls, errors = collections.Counter(), collections.Counter(), collections.Counter()
        for name, result, number, unit in re.findall(r" ioctl\(fd=\d+, (\w+)\) = (-?\d+).*  ([\d.]+) (ns|us|ms|s)$",
                                                     self.flocktrace("dump", "trace").stdout, re.M):
            calls[name] += 1
            errors[name] += result != "0"
            times[name] += float(number) * UNITS[unit]
        self.assertGreaterEqual(sum(calls.values()), 5)
        self.assertEqual(self.by_name(report, "calls"), calls)
        self.assertEqual(+self.by_name(report, "errors"), +errors)
        self.assertEqual(errors["TIOCEXCL"], 2)
        for one in report.document["ioctls"]:
            self.assertEqual(one["unfinished"], 0)
            self.assertLessEqual(one["time_ns"]["p50"], one["time_ns"]["p99"])
            self.assertLessEqual(one["time_ns"]["max"], one["time_ns"]["total"])
            self.assertTrue(any(frame.startswith("main ") for frame in report.sites[one["slowest"]["site"]]), one)
        for name, time in times.items():
            total = sum(one["time_ns"]["total"] for one in report.document["ioctls"] if one["name"] == name)
            self.assertLess(abs(total - time), 0.01 * time + 10, name)

    def test_those_that_keep_others_out_are_marked(self):
        self.record(victim("ioctl"), environment=ALL)
        report = self.report()
        marks = {one["name"]: one["excludes"] for one in report.document["ioctls"]}
        self.assertLessEqual({"TIOCEXCL": True, "TIOCNXCL": True, "FIONREAD": False}.items(), marks.items())
        text = self.flocktrace("report", "trace").stdout
        table = text[text.index("ioctl requests, by time taken"):].splitlines()[1:]
        self.assertEqual({line.split()[0]: " others " in line for line in table[1:] if line}, marks)
        self.assertIn(("TIOCEXCL", ""), {(one["name"], one["path"] or "") for one in report.document["ioctls"] if one["errors"]})

    def test_without_one_there_is_no_table(self):
        self.record("flock", "f", "true")
        self.assertNotIn("ioctl", self.flocktrace("report", "--all", "trace").stdout)
        self.assertEqual(self.report().document["ioctls"], [])

    @needs("strace", "script")
    def test_a_terminals_requests_are_those_that_strace_sees(self):
        """stty and tput ask the terminal that script(1) gives them."""
        command = "stty -a >/dev/null; stty rows 30; stty cols 90"
        strace = self.run_program("strace", "-f", "-o", "calls", "-e", "trace=ioctl", "script", "-qec", command, "/dev/null")
        self.assertEqual(strace.returncode, 0, strace.stderr)
        with open(self.path("calls"), encoding="utf-8") as file:
            seen = collections.Counter(re.findall(r"ioctl\(\d+, (TIOC[GS]WINSZ|TCSETSW)\b", file.read()))
        self.assertGreater(seen["TIOCSWINSZ"], 0)
        self.record("script", "-qec", command, "/dev/null", environment=ALL)
        calls = self.by_name(self.report(), "calls")
        for name in ("TIOCGWINSZ", "TIOCSWINSZ"):
            self.assertEqual(calls[name], seen[name], (name, calls, seen))


if __name__ == "__main__":
    main()
