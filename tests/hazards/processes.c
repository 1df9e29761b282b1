/* SPDX-License-Identifier: MIT */
/*
 * Locks in a parent, closes in a child that was made in one of many ways, and then tells who holds
 * what: by /proc/locks, and by three processes that want the same locks. argv[1] is the way, or
 * "ways" to list them. What is printed has no pids in it; the file "holder" has that of who locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h> /* struct clone_args */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hazard.h"

extern char **environ;
extern pid_t _Fork(void);

/* One file for each kind of lock, at a number that a shell can close. */
enum kind { POSIX, OFD, FLOCK, KINDS };
static const char *const names[KINDS] = { "posix", "ofd", "flock" };
#define FIRST_FD  7
#define CLOSE_ALL "exec 7>&- 8>&- 9>&-"

static void take(enum kind kind, int fd)
{
	if (kind == FLOCK)
		REQUIRE(!flock(fd, LOCK_EX));
	else
		lock_record(fd, kind == POSIX ? F_SETLKW : F_OFD_SETLKW, F_WRLCK);
}

static void lock_all(void)
{
	for (int kind = 0; kind < KINDS; kind++) {
		int fd = open(names[kind], O_RDWR);

		REQUIRE(fd >= 0 && dup2(fd, FIRST_FD + kind) == FIRST_FD + kind);
		REQUIRE(fd == FIRST_FD + kind || !close(fd));
		take(kind, FIRST_FD + kind);
	}
}

static void close_all(void)
{
	for (int kind = 0; kind < KINDS; kind++)
		REQUIRE(!close(FIRST_FD + kind));
}

static void close_all_by_number(void)
{
	for (int kind = 0; kind < KINDS; kind++)
		REQUIRE(!syscall(SYS_close, FIRST_FD + kind));
}

static void reap(pid_t child)
{
	int status;

	REQUIRE(child > 0 && waitpid(child, &status, __WALL) == child && !status);
}

/* ---- Ways to make a child that closes */

static void by_fork(void)
{
	pid_t child = fork();

	if (!child) {
		close_all();
		_exit(0);
	}
	reap(child);
}

static void by__Fork(void)
{
	pid_t child = _Fork();

	if (!child) {
		close_all();
		_exit(0);
	}
	reap(child);
}

static void by_vfork(void)
{
	pid_t child = vfork();

	if (!child) {
		close_all();
		_exit(0);
	}
	reap(child);
}

static void by_double_fork(void)
{
	pid_t child = fork();

	if (!child) {
		by_fork();
		_exit(0);
	}
	reap(child);
}

static void by_posix_spawn(void)
{
	posix_spawn_file_actions_t actions;
	char *arguments[] = { (char[]){ "true" }, NULL };
	pid_t child;

	REQUIRE(!posix_spawn_file_actions_init(&actions));
	for (int kind = 0; kind < KINDS; kind++)
		REQUIRE(!posix_spawn_file_actions_addclose(&actions, FIRST_FD + kind));
	REQUIRE(!posix_spawn(&child, "/bin/true", &actions, NULL, arguments, environ));
	reap(child);
}

static void by_system(void)
{
	REQUIRE(!system(CLOSE_ALL));
}

static void by_popen(void)
{
	FILE *stream = popen(CLOSE_ALL, "r");

	REQUIRE(stream && getc(stream) == EOF && !pclose(stream));
}

/* Goes on in the child: the parent has ended, and with it its POSIX locks. */
static void by_daemon(void)
{
	pid_t parent = getpid();

	REQUIRE(!daemon(1, 1));
	while (getppid() == parent)
		usleep(500);
	close_all();
}

static alignas(16) char child_stack[65536];
#define STACK_TOP (child_stack + sizeof(child_stack))

static int close_and_end(void *argument)
{
	(void)argument;
	close_all();
	return 0;
}

static void by_clone(int flags)
{
	reap(clone(close_and_end, STACK_TOP, flags | SIGCHLD, NULL));
}

static void by_clone_plain(void)
{
	by_clone(0);
}

static void by_clone_vm_vfork(void)
{
	by_clone(CLONE_VM | CLONE_VFORK);
}

static void by_clone_files(void)
{
	by_clone(CLONE_FILES);
}

static void by_clone_vm_vfork_files(void)
{
	by_clone(CLONE_VM | CLONE_VFORK | CLONE_FILES);
}

/* ---- The same through syscall(2) */

static void by_number(long flags)
{
	long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (!child) {
		close_all_by_number();
		take(POSIX, open("of-child", O_RDWR | O_CREAT, 0600));
		_exit(0);
	}
	reap((pid_t)child);
}

static void by_syscall_clone(void)
{
	by_number(0);
}

static void by_syscall_clone_files(void)
{
	by_number(CLONE_FILES);
}

static void by_syscall_fork(void)
{
	long child = syscall(SYS_fork);

	if (!child) {
		close_all_by_number();
		_exit(0);
	}
	reap((pid_t)child);
}

/* clone3(2), which has no function in libc. */
static void by_number_3(uint64_t flags)
{
	struct clone_args arguments = { .flags = flags, .exit_signal = SIGCHLD };
	long child = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (!child) {
		close_all_by_number();
		_exit(0);
	}
	reap((pid_t)child);
}

static void by_syscall_clone3(void)
{
	by_number_3(0);
}

