/* SPDX-License-Identifier: MIT */
/* The victims' helpers: expectation first, then the call, then the check. */
#include "victim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define UNTOUCHED 0x5A5A /* no errno has this value */

void check(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	dprintf(STDERR_FILENO, "%s:%d: not so: %s (errno %d)\n", file, line, text, errno);
	_exit(1);
}

void begin(void)
{
	CHECK(write(STDOUT_FILENO, "", 0) == 0);
}

int done(void)
{
	CHECK(write(STDOUT_FILENO, "OK\n", 3) == 3);
	return 0;
}

int fresh(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	return fd;
}

int another(const char *name)
{
	int fd = open(name, O_RDWR);

	CHECK(fd >= 0);
	return fd;
}

/* One write for each line, so that lines of several processes never mix. */
void expect(const char *format, ...)
{
	char line[256];
	va_list arguments;
	int used = snprintf(line, sizeof(line), "%d ", gettid());

	va_start(arguments, format);
	used += vsnprintf(line + used, sizeof(line) - used, format, arguments);
	va_end(arguments);
	CHECK(used < (int)sizeof(line) - 1);
	line[used++] = '\n';
	CHECK(write(STDOUT_FILENO, line, used) == used);
}

static const char *command_name(int command)
{
	switch (command) {
	case F_GETLK:
		return "F_GETLK";
	case F_SETLK:
		return "F_SETLK";
	case F_SETLKW:
		return "F_SETLKW";
	case F_OFD_GETLK:
		return "F_OFD_GETLK";
	case F_OFD_SETLK:
		return "F_OFD_SETLK";
	case F_OFD_SETLKW:
		return "F_OFD_SETLKW";
	}
	abort();
}

/* strace's way with a number that has no name. */
struct word {
	char text[32];
};

static struct word unknown(int number, const char *kind)
{
	struct word word;

	snprintf(word.text, sizeof(word.text), "%#x /* %s */", (unsigned short)number, kind);
	return word;
}

static struct word type_name(int type)
{
	static const char *const names[] = {
		[F_RDLCK] = "F_RDLCK", [F_WRLCK] = "F_WRLCK", [F_UNLCK] = "F_UNLCK"
	};
	struct word word;

	if (type < 0 || type > F_UNLCK)
		return unknown(type, "F_???");
	strcpy(word.text, names[type]);
	return word;
}

static struct word whence_name(int whence)
{
	static const char *const names[] = { "SEEK_SET", "SEEK_CUR", "SEEK_END" };
	struct word word;

	if (whence < 0 || whence > SEEK_END)
		return unknown(whence, "SEEK_???");
	strcpy(word.text, names[whence]);
	return word;
}

static struct word result_text(int error)
{
	struct word word;

	if (error)
		snprintf(word.text, sizeof(word.text), "-1 %s", strerrorname_np(error));
	else
		strcpy(word.text, "0");
	return word;
}

static void check_result(int result, int error)
{
	CHECK(result == (error ? -1 : 0));
	CHECK(errno == (error ? error : UNTOUCHED));
}

void expect_fcntl(int fd, int command, int type, int whence, off_t start, off_t len,
		  const char *result)
{
	expect("fcntl(%d, %s, {l_type=%s, l_whence=%s, l_start=%lld, l_len=%lld}) = %s", fd,
	       command_name(command), type_name(type).text, whence_name(whence).text,
	       (long long)start, (long long)len, result);
}

void fcntl_lock(int fd, int command, int type, int whence, off_t start, off_t len, int error)
{
	struct flock lock = {
		.l_type = (short)type, .l_whence = (short)whence, .l_start = start, .l_len = len
	};
	struct flock before = lock;
	int result;

	expect_fcntl(fd, command, type, whence, start, len, result_text(error).text);
	errno = UNTOUCHED;
	result = fcntl(fd, command, &lock);
	check_result(result, error);
	CHECK(memcmp(&lock, &before, sizeof(lock)) == 0);
}

void fcntl_query(int fd, int command, int type, int whence, off_t start, off_t len,
		 struct answer answer)
{
	struct flock lock = {
		.l_type = (short)type, .l_whence = (short)whence, .l_start = start, .l_len = len
	};
	int result;

