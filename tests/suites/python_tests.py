# SPDX-License-Identifier: MIT
"""CPython's own tests, test by test."""

import xml.etree.ElementTree

from place import Failed

NEEDS = ["/usr/lib/python3.11/test/test_fcntl.py"]
TESTS = "test_fcntl test_ioctl test_posix test_os test_subprocess test_tempfile test_mailbox test_multiprocessing_fork".split()


def outcome(case):
    for kind in ("failure", "error", "skipped"):
        if case.find(kind) is not None:
            return kind
    return "passed" if case.get("result") == "completed" else str(case.get("result"))


def run(place):
    outcomes = {}
    for test in TESTS[:1] if place.short else TESTS:
        results = place.directory / (test + ".xml")
        output, status = place.run("/usr/bin/python3.11", "-m", "test", "--tempdir", str(place.directory), "--junit-xml", str(results), test)
        if not results.exists():
            raise Failed(output[-2000:])
        outcomes[test] = f"exit {status}"
        for case in xml.etree.ElementTree.parse(results).iter("testcase"):
            outcomes[case.get("name")] = outcome(case)
    return outcomes
