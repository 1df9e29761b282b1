#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Processes that lock at random - ranges, modes, worlds, forks, threads, timers, signals, cancellation, kills - while `record` watches:
whoever was told to be in a certain deadlock never goes on, unless a member got a signal from outside; and each ring that was made on
purpose is told, with all its members. The first is asked twice: of the record, and of /proc while the deadlock lasts.

usage: live_stress.py [--seed N] [--seconds N] [--episodes N]     --episodes: with one seed after the other, until there were so many
"""

import argparse
import glob
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time

FLOCKTRACE = os.environ["E2E_FLOCKTRACE"]
STORM = os.path.join(os.environ["E2E_VICTIMS"], "victim-storm")
MARK = 1 << 40  # a query of this byte + pid, by the one that sends it, comes before each signal: the trace has their order
STANDS = 0.3  # s, so long it is looked at from outside
PATIENCE = 60  # s, until the last ring is told

LINE = re.compile(r"^\s*(\d+)\s+[\d.]+\s+(\d+)/(\d+)\s+(.*)$")
SEEN = re.compile(r"seen in a deadlock \((.*?)\) [\d.]+ ms old, (\d+) of (\d+)")
KILL = re.compile(r"F_GETLK.*\[(\d+), \d+\)")


def check(lines):
    """(how many certain verdicts, how many others, those that were false)"""
    certain, others, false, standing, gathered = 0, 0, [], [], []
    for line in lines:
        match = LINE.match(line)
        if not match or int(match[1]) == 0 or "died there" in match[4] or " = ?" in match[4]:
            continue
        position, pid, tid, text = int(match[1]), int(match[2]), int(match[3]), match[4]
        seen = SEEN.match(text)
        if seen:
            if seen[1] != "certain":
                others += int(seen[2]) == 1
                continue
            gathered.append((pid, tid))
            if int(seen[2]) == int(seen[3]):
                certain += 1
                standing.append((position, gathered))
                gathered = []
            continue
        kill = KILL.search(text)
        if kill and int(kill[1]) > MARK:
            standing = [one for one in standing if int(kill[1]) - MARK not in {member for member, _ in one[1]}]
        elif text.startswith("died"):
            standing = [one for one in standing if pid not in {member for member, _ in one[1]}]
        else:
            false += [(one, line) for one in standing if (pid, tid) in one[1]]
            standing = [one for one in standing if (pid, tid) not in one[1]]
    return certain, others, false


def waits_of(pids):
    """What the kernel tells of each thread: its call, and how often it was off a processor; and of who waits in /proc/locks."""
    seen = {}
    for pid in pids:
        for task in glob.glob(f"/proc/{pid}/task/*"):
            try:
                with open(task + "/syscall", encoding="ascii") as call, open(task + "/status", encoding="utf-8") as status:
                    seen[task] = call.read(), re.findall(r"ctxt_switches:\s+(\d+)", status.read())
            except OSError:
                seen[task] = None
    with open("/proc/locks", encoding="ascii") as file:
        fields = [line.split() for line in file]
    return seen, sorted({" ".join(line[2:]) for line in fields if line[1] == "->" and int(line[5]) in pids})


class Storm:
    """One storm under `record`, and what it and flocktrace say."""

    def __init__(self, seed, seconds, directory):
        self.trace = os.path.join(directory, "trace")
        self.process = subprocess.Popen([FLOCKTRACE, "record", "-o", self.trace, "--", STORM, str(seed), str(seconds)], cwd=directory,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.ends = {self.process.stdout: b"", self.process.stderr: b""}
        self.selector = selectors.DefaultSelector()
        for end in self.ends:
            os.set_blocking(end.fileno(), False)
            self.selector.register(end, selectors.EVENT_READ)
        self.signalled, self.rings, self.told = set(), [], []
        self.watched, self.false, self.members, self.end = [], [], None, None
        self.stood = 0

    def read(self, seconds):
        for key, _ in self.selector.select(seconds):
            more = key.fileobj.read()
            if not more:
                self.selector.unregister(key.fileobj)
                continue
            *lines, self.ends[key.fileobj] = (self.ends[key.fileobj] + more).split(b"\n")
            for line in lines:
                (self.hear if key.fileobj == self.process.stdout else self.listen)(line.decode())

    def hear(self, line):
        """What the storm says."""
        word, *numbers = line.split()
        if word == "signal":
            self.signalled.add(int(numbers[0]))
        elif word == "ring":
            self.rings.append(set(map(int, numbers)))
        else:
            self.end = tuple(map(int, numbers))

    def listen(self, line):
        """What flocktrace says: a head, then a line of each member that tells what it waits for."""
        head = re.match(r"(?:flocktrace: )?(\w*[Dd]eadlock[^:]*): ", line)
        if head:
            self.finish_text()
            self.members = (head[1] == "Deadlock" and " since " in line, set())
        elif self.members:
            self.members[1].update(map(int, re.findall(r"^    \S+?\[(\d+)[\]/].* waits for ", line)))
            if line.startswith("    Left alone"):
                self.finish_text()

    def finish_text(self):
        if self.members:
            standing, pids = self.members
            self.told.append(pids)
            if standing:
                self.watched.append((time.monotonic() + STANDS, pids, waits_of(pids)))
        self.members = None

    def look(self):
        """At those that were seen a while ago."""
        while self.watched and time.monotonic() >= self.watched[0][0]:
            _, pids, before = self.watched.pop(0)
            after = waits_of(pids)
            self.read(0)  # who got a signal meanwhile
            if pids & self.signalled:
                continue
            self.stood += 1
            if before != after:
                self.false.append(f"{sorted(pids)} before: {before} after: {after}")

    def missing(self):
        return [ring for ring in self.rings if not any(ring <= pids for pids in self.told)]

    def run(self, seconds):
        """To the end, and until all rings were told."""
        end = time.monotonic() + 10 * seconds + PATIENCE
        while (not self.end or self.missing() or self.watched) and time.monotonic() < end and len(self.selector.get_map()) == 2:
            self.read(0.05)
            self.look()
        missing = self.missing() if self.end else ["the end"]
        self.process.stdin.close()
        while self.selector.get_map():
            self.read(1)
        if self.process.wait():
            missing.append(f"ended with {self.process.returncode}")
        return missing


def storm(seed, seconds):
    """(episodes, whether all was right)"""
    with tempfile.TemporaryDirectory(prefix="flocktrace-stress.") as directory:
        one = Storm(seed, seconds, directory)
        missing = one.run(seconds)
        dump = subprocess.Popen([FLOCKTRACE, "dump", one.trace], stdout=subprocess.PIPE, text=True, errors="replace")
        certain, others, false = check(dump.stdout)
        dump.wait()
    episodes, kills = one.end or (0, 0)
    print(f"seed {seed}: {episodes} episodes, {kills} kills, {len(one.rings)} rings made of which {len(missing)} were not told, {certain} certain verdicts, "
          f"{others} others, {one.stood} looked at from outside, {len(false) + len(one.false)} false", flush=True)
    for (position, members), line in false:
        print(f"false: {members} told at {position}, and then: {line}", end="")
    for text in one.false:
        print("false:", text)
    for ring in missing:
        print("not told:", ring)
    return episodes, not (false or one.false or missing) and certain > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--episodes", type=int, default=1)
    options = parser.parse_args()
    print("seed", options.seed, flush=True)
    done, right, seed = 0, True, options.seed
    while done < options.episodes and right:
        episodes, right = storm(seed, options.seconds)
        done += episodes
        seed += 1
    sys.exit(not right)


if __name__ == "__main__":
    main()