static void by_syscall_clone3_files(void)
{
	by_number_3(CLONE_FILES);
}

static void close_and_exit(void)
{
	close_all_by_number();
	_exit(0);
}

/* On a stack of its own, where syscall() finds an address to return to. */
static void by_number_with_stack(long flags)
{
	uintptr_t *top = (uintptr_t *)(STACK_TOP - 16);

	*top = (uintptr_t)close_and_exit;
	reap((pid_t)syscall(SYS_clone, flags | SIGCHLD, top, NULL, NULL, NULL));
}

static void by_syscall_clone_vm_vfork(void)
{
	by_number_with_stack(CLONE_VM | CLONE_VFORK);
}

static void by_syscall_clone_vm_vfork_files(void)
{
	by_number_with_stack(CLONE_VM | CLONE_VFORK | CLONE_FILES);
}

static const struct way {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "fork", by_fork },
	{ "_Fork", by__Fork },
	{ "vfork", by_vfork },
	{ "double-fork", by_double_fork },
	{ "posix_spawn", by_posix_spawn },
	{ "system", by_system },
	{ "popen", by_popen },
	{ "daemon", by_daemon },
	{ "clone", by_clone_plain },
	{ "clone-vm-vfork", by_clone_vm_vfork },
	{ "clone-files", by_clone_files },
	{ "clone-vm-vfork-files", by_clone_vm_vfork_files },
	{ "syscall-fork", by_syscall_fork },
	{ "syscall-clone", by_syscall_clone },
	{ "syscall-clone-files", by_syscall_clone_files },
	{ "syscall-clone3", by_syscall_clone3 },
	{ "syscall-clone3-files", by_syscall_clone3_files },
	{ "syscall-clone-vm-vfork", by_syscall_clone_vm_vfork },
	{ "syscall-clone-vm-vfork-files", by_syscall_clone_vm_vfork_files },
};

#define WAYS (sizeof(ways) / sizeof(*ways))

/* ---- Who holds what */

struct gate {
	int end[2];
};

static struct gate done, go;

static void locker(const struct way *way)
{
	FILE *file = fopen("holder", "w");
	char byte;

	REQUIRE(file && fprintf(file, "%d\n", getpid()) > 0 && !fclose(file));
	lock_all();
	way->run();
	REQUIRE(write(done.end[1], "", 1) == 1);
	REQUIRE(read(go.end[0], &byte, 1) == 1);
	_exit(0);
}

static bool listed(enum kind kind)
{
	static const char *const classes[KINDS] = { "POSIX", "OFDLCK", "FLOCK" };
	FILE *file = fopen("/proc/locks", "r");
	struct stat status;
	char line[256], inode[32], class[16];
	bool found = false;

	REQUIRE(file && !stat(names[kind], &status));
	snprintf(inode, sizeof(inode), ":%llu ", (unsigned long long)status.st_ino);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d: %15s", class) == 1 && !strcmp(class, classes[kind]) &&
		    strstr(line, inode))
			found = true;
	fclose(file);
	return found;
}

/* Where others lock and unlock meanwhile, one that is held may be missing from the list. */
static bool in_proc_locks(enum kind kind)
{
	for (int look = 0; look < 10; look++)
		if (listed(kind))
			return true;
	return false;
}

static pid_t want(enum kind kind)
{
	pid_t child = fork();
	int fd;

	if (child)
		return child;
	fd = open(names[kind], O_RDWR);
	REQUIRE(fd >= 0);
	take(kind, fd);
	_exit(0);
}

/* A zombie, since nobody has waited for it, or asleep in a lock call. */
static bool waits(pid_t child, enum kind kind)
{
	siginfo_t info;

	for (;; usleep(500)) {
		if (is_blocked_in(child, kind == FLOCK ? SYS_flock : SYS_fcntl))
			return true;
		info.si_pid = 0;
		REQUIRE(!waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT));
		if (info.si_pid)
			return false;
	}
}

static void cell(const struct way *way)
{
	pid_t child, wanting[KINDS];
	char byte;

	REQUIRE(!pipe2(done.end, O_CLOEXEC) && !pipe2(go.end, O_CLOEXEC));
	for (int kind = 0; kind < KINDS; kind++)
		REQUIRE(!close(open(names[kind], O_RDWR | O_CREAT, 0600)));
	child = fork();
	if (!child)
		locker(way);
	REQUIRE(read(done.end[0], &byte, 1) == 1);
	for (int kind = 0; kind < KINDS; kind++)
		printf("%s %s\n", names[kind], in_proc_locks(kind) ? "held" : "free");
	for (int kind = 0; kind < KINDS; kind++) {
		wanting[kind] = want(kind);
		printf("%s %s\n", names[kind], waits(wanting[kind], kind) ? "waits" : "taken");
	}
	REQUIRE(write(go.end[1], "", 1) == 1);
	for (int kind = 0; kind < KINDS; kind++)
		reap(wanting[kind]);
	reap(child);
}

int main(int argc, char **argv)
{
	REQUIRE(argc == 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(20); /* a cell that hangs must not outlive its test */
	for (unsigned i = 0; i < WAYS; i++)
		if (!strcmp(argv[1], "ways"))
			puts(ways[i].name);
		else if (!strcmp(argv[1], ways[i].name))
			cell(&ways[i]);
	return 0;
}
