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
import json
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


class Certain:
    """Those who were told to be in a certain deadlock, and what the record has of them afterwards."""

    def __init__(self):
        self.certain, self.others, self.false = 0, 0, []
        self.standing, self.gathered, self.pids = [], [], set()  # standing: (position, {(pid, tid)})

    def see(self, line):
        match, seen = LINE.match(line), SEEN.search(line)
        if seen[1] != "certain":
            self.others += int(seen[2]) == 1
            return
        self.gathered.append((match[2], match[3]))
        if seen[2] == seen[3]:
            self.certain += 1
            self.standing.append((int(match[1]), set(self.gathered)))
            self.pids.update(pid for pid, _ in self.gathered)
            self.gathered = []

    def drop(self, is_over):
        self.standing = [one for one in self.standing if not is_over(one[1])]
        self.pids = {pid for _, members in self.standing for pid, _ in members}

    def hear(self, line):
        """Anything else that somebody did; `died there` and a call that has just begun come late, and looks from outside are no deeds."""
        words = line.split(None, 3)
        if len(words) < 4 or words[0] == "0" or "died there" in line or " = ?" in line or words[3].startswith(("holds, seen ", "is stuck, ")):
            return
        kill = KILL.search(line) if "F_GETLK" in line else None
        pid, _, tid = words[2].partition("/")
        if kill and int(kill[1]) > MARK:
            killed = str(int(kill[1]) - MARK)
            self.drop(lambda members: killed in {member for member, _ in members})
        elif pid not in self.pids:
            return
        elif words[3].startswith("died"):
            self.drop(lambda members: pid in {member for member, _ in members})
        else:
            self.false += [(one, line) for one in self.standing if (pid, tid) in one[1]]
            self.drop(lambda members: (pid, tid) in members)


def check(lines):
    """Of a dump, in the order of the record."""
    seen = Certain()
    for line in lines:
        if "seen in a deadlock (" in line:
            seen.see(line)
        elif seen.standing:
            seen.hear(line)
    return seen


def calls_of(pids):
    """What each thread is in, by the kernel's word: call, arguments, stack. It may wake and go on sleeping in it."""
    seen = {}
    for pid in pids:
        for task in glob.glob(f"/proc/{pid}/task/*"):
            try:
                with open(task + "/syscall", encoding="ascii") as call:
                    seen[task] = call.read()
            except OSError:
                seen[task] = None
    return seen


def waits_of(pids):
    """Those in /proc/locks; of OFD locks it knows no pid."""
    with open("/proc/locks", encoding="ascii") as file:
        fields = [line.split() for line in file]
    return {" ".join(line[2:]) for line in fields if line[1] == "->" and int(line[5]) in pids}


def still_wait(pids, waits):
    """It leaves lines out where others come and go, and so is asked again."""
    for _ in range(20):
        waits = waits - waits_of(pids)
        if not waits:
            return True
    return False


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
        self.signalled, self.rings, self.told, self.likely = set(), [], [], []
        self.watched, self.false, self.members, self.end = [], [], None, None
        self.behind = self.into = set()
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
        head = re.match(r"(?:flocktrace: )?(Likely deadlock|Deadlock[^:]*): ", line)
        if head:
            self.finish_text()
            self.members, self.behind = (head[1], " since " in line, set()), set()
            self.into = self.members[2]
        elif line.startswith("    Behind them"):
            self.into = self.behind
        elif self.members:
            self.into.update(map(int, re.findall(r"^    \S+?\[(\d+)[\]/].* waits for ", line)))
            if line.startswith("    Left alone"):
                self.finish_text()

    def finish_text(self):
        """Who is only behind holds up nobody of them: what its other threads do does not matter."""
        if self.members:
            head, standing, pids = self.members
            (self.likely if head == "Likely deadlock" else self.told).append(pids | self.behind)
            if head == "Deadlock" and standing:
                self.watched.append((time.monotonic() + STANDS, pids, calls_of(pids), waits_of(pids)))
        self.members = None

    def look(self):
        """At those that were seen a while ago."""
        while self.watched and time.monotonic() >= self.watched[0][0]:
            _, pids, calls, waits = self.watched.pop(0)
            now, waiting = calls_of(pids), still_wait(pids, waits)
            self.read(0)  # who got a signal meanwhile
            if pids & self.signalled:
                continue
            self.stood += 1
            if now != calls or not waiting:
                self.false.append(f"{sorted(pids)} before: {calls} {waits} after: {now}")

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
        quality = json.loads(subprocess.run([FLOCKTRACE, "report", "--json", one.trace], stdout=subprocess.PIPE, check=True).stdout)["quality"]
        lost = quality["lost"] + quality["holes"]
        # Where something was lost nothing is certain any more.
        missing = [ring for ring in missing if not (lost and any(ring <= pids for pids in one.likely))]
        dump = subprocess.Popen([FLOCKTRACE, "dump", one.trace], stdout=subprocess.PIPE, text=True, errors="replace")
        seen = check(dump.stdout)
        dump.wait()
    episodes, kills = one.end or (0, 0)
    print(f"seed {seed}: {episodes} episodes, {kills} kills, {len(one.rings)} rings made of which {len(missing)} were not told, {seen.certain} certain verdicts, "
          f"{seen.others} others, {lost} records lost, {one.stood} looked at from outside, {len(seen.false) + len(one.false)} false", flush=True)
    for (position, members), line in seen.false:
        print(f"false: {members} told at {position}, and then: {line}", end="")
    for text in one.false:
        print("false:", text)
    for ring in missing:
        print("not told:", ring)
    return episodes, not (seen.false or one.false or missing) and seen.certain > 0


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
