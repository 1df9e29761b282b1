# SPDX-License-Identifier: MIT
"""stress-ng's lock and fcntl stressors, with verification on."""

import sys

NEEDS = ["stress-ng"]
ROUNDS = {"flock": 20000, "lockf": 20000, "locka": 20000, "lockofd": 20000, "lease": 20000, "fcntl": 2000, "close": 5000, "dup": 200,
          "fork": 1000, "vfork": 1000}


def run(place):
    outcomes = {}
    for stressor, rounds in ROUNDS.items():
        output, status = place.run("stress-ng", "--temp-path", str(place.directory), "--" + stressor, "2", f"--{stressor}-ops", str(rounds),
                                   "--verify", "--timeout", "60")
        outcomes[stressor] = "passed" if status == 0 else f"exit {status}"
        if status:
            print(output, file=sys.stderr)
    return outcomes
