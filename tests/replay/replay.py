#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
Random lock calls of several processes, recorded and replayed: after each one the model says what the kernel says.

    replay.py FLOCKTRACE DIRECTORY-OF-TEST-PROGRAMS STEPS [SEED...]

Without SEED: that of the environment, or a new one, which is printed. It repeats the choices; who of several that were woken at
once comes first is the kernel's choice.
"""

import os
import random
import subprocess
import sys
import tempfile


def replay(flocktrace, programs, steps, seed):
    print(f"SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="flocktrace-replay.") as directory:
        actors = os.path.join(programs, "replay-actors")
        subprocess.run([flocktrace, "record", "-o", "trace", "--", actors, seed, steps, "log"], cwd=directory, check=True, timeout=1800)
        compare = os.path.join(programs, "replay-compare")
        return subprocess.run([compare, "trace", "log", "."], cwd=directory, timeout=1800).returncode == 0


def main(flocktrace, programs, steps, *seeds):
    seeds = seeds or [os.environ.get("SEED", str(random.randrange(1 << 30)))]
    return 0 if all([replay(flocktrace, programs, steps, seed) for seed in seeds]) else 1


sys.exit(main(*sys.argv[1:]))
