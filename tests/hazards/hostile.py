#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sessions and traces that others can read, write, put in the way, or scribble over."""

import os
import random
import stat
import struct
import subprocess
import unittest

from e2e import FLOCKTRACE, PRELOAD, VICTIMS, EndToEnd, main, needs, victim

as_root = unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
NOBODY, SOMEBODY = 65534, 65533
SEED = int(os.environ.get("FLOCKTRACE_TEST_SEED", random.SystemRandom().getrandbits(32)))
LOCKERS = "posix flock ofd threads fork dup split_merge lockf handler longjmp".split()


def mode_of(path):
    return stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)


class Hostile(EndToEnd):
    def make_session(self, name="session"):
        """A whole session that nobody drains; its path."""
        result = self.flocktrace("record", "-o", self.path("ignored"), "--", "sh", "-c", f'cp "$FLOCKTRACE_SESSION" {self.path(name)}')
        self.assertEqual(result.returncode, 0, result.stderr)
        os.unlink(self.path("ignored"))
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()

    def locks_with(self, prefix=(), **environment):
        """A program that locks, with LD_PRELOAD; it must not notice a thing."""
        variables = [f"{name}={value}" for name, value in {"LD_PRELOAD": PRELOAD, **environment}.items()]
        result = self.run_program(*prefix, "env", *variables, os.path.join(VICTIMS, "hazard-lock_once"), self.path("f"))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "locked\n", ""))

    def assert_left_alone(self, session, **options):
        before = self.content(session)
        self.locks_with(FLOCKTRACE_SESSION=session, **options)
        self.assertEqual(self.content(session), before)

    def assert_recorded_into(self, session, **options):
        before = self.content(session)
        self.locks_with(FLOCKTRACE_SESSION=session, **options)
        self.assertNotEqual(self.content(session), before)


class Permissions(Hostile):
    def test_sessions_and_traces_are_the_users_alone_whatever_the_umask(self):
        for umask in ("000", "022", "077", "177"):
            with self.subTest(umask):
                show = 'stat -c %a "$FLOCKTRACE_SESSION" "$(dirname "$FLOCKTRACE_SESSION")"'
                result = self.run_program("sh", "-c", f"umask {umask}; exec {FLOCKTRACE} record -o trace-{umask} sh -c '{show}'")
                self.assertEqual((result.returncode, result.stdout), (0, "600\n700\n"), result.stderr)
                self.assertEqual(mode_of(self.path("trace-" + umask)) & 0o077, 0)

    @as_root
    @needs("unshare")
    def test_the_default_session_is_the_users_alone_whatever_the_umask(self):
        for umask in (0o000, 0o022, 0o177):
            with self.subTest(oct(umask)):
                runtime = self.path(f"runtime{umask}")
                os.mkdir(runtime, 0o700)
                self.locks_with((*alone(), "sh", "-c", f'umask {umask:o}; exec "$@"', "sh"), XDG_RUNTIME_DIR=runtime)
                self.assertEqual((mode_of(runtime + "/flocktrace"), mode_of(runtime + "/flocktrace/default")), (0o700, 0o600))

    def test_a_session_that_others_may_write_is_left_alone(self):
        session = self.make_session()
        self.assert_recorded_into(session)
        for mode in (0o620, 0o602, 0o640, 0o604):
            with self.subTest(oct(mode)):
                os.chmod(session, mode)
                self.assert_left_alone(session)


def alone():
    """In a mount namespace where nobody has a default session, and none is left behind."""
    places = " ".join(f"/dev/shm /tmp/flocktrace-{os.geteuid()}".split())
    return ["unshare", "-m", "sh", "-ec", f'for at in {places}; do [ ! -e $at ] || mount -t tmpfs -o mode=0700 none $at; done; exec "$@"', "sh"]


@as_root
class OfAnotherUser(Hostile):
    def setUp(self):
        super().setUp()
        for directory in (os.path.dirname(self.directory), self.directory):
            os.chmod(directory, 0o777)
        self.somebody = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"]
        if self.run_program(*self.somebody, "test", "-r", PRELOAD).returncode:
            self.skipTest("another user can't read the object in this tree")

    def test_a_program_leaves_a_session_alone_that_is_not_its_users(self):
        session = self.make_session()
        os.chown(session, SOMEBODY, SOMEBODY)
        self.assert_recorded_into(session, prefix=self.somebody)
        os.chown(session, NOBODY, NOBODY)
        # May open it, all the same.
        self.somebody += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        self.assert_left_alone(session, prefix=self.somebody)

    def test_root_may_record_into_a_session_that_it_names(self):
        session = self.make_session()
        os.chown(session, NOBODY, NOBODY)
        self.assert_recorded_into(session)

    def test_attach_refuses_it(self):
        session = self.make_session()
        os.chmod(session, 0o666)
        os.chown(session, NOBODY, NOBODY)
        result = self.run_program(*self.somebody, FLOCKTRACE, "record", "-o", "trace", "--attach", session)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (125, "", f"flocktrace: {session}: belongs to another user\n"))
        self.assertFalse(os.path.exists(self.path("trace")))

    def test_report_does_not_take_it_for_the_newest(self):
        bait = os.path.join(self.runtime, "flocktrace")
        session = self.make_session()
        os.mkdir(bait, 0o700)
        os.rename(session, bait + "/default")
        report = [*alone(), FLOCKTRACE, "report"]
        self.assertIn("/flocktrace/default", self.run_program(*report).stderr)
        for path in (bait + "/default", bait):
            with self.subTest(path):
                os.chown(path, NOBODY, NOBODY)
                result = self.run_program(*report)
                self.assertEqual((result.returncode, result.stdout), (125, ""))
                self.assertNotIn("/flocktrace/default", result.stderr)
                os.chown(path, 0, 0)


