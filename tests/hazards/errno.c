/* SPDX-License-Identifier: MIT */
/*
 * Every wrapped function, where it succeeds and where it fails: prints its result and errno, which
 * was something that no call sets. Locks are held, so that the recorder has work of its own to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNTOUCHED 0x5A5A
#define BAD	  900 /* a number that is not open */

extern int __close(int fd);
extern int __dup2(int fd, int to);
extern int __fcntl(int fd, int command, ...);
extern pid_t _Fork(void);

/* Pids, numbers and pointers differ from run to run: below zero, zero, above. */
#define TELL(call)                                                                        \
	do {                                                                              \
		long result_;                                                             \
		int error_;                                                               \
                                                                                          \
		errno = UNTOUCHED;                                                        \
		result_ = (long)(call);                                                   \
		error_ = errno;                                                           \
		dprintf(1, "%s = %d %d\n", #call, (result_ > 0) - (result_ < 0), error_); \
	} while (0)

static struct flock whole(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* An fd with POSIX and flock locks on it: every way to close it matters. */
static int locked(void)
{
	struct flock lock = whole(F_WRLCK);
	int fd = open("locked", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || fcntl(fd, F_SETLK, &lock) || flock(fd, LOCK_SH))
		exit(1);
	return fd;
}

static FILE *locked_stream(void)
{
	return fdopen(locked(), "r+");
}

static void locks(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	struct flock lock = whole(F_WRLCK), bad = whole(99);

	TELL(fcntl(fd, F_SETLK, &lock));
	TELL(fcntl(fd, F_SETLKW, &lock));
	TELL(fcntl64(fd, F_SETLK, &lock));
	TELL(__fcntl(fd, F_SETLK, &lock));
	TELL(fcntl(fd, F_GETLK, &lock));
	TELL(fcntl(fd, F_SETLK, &bad));
	TELL(fcntl(BAD, F_SETLK, &lock));
	TELL(fcntl(fd, F_SETLK, NULL));
	TELL(flock(fd, LOCK_SH));
	TELL(flock(fd, LOCK_EX | LOCK_NB));
	TELL(flock(fd, 99));
	TELL(flock(BAD, LOCK_EX));
	TELL(lockf(fd, F_TLOCK, 10));
	TELL(lockf64(fd, F_TEST, 10));
	TELL(lockf(fd, 99, 10));
	TELL(lockf(BAD, F_LOCK, 10));
	TELL(syscall(SYS_flock, fd, LOCK_UN));
	TELL(syscall(SYS_flock, BAD, LOCK_UN));
	TELL(syscall(SYS_fcntl, fd, F_SETLK, 8));
	TELL(syscall(9999));
	close(fd);
}

static void duplicates(void)
{
	int fd = locked();

	TELL(dup(fd));
	TELL(dup(BAD));
	TELL(dup2(fd, 100));
	TELL(__dup2(fd, 100));
	TELL(dup2(fd, fd));
	TELL(dup2(BAD, 100));
	TELL(dup2(fd, -1));
	TELL(dup3(fd, 101, O_CLOEXEC));
	TELL(dup3(fd, fd, 0));
	TELL(fcntl(fd, F_DUPFD, 50));
	TELL(fcntl(fd, F_DUPFD_CLOEXEC, -1));
	TELL(fcntl(fd, F_SETFD, FD_CLOEXEC));
	TELL(fcntl(BAD, F_SETFD, FD_CLOEXEC));
	TELL(ioctl(fd, FIOCLEX));
	TELL(ioctl(fd, TIOCEXCL));
	TELL(ioctl(BAD, FIFREEZE, 0));
	close(fd);
}

static void closes(void)
{
	FILE *stream = fmemopen(NULL, 10, "w"); /* has no descriptor */

	TELL(close(locked()));
	TELL(__close(locked()));
	TELL(syscall(SYS_close, locked()));
	TELL(close(BAD));
	TELL(close(-1));
	locked(); /* makes closing matter */
	TELL(fclose(stream));
	TELL(fclose(locked_stream()));
	stream = locked_stream();
	close(fileno(stream));
	locked();
	TELL(fclose(stream)); /* a descriptor that is somebody else's, or nobody's, by now */
	TELL(freopen("file", "r", locked_stream()));
	TELL(freopen("/nowhere/file", "r", locked_stream()));
	TELL(freopen64("file", "r", locked_stream()));
	TELL(closedir(fdopendir(open(".", O_RDONLY))));
	TELL(pclose(popen("exit 3", "r")));
	TELL(close_range(500, 600, 0));
	TELL(close_range(9, 3, 0));
	TELL(close_range(500, 600, 0xff));
	TELL((closefrom(400), 0));
}

/* Ends with 1 if its errno is what it was. */
static pid_t child(pid_t (*make)(void))
{
	pid_t pid;

	errno = UNTOUCHED;
	pid = make();
	if (!pid)
		_exit(errno == UNTOUCHED);
	dprintf(1, "parent: errno %d\n", errno);
	return pid;
}

static void processes(void)
{
	siginfo_t info;
	int status;

	TELL(waitpid(child(fork), &status, 0));
	dprintf(1, "status %d\n", status);
	TELL(waitpid(child(_Fork), &status, 0));
	dprintf(1, "status %d\n", status);
	child(fork);
	TELL(wait(&status));
	child(fork);
	TELL(wait3(&status, 0, NULL));
	TELL(wait4(child(fork), NULL, 0, NULL));
	TELL(waitid(P_PID, child(fork), &info, WEXITED));
	TELL(waitid(P_ALL, 0, NULL, WEXITED));
	TELL(wait(NULL));
	TELL(waitpid(-1, &status, WNOHANG));
	TELL(waitpid(1, &status, 99999));
}

static void timers(void)
{
	struct itimerval none = { 0 }, bad = { .it_value.tv_usec = -1 };
	struct itimerspec never = { 0 };
	timer_t timer;

	TELL(alarm(0));
	TELL(setitimer(ITIMER_REAL, &none, NULL));
	TELL(setitimer(ITIMER_REAL, &bad, NULL));
	TELL(setitimer(99, &none, NULL));
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer))
		exit(1);
	TELL(timer_settime(timer, 0, &never, NULL));
	TELL(timer_settime(timer, 0, &(struct itimerspec){ .it_value.tv_nsec = -1 }, NULL));
}

int main(void)
{
	dprintf(1, "main: errno %d\n", errno);
	locks();
	duplicates();
	closes();
	processes();
	timers();
	return 0;
}
