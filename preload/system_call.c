/* SPDX-License-Identifier: MIT */
/* syscall(2): the few numbers that are calls of ours. Its entry (arch.h) asks the two maps, and
 * passes all else on. */
#include "preload/hooks.h"

#include "preload/arch.h"
#include "preload/real.h"

int syscall_fcntl(int fd, int command, void *argument)
{
	return (int)real_syscall(SYS_fcntl, fd, command, argument);
}

int syscall_flock(int fd, int operation)
{
	return (int)real_syscall(SYS_flock, fd, operation);
}

static int syscall_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)real_syscall(SYS_ioctl, fd, request, argument);
}

static int syscall_close(int fd)
{
	return (int)real_syscall(SYS_close, fd);
}

static int syscall_dup(int fd)
{
	return (int)real_syscall(SYS_dup, fd);
}

static int syscall_dup3(int fd, int to, int flags)
{
	return (int)real_syscall(SYS_dup3, fd, to, flags);
}

#ifdef SYS_dup2
static int syscall_dup2(int fd, int to)
{
	return (int)real_syscall(SYS_dup2, fd, to);
}
#define DUP2_NUMBER SYS_dup2
#else
#define DUP2_NUMBER SYS_dup3
#endif

static int syscall_close_range(unsigned first, unsigned last, int flags)
{
	return (int)real_syscall(SYS_close_range, first, last, flags);
}

static int syscall_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			 unsigned long d)
{
	return (int)real_syscall(SYS_prctl, option, a, b, c, d);
}

uint64_t syscall_map[SYSCALL_NUMBERS / 64];
uint64_t syscall_clones[SYSCALL_NUMBERS / 64];

static void set_bits(uint64_t *map, const int *numbers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		map[numbers[i] / 64] |= UINT64_C(1) << numbers[i] % 64;
}

#ifdef SYS_vfork
#define VFORK_NUMBER SYS_vfork
#else
#define VFORK_NUMBER SYS_clone
#endif

__attribute__((constructor(102))) static void syscall_map_fill(void)
{
	static const int numbers[] = { SYS_fcntl, SYS_flock,  SYS_ioctl,   SYS_close,
				       SYS_dup,	  SYS_dup3,   DUP2_NUMBER, SYS_close_range,
				       SYS_prctl, SYS_seccomp };

	static const int clones[] = { SYS_clone, SYS_clone3, VFORK_NUMBER };

	set_bits(syscall_map, numbers, sizeof(numbers) / sizeof(*numbers));
	set_bits(syscall_clones, clones, sizeof(clones) / sizeof(*clones));
}

long hook_syscall(long number, long a, long b, long c, long d, long e)
{
	switch (number) {
	case SYS_fcntl:
		return hook_fcntl(syscall_fcntl, (int)a, (int)b, (void *)c, HERE);
	case SYS_flock:
		return hook_flock(syscall_flock, (int)a, (int)b, HERE);
	case SYS_ioctl:
		return hook_ioctl(syscall_ioctl, (int)a, (unsigned long)b, (void *)c, HERE);
	case SYS_close:
		return hook_close(syscall_close, (int)a, HERE);
	case SYS_dup:
		return hook_dup(syscall_dup, (int)a);
	case SYS_dup3:
		return hook_dup3(syscall_dup3, (int)a, (int)b, (int)c, HERE);
#ifdef SYS_dup2
	case SYS_dup2:
		return hook_dup2(syscall_dup2, (int)a, (int)b, HERE);
#endif
	case SYS_prctl:
		return hook_prctl(syscall_prctl, (int)a, (unsigned long)b, (unsigned long)c,
				  (unsigned long)d, (unsigned long)e);
	case SYS_seccomp:
		return hook_seccomp(real_syscall, (unsigned)a, (unsigned)b, (void *)c);
	default:
		return hook_close_range(syscall_close_range, (unsigned)a, (unsigned)b, (int)c,
					HERE);
	}
}
