/* SPDX-License-Identifier: MIT */
/*
 * libunwind validates memory through a pipe that it keeps open (and whose numbers it closes when a
 * host has reused them), finds unwind tables under the loader's lock, allocates, and reads symbol
 * files. None of that may happen in a host. So each slot through which the library calls out is
 * redirected to a function below, which does harmless things while a walk of ours is on
 * (thread_walking()), and calls what was in the slot before otherwise: for a host that uses the
 * library itself nothing changes.
 */
#include "preload/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/arch.h"
#include "preload/modules.h"
#include "preload/probe.h"
#include "preload/redirect.h"
#include "preload/thread.h"
#include "preload/unwind.h"

#define MUTEX_TRIES 1000

/* What __tls_get_addr takes. */
struct tls_index {
	unsigned long module, offset;
};

/* What the slots held before. */
static struct {
	int (*pipe2)(int fds[2], int flags);
	ssize_t (*read)(int fd, void *buffer, size_t length);
	ssize_t (*write)(int fd, const void *buffer, size_t length);
	int (*close)(int fd);
	int (*open)(const char *path, int flags, ...);
	long (*syscall)(long number, ...);
	int (*mincore)(void *address, size_t length, unsigned char *present);
	int (*msync)(void *address, size_t length, int flags);
	void *(*mmap)(void *address, size_t length, int protection, int flags, int fd,
		      off_t offset);
	void *(*malloc)(size_t length);
	void (*free)(void *memory);
	int (*sigprocmask)(int how, const sigset_t *set, sigset_t *old);
	void *(*__tls_get_addr)(struct tls_index *index);
	int (*dl_iterate_phdr)(int (*callback)(struct dl_phdr_info *info, size_t size, void *data),
			       void *data);
	void *(*memset)(void *to, int byte, size_t length);
	int (*pthread_mutex_init)(pthread_mutex_t *mutex, const pthread_mutexattr_t *kind);
	int (*pthread_mutex_lock)(pthread_mutex_t *mutex);
	int (*pthread_mutex_unlock)(pthread_mutex_t *mutex);
	int (*pthread_once)(pthread_once_t *control, void (*work)(void));
	int (*munmap)(void *address, size_t length);
	int (*pthread_setspecific)(pthread_key_t key, const void *value);
} was;

/* ---- No fds: validation asks the kernel without one
 * ------------------------------------------------------------- */

static int our_pipe2(int fds[2], int flags)
{
	if (!thread_walking())
		return was.pipe2(fds, flags);
	fds[0] = fds[1] = -1; /* a host that walks later finds no pipe and makes its own */
	return 0;
}

static ssize_t our_read(int fd, void *buffer, size_t length)
{
	if (!thread_walking())
		return was.read(fd, buffer, length);
	errno = 0; /* libunwind reads again for as long as errno says EINTR, whatever read returned
		    */
	return 1;
}

static ssize_t validate(const void *address, size_t length)
{
	bool own = unwind_is_own_page(address), readable = own || probe_readable(address, length);

	if (readable && !own)
		unwind_guessed();
	errno = readable ? 0 : EFAULT;
	return readable ? (ssize_t)length : -1;
}

static ssize_t our_write(int fd, const void *buffer, size_t length)
{
	return thread_walking() ? validate(buffer, length) : was.write(fd, buffer, length);
}

static int our_close(int fd)
{
	return thread_walking() ? 0 : was.close(fd);
}

static int our_open(const char *path, int flags, ...)
{
	va_list list;
	int mode;

	va_start(list, flags);
	mode = va_arg(list, int);
	va_end(list);
	if (!thread_walking())
		return was.open(path, flags, mode);
	errno = ENOENT;
	return -1;
}

static long our_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (!thread_walking())
		return was.syscall(number, a, b, c, d, e, f);
	if (number == SYS_write)
		return validate((const void *)b, (size_t)c);
	errno = ENOSYS;
	return -1;
}

static int our_mincore(void *address, size_t length, unsigned char *present)
{
	if (!thread_walking())
		return was.mincore(address, length, present);
	return validate(address, length) < 0 ? -1 : 0;
}

static int our_msync(void *address, size_t length, int flags)
{
	if (!thread_walking())
		return was.msync(address, length, flags);
	return validate(address, length) < 0 ? -1 : 0;
}

/* ---- No allocation of the host's
 * -------------------------------------------------------------------------------- */

/* A thread's cache of libunwind's is ours to give back; its pools are small, and everybody's. */
#define OF_ONE_THREAD ((size_t)1 << 16)

static void remember_region(struct thread *thread, void *memory, size_t length)
{
	for (int i = 0; i < REGIONS_MAX && length >= OF_ONE_THREAD; i++)
		if (!thread->region[i].memory) {
			thread->region[i].memory = memory;
			thread->region[i].length = length;
			return;
		}
}

static void *map_anonymous(struct thread *thread, size_t length, int protection, int flags)
{
	long result = raw6(SYS_mmap, 0, length, protection, flags, -1, 0);

	if ((unsigned long)result > -4096UL)
		return MAP_FAILED;
	remember_region(thread, (void *)result, length);
	return (void *)result;
}

static void *our_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	struct thread *thread = thread_walking();

	if (!thread)
		return was.mmap(address, length, protection, flags, fd, offset);
	return flags & MAP_ANONYMOUS ? map_anonymous(thread, length, protection, flags)
				     : MAP_FAILED;
}

static int our_munmap(void *address, size_t length)
{
	struct thread *thread = thread_walking();

	if (!thread)
		return was.munmap(address, length);
	for (int i = 0; i < REGIONS_MAX; i++)
		if (thread->region[i].memory == address)
			thread->region[i].memory = NULL;
	return raw2(SYS_munmap, address, length) ? -1 : 0;
}

