#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every number and name that a text report shows is in the JSON report of the same trace.

usage: twin.py PROGRAM SCENARIO…     PROGRAM SCENARIO text|all|stacks|json prints a report
"""
import collections
import json
import os
import re
import subprocess
import sys

DIRECTORY = "/srv/shop"  # paths are shown relative to it
NUMBER = r"\d[\d,]*(?:\.\d+)?"
TOKENS = [
    ("plain", r"less than 1 ms|shorter than 1 ms|^Frames not resolved.*|\(\d+ files\)"),  # said of the text itself
    ("device", r"device \d+:\d+"),
    ("duration", r"(?:\d+ min )?" + NUMBER + r" (?:ns|us|ms|s)\b"),
    ("clock", r"\b\d\d:\d\d:\d\d\b"),
    ("range", r"\[\d+, (?:\d+|EOF)\)"),
    ("process", r"\S+\[\d+\](?: thread \d+)?"),
    ("place", r"<module> \S+:\d+|\S+\(.*?\)(?: \S+:\d+|\+0x[0-9a-f]+ \(\S+?\))?"),
    ("share", r"(?:<1|\d+) %"),
    ("ordinal", r"(?:^\d+\. |stack #\d+)"),
    ("error", r"\bE[A-Z]{3,}\b|\bSIG[A-Z]+\b"),
    ("count", r"(?<![\w.#+\[])" + NUMBER + r"(?![\w.])"),
]
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in TOKENS), re.M)


def duration(ns):
    """As the report writes it."""
    for unit, size in ("s", 1e9), ("ms", 1e6), ("us", 1e3):
        for digits in 3 if unit == "s" else 2, 1:
            text = f"{ns / size:.{digits}f}"
            if float(text) >= 1 and len(text.replace(".", "")) <= (4 if digits == 3 else 3) + (digits == 1):
                yield f"{text} {unit}"
    yield f"{ns} ns"
    yield f"{ns // 60_000_000_000} min {ns // 1_000_000_000 % 60} s"


class Known:
    """What a JSON report says, in the forms that the text may have it."""

    def __init__(self, document):
        self.numbers, self.strings = set(), set()
        self.collect(document)
        self.document = document
        self.shares = collections.defaultdict(set)
        self.derive()

    def collect(self, value):
        if isinstance(value, dict):
            for key, one in value.items():
                self.strings.add(key)
                self.collect(one)
        elif isinstance(value, list):
            for one in value:
                self.collect(one)
        elif isinstance(value, bool):
            pass
        elif isinstance(value, int):
            self.numbers.add(value)
        elif isinstance(value, str):
            self.strings.add(value)

    def derive(self):
        """What is no number of its own there: sums by place, shares, what is left out, how many there are."""
        document, totals = self.document, self.document["totals"]
        sums = collections.Counter()
        for root in document["root_blame"]:
            sums[root["holder_site"], root["holder_known"], root["holder_pid"]] += root["exclusive_ns"]
            sums["site", root["holder_site"], root["holder_known"]] += root["exclusive_ns"]
            for frame in self.frames(root["holder_site"]):
                sums["frame", frame] += root["exclusive_ns"]
        self.numbers.update(sums.values())
        parts = totals["wait_parts_ns"]
        self.numbers.add(parts["held"] + parts["holds_omitted"])
        brief = [wait["wait_ns"] for wait in document["waits"] if wait["wait_ns"] < 1_000_000]
        self.numbers.update((sum(brief), len(brief), len(document["waits"]) - len(brief)))
        tries = collections.Counter()
        for error in document["errors"]:
            tries[error["call"], error["error"]] += error["count"]
        self.numbers.update(tries.values())
        conflicts = sum(resource["failed_tries"] for resource in document["resources"])
        self.numbers.update((totals["tries_taken"] - conflicts, totals["failed"] - conflicts))
        quality = document["quality"]
        self.numbers.update((quality["lost_stacks"] + quality["unresolved_stacks"], len(document["processes"]),
                             len(quality["untraced_processes"])))
        for wait in document["waits"]:
            self.shares[wait["wait_ns"]].update(holder["overlap_ns"] for holder in wait["holders"])
            pending = wait["outcome"] == "waiting"
            self.numbers.update((len(wait["holders"]), wait["holds_omitted"]) if not pending else ())
            for holder in wait["holders"]:
                self.add_doing(holder)
        for resource in document["resources"]:
            self.add_doing(resource)
        for tree in (document["stacks"] or {}).values():
            self.shares[totals["wait_ns"]].update(self.times(tree))

    def add_doing(self, looked_at):
        """By call, however it sleeps there; and what is left when one, two or three are named."""
        calls = collections.Counter()
        for one in looked_at["doing"]:
            calls[one["call"] or one["state"]] += one["looks"]
        most = [count for _, count in calls.most_common()]
        self.shares[looked_at["looks"]].update(most + [looked_at["looks"] - sum(most[:named]) for named in (1, 2, 3)])

    def frames(self, site):
        return next((one["frames"] for one in self.document["sites"] if one["id"] == site), [])

    def times(self, nodes):
        for node in nodes or ():
            yield node["ns"]
            yield from self.times(node["below"])

    def has_duration(self, text):
        return any(text in duration(number) for number in self.numbers) or text in self.document["quality"]["missing"]

    def has_device(self, text):
        return text in {f"device {os.major(number)}:{os.minor(number)}" for number in self.numbers}

    def has_count(self, text):
        return int(text.replace(",", "")) in self.numbers if "." not in text else any(text in string for string in self.strings)

    def has_clock(self, text):
        return any(re.match(r"\d{4}-\d\d-\d\dT" + text, string) for string in self.strings)

    def has_range(self, text):
        start, end = text[1:-1].split(", ")
        return int(start) in self.numbers and (end == "EOF" or int(end) in self.numbers)

    def has_process(self, text):
        name, numbers = re.match(r"(.*)\[(.*)$", text).groups()
        pids = [int(number) for number in re.findall(r"\d+", numbers)]
        return any(name == escaped(one["command"]) for one in self.document["processes"] if one["pid"] == pids[0]) and set(pids) <= self.numbers \
            or any(one["pid"] == pids[0] for one in self.document["quality"]["untraced_processes"])

    def has_place(self, text):
        """The JSON has the file's whole path, and names functions as the compiler does."""
        function = text.split(" ")[0].split("(")[0].split("::")[-1]
        where = re.search(r"(\S+:\d+)$", text)
        return any(function in string and (not where or os.path.basename(where.group(1)) in string) for string in self.strings)

    def has_share(self, text):
        if text.startswith("<"):
            return any(part * 100 < whole for whole, parts in self.shares.items() for part in parts)
        return any(whole and abs(100 * part / whole - int(text.split()[0])) <= 1 for whole, parts in self.shares.items() for part in parts)

    def has_error(self, text):
        return text in self.strings or text.startswith("SIG")

    def has_plain(self, _):
        return True

    def has_ordinal(self, _):
        return True


def escaped(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\x1b", "\\x1b")


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, env={**os.environ, "TZ": "UTC"}).stdout


def missing(program, scenario):
    known = Known(json.loads(run(program, scenario, "json")))
    for form in "text", "all", "stacks":
        text = run(program, scenario, form).decode("utf-8")
        for line in text.splitlines():
            for token in TOKEN.finditer(line):
                kind = token.lastgroup
                if not getattr(known, "has_" + kind)(token.group()):
                    yield f"{scenario} {form}: {kind} {token.group()!r} in {line!r}"
        for resource in re.findall(r"(?m)^(\S+) +(?:\[\d+, |flock )", text):
            paths = {os.path.relpath(one["path"], DIRECTORY) for one in known.document["resources"] if one["path"]}
            if resource not in {escaped(path).replace("\udcff", "\\xff") for path in paths} | {escaped(one["path"] or "") for one in known.document["resources"]}:
                yield f"{scenario} {form}: file {resource}"


def main():
    program, *scenarios = sys.argv[1:]
    lacking = [line for scenario in scenarios for line in missing(program, scenario)]
    print("\n".join(lacking) or f"{len(scenarios)} reports: all is there")
    sys.exit(bool(lacking))


if __name__ == "__main__":
    main()
