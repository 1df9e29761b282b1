/* SPDX-License-Identifier: MIT */
/*
 * The exported functions: the only symbols of the object that others see. Each makes one real call,
 * the same as it was asked for. The rows of calls.def, in its order.
 */
#undef _FILE_OFFSET_BITS /* with it the 64-bit names would be one with the others */

#include "preload/hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/arch.h"
#include "preload/calls.h"
#include "preload/real.h"
#include "preload/thread.h"

#define EXPORT __attribute__((visibility("default")))

/* A call before our constructor finds the pointers first: nobody else runs then. */
#define REAL(name) (likely(real.name != NULL) ? real.name : (real_resolve(), real.name))

/*
 * Variadic in C, one machine word in the machine: taken as such and passed on for every command, as
 * libc does. Defined under other names in C, so that no variadic prologue is paid for.
 */
#define AS(symbol) __asm__(symbol) EXPORT

int entry_fcntl(int fd, int command, void *argument) AS("fcntl");
int entry_fcntl64(int fd, int command, void *argument) AS("fcntl64");
int entry___fcntl(int fd, int command, void *argument) AS("__fcntl");
int entry_ioctl(int fd, unsigned long request, void *argument) AS("ioctl");
int entry_clone(int (*function)(void *argument), void *stack, int flags, void *argument,
		void *parent_tid, void *tls, void *child_tid) AS("clone");
int entry_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
	AS("prctl");

/* libc's own names for them have no declarations. */
int __close(int fd);
int __dup2(int fd, int to);

/* ---- Locks */

int entry_fcntl(int fd, int command, void *argument)
{
	if (likely(!fcntl_matters(command)))
		return REAL(fcntl)(fd, command, argument);
	return hook_fcntl(REAL(fcntl), fd, command, argument, HERE);
}

int entry_fcntl64(int fd, int command, void *argument)
{
	if (likely(!fcntl_matters(command)))
		return REAL(fcntl64)(fd, command, argument);
	return hook_fcntl(REAL(fcntl64), fd, command, argument, HERE);
}

int entry___fcntl(int fd, int command, void *argument)
{
	if (likely(!fcntl_matters(command)))
		return REAL(__fcntl)(fd, command, argument);
	return hook_fcntl(REAL(__fcntl), fd, command, argument, HERE);
}

EXPORT int flock(int fd, int operation)
{
	return hook_flock(REAL(flock), fd, operation, HERE);
}

EXPORT int lockf(int fd, int command, off_t len)
{
	return hook_lockf(REAL(lockf), fd, command, len, HERE);
}

EXPORT int lockf64(int fd, int command, off64_t len)
{
	return hook_lockf(REAL(lockf64), fd, command, len, HERE);
}

int entry_ioctl(int fd, unsigned long request, void *argument)
{
	if (likely(!ioctl_matters(request)))
		return REAL(ioctl)(fd, request, argument);
	return hook_ioctl(REAL(ioctl), fd, request, argument, HERE);
}

/* ---- What syscall(2) is asked for */

ARCH_SYSCALL_ENTRY(syscall_map, syscall_clones, 512, hook_syscall, real_syscall);

/* ---- Closing */

EXPORT int close(int fd)
{
	return hook_close(REAL(close), fd, HERE);
}

EXPORT int __close(int fd)
{
	return hook_close(REAL(__close), fd, HERE);
}

/* libc is asked for a stream's fd only where a close can matter. -1: it has none. */
static int fd_of(FILE *stream)
{
	int saved = errno, fd;

	if (!stream || !call_close_matters())
		return -1;
	fd = fileno(stream); /* EBADF where a stream has none */
	errno = saved;
	return fd;
}

static int fd_of_directory(DIR *directory)
{
	int saved = errno, fd;

	if (!directory || !call_close_matters())
		return -1;
	fd = dirfd(directory);
	errno = saved;
	return fd;
}

static void closing_fd(struct call *call, uint8_t op, int fd, struct site site)
{
	call->recorded = false;
	if (fd >= 0)
		call_closing(call, op, (unsigned)fd, (unsigned)fd, 0, site);
}

EXPORT int fclose(FILE *stream)
{
	struct call call;
	int result;

	closing_fd(&call, CALL_FCLOSE, fd_of(stream), HERE);
	result = REAL(fclose)(stream);
	call_closed(&call, 0); /* the fd is gone, whatever flushing said */
	return result;
}

static FILE *reopen(FILE *(*real_freopen)(const char *path, const char *mode, FILE *stream),
		    const char *path, const char *mode, FILE *stream, struct site site)
{
	struct call call;
	FILE *result;

	closing_fd(&call, CALL_FREOPEN, fd_of(stream), site);
	result = real_freopen(path, mode, stream);
	call_closed(&call, 0); /* closed first, also where opening failed */
	return result;
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	return reopen(REAL(freopen), path, mode, stream, HERE);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
	return reopen(REAL(freopen64), path, mode, stream, HERE);
}

EXPORT int pclose(FILE *stream)
{
	struct call call;
	int result;

	closing_fd(&call, CALL_PCLOSE, fd_of(stream), HERE);
	result = REAL(pclose)(stream);
	call_closed(&call, 0);
	return result;
}

EXPORT int closedir(DIR *directory)
{
	struct call call;
	int result;

	closing_fd(&call, CALL_CLOSEDIR, fd_of_directory(directory), HERE);
	result = REAL(closedir)(directory);
	call_closed(&call, result < 0 ? errno : 0);
	return result;
}

