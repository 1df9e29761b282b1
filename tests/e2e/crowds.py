#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Up to a thousand processes that wait for each other, or for one: all are told, and watching them costs little. scripts/bench-watch has the figures."""

import os
import re
import signal
import subprocess
import time

from e2e import FLOCKTRACE, EndToEnd, main, victim, wait_for

SKIPPED = 77


class Crowds(EndToEnd):
    def start(self, *words):
        """victim-crowd under `record`, which goes on; its process. What it says is in the files `output` and `errors`."""
        for name in ("trace", "output", "errors"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        with open(self.path("output"), "w", encoding="utf-8") as output, open(self.path("errors"), "w", encoding="utf-8") as errors:
            process = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", victim("crowd"), *map(str, words)], cwd=self.directory,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(self.end, process)
        wait_for(lambda: self.read("output").endswith("\n") or process.poll() is not None, "all have gone to sleep")
        if process.poll() == SKIPPED:
            self.skipTest("so many processes can't be started here: ulimit -u, or pids.max of the control group")
        return process

    def end(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def processor_time(self, process):
        """s"""
        with open(f"/proc/{process.pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9

    def check_ring(self, world, length):
        process = self.start("ring", world, length)
        wait_for(lambda: "Next: " in self.read("errors") or "Left alone, they wait for ever: " in self.read("errors"), "the deadlock is told")
        text = self.read("errors")
        self.assertTrue(text.startswith("flocktrace: Deadlock: "), text[:500])
        self.assertEqual(len(set(re.findall(r"^    victim-crowd\[(\d+)\] waits for ", text, re.MULTILINE))), length)
        seen = re.findall(r"(\d+)/\d+ +seen in a deadlock \((.*?)\) .* (\d+) of (\d+), ", self.flocktrace("dump", "trace").stdout)
        self.assertEqual(len({pid for pid, *_ in seen}), length)
        self.assertEqual({verdict for _, verdict, *_ in seen}, {"certain"})
        self.assertEqual({int(count) for *_, count in seen}, {length})
        self.end(process)

    def test_of_a_ring_of_2_to_1000_flocks_every_member_is_told(self):
        for length in (2, 3, 13, 100, 1000):
            with self.subTest(length=length):
                self.check_ring("flock", length)

    def test_of_a_ring_of_13_to_1000_record_locks_every_member_is_told(self):
        for world, length in (("posix", 13), ("ofd", 100), ("ofd", 1000)):
            with self.subTest(world=world, length=length):
                self.check_ring(world, length)

    def share(self, process, seconds):
        """Of a processor, from now on."""
        begin, used = time.monotonic(), self.processor_time(process)
        time.sleep(seconds)
        return (self.processor_time(process) - used) / (time.monotonic() - begin)

    def test_a_thousand_who_wait_cost_a_few_percent_of_a_processor_at_most_once_all_were_looked_at(self):
        for queues in (1, 250):
            with self.subTest(queues=queues):
                process, shares = self.start("queue", 1000, queues), []
                while len(shares) < 10 and (not shares or shares[-1] >= 0.05):
                    shares.append(self.share(process, 2))
                self.assertLess(shares[-1], 0.05, shares)
                self.assertEqual(self.read("errors"), "")
                self.end(process)


if __name__ == "__main__":
    main()