	if (answer.type == F_UNLCK)
		answer = (struct answer){ F_UNLCK, start, len, 0 };
	else
		whence = SEEK_SET;
	expect("fcntl(%d, %s, {l_type=%s, l_whence=%s, l_start=%lld, l_len=%lld, l_pid=%d}) = 0",
	       fd, command_name(command), type_name(answer.type).text, whence_name(whence).text,
	       (long long)answer.start, (long long)answer.len, answer.pid);
	errno = UNTOUCHED;
	result = fcntl(fd, command, &lock);
	check_result(result, 0);
	CHECK(lock.l_type == answer.type && lock.l_whence == whence);
	CHECK(lock.l_start == answer.start && lock.l_len == answer.len);
	CHECK(lock.l_pid == answer.pid);
}

void expect_flock(int fd, int operation, const char *result)
{
	static const char *const names[] = { "LOCK_SH", "LOCK_EX", "LOCK_NB", "LOCK_UN" };
	char text[64] = "";
	int bit;

	for (bit = 0; bit < 4; bit++) {
		if (!(operation & 1 << bit))
			continue;
		if (*text)
			strcat(text, "|");
		strcat(text, names[bit]);
	}
	expect("flock(%d, %s) = %s", fd, *text ? text : "0", result);
}

void flock_lock(int fd, int operation, int error)
{
	int result;

	expect_flock(fd, operation, result_text(error).text);
	errno = UNTOUCHED;
	result = flock(fd, operation);
	check_result(result, error);
}

/* What glibc makes of lockf: fcntl with SEEK_CUR. F_TEST is shown here for a section that is free.
 */
void lockf_lock(int fd, int command, off_t len, int error)
{
	int result;

	switch (command) {
	case F_LOCK:
		expect_fcntl(fd, F_SETLKW, F_WRLCK, SEEK_CUR, 0, len, result_text(error).text);
		break;
	case F_TLOCK:
		expect_fcntl(fd, F_SETLK, F_WRLCK, SEEK_CUR, 0, len, result_text(error).text);
		break;
	case F_ULOCK:
		expect_fcntl(fd, F_SETLK, F_UNLCK, SEEK_CUR, 0, len, result_text(error).text);
		break;
	case F_TEST:
		CHECK(error == 0);
		expect("fcntl(%d, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_CUR, l_start=0, "
		       "l_len=%lld, l_pid=0}) = 0",
		       fd, (long long)len);
		break;
	}
	errno = UNTOUCHED;
	result = lockf(fd, command, len);
	check_result(result, error);
}

struct gate gate_new(void)
{
	struct gate gate;

	CHECK(pipe2(gate.end, O_CLOEXEC) == 0);
	return gate;
}

void gate_open(struct gate gate)
{
	CHECK(write(gate.end[1], "", 1) == 1);
}

void gate_wait(struct gate gate)
{
	char byte;
	ssize_t got;

	do
		got = read(gate.end[0], &byte, 1);
	while (got < 0 && errno == EINTR);
	CHECK(got == 1);
}

/* The first line of a /proc file; empty where it is gone. */
static void read_proc(char *out, size_t size, pid_t pid, pid_t tid, const char *name)
{
	char path[64];
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, out, size - 1);
		close(fd);
	}
	out[got > 0 ? got : 0] = '\0';
}

/* In state S the number in /proc/TID/syscall is what it sleeps in; stopped by a tracer it is t. */
static bool is_blocked(pid_t pid, pid_t tid)
{
	char text[512];
	const char *state;

	read_proc(text, sizeof(text), pid, tid, "syscall");
	if (atoi(text) != SYS_fcntl && atoi(text) != SYS_flock)
		return false;
	read_proc(text, sizeof(text), pid, tid, "stat");
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

void wait_until_blocked(pid_t pid, pid_t tid)
{
	while (!is_blocked(pid, tid))
		usleep(1000);
}

void reap(pid_t child)
{
	int status;

	CHECK(child > 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void reap_killed(pid_t child, int sig)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig);
}

void probe_in_child(const char *name, int error)
{
	pid_t child = fork();

	if (child == 0) {
		fcntl_lock(another(name), F_SETLK, F_WRLCK, SEEK_SET, 0, 10, error);
		_exit(0);
	}
	reap(child);
}
