#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Loaded into whatever comes: another libc, a root directory with libc alone, no unwinder, secure execution, 32 bits."""

import glob
import os
import re
import shutil
import subprocess
import unittest

from e2e import FLOCKTRACE, PRELOAD, VICTIMS, EndToEnd, main, needs

LOCK_ONCE = os.path.join(VICTIMS, "hazard-lock_once")
MUSL = LOCK_ONCE + "-musl"
BITS_32 = LOCK_ONCE + "-32"
SECURE = os.path.join(VICTIMS, "hazard-secure")
as_root = unittest.skipIf(os.geteuid() != 0, "only root can do that")


def libraries_of(program):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


class Loading(EndToEnd):
    def assert_recorded_without_stacks(self, report):
        self.assert_clean(report)
        self.assertEqual({(r["world"], r["acquisitions"]) for r in report.document["resources"]}, {("flock", 1), ("record", 1)})
        self.assertEqual([frames for frames in report.sites.values() if frames], [])

    def same(self, *command):
        alone = self.run_program(*command)
        recorded = self.flocktrace("record", "-o", "trace", "--", *command)
        stderr = "".join(line for line in recorded.stderr.splitlines(True) if not line.startswith("Next: flocktrace "))
        self.assertEqual((alone.returncode, alone.stdout, alone.stderr), (recorded.returncode, recorded.stdout, stderr))
        self.assertEqual(alone.stdout, "locked\n")
        return self.report()

    @unittest.skipUnless(os.path.exists(MUSL), "no musl-gcc here")
    def test_a_program_with_another_libc(self):
        self.assert_recorded_without_stacks(self.same(MUSL, "f"))

    @as_root
    @needs("unshare", "mount")
    def test_no_unwinder_or_a_damaged_one(self):
        """libunwind.so.8 is an empty file here, which dlopen refuses."""
        library = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
        paths = sorted(set(re.findall(r"libunwind\.so\.8 .*=> (\S+)", library)))
        hide = "".join(f"mount --bind /dev/null {path} && " for path in paths) + 'exec "$@"'
        command = ["unshare", "-m", "sh", "-c", hide, "sh"]
        if self.run_program(*command, "true").returncode:
            self.skipTest("no mount namespaces here")
        result = self.run_program(*command, FLOCKTRACE, "record", "-o", "trace", "--", LOCK_ONCE, "f")
        self.assertEqual((result.returncode, result.stdout), (0, "locked\n"), result.stderr)
        self.assert_recorded_without_stacks(self.report())

    @as_root
    @needs("chroot", "ldd")
    def test_a_root_directory_with_nothing_but_libc(self):
        root = self.path("root")
        for path in [LOCK_ONCE, PRELOAD, *libraries_of(LOCK_ONCE)]:
            target = root + os.path.realpath(os.path.dirname(path)) + "/" + os.path.basename(path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
            if os.path.dirname(path) != os.path.realpath(os.path.dirname(path)):
                os.makedirs(root + os.path.dirname(path), exist_ok=True)
                shutil.copy(path, root + path)
        os.makedirs(root + "/tmp", exist_ok=True)
        alone = self.run_program("chroot", root, LOCK_ONCE, "/f")
        traced = self.run_program("chroot", root, LOCK_ONCE, "/f", environment={"LD_PRELOAD": PRELOAD})
        # chroot(1) itself has the object too, and loads it from the whole system.
        self.assertEqual((alone.returncode, alone.stdout, alone.stderr), (traced.returncode, traced.stdout, traced.stderr))
        self.assertEqual(alone.stdout, "locked\n")
        sessions = glob.glob(root + f"/tmp/flocktrace-{os.geteuid()}/*")
        self.assertEqual(len(sessions), 1, sessions)
        self.assert_recorded_without_stacks(self.report(sessions[0]))

    @unittest.skipUnless(os.path.exists(BITS_32), "no 32-bit libc here")
    def test_a_program_of_32_bits(self):
        """Its loader says that the object is of the wrong class, and goes on."""
        result = self.flocktrace("record", "-o", "trace", "--", "sh", "-c", f"{BITS_32} && exec {LOCK_ONCE} f")
        self.assertEqual((result.returncode, result.stdout), (0, "locked\nlocked\n"), result.stderr)
        said = [line for line in result.stderr.splitlines() if not line.startswith("Next: ")]
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], "wrong ELF class.*ignored")

    @as_root
    @needs("strace", "setpriv")
    def test_secure_execution_maps_and_opens_nothing(self):
        """Set to another user, and linked with the object, since the loader ignores LD_PRELOAD there."""
        if self.run_program("strace", "-o", "/dev/null", "true").returncode:
            self.skipTest("no ptrace here")
        shutil.copy(SECURE, self.path("secure"))
        os.chmod(os.path.dirname(self.directory), 0o711)
        os.chmod(self.directory, 0o777)
        if self.run_program("setpriv", "--reuid=65534", "--clear-groups", "test", "-r", PRELOAD).returncode:
            self.skipTest("another user can't read the object in this tree")
        with open(self.path("f"), "w"):
            os.chmod(self.path("f"), 0o666)
        opened = {}
        for mode in (0o755, 0o4755):
            os.chown(self.path("secure"), 65534, 65534)
            os.chmod(self.path("secure"), mode)
            trace = self.path("strace")
            result = self.run_program("strace", "-o", trace, "./secure", "f", environment={"FLOCKTRACE_SESSION": ""})
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(trace) as file:
                lines = file.read().splitlines()
            opened[mode] = {match[1] for line in lines for match in [re.search(r'open(?:at)?\(.*?"(.*?)"', line)] if match}
            shared = [line for line in lines if "MAP_SHARED" in line]
            self.assertEqual(bool(shared), mode == 0o755, shared)
        libraries = {os.path.basename(path) for path in libraries_of(SECURE)}
        self.assertEqual({os.path.basename(path) for path in opened[0o4755]} - libraries, {"ld.so.cache", "f"})
        self.assertIn("libunwind.so.8", "".join(opened[0o755]), "where it isn't secure, the unwinder is opened")

    @as_root
    def test_a_setuid_program_has_nothing_of_the_recorder_in_it(self):
        """Nothing of ours is in its memory and its files, though all around it is recorded."""
        shutil.copy(LOCK_ONCE, self.path("other"))
        os.chown(self.path("other"), 65534, 65534)
        os.chmod(self.path("other"), 0o4755)
        os.chmod(os.path.dirname(self.directory), 0o711)
        os.chmod(self.directory, 0o777)
        if os.statvfs(self.directory).f_flag & os.ST_NOSUID:
            self.skipTest("mounted nosuid")
        run = subprocess.Popen([FLOCKTRACE, "record", "-o", "trace", "--", "sh", "-c", "echo $$; ./other f linger; true"],
                               cwd=self.directory, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        try:
            shell = run.stdout.readline().strip()
            self.assertEqual(run.stdout.readline(), "locked\n")
            with open(f"/proc/{shell}/task/{shell}/children") as file:
                child = file.read().split()[0]
            with open(f"/proc/{child}/maps") as file:
                maps = file.read()
            with open(f"/proc/{shell}/maps") as file:
                self.assertRegex(file.read(), "libflocktrace.so")
            self.assertIn("/other", maps)
            self.assertNotRegex(maps, r"libflocktrace|libunwind|flocktrace\S*\.session|/dev/shm")
            self.assertEqual({os.readlink(f"/proc/{child}/fd/{fd}")[:5] for fd in os.listdir(f"/proc/{child}/fd")}, {"pipe:"})
        finally:
            output = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, output)


class Audited(EndToEnd):
    def test_a_program_whose_loader_is_audited(self):
        # Both want thread-local storage before the program has any.
        stdout, report = self.recorded("env", "LD_AUDIT=" + os.path.join(VICTIMS, "hazard-audit.so"), "flock", "f", "echo", "OK")
        self.assertEqual((stdout, report.resource("f")["acquisitions"]), ("OK\n", 1))


if __name__ == "__main__":
    main()