static int raw_close_range(unsigned first, unsigned last, int flags)
{
	return (int)real_syscall(SYS_close_range, first, last, flags);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	return hook_close_range(REAL(close_range) ? real.close_range : raw_close_range, first, last,
				flags, HERE);
}

EXPORT void closefrom(int first)
{
	struct call call;

	call_closing(&call, CALL_CLOSEFROM, first > 0 ? (unsigned)first : 0, UINT32_MAX, 0, HERE);
	if (REAL(closefrom))
		real.closefrom(first);
	else
		raw_close_range(first > 0 ? (unsigned)first : 0, UINT32_MAX, 0);
	call_closed(&call, 0);
}

EXPORT int dup(int fd)
{
	return hook_dup(REAL(dup), fd);
}

EXPORT int dup2(int fd, int to)
{
	return hook_dup2(REAL(dup2), fd, to, HERE);
}

EXPORT int __dup2(int fd, int to)
{
	return hook_dup2(REAL(__dup2), fd, to, HERE);
}

EXPORT int dup3(int fd, int to, int flags)
{
	return hook_dup3(REAL(dup3), fd, to, flags, HERE);
}

/* ---- Processes */

static pid_t forked(pid_t (*real_fork)(void))
{
	struct call call;
	pid_t pid;

	call_forking(&call);
	pid = real_fork();
	call_forked(&call, pid, pid < 0 ? errno : 0);
	return pid;
}

EXPORT pid_t fork(void)
{
	return forked(REAL(fork));
}

EXPORT pid_t _Fork(void)
{
	return forked(REAL(_Fork));
}

ARCH_VFORK_ENTRY(real_vfork);

/* The child begins in the host's function, on a stack of its own. */
int entry_clone(int (*function)(void *argument), void *stack, int flags, void *argument,
		void *parent_tid, void *tls, void *child_tid)
{
	thread_share(flags);
	return REAL(clone)(function, stack, flags, argument, parent_tid, tls, child_tid);
}

EXPORT void _exit(int status)
{
	call_exit(status);
	REAL(_exit)(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	call_exit(status);
	REAL(_Exit)(status);
	__builtin_unreachable();
}

EXPORT void quick_exit(int status)
{
	call_exit(status);
	REAL(quick_exit)(status);
	__builtin_unreachable();
}

int entry_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return hook_prctl(REAL(prctl), option, a, b, c, d);
}

/* ---- Waiting */

/* The kernel has written *status where a child was reaped; -1: the host did not ask for it. */
static void waited(struct call *call, pid_t pid, const int *status)
{
	call_waited(call, pid > 0 ? pid : 0, pid > 0 && status ? *status : -1, pid < 0 ? errno : 0);
}

EXPORT pid_t wait(int *status)
{
	struct call call;
	pid_t pid;

	call_waiting(&call, -1, true);
	pid = REAL(wait)(status);
	waited(&call, pid, status);
	return pid;
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	struct call call;
	pid_t pid;

	call_waiting(&call, -1, !(options & WNOHANG));
	pid = REAL(wait3)(status, options, usage);
	waited(&call, pid, status);
	return pid;
}

EXPORT pid_t wait4(pid_t wanted, int *status, int options, struct rusage *usage)
{
	struct call call;
	pid_t pid;

	call_waiting(&call, wanted, !(options & WNOHANG));
	pid = REAL(wait4)(wanted, status, options, usage);
	waited(&call, pid, status);
	return pid;
}

EXPORT pid_t waitpid(pid_t wanted, int *status, int options)
{
	struct call call;
	pid_t pid;

	call_waiting(&call, wanted, !(options & WNOHANG));
	pid = REAL(waitpid)(wanted, status, options);
	waited(&call, pid, status);
	return pid;
}

/* The wait status that waitpid would have given, from what waitid says. */
static int status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status;
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	struct call call;
	int result;
	bool reaped;

	call_waiting(&call, type == P_PID ? (int64_t)id : -1, !(options & WNOHANG));
	result = REAL(waitid)(type, id, info, options);
	reaped = !result && info && options & WEXITED && !(options & WNOWAIT);
	call_waited(&call, reaped ? info->si_pid : 0, reaped && info->si_pid ? status_of(info) : -1,
		    result < 0 ? errno : 0);
	return result;
}

/* ---- Timers */

EXPORT unsigned alarm(unsigned seconds)
{
	unsigned left = REAL(alarm)(seconds);

	call_timer(0, seconds * UINT64_C(1000000000));
	return left;
}

EXPORT int setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old)
{
	int result = REAL(setitimer)((int)which, value, old);

	if (!result && value)
		call_timer(1, (uint64_t)value->it_value.tv_sec * UINT64_C(1000000000) +
				      (uint64_t)value->it_value.tv_usec * 1000);
	return result;
}

EXPORT int timer_settime(timer_t timer, int flags, const struct itimerspec *value,
			 struct itimerspec *old)
{
	int result = REAL(timer_settime)(timer, flags, value, old);

	if (!result)
		call_timer(2, (uint64_t)value->it_value.tv_sec * UINT64_C(1000000000) +
				      (uint64_t)value->it_value.tv_nsec);
	return result;
}

/* ---- Stacks: another library may come to where one was */

EXPORT int dlclose(void *handle)
{
	int result = REAL(dlclose)(handle);

	stack_unloaded();
	return result;
}
