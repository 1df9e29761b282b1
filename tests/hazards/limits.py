#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Limits and sandboxes: where the recorder may not have what it needs, the program goes on as without it, and the report tells
what is missing."""

import json
import os
import re
import unittest

from e2e import FLOCKTRACE, PRELOAD, PYTHON, VICTIMS, EndToEnd, Report, main, needs

CLOCK_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"


def hazard(name):
    return os.path.join(VICTIMS, "hazard-" + name)


class Sandbox(EndToEnd):
    """hazard-sandbox puts filters over itself that kill for any system call but its own."""

    def sandboxed(self, how, *prefix, pairs):
        """So many pairs of fcntl and flock locks were recorded, all of them on one file."""
        report = self.recorded(*prefix, hazard("sandbox"), how)[1]
        self.assertEqual((report.quality["lost_unseen"], report.quality["untraced_processes"]), (0, []))
        for world in ("record", "flock"):
            self.assertEqual(report.resource("sandboxed", world=world)["acquisitions"], pairs)
        return report

    def test_a_filter_by_prctl_after_one_lock_that_kills_for_all_but_the_hosts_own_calls(self):
        self.sandboxed("prctl", pairs=1002)

    def test_a_filter_by_syscall_prctl(self):
        self.sandboxed("syscall-prctl", pairs=1002)

    def test_a_filter_by_seccomp_over_all_threads(self):
        self.sandboxed("seccomp", pairs=1002)

    def test_what_is_first_seen_behind_a_filter_is_counted(self):
        self.assertEqual(self.record(hazard("sandbox"), "unseen"), "OK\n")
        report = self.report()
        # Four calls each of a thread and of a descriptor that were not known before, two whose struct may not be looked at, and
        # a close that may have taken a lock along.
        self.assertEqual(report.quality["lost_unseen"], 4 + 4 + 2 + 1)
        self.assertIn("11 calls passed unrecorded", report.quality["missing"])
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 2)
        self.assertGreaterEqual(report.resource("handler")["acquisitions"], 100)

    def test_a_filter_that_lets_the_recorder_ask_hides_nothing(self):
        self.assertEqual(self.record(hazard("sandbox"), "seen"), "OK\n")
        report = self.report()
        self.assertEqual(report.quality["lost_unseen"], 0)
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 3)
        self.assertEqual(report.resource("never-locked", world="flock")["acquisitions"], 1)

    def test_a_child_forked_behind_a_filter_is_named(self):
        self.assertEqual(self.record(hazard("sandbox"), "fork"), "OK\n")
        report = self.report()
        self.assertEqual((report.quality["lost_unseen"], report.quality["lost_processes"]), (2, 1))
        self.assertFalse(report.quality["complete"])

    def test_a_filter_that_was_there_at_the_start_hides_nothing(self):
        # One pair before exec, and then as without it.
        self.sandboxed("prctl", hazard("sandbox"), "permissive", pairs=1003)

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(CLOCK_SOURCE), "another clock can't be pretended here")
    @needs("unshare", "mount")
    def test_a_clock_that_is_a_system_call_is_not_read_behind_a_filter(self):
        with open(self.path("clock"), "w") as file:
            file.write("hpet\n")
        said = self.record("unshare", "-m", "sh", "-ec", f"mount --bind clock {CLOCK_SOURCE}; exec \"$@\"", "sh",
                           hazard("sandbox"), "prctl")
        self.assertEqual(said, "OK\n")
        report = self.report()
        self.assertEqual(report.quality["lost_unseen"], 4 * 1001)
        self.assertEqual(report.resource("sandboxed", world="flock")["acquisitions"], 1)

    def test_without_a_session_too(self):
        for how in ("prctl", "syscall-prctl", "seccomp", "unseen", "fork"):
            with self.subTest(how):
                result = self.run_program(hazard("sandbox"), how, environment={"LD_PRELOAD": PRELOAD, "FLOCKTRACE_SESSION": "/nowhere"})
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "OK\n", ""))
                # And one of its own making.
                result = self.run_program(hazard("sandbox"), how, environment={"LD_PRELOAD": PRELOAD})
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "OK\n", ""))


NOBODY = 65534
LOCK = "flock f echo OK"
LINGER = "flock g sleep 0.7"  # until it is looked at
LINGERED = {"flock", "sleep"}  # on a busy machine the first of them may be named as what it was before its exec
PLACES = [f"/dev/shm/flocktrace-{os.geteuid()}", f"/tmp/flocktrace-{os.geteuid()}"]

# The session of this machine's user, if there is one, would be taken: hidden. A /tmp in which no directory can be made.
HIDE = "".join(f"[ ! -d {place} ] || mount -t tmpfs -o mode=0700,SIZE none {place}; " for place in PLACES)
CLOSED = "mount --rbind /tmp /tmp; mount -o remount,bind,ro /tmp; mount --bind . .; mount -o remount,bind,rw .; cd .; "


@unittest.skipUnless(os.geteuid() == 0, "only root can mount")
@needs("unshare", "mount")
class Places(EndToEnd):
    """A bare preload whose first lock makes the session, with other mounts: nobody else sees them."""

    def preloaded(self, mounts, *command, before=""):
        script = f"{mounts} cd \"$PWD\"; exec env LD_PRELOAD={PRELOAD} sh -c '{before} exec \"$@\"' sh \"$@\""
        result = self.run_program("unshare", "-m", "sh", "-ec", script, "sh", *command)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(result.stdout.endswith("OK\n"), result.stdout)

    def left(self):
        return [os.path.join(where, name) for where, _, names in os.walk(self.runtime) for name in names]

    def test_a_file_system_that_is_full(self):
        small = HIDE.replace("SIZE", "size=64k") + f"mount -t tmpfs -o size=64k,mode=0700 none {self.runtime}; " \
            "mount -t tmpfs -o size=64k none /dev/shm; " + CLOSED
        # Anything that was made and then given up is gone again.
        self.preloaded(small, "sh", "-c", f"{LOCK} && [ -z \"$(find {self.runtime} /dev/shm -type f)\" ] && echo OK")

    def test_directories_that_are_read_only(self):
        closed = HIDE.replace("SIZE", "ro") + f"mount -t tmpfs -o ro none {self.runtime}; mount -t tmpfs -o ro none /dev/shm; "
        self.preloaded(closed + CLOSED, *LOCK.split())

    def test_a_directory_that_is_missing(self):
        self.environment["XDG_RUNTIME_DIR"] = self.path("nowhere")
        closed = HIDE.replace("SIZE", "ro") + "mount -t tmpfs -o ro none /dev/shm; "
        self.preloaded(closed + CLOSED, *LOCK.split())
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_no_file_may_grow(self):
        self.preloaded(HIDE.replace("SIZE", "ro"), *LOCK.split(), before="ulimit -f 0;")
        self.assertEqual(self.left(), [])

    @needs("strace")
    def test_descriptors_0_to_2_are_free(self):
        script = "import fcntl, os; f = open('f', 'w'); assert f.fileno() == 0; fcntl.lockf(f, fcntl.LOCK_EX); " \
            "assert [os.open('f', os.O_RDONLY) for _ in range(3)] == [1, 2, 3]; open('said', 'w').write('OK')"
        self.preloaded(HIDE.replace("SIZE", "ro"), "sh", "-c",
                       f"strace -f -qq -e trace=mmap -o calls {PYTHON} -c \"{script}\" <&- >&- 2>&-; cat said; echo")
        self.assertEqual([os.path.basename(name) for name in self.left()], ["default"])
        # Not even for a moment: another thread may fork.
        with open(self.path("calls")) as file:
            mapped = re.findall(r"PROT_READ\|PROT_WRITE, MAP_SHARED, (\d+)", file.read())
        self.assertTrue(mapped)
        self.assertGreater(min(int(fd) for fd in mapped), 2)
        report = self.report(self.left()[0])
        self.assertEqual(report.resource("f", world="record")["acquisitions"], 1)

    def test_a_limit_that_the_program_sets_itself_before_its_first_lock(self):
        for limit, value in (("NOFILE", "3"), ("FSIZE", "0"), ("AS", "int(open('/proc/self/statm').read().split()[0]) * 4096 + (30 << 20)")):
            with self.subTest(limit):
                # The address space that is left is all there for the program.
                self.preloaded(HIDE.replace("SIZE", "ro"), PYTHON, "-c", f"import fcntl, mmap, resource as r; f = open('f', 'w'); "
                               f"r.setrlimit(r.RLIMIT_{limit}, ({value}, r.getrlimit(r.RLIMIT_{limit})[1])); fcntl.lockf(f, fcntl.LOCK_EX); "
                               f"mmap.mmap(-1, 28 << 20) if '{limit}' == 'AS' else 0; print('OK')")
                self.assertEqual(self.left(), [])

    def test_a_control_group_with_little_memory(self):
        """Pretended: the making of a session of 4 MiB would have the program killed where it was near its limit."""
        with open("/proc/self/cgroup") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
        places = {"/memory.max" if not controllers else "/memory/memory.limit_in_bytes": group
                  for _, controllers, group in groups if not controllers or "memory" in controllers.split(",")}
        for place, group in places.items():
            root, name = os.path.split("/sys/fs/cgroup" + place)
            # Of its own group, and in a container, where the machine's name for it leads nowhere.
            for folder in {os.path.normpath(root + group), root}:
                for limit, left in ((48 << 20, []), (256 << 20, ["default"]), ("max", ["default"])):
                    with self.subTest(f"{limit} in {folder}/{name}"):
                        pretend = f"mount -t tmpfs none /sys/fs/cgroup; mkdir -p {folder}; echo {limit} >{folder}/{name}; "
                        self.preloaded(HIDE.replace("SIZE", "ro") + pretend, *LOCK.split())
                        self.assertEqual([os.path.basename(path) for path in self.left()], left)
                        for path in self.left():
                            os.unlink(path)

    def test_root_that_becomes_somebody_else_and_execs_records_into_that_users_session(self):
        shm = HIDE.replace("SIZE", "ro") + "mount -t tmpfs -o mode=1777 none /dev/shm; chmod 711 .. .; chmod 777 .; "
        look = f"ls -ln /dev/shm/flocktrace-{NOBODY}/default >&2; exec {FLOCKTRACE} report --json /dev/shm/flocktrace-{NOBODY}/default"
        result = self.run_program("unshare", "-m", "sh", "-ec", shm + f"cd \"$PWD\"; LD_PRELOAD={PRELOAD} setpriv --reuid {NOBODY} "
                                  f"--clear-groups {LOCK} >&2; {look}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("OK\n", result.stderr)
        self.assertRegex(result.stderr, rf"-rw------- +1 {NOBODY} ")
        self.assertEqual(Report(json.loads(result.stdout)).resource("f")["acquisitions"], 1)

    def test_a_root_directory_without_anything(self):
        os.mkdir(self.path("jail"))
        script = "import fcntl, os; os.chroot('jail'); os.chdir('/'); f = open('f', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('OK')"
        self.preloaded(HIDE.replace("SIZE", "ro"), PYTHON, "-c", script)
        self.assertEqual(os.listdir(self.path("jail")), ["f"])
        self.record(PYTHON, "-c", script)
        self.assertEqual(self.report().document["resources"][0]["acquisitions"], 1)


class Elsewhere(EndToEnd):
    @unittest.skipUnless(os.geteuid() == 0, "only root can change the root directory")
    def test_a_child_of_somebody_who_has_become_another_in_another_root(self):
        os.mkdir(self.path("jail"), 0o777)
        os.chmod(self.path("jail"), 0o777)
        script = "import fcntl, os; os.chroot('jail'); os.chdir('/'); " \
            f"os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY}); pid = os.fork(); " \
            "f = open('of-parent' if pid else 'of-child', 'w'); fcntl.flock(f, fcntl.LOCK_EX); " \
            "pid and print('OK' if os.wait()[1] == 0 else 'its child failed')"
        stdout, report = self.recorded(PYTHON, "-c", script)
        self.assertEqual(stdout, "OK\n")
        # There is no /proc that would tell their paths.
        self.assertEqual([resource["acquisitions"] for resource in report.document["resources"]], [1, 1])
        self.assertEqual(len(report.document["processes"]), 2)
        self.assertTrue(report.quality["complete"])


# As sshd does it: the daemon locks its file and starts itself anew, with little in its environment; that one
# becomes somebody else in another root, with no descriptor of anybody's, and locks there.
DAEMON = """
import fcntl, os, sys
if len(sys.argv) == 2:
    file = open("daemon.pid", "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    if os.fork() == 0:
        os.execve(sys.executable, sys.orig_argv + ["session"], {name: os.environ[name] for name in sys.argv[1].split(",") if name in os.environ})
    status = os.wait()[1]
    print("OK" if status == 0 else f"its session ended with {status}")
    sys.exit()
os.setsid()
os.closerange(3, 1024)
os.chroot("jail")
os.chdir("/")
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
if os.fork() == 0:
    file = open("of-session", "w")
    os._exit(0 if file.fileno() == 3 and fcntl.flock(file, fcntl.LOCK_EX) is None else 1)
sys.exit(os.WEXITSTATUS(os.wait()[1]))
"""


@unittest.skipIf(os.getuid(), "needs root")
class Daemon(EndToEnd):
    def daemon(self, kept):
        os.mkdir(self.path("jail"), 0o777)
        os.chmod(self.path("jail"), 0o777)
        stdout, report = self.recorded(PYTHON, "-c", DAEMON, kept)
        self.assertEqual(stdout, "OK\n")
        self.assertEqual(report.resource("daemon.pid")["acquisitions"], 1)
        return report

    def test_a_daemon_that_starts_itself_anew_and_becomes_somebody_else(self):
        report = self.daemon("LD_PRELOAD,FLOCKTRACE_SESSION")
        self.assertEqual(sum(one["acquisitions"] for one in report.document["resources"]), 2)
        self.assertTrue(report.quality["complete"])

    def test_a_daemon_that_gives_its_sessions_none_of_its_environment(self):
        report = self.daemon("PATH")
        self.assertEqual(sum(one["acquisitions"] for one in report.document["resources"]), 1)
        self.assertFalse(report.quality["complete"])
        self.assertNotEqual(report.quality["untraced_processes"], [])


class Recorded(EndToEnd):
    """The same under record: what has the session goes on, what cannot have it is named."""

    def test_limits_that_need_nothing_new(self):
        for limit in ("-f 0", "-n 5", "-v 200000"):
            with self.subTest(limit):
                stdout, report = self.recorded("sh", "-c", f"ulimit {limit}; exec {LOCK}")
                self.assertEqual(stdout, "OK\n")
                self.assertEqual(report.resource("f")["acquisitions"], 1)

    def test_no_descriptor_is_left(self):
        script = "import fcntl, resource as r; f = open('f', 'w'); r.setrlimit(r.RLIMIT_NOFILE, (3, 3)); " \
            "fcntl.lockf(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_EX); f.close(); print('OK')"
        stdout, report = self.recorded(PYTHON, "-c", script)
        self.assertEqual((stdout, report.total("f", "acquisitions")), ("OK\n", 2))

    def test_no_room_for_what_is_known_of_a_thread(self):
        script = "import fcntl, resource as r; f = open('f', 'w'); " \
            "r.setrlimit(r.RLIMIT_AS, (int(open('/proc/self/statm').read().split()[0]) * 4096, r.getrlimit(r.RLIMIT_AS)[1])); " \
            "fcntl.flock(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_UN); print('OK')"
        self.assertEqual(self.record(PYTHON, "-c", script), "OK\n")
        report = self.report()
        self.assertEqual((report.quality["lost_unseen"], report.resources("f")), (2, []))

    def named(self, *command):
        """The names of the programs that the report says were not recorded."""
        self.record(*command)
        report = self.report()
        self.assertFalse(report.quality["complete"])
        return report, {os.path.basename(one["exe"] or "") for one in report.quality["untraced_processes"]}

    def test_address_space_that_the_session_would_eat(self):
        # Its session would take 20 of the 50 MB.
        report, found = self.named("sh", "-c", f"ulimit -v 50000; exec {LINGER}")
        self.assertTrue(found & LINGERED, found)
        self.assertEqual(report.resources("g"), [])

    def test_a_session_that_was_removed(self):
        report, found = self.named("sh", "-c", f"exec 9>h; {LOCK}; rm \"$FLOCKTRACE_SESSION\"; {LINGER}; flock 9")
        self.assertTrue(found & LINGERED, found)
        self.assertEqual((report.resource("f")["acquisitions"], report.resources("g")), (1, []))

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    @needs("setpriv")
    def test_somebody_else_may_not_have_the_session(self):
        os.chmod(os.path.dirname(self.directory), 0o711)
        os.chmod(self.directory, 0o777)
        found = self.named("setpriv", "--reuid", str(NOBODY), "--clear-groups", *LINGER.split())[1]
        self.assertTrue(found & LINGERED, found)


if __name__ == "__main__":
    main()
