#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The views of a report: what its lines are, their order and columns, and which part of the trace it is about."""

import json
import os
import re
import time

from e2e import EndToEnd, PYTHON, main, needs

# Two files contended for one after the other, the second twice as long; another only tried.
PROGRAM = """
import fcntl, lab, time
def lock(file):
    fcntl.lockf(file, fcntl.LOCK_EX, 100)
def free(file):
    fcntl.lockf(file, fcntl.LOCK_UN, 100)
lab.contend("first.lock", lock, free, lock, 20)
time.sleep(0.3)
lab.contend("second.lock", lock, free, lock, 60)
for _ in range(3):
    with open("third", "w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
"""

MANY = """
import fcntl
def lock(name, start, length=1):
    with open(name, "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, length, start)
for number in range(12):
    lock(f"sess_{number:032x}", 0, 0)
    lock(f"cache-{number}.idx", 0, 0)
    lock("random", 1000 * number, 7)
lock("a1.lock", 0, 0)
lock("a2.lock", 0, 0)
"""


class Views(EndToEnd):
    def text(self, *options):
        result = self.flocktrace("report", *options, "trace")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def table(self, *options):
        """(heading, header, lines) of the table of uses, cut at blanks."""
        parts = self.text(*options).split("\n\n")
        table = next(part for part in parts if re.match(r"(Resources|Sites|Processes|Commands), by ", part)).splitlines()
        return table[0], table[1].split(), [line.split() for line in table[2:]]

    def setUp(self):
        super().setUp()
        if self._testMethodName.startswith("test_those"):
            self.record(PYTHON, "-c", MANY)
        else:
            self.record(PYTHON, "-c", PROGRAM)

    def refused(self, *options):
        result = self.flocktrace("report", *options, "trace")
        self.assertEqual((result.returncode, result.stdout), (125, ""), options)
        self.assertRegex(result.stderr, r"\Aflocktrace report: [^\n]+\n\Z")
        return result.stderr

    def test_the_table_is_sorted_by_what_was_asked_for(self):
        for key, words in ("wait", "time waited"), ("wait-max", "longest wait"), ("held", "time held"):
            heading, _, lines = self.table("--sort", key)
            self.assertEqual(heading, f"Resources, by {words}")
            self.assertEqual([line[0] for line in lines][:2], ["second.lock", "first.lock"])
        self.assertEqual(self.table("--sort", "acquired")[2][0][0], "third")

    def test_only_the_chosen_columns_are_there(self):
        self.assertEqual(self.table("--columns", "waited,FILE")[1], ["WAITED", "FILE"])
        self.assertIn(["1", "second.lock"], self.table("--columns", "waited,FILE")[2])
        header, usual = self.table("--columns", "+INODE")[1], self.table("--sort", "wait")[1]
        self.assertEqual(header, usual + ["INODE"])

    def test_every_column_that_is_listed_can_be_chosen(self):
        names = [line.split()[0] for line in self.flocktrace("report", "--list-columns").stdout.splitlines()]
        self.assertGreater(len(names), 15)
        for by in "resource", "site", "process", "command":
            header = self.table("--by", by, "--columns", ",".join(names))[1]
            self.assertEqual(" ".join(header), " ".join(names).replace("WAIT-", "WAIT ").replace("HELD-", "HELD ").replace("D-T", "D T"))

    def test_there_is_a_line_for_each_process_and_its_waits_are_its_own(self):
        waits = {f"{wait['command']}[{wait['pid']}]": wait["wait_ns"] for wait in self.report().waits}
        self.assertEqual(len(waits), 2)
        _, header, lines = self.table("--by", "process", "--columns", "process,waited")
        self.assertEqual({line[0] for line in lines if line[1] == "1"}, set(waits))
        self.assertEqual(len(lines), 3)
        groups = self.report("trace", "--by", "process").document["groups"]
        self.assertEqual({f"{group['command']}[{group['pid']}]": group["wait_ns"]["total"] for group in groups if group["contended"]}, waits)
        for times in (group[key] for group in groups for key in ("wait_ns", "hold_ns")):
            self.assertTrue(times["p50"] <= times["p90"] <= times["p99"], times)

    def test_processes_of_one_name_are_one_command(self):
        document = self.report("trace", "--by", "command").document
        group, = document["groups"]
        self.assertEqual((group["command"], group["processes"], group["contended"]), ("python3.11", 3, 2)
                         if group["command"] == "python3.11" else ("python3", 3, 2))
        self.assertEqual(group["wait_ns"]["total"], document["totals"]["wait_ns"])
        self.assertEqual(group["acquisitions"], sum(resource["acquisitions"] for resource in document["resources"]))

    def test_what_sites_waited_is_what_was_waited(self):
        document = self.report("trace", "--by", "site").document
        self.assertEqual(sum(group["wait_ns"]["total"] for group in document["groups"]), document["totals"]["wait_ns"])
        self.assertLessEqual({group["site"] for group in document["groups"]}, {site["id"] for site in document["sites"]} | {None})

    def test_stacks_are_trees_whose_sums_are_what_was_waited(self):
        for which, trees in ("waited", ["waited"]), ("caused", ["caused"]), ("both", ["waited", "caused"]):
            document = self.report("trace", "--stacks", which).document
            self.assertEqual([tree for tree in ("waited", "caused") if document["stacks"][tree] is not None], trees)
            for tree in trees:
                self.assertEqual(sum(node["ns"] for node in document["stacks"][tree]), document["totals"]["wait_ns"])
            text = self.text("--stacks", which)
            self.assertEqual([tree for tree, heading in (("waited", "\nStacks, by time waited there\n"),
                                                         ("caused", "\nStacks, by time that others waited ")) if heading in text], trees)
        self.assertIsNone(self.report().document["stacks"])
        self.assertNotIn("\nStacks", self.text())
        self.assertIn("waited, caused, both", self.refused("--stacks", "all"))

    def test_the_blame_of_places_and_of_resources_adds_up_to_what_was_waited(self):
        for what in "site", "resource":
            text = self.text("--blame", what)
            table = text[text.index("\nBlame, by "):].split("\n\n")[0]
            shares = [int(share) for share in re.findall(r" (\d+) %", table)]
            self.assertTrue(len(shares) <= 10 and 95 <= sum(shares) <= 100, table)
        self.assertNotIn("\nBlame", self.text())
        self.assertIn("site, process, resource", self.refused("--blame", "all"))

    def test_the_process_that_held_is_blamed(self):
        holder = max(self.report().document["process_blame"], key=lambda one: one["exclusive_ns"])
        text = self.text("--blame", "process")
        self.assertRegex(text, rf"\nBlame, by process\nPROCESS .*\n{re.escape(holder['command'])}\[{holder['pid']}\] ")

    def test_a_pattern_selects_files(self):
        document = self.report("trace", "--path", "fir*").document
        self.assertEqual({os.path.basename(resource["path"]) for resource in document["resources"]}, {"first.lock"})
        self.assertEqual((document["totals"]["waits"], document["filter"]["path"]), (1, "fir*"))
        self.assertEqual(self.text("--path", "fir*").splitlines()[3], "Only locks on fir*.")
        self.assertEqual(len(self.report("trace", "--path", "*/work/*.lock").document["resources"]), 2)

    def test_a_pid_selects_what_it_did_and_who_waited_for_it(self):
        first, second = sorted(self.report().waits, key=lambda wait: wait["begin"])
        of_waiter = self.report("trace", "--pid", str(first["pid"]))
        self.assertEqual([wait["pid"] for wait in of_waiter.waits], [first["pid"]])
        of_holder = self.report("trace", "--pid", str(first["holders"][0]["pid"]))
        self.assertEqual({wait["pid"] for wait in of_holder.waits}, {first["pid"], second["pid"]})
        self.assertEqual(self.report("trace", "--pid", "1").document["totals"]["requests"], 0)

    def test_moments_select_what_was_going_on_then(self):
        first, second = sorted(self.report().waits, key=lambda wait: wait["begin"])
        self.assertEqual([wait["begin"] for wait in self.report("trace", "--since", second["begin"]).waits], [second["begin"]])
        self.assertEqual([wait["begin"] for wait in self.report("trace", "--until", second["begin"]).waits], [first["begin"]])
        self.assertEqual(len(self.report("trace", "--since", "0").waits), 2)
        self.assertEqual(len(self.report("trace", "--since", "3600").waits), 0)
        utc = time.strptime(second["begin"][:19], "%Y-%m-%dT%H:%M:%S")
        local = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.mktime((*utc[:8], 0)) + 3 * 3600)) + second["begin"][19:-1]
        result = self.flocktrace("report", "--json", "--since", local, "trace", environment={"TZ": "XYZ-3"})
        self.assertEqual([wait["begin"] for wait in json.loads(result.stdout)["waits"]], [second["begin"]])

    def test_findings_are_of_that_part_too(self):
        script = ("import fcntl, os\nfor name in 'one', 'two':\n a = open(name, 'w'); fcntl.lockf(a, fcntl.LOCK_EX)\n"
                  " open(name).close(); fcntl.lockf(a, fcntl.LOCK_EX); b = open(name, 'w'); fcntl.flock(b, fcntl.LOCK_EX)\n")
        self.record(PYTHON, "-c", script, trace="found")
        paths = {os.path.basename(finding["path"]) for finding in self.report("found").document["findings"]}
        self.assertEqual(paths, {"one", "two"})
        paths = {os.path.basename(finding["path"]) for finding in self.report("found", "--path", "one").document["findings"]}
        self.assertEqual(paths, {"one"})

    def test_unknown_words_are_refused_with_the_choices(self):
        self.assertIn("resource, site, process, command", self.refused("--by", "owner"))
        self.assertIn("wait, wait-max, waited", self.refused("--sort", "size"))
        self.assertIn("'SIZE'", self.refused("--columns", "FILE,SIZE"))
        self.assertIn("FILE, RANGE, NAME", self.refused("--columns", ""))
        for value in "x", "-1", "12x", "2026-03-01", "2026-03-01T03:12:07X", "99999999999999999999":
            self.refused("--since=" + value)
            self.refused("--until=" + value)
        for value in "0", "x", "-1", "99999999999":
            self.refused("--pid=" + value)

    def test_those_files_that_differ_in_numbers_only_are_one_line(self):
        lines = self.text("--columns", "FILE,RANGE,ACQUIRED", "-n", "50")
        self.assertRegex(lines, r"(?m)^sess_# \(12 files\) +\[0, EOF\) +12$")
        self.assertRegex(lines, r"(?m)^cache-#\.idx \(12 files\) +\[0, EOF\) +12$")
        self.assertRegex(lines, r"(?m)^random +12 ranges in \[0, 11007\) +12$")
        self.assertRegex(lines, r"(?m)^a1\.lock +\[0, EOF\) +1$")
        self.assertIn("\n3 lines stand for several; --all shows each.\n", lines)

    def test_those_lines_open_up_when_all_is_asked_for(self):
        lines = self.text("--all")
        self.assertNotIn("files)", lines)
        for number in range(12):
            self.assertRegex(lines, rf"(?m)^sess_{number:032x} ")
            self.assertIn(f"random                                [{1000 * number}, {1000 * number + 7})".split()[1], lines)

    def test_those_lines_are_in_the_json_with_what_they_stand_for(self):
        document = self.report().document
        resources = {resource["id"]: resource for resource in document["resources"]}
        self.assertEqual({(os.path.basename(group["path"]), group["files"], group["ranges"]) for group in document["groups"]},
                         {("sess_#", 12, 1), ("cache-#.idx", 12, 1), ("random", 1, 12)})
        for group in document["groups"]:
            members = [resources[number] for number in group["resources"]]
            self.assertEqual(group["acquisitions"], sum(member["acquisitions"] for member in members))
            self.assertEqual(group["hold_ns"]["total"], sum(member["hold_ns"]["total"] for member in members))
            self.assertEqual(group["hold_ns"]["max"], max(member["hold_ns"]["max"] for member in members))


