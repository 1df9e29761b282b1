#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks a JSON report from stdin against the contract of schema 1, whatever it is about."""
import json
import re
import sys

KEYS = {
    "run": {"version", "command", "start", "end", "status"},
    "quality": {"events", "lost", "holes", "overlaps", "untraced_holders", "still_running", "untraced_processes"},
    "processes": {"id", "pid", "ppid", "command", "exe"},
    "sites": {"id", "frames"},
    "resources": {"id", "path", "device", "inode", "world", "start", "end", "name", "acquisitions",
                  "contended", "failed_tries", "wait_ns", "hold_ns"},
    "waits": {"pid", "tid", "command", "resource", "mode", "kind", "begin", "wait_ns", "outcome",
              "site", "holders", "attempts", "wasted_calls", "polling_tax_ns"},
    "blame": {"waiter_site", "holder_site", "exclusive_ns", "inclusive_ns", "waits"},
    "root_blame": {"waiter_site", "holder_site", "exclusive_ns", "held_path", "waits"},
    "process_blame": {"pid", "command", "waits", "wait_ns", "exclusive_ns", "root_ns"},
    "findings": {"id", "severity", "message", "remedy", "count", "path", "resources", "site", "sides"},
    "ioctls": {"request", "name", "excludes", "path", "calls", "errors", "unfinished", "time_ns", "slowest"},
    "errors": {"call", "error", "errno", "path", "count", "site"},
}
HOLDER_KEYS = {"pid", "tid", "command", "mode", "overlap_ns", "traced", "site"}
ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def refuse_float(text):
    raise ValueError(f"{text} is not an exact integer")


def members(report, key):
    value = report[key]
    return value if isinstance(value, list) else [value]


def ends(nodes):
    """{innermost frame, or what is none: ns} of a tree; what a frame has is what those below it have, and what ends there."""
    sums = {}
    for node in nodes:
        below = sum(one["ns"] for one in node["below"])
        assert node["ns"] >= below, node
        for frame, ns in [*ends(node["below"]).items(), (node["frame"] or node["about"], node["ns"] - below)]:
            sums[frame] = sums.get(frame, 0) + ns
    return {frame: ns for frame, ns in sums.items() if ns}


def check_stacks(report):
    frames = {site["id"]: site["frames"] for site in report["sites"]}
    for tree, rows, side in ("waited", "blame", "waiter_site"), ("caused", "root_blame", "holder_site"):
        wanted = {}
        for row in report[rows]:
            if tree == "caused" and not row["holder_known"]:
                parts = {"hand-off: free, not yet granted": row["hand_off_ns"], "nobody known": row["exclusive_ns"] - row["hand_off_ns"]}
            else:
                parts = {(frames.get(row[side]) or ["at an unknown stack"])[0]: row["exclusive_ns"]}
            for frame, ns in parts.items():
                wanted[frame] = wanted.get(frame, 0) + ns
        nodes = report["stacks"][tree]
        assert sum(node["ns"] for node in nodes) == report["totals"]["wait_ns"], tree
        assert ends(nodes) == {frame: ns for frame, ns in wanted.items() if ns}, (tree, ends(nodes), wanted)


def check(report):
    assert report["schema"] == 1
    for key, wanted in KEYS.items():
        for member in members(report, key):
            assert wanted <= member.keys(), f"{key} lacks {wanted - member.keys()}"
    assert report["deadlocks"] == []

    sites = {site["id"] for site in report["sites"]}
    resources = {resource["id"]: resource for resource in report["resources"]}
    waited = dict.fromkeys(resources, 0)
    for wait in report["waits"]:
        assert wait["site"] is None or wait["site"] in sites
        assert ISO.match(wait["begin"]), wait["begin"]
        assert wait["outcome"] in ("granted", "failed", "abandoned", "died", "waiting", "gave_up")
        assert wait["kind"] in ("blocked", "poll")
        assert wait["attempts"] >= 1 + (wait["kind"] == "poll")
        assert (wait["polling_tax_ns"] or 0) <= wait["wait_ns"]
        waited[wait["resource"]] += wait["wait_ns"]
        for holder in wait["holders"]:
            assert HOLDER_KEYS <= holder.keys()
            assert holder["site"] is None or holder["site"] in sites
            assert holder["overlap_ns"] <= wait["wait_ns"]
    blamed = dict.fromkeys(resources, 0)
    for blame in report["blame"]:
        assert blame["exclusive_ns"] <= blame["inclusive_ns"]
        blamed[blame["resource"]] += blame["exclusive_ns"]
    assert report["quality"]["unbalanced_ns"] == 0
    for number, resource in resources.items():
        roots = sum(root["exclusive_ns"] for root in report["root_blame"] if root["resource"] == number)
        assert roots == resource["wait_ns"]["total"], "root blame differs from the waits"
    held = report["totals"]["wait_parts_ns"]["held"]
    assert sum(one["exclusive_ns"] for one in report["process_blame"]) == held
    assert sum(one["root_ns"] for one in report["process_blame"]) == held
    assert sum(report["totals"]["wait_parts_ns"].values()) == report["totals"]["wait_ns"]
    for wait in report["waits"]:
        assert sum(wait["wait_parts_ns"].values()) == wait["wait_ns"]
    for number, resource in resources.items():
        assert sum(resource["wait_parts_ns"].values()) == resource["wait_ns"]["total"]
        assert resource["held_by_anybody_ns"] <= resource["hold_ns"]["total"]
        assert resource["longest_queue"] <= resource["contended"]
        assert resource["world"] in ("record", "flock")
        assert resource["inode"] is None or isinstance(resource["inode"], str)
        assert blamed[number] == resource["wait_ns"]["total"], "blame differs from the waits"
        assert report["waits_omitted"] or waited[number] == resource["wait_ns"]["total"]
        for times in resource["wait_ns"], resource["hold_ns"]:
            assert times["p50"] <= times["p90"] <= times["p99"] <= times["max"] <= times["total"] or not times["total"]
    if report["stacks"]:
        check_stacks(report)
    assert sum(blamed.values()) == report["totals"]["wait_ns"]
    assert len(report["waits"]) + report["waits_omitted"] == report["totals"]["waits"]


if __name__ == "__main__":
    text = sys.stdin.buffer.read().decode("utf-8")  # bytes that are not UTF-8 end it here
    check(json.loads(text, parse_float=refuse_float))
