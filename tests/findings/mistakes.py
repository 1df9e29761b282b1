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
}


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
            self.assertIn(roles[side["role"]], functions(report, side["site"]), side["role"])
        self.assertEqual(finding["site"], finding["sides"][0]["site"])
        severity, remedy = next((row[1], row[3]) for row in table() if row[0] == name)
        self.assertEqual((finding["severity"], finding["remedy"]), (severity, remedy))
        self.assertIn(file, finding["message"])
        self.assertNotIn("{", finding["message"])
        text = self.flocktrace("report", "trace").stdout
        self.assertRegex(text, rf"(?m)^1\. {severity} {name}: mistake-")
        self.assertIn(remedy, text)
        for function in roles.values():
            self.assertIn(function + "()", text)

    def test_each_row_of_the_table_has_a_program_with_the_mistake_and_a_twin(self):
        self.assertEqual([row[0] for row in table()], list(MISTAKES))


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
