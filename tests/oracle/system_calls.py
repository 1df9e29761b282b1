# SPDX-License-Identifier: MIT
"""What strace saw: for each thread the system calls that it made, in the order in which they began."""

import glob
import os
import re
import subprocess

MAIN_STARTS = 'write(1, "", 0)'
CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\) = (?P<result>.*)$|"
                  r"^(?P<name2>\w+)\((?P<arguments2>.*?)(?:\) = \?| <unfinished \.\.\.>)\)?$")
LOCK = re.compile(r"^fcntl\(-?\d+, F_(OFD_)?(GETLK|SETLKW?)\b|^flock\(")


class Call:
    def __init__(self, name, arguments, result):
        self.name = name
        self.arguments = arguments
        self.result = result

    def __str__(self):
        return f"{self.name}({self.arguments}) = {self.result}"

    def is_lock(self):
        return bool(LOCK.match(str(self)))


def parse_call(line):
    """None for what is not a call: signals, exits."""
    match = CALL.match(line)
    if not match or line.startswith(("---", "+++")):
        return None
    if match["name2"]:
        return Call(match["name2"], match["arguments2"], "?")
    # What strerror says of an errno is no part of it.
    result = re.sub(r"^(-1 E\w+) \(.*\)$", r"\1", match["result"])
    return Call(match["name"], match["arguments"], result)


def parse_thread(lines):
    """
    A call that a signal interrupts shows as ERESTARTSYS, and again after the handler where the kernel restarts it. Here it is
    one call at the place where it began; it never came back ("?") unless the handler returned.
    """
    calls, interrupted, restarting = [], [], None
    for line in lines:
        call = parse_call(line)
        if not call:
            continue
        if call.name == "execve" and call.result == "0":
            calls = []
        if call.name == "rt_sigreturn":
            pending = interrupted.pop() if interrupted else None
            if call.result == "-1 EINTR" and pending:
                pending.result = call.result
            else:
                restarting = pending
        elif restarting and (call.name, call.arguments) == (restarting.name, restarting.arguments):
            restarting.result = call.result
            if call.result.startswith("? ERESTART"):
                restarting.result = "?"
                interrupted.append(restarting)
            restarting = None
            continue
        if call.result.startswith("? ERESTART"):
            call.result = "?"
            interrupted.append(call)
        calls.append(call)
    return calls


def images(lines):
    """The thread's lines, cut where exec put a new image in place."""
    part = []
    for line in lines:
        part.append(line)
        if line.startswith("execve(") and line.rstrip().endswith(" = 0"):
            yield part[:-1]
            part = []
    yield part


def read_threads(prefix):
    """{tid: [Call]} of what happened after main started; what belongs to no victim's main is left out."""
    threads = {}
    for path in glob.glob(prefix + ".*"):
        with open(path, errors="replace") as file:
            lines = file.read().splitlines()
        calls = []
        execs = 0
        for image in images(lines):
            part = parse_thread(image)
            marks = [i for i, call in enumerate(part) if f"{call.name}({call.arguments})" == MAIN_STARTS]
            if marks:
                calls += part[marks[0] + 1:]
            elif execs == 0 and not starts_with_exec(lines):
                calls += part
            execs += 1
        threads[int(path.rsplit(".", 1)[1])] = calls
    return threads


def starts_with_exec(lines):
    return bool(lines) and lines[0].startswith("execve(")


def strace_options(prefix):
    return ["-ff", "-a1", "-s64", "-o", prefix]


def can_trace():
    try:
        return subprocess.run(["strace", "-o", os.devnull, "true"], stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False
