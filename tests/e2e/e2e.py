# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: a private directory, `record` and `report`, and looking things up in a report."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

FLOCKTRACE = os.environ["E2E_FLOCKTRACE"]
PRELOAD = os.environ["E2E_PRELOAD"]
VICTIMS = os.environ["E2E_VICTIMS"]
PYTHON = "/usr/bin/python3"
HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 60
MS = 1_000_000


def victim(name):
    return os.path.join(VICTIMS, "victim-" + name)


def needs(*programs):
    """Decorator: the test is skipped where one of the programs is not installed."""
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, "not installed: " + ", ".join(missing))


class EndToEnd(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="flocktrace-e2e.")
        self.addCleanup(scratch.cleanup)
        self.directory = os.path.join(scratch.name, "work")
        self.runtime = os.path.join(scratch.name, "runtime")
        os.mkdir(self.directory)
        os.mkdir(self.runtime, 0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOCKTRACE_", "LD_PRELOAD"))}
        self.environment = {**kept, "XDG_RUNTIME_DIR": self.runtime, "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1",
                            "LC_ALL": "C.UTF-8"}

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def run_program(self, *command, environment=None, stdin="", **options):
        """Any command in the private directory, to its end."""
        return subprocess.run(command, cwd=self.directory, env={**self.environment, **(environment or {})}, input=stdin,
                              capture_output=True, text=True, timeout=TIMEOUT, errors="replace", **options)

    def flocktrace(self, *arguments, **options):
        return self.run_program(FLOCKTRACE, *arguments, **options)

    def record(self, *command, status=0, environment=None, trace="trace"):
        """Records a command that must end with that status; its stdout. An older trace of that name goes."""
        if os.path.exists(self.path(trace)):
            os.unlink(self.path(trace))
        result = self.flocktrace("record", "-o", trace, "--", *command, environment=environment)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout

    def report(self, trace="trace", *options):
        result = self.flocktrace("report", "--json", *options, trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        return Report(json.loads(result.stdout))

    def recorded(self, *command, **options):
        """Records and reports; (stdout of the command, Report), of which nothing may be missing."""
        stdout = self.record(*command, **options)
        report = self.report(options.get("trace", "trace"))
        self.assert_clean(report)
        return stdout, report

    def assert_clean(self, report):
        quality = {key: report.quality[key] for key in ("lost", "holes", "overlaps")}
        self.assertEqual(quality, {"lost": 0, "holes": 0, "overlaps": 0})

    def assert_about(self, measured_ns, expected_ns):
        """Within 20 % and 5 ms: the scheduler of a busy machine is in both."""
        room = expected_ns * 0.2 + 5 * MS
        self.assertTrue(abs(measured_ns - expected_ns) <= room,
                        f"{measured_ns / MS:.3f} ms is not about {expected_ns / MS:.3f} ms")


def manual_of_json():
    """{member of the report: words of its section in flocktrace-json(5)}"""
    text = (pathlib.Path(__file__).resolve().parents[2] / "analyzer/flocktrace-json.5").read_text()
    return {name: set(re.findall(r"\w+", section)) for name, section in re.findall(r'^\.SH "(.*?)"\n(.*?)(?=^\.SH)', text, flags=re.M | re.S)}


def undocumented(document, manual):
    """Keys of a report that the manual does not name: of its members, of their elements, and of what is inside of these."""
    words = set().union(*manual.values())
    found = set(document) - set(manual) - {"schema"}

    def look(value, known, path):
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, dict):
                found.update(f"{path}.{key}" for key in element if key not in known)
                for key, inner in element.items():
                    look(inner, inner if key == "ids" else words, f"{path}.{key}")

    for name, value in document.items():
        look(value, manual.get(name, words), name)
    return found


class Report:
    """report --json, with lookups."""

    def __init__(self, document):
        if undocumented(document, manual_of_json()):
            raise AssertionError(f"not in flocktrace-json(5): {undocumented(document, manual_of_json())}")
        self.document = document
        self.quality = document["quality"]
        self.waits = document["waits"]
        self.sites = {site["id"]: site["frames"] for site in document["sites"]}
        self.resources_by_id = {resource["id"]: resource for resource in document["resources"]}

    def resources(self, name, **wanted):
        """Those of a file of that base name, with those members."""
        return [resource for resource in self.document["resources"]
                if os.path.basename(resource["path"] or "") == name and all(resource[key] == value for key, value in wanted.items())]

    def resource(self, name, **wanted):
        found = self.resources(name, **wanted)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} resources {name} {wanted} in {self.document['resources']}")
        return found[0]

    def waits_for(self, name, **wanted):
        return [wait for wait in self.waits
                if os.path.basename(self.resources_by_id[wait["resource"]]["path"] or "") == name
                and all(wait[key] == value for key, value in wanted.items())]

    def wait(self, name, **wanted):
        found = self.waits_for(name, **wanted)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} waits for {name} {wanted} in {self.waits}")
        return found[0]

    def total(self, name, member):
        return sum(resource[member] for resource in self.resources(name))

    def errors(self):
        """{(call, errno's name): count}"""
        counts = {}
        for error in self.document["errors"]:
            key = (error["call"], error["error"])
            counts[key] = counts.get(key, 0) + error["count"]
        return counts


def wait_for(condition, what):
    """Polls for an event that must come."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.002)


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
