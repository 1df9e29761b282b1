#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A writer may die at any instruction, and a session may be written over by anybody: nobody else notices."""

import os
import random
import subprocess
import threading

from e2e import PRELOAD, PYTHON, TIMEOUT, VICTIMS, EndToEnd, main

SEED = random.SystemRandom().randrange(1 << 31)
SCRIBBLED_SECONDS = 3

# Everything that reads the session on its way: threads and handlers (slots), forks (parent, grants), closes (watch words).
PROGRAM = """
import fcntl, os, signal, threading, time
end = time.monotonic() + %d
def lock(name):
    with open(name, "w") as file:
        while time.monotonic() < end:
            fcntl.flock(file, fcntl.LOCK_EX); fcntl.lockf(file, fcntl.LOCK_EX)
            os.close(os.dup(file.fileno()))
            fcntl.lockf(file, fcntl.LOCK_UN); fcntl.flock(file, fcntl.LOCK_UN)
handled = open("handled", "w")
def handle(*_):
    fcntl.lockf(handled, fcntl.LOCK_EX); fcntl.lockf(handled, fcntl.LOCK_UN)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
threads = [threading.Thread(target=lock, args=(f"file{number}",)) for number in range(2)]
for thread in threads: thread.start()
while time.monotonic() < end:
    child = os.fork()
    if not child:
        with open("child", "w") as file: fcntl.flock(file, fcntl.LOCK_EX)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.spawnlp(os.P_WAIT, "flock", "flock", "spawned", "true") == 0
for thread in threads: thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
print("OK")
""" % SCRIBBLED_SECONDS


def hazard(name):
    return os.path.join(VICTIMS, "hazard-" + name)


class Killed(EndToEnd):
    def kill_steps(self, warm, kills, environment=None):
        result = self.run_program(hazard("kill_steps"), PRELOAD, hazard("kill_host"), str(warm), str(kills), str(SEED),
                                  environment=environment)
        self.assertEqual((result.returncode, result.stderr), (0, ""), f"seed {SEED}")
        print(result.stdout, end="", flush=True)

    def test_killed_at_any_step_of_calls_whose_stack_and_file_are_known(self):
        self.kill_steps(6, 200)

    def test_killed_at_any_step_of_the_first_calls_of_a_process(self):
        # Without stacks: a first walk is 200,000 steps of libunwind, and no step of writing.
        self.kill_steps(0, 100, environment={"FLOCKTRACE_STACKS": "off"})


class Scribbled(EndToEnd):
    def scribble(self, path, done):
        chance = random.Random(SEED)
        with open(path, "r+b", buffering=0) as session:
            size = os.fstat(session.fileno()).st_size
            while not done.is_set():
                length = chance.choice((1, 4, 8, 64, 4096))
                os.pwrite(session.fileno(), chance.randbytes(length), chance.randrange(size - length))
                # Where a thread is inside of calls, and which numbers processes have, is looked at most.
                os.pwrite(session.fileno(), chance.randbytes(12), 4096 + 256 * chance.randrange(8))

    def test_programs_go_on_while_their_session_is_written_over(self):
        preload = {**self.environment, "LD_PRELOAD": PRELOAD, "FLOCKTRACE_SESSION": self.path("session")}
        self.record("sh", "-c", 'exec cp -p "$FLOCKTRACE_SESSION" session')
        done = threading.Event()
        scribbler = threading.Thread(target=self.scribble, args=(self.path("session"), done))
        programs = [subprocess.Popen([PYTHON, "-c", PROGRAM], cwd=self.directory, env=preload, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True) for _ in range(2)]
        scribbler.start()
        try:
            for program in programs:
                stdout, stderr = program.communicate(timeout=TIMEOUT)
                self.assertEqual((program.returncode, stdout, stderr), (0, "OK\n", ""), f"seed {SEED}")
        finally:
            done.set()
            scribbler.join()
            for program in programs:
                program.kill()
                program.wait()
        self.assertIn(self.flocktrace("report", "session").returncode, (0, 125), f"seed {SEED}")


if __name__ == "__main__":
    print(f"seed {SEED}", flush=True)
    main()
