#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The waiter's and the holder's function and line are those of the source, however it was compiled."""

import re

from e2e import EndToEnd, main, victim


class Stacks(EndToEnd):
    def check(self, program, *arguments):
        """The victim says "WHO FUNCTION LINE", outermost frame last."""
        stdout, report = self.recorded(program, *arguments)
        said = {"waiter": [], "holder": []}
        for line in stdout.splitlines():
            match = re.match(r"(waiter|holder) (\w+) (\d+)$", line)
            if match:
                said[match[1]].append(f"{match[2]} stacks.c:{match[3]}")
        self.assertTrue(said["waiter"] and said["holder"])
        wait = report.wait("stacks")
        for who, site in (("waiter", wait["site"]), ("holder", wait["holders"][0]["site"])):
            frames = [re.sub(r" \S*/", " ", frame) for frame in report.sites[site]]
            self.assertEqual(frames[:len(said[who])], said[who], frames)

    def test_without_optimisation(self):
        self.check(victim("stacks"))

    def test_in_a_thread(self):
        self.check(victim("stacks"), "thread")

    def test_optimised_with_inlined_functions(self):
        self.check(victim("stacks-O2"))

    def test_optimised_in_a_thread(self):
        self.check(victim("stacks-O2"), "thread")

    def test_stripped_of_debug_information_functions_are_not_invented(self):
        stdout, report = self.recorded(victim("stacks-stripped"))
        frames = report.sites[report.wait("stacks")["site"]]
        self.assertIn("victim-stacks-stripped", frames[0])
        self.assertFalse(any("stacks.c" in frame for frame in frames))


if __name__ == "__main__":
    main()
