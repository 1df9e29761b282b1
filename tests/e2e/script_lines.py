#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The lines of a Python script: what the report shows is what the interpreter itself says."""

import collections
import json
import os
import re

from e2e import PYTHON, EndToEnd, main

# Each place whose try fails says its stack, as the interpreter knows it. 5,000 empty lines lie in its midst.
SCRIPT = r"""
import asyncio, fcntl, functools, json, os, threading

f = open("tried", "w")
holder = os.open("tried", os.O_RDWR)
fcntl.flock(holder, fcntl.LOCK_EX)
TRY = fcntl.LOCK_EX | fcntl.LOCK_NB

def say(error):
    at = error.__traceback__
    frame, stack = at.tb_frame, [(at.tb_frame.f_code, at.tb_lineno)]
    while frame := frame.f_back:
        stack.append((frame.f_code, frame.f_lineno))
    print(json.dumps([f"{code.co_qualname} {code.co_filename}:{line}" for code, line in stack]))

def plain():
    try:
        fcntl.flock(f, TRY)
    except BlockingIOError as error:
        say(error)

def over_lines():
    try:
        fcntl.flock(
            f,
            TRY
        )
    except BlockingIOError as error:
        say(error)

class Store:
    def __init__(self): plain()
    @staticmethod
    def static(): plain()
    @functools.lru_cache()
    def cached(self):
        def inner():
            return (lambda: plain())()
        return inner()
    @property
    def value(self):
        return [plain() for _ in range(2)]
    def __del__(self): plain()

def generator():
    plain()
    yield 1
    try:
        yield 2
    finally:
        plain()

async def coroutine():
    await asyncio.sleep(0)
    plain()

def recursive(depth):
    if depth:
        recursive(depth - 1)
    else:
        plain()

def große_Übersicht_待つ(): plain()
@@@
def far():
    if True:
        plain(); plain()


    x = 1; plain()

def main():
    plain()
    over_lines()
    store = Store()
    Store.static()
    store.cached()
    store.value
    Store.cached.cache_clear()
    del store
    list(generator())
    asyncio.run(coroutine())
    recursive(5)
    große_Übersicht_待つ()
    far()
    sorted([2, 1], key=lambda number: plain() or number)
    exec("def made():\n\n  plain()\nmade()")
    exec(compile("plain()", "of\udcff no file", "exec"))
    thread = threading.Thread(target=recursive, args=(2,))
    thread.start()
    thread.join()
    for i in range(300):
        plain()
        over_lines()
        (plain(),
         plain())

main()
plain()
""".replace("@@@", "\n" * 5000)

DEEP = """
import fcntl, os
holder, f = open("tried", "w"), open("tried", "w")
fcntl.flock(holder, fcntl.LOCK_EX)
def deep(left):
    if left:
        return deep(left - 1)
    try:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
deep(100)
"""

WITH_THE_GIL = """
import ctypes
holder, f = open("tried", "w"), open("tried", "w")
for library in ctypes.CDLL(None), ctypes.PyDLL(None):
    def attempt():
        return library.flock(f.fileno(), 6)
    assert library.flock(holder.fileno(), 2) == 0 and attempt() == -1
"""

# Another interpreter than the system's, where there is one: paths with colons between them.
PYTHONS = [PYTHON] + os.environ.get("E2E_PYTHONS", "").split(":")