@as_root
@needs("unshare")
class InTheWay(Hostile):
    def setUp(self):
        super().setUp()
        self.default = os.path.join(self.runtime, "flocktrace")

    def assert_not_followed(self, target):
        before = self.content(target)
        self.locks_with(alone())
        self.assertEqual(self.content(target), before)
        result = self.run_program(*alone(), FLOCKTRACE, "report")
        self.assertEqual((result.returncode, result.stdout), (125, ""), result.stderr)

    def test_a_default_session_that_is_a_symlink_is_not_followed(self):
        self.make_session()
        os.mkdir(self.default, 0o700)
        os.symlink(self.path("session"), self.default + "/default")
        self.assert_not_followed(self.path("session"))

    def test_a_directory_of_sessions_that_is_a_symlink_is_not_followed(self):
        os.mkdir(self.path("elsewhere"), 0o700)
        self.make_session("elsewhere/default")
        os.symlink(self.path("elsewhere"), self.default)
        self.assert_not_followed(self.path("elsewhere/default"))
        session = self.record("sh", "-c", 'echo "$FLOCKTRACE_SESSION"').strip()
        self.assertNotEqual(os.path.dirname(session), self.default)

    def test_a_directory_of_sessions_that_others_may_write_is_not_used(self):
        self.make_session()
        os.mkdir(self.default)
        os.rename(self.path("session"), self.default + "/default")
        os.chmod(self.default, 0o770)
        self.assert_not_followed(self.default + "/default")

    def test_a_file_in_the_traces_place_is_kept(self):
        for make in (lambda path: os.symlink("/nowhere", path), lambda path: open(path, "w").close()):
            make(self.path("trace"))
            before = os.lstat(self.path("trace"))
            result = self.flocktrace("record", "-o", "trace", "--", "true")
            self.assertEqual(result.returncode, 125)
            self.assertEqual(os.lstat(self.path("trace")), before)
            os.unlink(self.path("trace"))


class Arguments(Hostile):
    def test_are_recorded_only_on_request(self):
        with open(self.path("job"), "w") as file:
            file.write("#!/bin/sh\nflock f true swordfish\n")
        os.chmod(self.path("job"), 0o755)
        for wanted, setting in ((False, {}), (False, {"FLOCKTRACE_ARGV": "0"}), (True, {"FLOCKTRACE_ARGV": "1"})):
            with self.subTest(setting):
                self.record("./job", environment=setting)
                # In a cell of its own, or torn in two by the next: the words are what dump shows.
                shown = self.flocktrace("dump", "trace").stdout
                self.assertEqual(b"swordfish" in self.content(self.path("trace")) or "swordfish" in shown, wanted)


class Scribbled(Hostile):
    """A session that is written over at random while programs record into it, and its launcher drains it."""

    def parts(self, session):
        """{name: (begin, end)} of the file, from its header: where the programs at work are, as far as these have come."""
        words = struct.unpack_from("<QIIIIIIQIIQQQQQ", session)
        threads, processes, slow, ring = words[7], words[10], words[11], words[13]
        return {"header": (0, 256), "counters": (256, 768), "thread slots": (threads, threads + 256 * 8), "process slots": (processes, processes + 1280 * 8),
                "slow ring": (slow, slow + 64 * 64), "ring": (ring, ring + 64 * 512), "all of it": (0, len(session))}

    def scribble(self, program, path, dice, part):
        with open(path, "r+b", buffering=0) as file:
            begin, end = self.parts(file.read())[part]
            while program.poll() is None:
                for _ in range(200):
                    file.seek(dice.randrange(begin, end) & ~7)
                    number = dice.choice((dice.getrandbits(64), 0, 2**64 - 1, dice.randrange(4096), dice.getrandbits(38)))
                    file.write(struct.pack("<Q", number))

    def test_no_program_notices_and_the_launcher_survives(self):
        print(f"FLOCKTRACE_TEST_SEED={SEED}")
        dice = random.Random(SEED)
        lockers = "".join(f"for i in 1 2 3; do {victim(name)} >{name}.$i 2>&1 || echo {name}: $?; done & " for name in LOCKERS)
        script = f'echo "$FLOCKTRACE_SESSION"; read go; {lockers} wait; tail -qn1 *.[123] | sort | uniq -c'
        for part in ("header", "counters", "thread slots", "process slots", "slow ring", "ring", "all of it"):
            with self.subTest(part):
                work = self.path(part.replace(" ", "-"))
                os.mkdir(work)
                program = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", "sh", "-c", script], cwd=work,
                                           env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
                try:
                    session = program.stdout.readline().strip()
                    program.stdin.write("go\n")
                    program.stdin.flush()
                    self.scribble(program, session, dice, part)
                    stdout, stderr = program.communicate(timeout=60)
                finally:
                    program.kill()
                    program.wait()
                self.assertEqual(stdout.split(), [str(3 * len(LOCKERS)), "OK"], stderr)
                # 125: it says that the trace is no good; a signal would be negative.
                self.assertIn(program.returncode, (0, 125), stderr)
                result = subprocess.run([FLOCKTRACE, "report", "trace"], cwd=work, capture_output=True, text=True, timeout=60)
                self.assertIn(result.returncode, (0, 125), result.stderr)


if __name__ == "__main__":
    main()
