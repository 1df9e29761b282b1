# SPDX-License-Identifier: MIT
"""Where a suite runs: a directory of its own, in one of the modes, bounded in time, with nothing left running."""

import collections
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

TIMEOUT = 900
PR_SET_CHILD_SUBREAPER = 36

# What a program is started with, by the name of the mode.
MODES = {
    "without": lambda place: [],
    "preload": lambda place: ["env", "LD_PRELOAD=" + place.preload],
    "record": lambda place: [place.flocktrace, "record", "-o", place.new_trace(), "--"],
}


class Failed(Exception):
    """The suite could not be run to its end."""


def adopt_orphans():
    """What a suite leaves running becomes our child, so that it can be found and ended by its id."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children():
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(entry.name))
    return found


def end_orphans():
    """Waits a little for what ends by itself, then ends the rest; every child is one, as the suite's own were waited for."""
    deadline = time.monotonic() + 5
    while found := children():
        for pid in found:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)


class Place:
    def __init__(self, build, mode, short=False):
        self.flocktrace = str(build / "bin/flocktrace")
        self.preload = str(build / "lib/libflocktrace.so")
        self.mode = mode
        self.short = short
        self.traces = []
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="flocktrace-suite."))
        self.directory = self.scratch / "work"
        self.runtime = self.scratch / "runtime"
        self.directory.mkdir()
        self.runtime.mkdir(mode=0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOCKTRACE_", "LD_PRELOAD"))}
        self.environment = {**kept, "HOME": str(self.directory), "XDG_RUNTIME_DIR": str(self.runtime), "LC_ALL": "C.UTF-8",
                            "TZ": "UTC", "DEBIAN_FRONTEND": "noninteractive", "PATH": kept["PATH"] + ":/usr/sbin:/sbin"}
        if mode == "preload":
            self.make_default_session()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_orphans()
        shutil.rmtree(self.scratch)

    def make_default_session(self):
        """In our own runtime directory, though the user may have one elsewhere, which would be taken instead."""
        # Hidden for the one program that makes it; whoever is not root has to have none.
        others = [path for path in (f"/dev/shm/flocktrace-{os.geteuid()}", f"/tmp/flocktrace-{os.geteuid()}") if os.path.exists(path)]
        command = ["env", "LD_PRELOAD=" + self.preload, "flock", str(self.scratch / "first"), "true"]
        if others and os.geteuid() == 0:
            hide = "".join(f"mount -t tmpfs -o mode=0700 none {path}; " for path in others)
            command = ["unshare", "-m", "sh", "-ec", hide + 'exec "$@"', "sh", *command]
        subprocess.run(command, env=self.environment, check=True, timeout=TIMEOUT)
        self.traces.append(str(self.runtime / "flocktrace/default"))
        if not os.path.exists(self.traces[0]):
            raise Failed("a default session is in use and would be taken")

    def new_trace(self):
        self.traces.append(str(self.scratch / f"{len(self.traces)}.trace"))
        return self.traces[-1]

    def start(self, *command, **options):
        return subprocess.Popen([*MODES[self.mode](self), *command], cwd=self.directory, env=self.environment, start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", **options)

    def finish(self, process, timeout=TIMEOUT):
        """Its output and exit status, once it has ended."""
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise Failed(f"still running after {timeout} s: {process.args}\n{output[-2000:]}")
        # What record says itself is no part of the program.
        return re.sub(r"^Next: flocktrace .*\n", "", output, flags=re.M), process.returncode

    def run(self, *command, timeout=TIMEOUT):
        return self.finish(self.start(*command), timeout)

    def outcomes_of(self, script, timeout=TIMEOUT):
        """
        Runs a shell script that says its outcomes: say NAME OUTCOME.
        """
        out = self.scratch / "out"
        out.write_text("")
        say = f"""say() {{ echo "$1: $(tr '\\n' ' ' <<<"$2")" >>{out}; }}\n"""
        output, status = self.run("bash", "-euo", "pipefail", "-c", say + script, timeout=timeout)
        outcomes = dict(line.split(": ", 1) for line in out.read_text().splitlines())
        if status:
            raise Failed(f"exit status {status}, after {len(outcomes)} outcomes: {output[-500:]}")
        return outcomes

    def recorded(self):
        """What the traces say: (events, notes, trouble), where notes may be: of the killed, positions that they had taken are lost."""
        events, notes, trouble = 0, collections.Counter(), []
        for trace in self.traces:
            result = subprocess.run([self.flocktrace, "report", "--json", trace], capture_output=True, text=True, timeout=TIMEOUT)
            if result.returncode:
                trouble.append(result.stderr.strip())
                continue
            quality = json.loads(result.stdout)["quality"]
            events += quality["events"]
            notes.update({kind: quality[kind] for kind in ("lost", "holes", "overlaps") if quality[kind]})
            # Of a flight recorder that nobody looks after, the deaths of holders are not known.
            if quality["overlaps"] and self.mode == "record":
                trouble.append(f"{quality['overlaps']} overlaps of conflicting holds")
        if not events:
            trouble.append("nothing was recorded")
        return events, [f"{count} {kind}" for kind, count in sorted(notes.items())], trouble
