#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each finding: a program that makes the mistake, with who did what where, and its twin that comes close and hasn't."""

import os
import re
import unittest

from e2e import VICTIMS, EndToEnd, main

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# id -> program, file, {role of a side: function that its site must have}
MISTAKES = {
    "close-drops-lock": ("lost", "data", {"dropped": "look_into_file", "taken": "take_records", "taken then": "intruder"}),
    "upgrade-lost-lock": ("lost", "data", {"lost": "try_to_convert", "taken": "take_shared", "taken then": "writer_gets_in"}),
    "upgrade-gap": ("lost", "data", {"converted": "convert", "taken before": "take_shared", "taken in between": "writer_in_between"}),
    "unlocked-by-other": ("lost", "data", {"released": "child_cleans_up", "taken": "take_for_parent", "taken then": "writer_gets_in"}),
    "leaked-to-child": ("owners", "data", {"taken": "take_and_start", "kept": None, "wanted": "other_wants"}),
    "mixed-apis": ("files", "data", {"locked by flock": "by_flock", "locked by fcntl or lockf": "by_record_lock"}),
    "unlinked-lock-file": ("files", "data (deleted)", {"taken": "lock_nameless", "locked before": "lock_and_unlink"}),
    "replaced-lock-file": ("files", "data", {"taken": "lock_new", "held": "hold_old"}),
    "polling": ("tries", "data", {"tried": "try_again", "held": "holder"}),
    "test-then-lock": ("tries", "data", {"locked": "lock_if_free", "tested": "lock_if_free"}),
    "spurious-edeadlk": ("waits", "data", {"refused": "ask_for_second", "held": "idle_takes_second", "waiting": "wait_for_first"}),
    "edeadlk": ("waits", "data", {"refused": "ask_for_second", "held": "take_second", "waiting": "wait_for_first"}),
    "starved-writer": ("waits", "data", {"waited": "writer", "overtaken": "read_along"}),
    "never-released": ("owners", "data", {"taken": "take_for_good"}),
    "slow-nonblocking": ("tries", "data", {"called": "try_thrice"}),
}

# Needs a file system that there is none of here: unit tests look for it. What is seen only while it lasts is in e2e/ending.py and
# e2e/holders.py.
ELSEWHERE = ["excludes-nobody", "stuck-idle", "stuck-inherited", "stuck-stopped", "stuck-unrecorded"]


def table():
    """(id, severity, about, remedy) of each row of findings.def, as the compiler sees it."""
    with open(os.path.join(TOP, "analyzer/findings/findings.def")) as file:
        text = file.read()
    string = r'"((?:[^"\\]|\\.)*)"'
    rows = re.findall(rf"^X\(\w+,\s*{string},\s*(\w+),\s*{string},\s*{string},\s*{string},\s*{string},", text, flags=re.M)
    return [(name, severity.lower(), about, remedy) for name, severity, about, sentence, also, remedy in rows]


def functions(report, site):
    return [re.match(r"\w*", frame).group() for frame in report.sites[site]]


class Mistakes(EndToEnd):
    def findings(self, name, variant):
        program = os.path.join(VICTIMS, "mistake-" + MISTAKES[name][0])
        for left in os.listdir(self.directory):
            os.unlink(self.path(left))
        _, report = self.recorded(program, name, variant)
        return report, report.document["findings"]

    def check_mistake(self, name):
        _, file, roles = MISTAKES[name]
        report, findings = self.findings(name, "mistake")
        self.assertEqual([finding["id"] for finding in findings], [name])
        finding = findings[0]
        self.assertEqual(os.path.basename(finding["path"]), file)
        self.assertEqual({side["role"] for side in finding["sides"]}, set(roles))
        for side in finding["sides"]:
            function = roles[side["role"]]  # None: did nothing itself
            if function:
                self.assertIn(function, functions(report, side["site"]), side["role"])
            else:
                self.assertIsNone(side["site"])
        self.assertEqual(finding["site"], finding["sides"][0]["site"])
        severity, remedy = next((row[1], row[3]) for row in table() if row[0] == name)
        self.assertEqual((finding["severity"], finding["remedy"]), (severity, remedy))
        self.assertIn(file, finding["message"])
        self.assertNotIn("{", finding["message"])
        text = self.flocktrace("report", "trace").stdout
        self.assertRegex(text, rf"(?m)^1\. {severity} {name}: \w")
        self.assertIn(remedy, text)
        for function in filter(None, roles.values()):
            self.assertIn(function + "()", text)

    def test_each_EDEADLK_comes_with_who_held_what_and_waited_for_whom_then(self):
        for name, others_holds in (("edeadlk", "take_second"), ("spurious-edeadlk", "idle_takes_second")):
            with self.subTest(name):
                report, findings = self.findings(name, "mistake")
                self.assertEqual(len(report.document["refusals"]), 1)
                refusal = report.document["refusals"][0]
                refused, other = refusal["members"]
                self.assertEqual(refusal["spurious"], name == "spurious-edeadlk")
                self.assertEqual([refused["pid"], other["pid"]], [findings[0]["sides"][0]["pid"], findings[0]["sides"][1]["pid"]])
                self.assertEqual([refused["waits_for"]["start"], other["waits_for"]["start"]], [10, 0])
                self.assertEqual([[hold["start"] for hold in member["holds"]] for member in (refused, other)], [[0], [10]])
                for site, function in ((refused["site"], "ask_for_second"), (other["site"], "wait_for_first"),
                                       (refused["holds"][0]["site"], "take_first"), (other["holds"][0]["site"], others_holds)):
                    self.assertIn(function, functions(report, site))
                if refusal["spurious"]:
                    self.assertEqual(refusal["releaser"]["tid"], other["holds"][0]["acquired_by"]["tid"])
                else:
                    self.assertIsNone(refusal["releaser"])
                text = self.flocktrace("report", "trace").stdout
                self.assertRegex(text, rf"\nRefused with EDEADLK\n1\. mistake-waits\[{refused['pid']}\] was refused a lock on data at ")
                self.assertEqual("took it for a circle, but it was none" in text, refusal["spurious"])
                self.assertEqual(re.search(r"\] did not wait, and could have released", text) is not None, refusal["spurious"])

    def test_each_row_of_the_table_has_a_program_with_the_mistake_and_a_twin(self):
        self.assertEqual(sorted(row[0] for row in table()), sorted([*MISTAKES, *ELSEWHERE]))


def add_tests(name):
    def mistake(self):
        self.check_mistake(name)

    def twin(self):
        _, findings = self.findings(name, "twin")
        self.assertEqual(findings, [])

    identifier = name.replace("-", "_")
    setattr(Mistakes, f"test_{identifier}_is_found_with_all_its_sides", mistake)
    setattr(Mistakes, f"test_{identifier}_is_not_found_in_its_twin", twin)


for identifier in MISTAKES:
    add_tests(identifier)

if __name__ == "__main__":
    main()
