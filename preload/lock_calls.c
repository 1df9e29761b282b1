/* SPDX-License-Identifier: MIT */
/* fcntl, flock and lockf: what the host asked, told to the recorder, around exactly one real call.
 */
#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "preload/calls.h"
#include "preload/hooks.h"
#include "preload/lifecycle.h"
#include "preload/probe.h"
#include "preload/request.h"

#define NOT_A_LOCK LOCK_OPS

/* ---- fcntl */

static uint8_t op_of_command(int command)
{
	switch (command) {
	case F_GETLK:
		return OP_FCNTL_GETLK;
	case F_SETLK:
		return OP_FCNTL_SETLK;
	case F_SETLKW:
		return OP_FCNTL_SETLKW;
	case F_OFD_GETLK:
		return OP_OFD_GETLK;
	case F_OFD_SETLK:
		return OP_OFD_SETLK;
	case F_OFD_SETLKW:
		return OP_OFD_SETLKW;
	default:
		return NOT_A_LOCK;
	}
}

static uint16_t mode_of_type(short type)
{
	switch (type) {
	case F_RDLCK:
		return FLAG_SHARED;
	case F_WRLCK:
		return FLAG_EXCLUSIVE;
	case F_UNLCK:
		return FLAG_UNLOCK;
	default:
		return 0;
	}
}

/* The caller's struct is read once, never written; a pointer that can't be read is the kernel's to
 * refuse. */
static struct asked asked_by_fcntl(uint8_t op, int fd, const void *argument, uint16_t flags,
				   struct site site)
{
	struct asked asked = { .op = op, .fd = fd, .flags = flags };
	struct flock lock;
	uint16_t mode;

	if (!probe_copy(&lock, argument, sizeof(lock), (const void *)site.frame)) {
		asked.flags |= FLAG_BAD_RANGE | FLAG_RAW_MODE;
		asked.raw_mode = UINT64_MAX;
		return asked;
	}
	mode = mode_of_type(lock.l_type);
	asked.flags |= mode ? mode : FLAG_RAW_MODE;
	asked.raw_mode = mode ? 0 : (uint16_t)lock.l_type;
	if (lock.l_whence < 0 || lock.l_whence > SEEK_END) {
		asked.flags |= FLAG_BAD_RANGE | FLAG_WHENCE; /* 3: no whence */
		asked.raw_mode |= (uint64_t)(uint16_t)lock.l_whence << 16;
	} else {
		asked.flags |= (uint16_t)(lock.l_whence << FLAG_WHENCE_SHIFT);
	}
	asked.start = lock.l_start;
	asked.len = lock.l_len;
	return asked;
}

/* F_GETLK wrote what is in the way into the caller's struct; whence is SEEK_SET then. */
static const struct answer *answer_of(const void *argument, struct answer *answer, struct site site)
{
	struct flock lock;

	if (!probe_copy(&lock, argument, sizeof(lock), (const void *)site.frame) ||
	    lock.l_type == F_UNLCK ||
	    !range_from_flock(0, lock.l_start, lock.l_len, &answer->range))
		return NULL;
	answer->mode = mode_of_type(lock.l_type);
	answer->pid = lock.l_pid;
	return answer;
}

static int lock_by_fcntl(fcntl_function *real_fcntl, uint8_t op, int fd, int command,
			 void *argument, struct site site)
{
	uint16_t flags = real_fcntl == syscall_fcntl ? FLAG_LIBC_SYSCALL : 0;
	struct asked asked = asked_by_fcntl(op, fd, argument, flags, site);
	struct request request;
	struct answer answer;
	int result, error;

	request_begin(&request, &asked, site);
	result = real_fcntl(fd, command, argument);
	error = result < 0 ? errno : 0;
	request_end(&request, error,
		    !error && (op == OP_FCNTL_GETLK || op == OP_OFD_GETLK)
			    ? answer_of(argument, &answer, site)
			    : NULL);
	return result;
}

int hook_fcntl(fcntl_function *real_fcntl, int fd, int command, void *argument, struct site site)
{
	uint8_t op = op_of_command(command);
	int result;

	if (op != NOT_A_LOCK && recording_locks())
		return lock_by_fcntl(real_fcntl, op, fd, command, argument, site);
	result = real_fcntl(fd, command, argument);
	if (unlikely(command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0)
		call_duplicated(CALL_DUP, fd, result, command == F_DUPFD_CLOEXEC);
	else if (unlikely(command == F_SETFD) && !result)
		call_set_close_on_exec(fd, (intptr_t)argument & FD_CLOEXEC);
	return result;
}

/* ---- flock */

static uint16_t mode_of_operation(int operation)
{
	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		return FLAG_SHARED;
	case LOCK_EX:
		return FLAG_EXCLUSIVE;
	case LOCK_UN:
		return FLAG_UNLOCK;
	default:
		return 0;
	}
}

int hook_flock(int (*real_flock)(int fd, int operation), int fd, int operation, struct site site)
{
	struct request request;
	uint16_t mode = mode_of_operation(operation);
	struct asked asked = {
		.op = OP_FLOCK,
		.fd = fd,
		.flags = (mode ? mode : FLAG_RAW_MODE) | (operation & LOCK_NB ? FLAG_NONBLOCK : 0) |
			 (real_flock == syscall_flock ? FLAG_LIBC_SYSCALL : 0),
		.raw_mode = mode ? 0 : (uint32_t)operation,
	};
	int result;

	if (!recording_locks())
		return real_flock(fd, operation);
	request_begin(&request, &asked, site);
	result = real_flock(fd, operation);
	request_end(&request, result < 0 ? errno : 0, NULL);
	return result;
}

/* ---- lockf */

/* lockf(3): F_TEST asks as a reader would; the others lock for writing. From the file position on.
 */
static struct asked asked_by_lockf(int fd, int command, off_t len)
{
	struct asked asked = { .fd = fd,
			       .len = len,
			       .flags = SEEK_CUR << FLAG_WHENCE_SHIFT | FLAG_EXCLUSIVE };

	switch (command) {
	case F_LOCK:
		asked.op = OP_LOCKF_LOCK;
		break;
	case F_TLOCK:
		asked.op = OP_LOCKF_TLOCK;
		break;
	case F_ULOCK:
		asked.op = OP_LOCKF_ULOCK;
		asked.flags = SEEK_CUR << FLAG_WHENCE_SHIFT | FLAG_UNLOCK;
		break;
	case F_TEST:
		asked.op = OP_LOCKF_TEST;
		asked.flags = SEEK_CUR << FLAG_WHENCE_SHIFT | FLAG_SHARED;
		break;
	default:
		asked.op = NOT_A_LOCK;
		break;
	}
	return asked;
}

int hook_lockf(lockf_function *real_lockf, int fd, int command, off_t len, struct site site)
{
	struct request request;
	struct asked asked = asked_by_lockf(fd, command, len);
	int result;

	if (asked.op == NOT_A_LOCK || !recording_locks())
		return real_lockf(fd, command, len);
	request_begin(&request, &asked, site);
	result = real_lockf(fd, command, len);
	request_end(&request, result < 0 ? errno : 0, NULL);
	return result;
}
