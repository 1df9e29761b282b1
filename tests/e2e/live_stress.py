#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Programs that lock at random - ranges, modes, worlds, forks, threads, timers, kills - while `record` watches: whoever was told to be in
a certain deadlock never goes on, unless a member was killed from outside.

usage: live_stress.py [SEED [SECONDS]]
"""

import os
import re
import subprocess
import sys
import tempfile

FLOCKTRACE = os.environ["E2E_FLOCKTRACE"]
PYTHON = "/usr/bin/python3"
MARK = 1 << 40  # a query of this byte + pid, by the one that kills, comes before each kill: the trace has their order

PROGRAM = r"""
import fcntl, mmap, os, random, signal, struct, sys, threading, time
seed, seconds, mark, workers = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), 5
progress = mmap.mmap(-1, 8 * workers)

class Alarm(Exception):
    pass

def ring(*_):
    raise Alarm

def record(file, mode, start, length, command):
    return fcntl.fcntl(file, command, struct.pack("hhqqi4x", mode, 0, start, length, 0))

def lock(random, file):
    wait, world = random.random() < 0.8, random.randrange(3)
    exclusive = random.random() < 0.7
    if world == 0:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        return
    command = ((fcntl.F_SETLK, fcntl.F_SETLKW), (fcntl.F_OFD_SETLK, fcntl.F_OFD_SETLKW))[world - 1][wait]
    record(file, fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK, random.randrange(3), 1 + random.randrange(2), command)

def unlock(random, file):
    which = random.randrange(3)
    if which == 0:
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        record(file, fcntl.F_UNLCK, 0, 0, (fcntl.F_SETLK, fcntl.F_OFD_SETLK)[which - 1])

def close_later(name, delay):  # drops the record locks of the whole process
    file = open(name, "a+b")
    time.sleep(delay)
    file.close()

def step(random, files):
    at = random.randrange(len(files))
    what = random.random()
    if what < 0.45:
        timer = random.random() < 0.4
        if timer:
            signal.setitimer(signal.ITIMER_REAL, 0.001 + random.random() * 0.8)
        try:
            lock(random, files[at])
        except Alarm:
            pass
        finally:
            if timer:
                signal.setitimer(signal.ITIMER_REAL, 0)
    elif what < 0.8:
        unlock(random, files[at])
    elif what < 0.9:
        files[at].close()
        files[at] = open(f"f{random.randrange(2)}", "a+b")
    elif what < 0.94:
        child = os.fork()
        if not child:
            time.sleep(random.random() * 0.3)
            os._exit(0)
        if random.random() < 0.5:
            os.waitpid(child, 0)
    elif what < 0.98:
        threading.Thread(target=close_later, args=(f"f{random.randrange(2)}", random.random() * 0.4), daemon=True).start()
    else:
        time.sleep(random.random() * 0.01)

def work(number, generation):
    own = random.Random(f"{seed} {number} {generation}")
    signal.signal(signal.SIGALRM, ring)
    files = [open(f"f{i % 2}", "a+b") for i in range(4)]
    while True:
        try:
            step(own, files)
        except (OSError, Alarm):
            pass
        count = struct.unpack_from("q", progress, 8 * number)[0]
        struct.pack_into("q", progress, 8 * number, count + 1)

def start(number, generation):
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            work(number, generation)
        finally:
            os._exit(1)
    return pid

chance, marker = random.Random(seed), open("marker", "a+b")
pids = [start(i, 0) for i in range(workers)]
seen = [(0, time.monotonic())] * workers
steps, generation, end = 0, 0, time.monotonic() + seconds
while time.monotonic() < end:
    time.sleep(0.02)
    for i in range(workers):
        count, now = struct.unpack_from("q", progress, 8 * i)[0], time.monotonic()
        if count != seen[i][0]:
            seen[i] = count, now
        elif now - seen[i][1] > 0.5 + chance.random() and chance.random() < 0.3 or chance.random() < 0.0005:
            record(marker, fcntl.F_RDLCK, mark + pids[i], 1, fcntl.F_GETLK)
            os.kill(pids[i], signal.SIGKILL)
            os.waitpid(pids[i], 0)
            generation += 1
            pids[i], seen[i] = start(i, generation), (count, now)
steps = sum(struct.unpack_from("q", progress, 8 * i)[0] for i in range(workers))
for pid in pids:
    record(marker, fcntl.F_RDLCK, mark + pid, 1, fcntl.F_GETLK)
    os.kill(pid, signal.SIGKILL)
print(steps, generation)
"""

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


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int.from_bytes(os.urandom(3), "big")
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    print("seed", seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="flocktrace-stress.") as directory:
        run = subprocess.run([FLOCKTRACE, "record", "-o", "trace", "--", PYTHON, "-c", PROGRAM, str(seed), str(seconds), str(MARK)],
                             cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=seconds * 10 + 120, check=True)
        dump = subprocess.Popen([FLOCKTRACE, "dump", "trace"], cwd=directory, stdout=subprocess.PIPE, text=True, errors="replace")
        certain, others, false = check(dump.stdout)
        dump.wait()
    steps, kills = map(int, run.stdout.split())
    print(f"{steps} steps, {kills} kills, {certain} certain verdicts, {others} others, {len(false)} false")
    for (position, members), line in false:
        print(f"false: {members} told at {position}, and then: {line}", end="")
    sys.exit(bool(false) or not certain)


if __name__ == "__main__":
    main()