class ScriptLines(EndToEnd):
    def tried(self, python, script, **environment):
        """What the script said, and {the frames of a script, innermost first: how many tries failed there}."""
        with open(self.path("script.py"), "w", encoding="utf-8") as file:
            file.write(script)
        stdout, report = self.recorded(python, "script.py", environment=environment)
        shown = collections.Counter()
        for error in report.document["errors"]:
            frames = report.sites[error["site"]]
            # Those of the interpreter's own modules stay where they are not of the interpreter itself.
            shown[tuple(frame for frame in frames if re.search(r"(?<!\.[ch]):\d+$", frame))] += error["count"]
        return stdout, shown

    def test_of_every_kind_of_function_are_those_that_the_interpreter_tells(self):
        for python in filter(None, PYTHONS):
            with self.subTest(python):
                stdout, shown = self.tried(python, SCRIPT, FLOCKTRACE_STACKS="62")
                said = collections.Counter(tuple(json.loads(line)) for line in stdout.splitlines())
                self.assertGreater(len(said), 20)
                self.assertEqual(shown, said)

    def test_of_deep_stacks_are_the_innermost(self):
        _, shown = self.tried(PYTHON, DEEP, FLOCKTRACE_STACKS="20")
        (frames,) = shown
        self.assertEqual((frames[0], set(frames[1:]), len(frames)),
                         (f"deep {self.path('script.py')}:9", {f"deep {self.path('script.py')}:7"}, 20))
        self.assertTrue(next(site for site in self.report().document["sites"] if len(site["frames"]) > 10)["truncated"])

    def test_are_all_there_though_the_interpreter_itself_is_deeper(self):
        self.tried(PYTHON, DEEP.replace("deep(100)", "deep(3)"), FLOCKTRACE_STACKS="8")
        (site,) = self.report().document["sites"]
        self.assertEqual((len([frame for frame in site["frames"] if "script.py:" in frame]), site["truncated"]), (5, False))

    def test_are_none_while_the_thread_may_run_on(self):
        """Under the GIL a handler could come while the frames change: they are not looked at."""
        _, shown = self.tried(PYTHON, WITH_THE_GIL)
        path = self.path("script.py")
        self.assertEqual(shown, {(f"attempt {path}:6", f"<module> {path}:7"): 1, (): 1})

    def test_can_be_switched_off(self):
        _, shown = self.tried(PYTHON, DEEP, FLOCKTRACE_PYTHON="off")
        self.assertEqual(shown, {(): 1})

    def test_name_the_culprit_and_tell_places_apart(self):
        with open(self.path("shop.py"), "w", encoding="utf-8") as file:
            file.write("""import fcntl, os, time
from lab import wait_until_blocked
f = open("orders.db", "w")
def save():
    fcntl.lockf(f, fcntl.LOCK_EX)
def audit():
    fcntl.lockf(f, fcntl.LOCK_EX)
save()
child = os.fork()
if not child:
    audit()
    os._exit(0)
wait_until_blocked(child)
time.sleep(0.02)
fcntl.lockf(f, fcntl.LOCK_UN)
os.wait()
""")
        self.record(PYTHON, "shop.py")
        text = self.flocktrace("report", "--blame", "site", "trace").stdout
        self.assertRegex(text, r"\n[\d.]+ ms of it caused by save\(\) shop\.py:5, holding \[0, EOF\) of orders\.db\.")
        self.assertRegex(text, r" at stack #1:\n +audit\(\) shop\.py:7\n +<module> shop\.py:11\n")
        self.assertRegex(text, r"acquired at stack #2:\n +save\(\) shop\.py:5\n +<module> shop\.py:8\n")
        self.assertRegex(text, r"\nsave\(\) shop\.py:5 +audit\(\) shop\.py:7 ")

    def test_tell_a_test_before_the_lock_from_one_that_just_wants_to_know(self):
        """Whatever the script, the frames of its interpreter are the same."""
        script = """import fcntl, struct
f = open("f", "w")
def test(): fcntl.fcntl(f, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
def lock(): fcntl.lockf(f, fcntl.LOCK_EX)
def both(): test(); lock()
def status_page(): status()
def status(): test()
def save(): write()
def write(): lock()
"""
        for calls, expected in (("both()", 1), ("test(); lock()", 1), ("status_page(); save()", 0)):
            with open(self.path("script.py"), "w", encoding="utf-8") as file:
                file.write(script + calls + "\n")
            _, report = self.recorded(PYTHON, "script.py")
            found = [finding["id"] for finding in report.document["findings"]]
            self.assertEqual((calls, found.count("test-then-lock")), (calls, expected))


if __name__ == "__main__":
    main()