def duration(ns):
    """As the report writes it."""
    for below, unit, divisor in (1_000, "ns", 1), (999_950, "us", 1e3), (999_950_000, "ms", 1e6):
        if ns < below:
            return f"{ns} ns" if divisor == 1 else f"{ns / divisor:.{2 if ns < 9.995 * divisor else 1}f} {unit}"
    return f"{ns / 1e9:.{3 if ns < 9_999_500_000 else 1}f} s"


class Readable(EndToEnd):
    @needs("stress-ng")
    def test_random_ranges_by_the_hundred_are_a_few_lines(self):
        self.record("stress-ng", "--lockf", "1", "--lockf-ops", "500", "--temp-path", ".", "--quiet")
        self.assertGreater(len(self.report().document["resources"]), 100)
        text = self.flocktrace("report", "--columns", "FILE,RANGE,ACQUIRED", "-n", "1000", "trace").stdout
        table = re.search(r"(?m)^Resources, by time waited\n((?:.+\n)+)", text).group(1).splitlines()
        self.assertLess(len(table), 10, table)
        self.assertRegex("\n".join(table), r"(?m) [\d,]+ (ranges|and more) in \[")


class Twin(EndToEnd):
    def test_every_number_and_name_of_the_texts_tables_is_in_the_json(self):
        self.record(PYTHON, "-c", PROGRAM, trace="one")
        self.record(PYTHON, "-c", MANY, trace="two")
        for trace in "one", "two":
            for by in "resource", "process", "command":
                text = self.flocktrace("report", "--by", by, "-n", "100", trace).stdout
                document = json.loads(self.flocktrace("report", "--json", "--by", by, trace).stdout)
                self.assert_all_there(text, document)

    def assert_all_there(self, text, document):
        known = set()

        def collect(value):
            if isinstance(value, dict):
                for one in value.values():
                    collect(one)
            elif isinstance(value, list):
                for one in value:
                    collect(one)
            elif isinstance(value, int):
                known.update((str(value), f"{value:,}", duration(value), f"[{value},", f"{value})"))
            elif isinstance(value, str):
                known.update((value, os.path.relpath(value, os.path.realpath(self.directory)) if value.startswith("/") else value))
                known.update(value.split())
                known.add(os.path.basename(value))

        collect(document)
        known.update(f"{process['command']}[{process['pid']}]" for process in document["processes"])
        known.update(("-", "EOF)", "ranges", "in", "files)", "OFD"))
        table = re.search(r"(?m)^\w+, by .*\n(.*\n(?:.+\n)+)", text + "\n").group(1).splitlines()
        self.assertGreater(len(table), 1)
        for line in table[1:]:
            if re.match(r"(\d+ lines? stands? |and \d)", line):
                continue
            for word in re.findall(r"\d[\d,.]* (?:ns|us|ms|s)\b|\S+", line):
                self.assertTrue(word.lstrip("(") in known, f"{word} of {line} is not in the JSON report")


if __name__ == "__main__":
    main()