/*
 * Its cache hangs on a key of libunwind's so that a destructor frees it: that destructor would run
 * when the host's allocator may be gone for this thread. We free it ourselves, in thread_ended().
 */
static int our_setspecific(pthread_key_t key, const void *value)
{
	return thread_walking() ? 0 : was.pthread_setspecific(key, value);
}

static void *our_malloc(size_t length)
{
	return thread_walking() ? NULL : was.malloc(length);
}

static void our_free(void *memory)
{
	if (!thread_walking())
		was.free(memory);
}

/* Its thread-local cache lives in our struct thread: the first touch of its real place may
 * allocate. */
static void *our_tls_get_addr(struct tls_index *index)
{
	struct thread *thread = thread_walking();

	if (!thread || index->offset + sizeof(uint64_t) > sizeof(thread->unwind_tls))
		return was.__tls_get_addr(index);
	return (char *)thread->unwind_tls + index->offset;
}

/* ---- No locks, no signal masks
 * ---------------------------------------------------------------------------------- */

static int our_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	if (!thread_walking())
		return was.sigprocmask(how, set, old);
	if (old)
		memset(old, 0, sizeof(*old));
	return 0; /* all signals are blocked already */
}

/* What this walk has locked is unlocked, for the next one and for the host. */
static void give_up(struct thread *thread) __attribute__((noreturn));

static void give_up(struct thread *thread)
{
	while (thread->locked)
		was.pthread_mutex_unlock(thread->lock[--thread->locked]);
	unwind_given_up();
	__builtin_longjmp(thread->bail_out, 1);
}

/*
 * A mutex that another thread had locked when this process was forked is never unlocked, and one
 * whose owner is not running now may be locked for long. Rather than wait, the walk is given up.
 */
static int our_mutex_lock(pthread_mutex_t *mutex)
{
	struct thread *thread = thread_walking();

	if (!thread)
		return was.pthread_mutex_lock(mutex);
	for (int i = 0; i < MUTEX_TRIES && thread->locked < LOCKED_MAX; i++)
		if (!pthread_mutex_trylock(mutex)) {
			thread->lock[thread->locked++] = mutex;
			return 0;
		}
	give_up(thread);
}

static int our_mutex_unlock(pthread_mutex_t *mutex)
{
	struct thread *thread = thread_walking();

	if (thread && thread->locked)
		thread->locked--;
	return was.pthread_mutex_unlock(mutex);
}

#define ONCE_DONE 2 /* how glibc marks what is over */

/* The same for what another thread is doing once, and will never end in a child of clone(2). */
static int our_once(pthread_once_t *control, void (*work)(void))
{
	static _Atomic bool begun;
	struct thread *thread = thread_walking();
	int result;

	if (!thread || __atomic_load_n(control, __ATOMIC_ACQUIRE) & ONCE_DONE)
		return was.pthread_once(control, work);
	if (atomic_exchange(&begun, true))
		give_up(thread);
	result = was.pthread_once(control, work);
	atomic_store(&begun, false);
	return result;
}

/*
 * The first walk of a process sets tables and mutexes up that all its threads use. A sanitizer of
 * the host, which sees these two calls but not what orders them, would report a race.
 */
static void *our_memset(void *to, int byte, size_t length)
{
	char *at = to;

	if (!thread_walking())
		return was.memset(to, byte, length);
	while (length--) {
		*at++ = (char)byte;
		__asm__ volatile("" ::: "memory"); /* or it becomes a call of memset() */
	}
	return to;
}

static int our_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *kind)
{
	if (kind || !thread_walking())
		return was.pthread_mutex_init(mutex, kind);
	*mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	return 0;
}

/* libunwind wants the object that holds one address, and tells it in the first word of `data`. */
static int our_iterate(int (*callback)(struct dl_phdr_info *info, size_t size, void *data),
		       void *data)
{
	struct dl_phdr_info info;

	if (!thread_walking())
		return was.dl_iterate_phdr(callback, data);
	memset(&info, 0, sizeof(info));
	return modules_find(*(const uintptr_t *)data, &info) ? callback(&info, sizeof(info), data)
							     : 0;
}

/* ---- The table */

#define REDIRECT(function, ours, needed)                                \
	{                                                               \
#function, (void *)ours, (void **)&was.function, needed \
	}

static const struct redirection redirections[] = {
	REDIRECT(pipe2, our_pipe2, true),
	REDIRECT(read, our_read, true),
	REDIRECT(write, our_write, true),
	REDIRECT(close, our_close, true),
	REDIRECT(open, our_open, true),
	REDIRECT(syscall, our_syscall, false),
	REDIRECT(mincore, our_mincore, false),
	REDIRECT(msync, our_msync, false),
	REDIRECT(mmap, our_mmap, true),
	REDIRECT(malloc, our_malloc, false),
	REDIRECT(free, our_free, false),
	REDIRECT(sigprocmask, our_sigprocmask, true),
	REDIRECT(__tls_get_addr, our_tls_get_addr, false),
	REDIRECT(dl_iterate_phdr, our_iterate, true),
	REDIRECT(memset, our_memset, false),
	REDIRECT(pthread_mutex_init, our_mutex_init, false),
	REDIRECT(pthread_mutex_lock, our_mutex_lock, true),
	REDIRECT(pthread_mutex_unlock, our_mutex_unlock, true),
	REDIRECT(pthread_once, our_once, false),
	REDIRECT(munmap, our_munmap, true),
	REDIRECT(pthread_setspecific, our_setspecific, true),
};

bool isolate(void *handle)
{
	return redirect(handle, redirections, sizeof(redirections) / sizeof(*redirections));
}
