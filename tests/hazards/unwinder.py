#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The unwinder in a host: it takes nobody's place, descriptors, memory, locks or stack, and guesses nothing."""

import os
import re
import unittest

from e2e import PRELOAD, PYTHON, VICTIMS, EndToEnd, main, victim

FORKS = 2000


def host(name):
    return os.path.join(VICTIMS, "hazard-" + name)


PLUGIN = host("plugin.so")


class Unwinder(EndToEnd):
    def same(self, *command):
        """Status, stdout and stderr of the program, alone and recorded; what it said, and how many stacks were walked."""
        alone = self.run_program(*command)
        recorded = self.flocktrace("record", "-o", "trace", "--", *command)
        stderr = "".join(line for line in recorded.stderr.splitlines(True) if not line.startswith("Next: flocktrace "))
        self.assertEqual((alone.returncode, alone.stdout, alone.stderr), (recorded.returncode, recorded.stdout, stderr))
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assert_clean(self.report())
        walked = self.stacks("trace")
        self.assertGreater(walked, 0)
        return alone.stdout, walked

    def stacks(self, trace):
        """Those of two frames and more: less is what is known without an unwinder."""
        dumped = self.flocktrace("dump", trace)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        return len(re.findall(r"(?m)  stack of #\d+, (?!1 )\d+ frames", dumped.stdout))

    def test_threads_that_all_walk_at_once(self):
        """A walk that must be given up, because another thread is in libunwind, leaves by its own frame."""
        for _ in range(100):
            result = self.flocktrace("record", "-o", "threads.trace", "--", victim("threads"))
            self.assertEqual(result.returncode, 0, result.stderr)
            os.unlink(self.path("threads.trace"))

    @unittest.skipUnless(os.path.exists(PLUGIN), "no C++ compiler here")
    def test_destructors_of_a_plugin_run_when_its_thread_is_cancelled_or_exits(self):
        said, _ = self.same(host("plugin_host"), PLUGIN)
        self.assertEqual(said, "destructor\ncatch: over\ndestructor\nwait: over\ndestructor\nexit: over\n" * 2)

    @unittest.skipUnless(os.path.exists(PLUGIN), "no C++ compiler here")
    def test_exceptions_and_backtrace_are_bound_to_what_they_were(self):
        bound = []
        for command in ([], ["record", "-o", "trace", "--"]):
            run = self.flocktrace if command else self.run_program
            result = run(*command, host("plugin_host"), PLUGIN, environment={"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": "bindings",
                                                                             "LD_BIND_NOW": "1"})
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = set()
            for name in os.listdir(self.directory):
                if name.startswith("bindings."):
                    with open(self.path(name)) as file:
                        lines |= set(re.findall(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `(\w+)'", file.read()))
                    os.unlink(self.path(name))
            # What the analyzer itself and the unwinder are bound to is their business.
            bound.append({(os.path.basename(who), os.path.basename(to), symbol) for who, to, symbol in lines
                          if re.match("_Unwind_|backtrace|__register_frame|__deregister_frame", symbol)
                          and re.search(r"plugin|libstdc|libgcc_s|libc\.so", who)})
        self.assertIn(("plugin.so", "libc.so.6", "backtrace"), {(who.replace("hazard-", ""), *rest) for who, *rest in bound[0]})
        self.assertTrue(any(symbol.startswith("_Unwind_") for _, _, symbol in bound[0]))
        self.assertEqual(bound[0], bound[1])

    def test_a_host_that_unwinds_itself(self):
        """Names of static functions too, which libunwind reads from the program's file."""
        said, _ = self.same(host("own_unwinder"))
        self.assertIn("again: say_frames inner main", said)
        self.assertIn("by guess: say_frames guess", said)

    def test_no_descriptor_appears_and_reused_numbers_keep_file_and_offset(self):
        said, _ = self.same(host("descriptors"))
        self.assertEqual(re.findall(r"\d+: offset (\d+), \"this is file (\d+)\"", said),
                         [("5", str(number)) for number in range(3, 12)] * 3)
        opened = re.findall(r"^(?:at start|after a lock|after guesses|after a thread): (.*)$", said, flags=re.M)
        self.assertEqual((len(opened), len(set(opened))), (4, 1), said)

    def test_children_forked_while_others_load_iterate_and_unwind_do_not_hang(self):
        result = self.run_program(host("forks"), str(FORKS), host("reloaded1.so"), environment={"LD_PRELOAD": PRELOAD})
        self.assertEqual((result.returncode, result.stdout), (0, f"{FORKS} of {FORKS} children ended\n"), result.stderr)
        self.record(host("forks"), "5", host("reloaded1.so"))
        self.assertGreater(self.stacks("trace"), 0)

    def test_children_made_in_the_midst_of_a_first_walk_do_not_hang(self):
        said, _ = self.same(host("first_walk"))
        self.assertEqual(said, "fork ends\nclone ends\n")

    def test_a_child_with_its_parents_thread_local_storage(self):
        for _ in range(5):
            result = self.run_program(host("shared_thread"), environment={"LD_PRELOAD": PRELOAD})
            self.assertEqual((result.returncode, result.stdout), (0, "over\n"), result.stderr)

    def test_nothing_is_allocated_or_freed_in_a_call(self):
        said, walked = self.same(host("closed_heap"))
        self.assertEqual(said, "nobody asked\n")
        self.assertGreater(walked, 40)

    def test_stacks_with_little_room_and_stacks_that_are_gone(self):
        said, _ = self.same(host("tight_stacks"))
        self.assertTrue(said.endswith("over 0\n"))

    def test_code_made_at_run_time_without_tables(self):
        said, _ = self.same(host("made_code"))
        times = int(re.search(r"\d+", said)[0])
        self.assertEqual(self.report().resource("f", world="flock")["acquisitions"], times)

    def test_another_library_at_the_address_of_one_that_was_closed(self):
        """With build ids and without, and the first one again."""
        libraries = [host(f"reloaded{which}.so") for which in (1, 2, 5, 6, 3, 4, 1, 5)]
        said = self.record(host("reload"), *libraries).split()
        self.assertEqual((len(said), len(set(said))), (len(libraries), 1), "not loaded at one address")
        modules, stacks, found = {}, {}, {}
        # What was slow, on a busy machine, is told a second time, by positions of its own.
        lines = self.flocktrace("dump", "--raw", "trace").stdout.splitlines()
        for line in (line for line in lines if not line.lstrip().startswith("slow ")):
            if match := re.match(r"\s*\d+ .* module (\d+) of #1 (\S+)", line):
                modules[match[1]] = match[2]
            elif match := re.match(r"\s*(\d+) .* stack of #1, .*\{(\d+)\+", line):
                stacks[match[1]] = modules[match[2]]
            elif match := re.search(r" flock\(.*/file(\d+)  stack (\d+)", line):
                found.setdefault(int(match[1]), set()).add(stacks[match[2]])
        self.assertEqual(found, {number: {library} for number, library in enumerate(libraries, 1)})

    @unittest.skipUnless(os.path.exists(host("framed.so")), "only for x86-64")
    def test_another_frame_at_the_address_of_one_that_was_closed(self):
        libraries = [host(f"{kind}.so") for kind in ("framed", "frameless", "framed")]
        self.assertEqual(len(set(self.record(host("reload"), *libraries).split())), 1, "not loaded at one address")
        self.assertGreater(self.stacks("trace"), 2)

    def test_what_says_that_it_is_a_python_and_is_none(self):
        """Each alone: what was refuted once is not looked at again."""
        for trap in ("none", "wild", "odd", "empty", "wild-frame", "cut-off-frame", "wild-code", "no-code", "nameless-code", "wild-name", "loop"):
            with self.subTest(trap):
                if os.path.exists(self.path("trace")):
                    os.unlink(self.path("trace"))
                self.same(host("no_python"), trap, trap)
                self.assertNotIn(" of a script", self.flocktrace("dump", "trace").stdout)

    def test_threads_of_a_script_that_lock_while_its_interpreter_ends(self):
        """Their frames are freed under them, and others use that memory."""
        script = """
import ctypes, os, sys, threading, time
libc, library = ctypes.CDLL(None), ctypes.CDLL(sys.argv[1])
libc.malloc.restype = ctypes.c_void_p
class Late:
    def __del__(self, take=libc.malloc, fill=libc.memset, pointer=ctypes.c_void_p, sleep=time.sleep):
        for size in range(200, 1000, 16):
            for _ in range(32):
                fill(pointer(take(size)), 255, size)
        sleep(0.05)
sys.late = Late()
def lock(name, depth=12):
    library.lock_on_and_on(os.open(name, os.O_RDWR | os.O_CREAT)) if not depth else lock(name, depth - 1)
threads = [threading.Thread(target=lock, args=(f"f{number}",), daemon=True) for number in range(16)]
for thread in threads: thread.start()
time.sleep(0.02)
"""
        for _ in range(5):
            self.assertEqual(self.record(PYTHON, "-c", script, host("locking_library.so")), "")
        self.assertIn(" of a script", self.flocktrace("dump", "trace").stdout)

    def test_a_lock_given_up_while_the_loader_waits_for_it_in_a_constructor(self):
        said, _ = self.same(host("loader_locked"), host("waiting_library.so"))
        self.assertEqual(said, "loaded\n")

    def test_threads_take_no_more_memory_than_the_readme_says(self):
        threads = 500
        alone = int(self.run_program(host("many_threads"), str(threads)).stdout)
        recorded = int(self.record(host("many_threads"), str(threads)))
        self.assertLess((recorded - alone) / threads, 320, "kB for each thread")
        after_others = int(self.record(host("many_threads"), "1", str(threads)))
        self.assertLess(after_others, alone, "kB after as many threads that have ended")

    def test_libraries_that_threads_load_and_unload_all_at_once(self):
        self.same(host("unloads"), "300", *(host(f"reloaded{which}.so") for which in (1, 2, 3, 4)))


if __name__ == "__main__":
    main()
