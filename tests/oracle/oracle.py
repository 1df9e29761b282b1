#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Whether the kernel, strace and flocktrace agree on the lock calls of a victim.

    oracle.py [--doctored | --at-most=N] FLOCKTRACE VICTIM [ARG...]

1. The victim under strace alone: it made the calls that it announces.
2. The victim under strace, recorded: the same lock calls, no other system calls but the recorder's permitted ones, and
   `flocktrace dump --calls` is that list.
3. The victim recorded, without strace: the dump is what the victim announces, and the report has nothing to complain of.

--at-most=N bounds the number of the recorder's own system calls.
--doctored falsifies one line that the victim announces; the run is good if each of the three comparisons refuses it.
Exit status 77: strace cannot trace here.
"""

import collections
import json
import os
import re
import subprocess
import sys
import tempfile

from system_calls import Call, can_trace, parse_call, read_threads, strace_options

TIMEOUT = 60
# Law 1: the recorder's own system calls after main has started. getpid and getppid: whether this is still the process that it
# was, since a vfork child has the memory that would tell. kcmp: whether an inherited fd is the parent's under another number.
# sigaltstack: whether an interrupted call can be told from a left one.
PERMITTED = {"statx", "fstat", "newfstatat", "readlink", "readlinkat", "fstatfs", "gettid", "mmap", "lseek", "getpid", "getppid",
             "sigaltstack", "kcmp"}
# Not the same from run to run: sleeping, waking, and what the allocator asks for.
RACY = {"futex", "clock_nanosleep", "restart_syscall", "sched_yield", "brk", "munmap", "mprotect", "madvise", "getrandom", "rt_sigreturn"}


class Disagreement(Exception):
    pass


def run(command, directory, **options):
    result = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=TIMEOUT, errors="replace", **options)
    if result.returncode:
        raise Disagreement(f"{' '.join(command)}: status {result.returncode}\n{result.stderr}")
    return result.stdout


def announced(stdout):
    """{tid: [line]} that the victim says it makes."""
    lines = stdout.splitlines()
    if not lines or lines[-1] != "OK":
        raise Disagreement("the victim did not end with OK:\n" + stdout)
    return by_thread(lines[:-1])


def by_thread(lines):
    threads = collections.defaultdict(list)
    for line in lines:
        tid, call = line.split(" ", 1)
        threads[int(tid)].append(call)
    return dict(threads)


def doctor(threads):
    first = min(threads)
    threads[first][0] = threads[first][0].replace("= 0", "= -1 EAGAIN") if threads[first][0].endswith("= 0") \
        else re.sub(r"= -1 \w+$", "= 0", threads[first][0])
    return threads


def same(what, expected, found):
    if expected == found:
        return
    text = [f"{what} disagree"]
    for key in sorted(set(expected) | set(found), key=str):
        a, b = expected.get(key, []), found.get(key, [])
        if a == b:
            continue
        text.append(f"  thread {key}:")
        for i in range(max(len(a), len(b))):
            left, right = (x[i] if i < len(x) else "(nothing)" for x in (a, b))
            if left != right:
                text.append(f"  call {i + 1}:\n  - {left}\n  + {right}")
    raise Disagreement("\n".join(text))


def lock_calls(threads):
    found = {tid: [str(call) for call in calls if call.is_lock()] for tid, calls in threads.items()}
    return {tid: calls for tid, calls in found.items() if calls}


def anonymous(text):
    """Without what differs from run to run: pids and addresses."""
    text = re.sub(r"l_pid=[1-9]\d*", "l_pid=PID", text)
    return re.sub(r"0x[0-9a-f]{4,16}\b", "ADDRESS", text)


def any_order(threads):
    """Threads have other numbers in another run: a multiset of lists."""
    return dict(collections.Counter(tuple(anonymous(call) for call in calls) for calls in threads.values()))


def same_locks(native, recorded):
    a, b = any_order(lock_calls(native)), any_order(lock_calls(recorded))
    if a != b:
        raise Disagreement(f"lock calls differ\n  alone:    {sorted((a.items() - b.items()))}\n"
                           f"  recorded: {sorted((b.items() - a.items()))}")


def significant(calls):
    """Calls as (name, descriptor, result's kind), without looks into /proc, which a victim repeats until they please it."""
    looking = None
    for call in calls:
        if call.name in RACY:
            continue
        if call.name == "openat" and '"/proc/' in call.arguments:
            looking = call.result
            continue
        descriptor = re.match(r"-?\d+\b", call.arguments)
        descriptor = descriptor[0] if descriptor else ""
        if looking and call.name in ("read", "close") and descriptor == looking:
            looking = None if call.name == "close" else looking
            continue
        if call.name in ("kill", "tgkill", "wait4", "waitid", "exit_group", "set_robust_list", "clone3", "clone", "getpid"):
            descriptor = ""
        result = call.result.split()
        result = " ".join(result[:2]) if result[0] == "-1" else ""
        yield call, (call.name, descriptor, result)


def is_permitted(call):
    if call.name == "rt_sigprocmask":
        # Whether memory can be read is asked with one that cannot succeed. No signal may come into a stack walk, or into the
        # making of what a thread or process has once.
        return call.result.startswith("-1 ") or call.arguments.startswith("SIG_BLOCK, ~[") or ", NULL, " in call.arguments
    if call.name == "sigaltstack":
        return call.arguments.startswith("NULL, ")
    return call.name in PERMITTED


def only_permitted_more(native, recorded):
    """None, or the first system call that is not the victim's own."""
    expected = [key for _, key in significant(native)]
    at = 0
    for call, key in significant(recorded):
        if at < len(expected) and key == expected[at]:
            at += 1
        elif not is_permitted(call):
            return f"{call} instead of {expected[at] if at < len(expected) else 'nothing'}"
    return None if at == len(expected) else f"{expected[at]} is missing"


def same_system_calls(native, recorded, at_most=None):
    """Each recorded thread is one of the native run's, plus permitted calls."""
    more = sum(len(list(significant(calls))) for calls in recorded.values()) \
        - sum(len(list(significant(calls))) for calls in native.values())
    if at_most is not None and more > at_most:
        raise Disagreement(f"{more} system calls more than alone, only {at_most} are acceptable")
    left = list(native.values())
    for tid, calls in recorded.items():
        verdicts = [only_permitted_more(other, calls) for other in left]
        if None not in verdicts:
            locks = any_order(lock_calls({0: calls}))
            near = [v for v, other in zip(verdicts, left) if any_order(lock_calls({0: other})) == locks] or verdicts
            raise Disagreement(f"system calls of thread {tid} differ: {near[0] if near else 'there is no such thread'}")
        left.pop(verdicts.index(None))


def comparable(text):
    """As much as a record can tell: where a call failed, what the pointer of a query led to is not known."""
    text = re.sub(r"(F_(?:OFD_)?GETLK), (?:0x\w+|NULL|\{.*\}|\?)(\) = -1)", r"\1, ADDRESS\2", text)
    return re.sub(r"(, )(?:0x\w+|NULL|\?|\{.*\})(\) = -1 EFAULT)", r"\1ADDRESS\2", text)


def dumped(flocktrace, trace, directory):
    calls = []
    for line in run([flocktrace, "dump", "--calls", trace], directory).splitlines():
        tid, text = line.split(" ", 1)
        call = parse_call(re.sub(r"\s+= ", " = ", text))
        if not call:
            raise Disagreement("not a call: " + line)
        if call.is_lock():
            calls.append(f"{tid} {call}")
    return by_thread(calls)


def as_known(call, found):
    """
    The call with as many question marks as the dump has. Only lockf's F_TEST may have any: whom it found stays inside libc.
    """
    if not re.match(r"fcntl\(-?\d+, F_GETLK, \{l_type=\?", found):
        return call
    for member in re.findall(r"(l_\w+)=\?", found):
        call = re.sub(member + r"=[^,}]+", member + "=?", call)
    return call


def same_dump(what, expected, found):
    found = {tid: [comparable(call) for call in calls] for tid, calls in found.items()}
    known = {}
    for tid, calls in expected.items():
        others = found.get(tid, []) + [""] * len(calls)
        known[tid] = [as_known(comparable(call), other) for call, other in zip(calls, others)]
    same(what, known, found)


def nothing_missing(flocktrace, trace, directory):
    quality = json.loads(run([flocktrace, "report", "--json", trace], directory))["quality"]
    bad = {key: quality[key] for key in ("lost", "holes", "overlaps") if quality[key]}
    if bad:
        raise Disagreement(f"the report's quality is not clean: {bad}")


# strace itself is not recorded; the victim that it starts is, in the session of `record`.
UNDER_STRACE = 'preload=$LD_PRELOAD; unset LD_PRELOAD; exec strace -E "LD_PRELOAD=$preload" "$@"'


def comparisons(flocktrace, victim, directory, twist, at_most):
    """Yields functions, each of which raises Disagreement if its comparison fails."""
    prefix = os.path.join(directory, "alone")
    stdout = run(["strace", *strace_options(prefix), *victim], directory)
    native = read_threads(prefix)
    said = twist(announced(stdout))
    yield lambda: same("victim and strace", said, lock_calls(native))

    prefix, trace = os.path.join(directory, "recorded"), os.path.join(directory, "under-strace.trace")
    stdout = run([flocktrace, "record", "-o", trace, "--", "sh", "-c", UNDER_STRACE, "sh", *strace_options(prefix), *victim],
                 directory)
    recorded = read_threads(prefix)
    said_recorded = twist(announced(stdout))
    yield lambda: same("recorded victim and strace", said_recorded, lock_calls(recorded))
    if twist is not doctor:
        yield lambda: same_locks(native, recorded)
        yield lambda: same_dump("strace and dump", lock_calls(recorded), dumped(flocktrace, trace, directory))
        yield lambda: same_system_calls(native, recorded, at_most)

    plain = os.path.join(directory, "plain.trace")
    stdout = run([flocktrace, "record", "-o", plain, "--", *victim], directory)
    said_plain = twist(announced(stdout))
    yield lambda: same_dump("victim and dump", said_plain, dumped(flocktrace, plain, directory))
    if twist is not doctor:
        yield lambda: nothing_missing(flocktrace, plain, directory)


def main(arguments):
    if not can_trace():
        print("strace cannot trace here")
        return 77
    options = [argument for argument in arguments if argument.startswith("--")]
    flocktrace, *victim = arguments[len(options):]
    doctored = "--doctored" in options
    at_most = next((int(option.split("=")[1]) for option in options if option.startswith("--at-most=")), None)
    failures, refused = 0, 0
    with tempfile.TemporaryDirectory(prefix="flocktrace-oracle.") as directory:
        try:
            twist = doctor if doctored else lambda threads: threads
            for compare in comparisons(flocktrace, victim, directory, twist, at_most):
                try:
                    compare()
                    if doctored:
                        print("a falsified expectation was accepted")
                        failures += 1
                except Disagreement as error:
                    refused += 1
                    if not doctored:
                        print(error)
                        failures += 1
        except Disagreement as error:
            print(error)
            failures += 1
    return 1 if failures or (doctored and refused != 3) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
