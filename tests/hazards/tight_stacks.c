/* SPDX-License-Identifier: MIT */
/*
 * Locks on stacks with little room, each with a page below it that must not be touched: those of
 * signal handlers, of a thread, of fibers. And on a fiber whose forerunner's stack is gone.
 */
#include "host.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define GUARD 4096u

static int fd;

static __attribute__((noinline)) void lock(int which)
{
	lock_and_unlock(which);
}

static void say(const char *what, long size)
{
	printf("%s %ld\n", what, size);
	fflush(stdout);
}

/* Between two pages that no one may touch, the lower one just below the stack. */
static char *new_stack(size_t size)
{
	size_t whole = (size + GUARD - 1) & ~(size_t)(GUARD - 1);
	char *memory =
		mmap(NULL, GUARD + whole + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED && !mprotect(memory + GUARD, whole, PROT_READ | PROT_WRITE));
	return memory + GUARD;
}

static void on_signal(int signal)
{
	(void)signal;
	lock(fd);
}

static void in_a_handler(size_t size)
{
	stack_t stack = { .ss_sp = new_stack(size), .ss_size = size },
		none = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	CHECK(!sigaltstack(&stack, NULL) && !sigaction(SIGUSR1, &action, NULL));
	for (int i = 0; i < 5; i++)
		raise(SIGUSR1);
	CHECK(!sigaltstack(&none, NULL));
	say("handler", (long)size);
}

static void *in_thread(void *nothing)
{
	for (int i = 0; i < 3; i++)
		lock(fd);
	through_no_tables(lock, fd, 8);
	return nothing;
}

static void in_a_thread(size_t size)
{
	pthread_attr_t attributes;
	pthread_t thread;

	CHECK(!pthread_attr_init(&attributes));
	CHECK(!pthread_attr_setstack(&attributes, new_stack(size), size));
	CHECK(!pthread_create(&thread, &attributes, in_thread, NULL));
	CHECK(!pthread_join(thread, NULL));
	say("thread", (long)size);
}

static ucontext_t back, fiber;
static unsigned long beyond; /* the fiber's stack: an address near enough to be a frame's */

static void in_fiber(void)
{
	through_no_tables(lock, fd, beyond);
	for (int i = 0; i < 3; i++) {
		lock(fd);
		CHECK(!swapcontext(&fiber, &back));
	}
}

static void in_a_fiber(size_t size)
{
	CHECK(!getcontext(&fiber));
	fiber.uc_stack.ss_sp = new_stack(size);
	fiber.uc_stack.ss_size = size;
	fiber.uc_link = &back;
	beyond = (unsigned long)fiber.uc_stack.ss_sp + size + 64;
	makecontext(&fiber, in_fiber, 0);
	for (int i = 0; i < 4; i++) {
		CHECK(!swapcontext(&back, &fiber));
		lock(fd);
	}
	say("fiber", (long)size);
}

/*
 * A handler on a stack of its own interrupts one fiber after another at the same instruction. When
 * it locks in the second one, the first one's stack, which lay above the handler's frames in the
 * walk, is gone.
 */
static void interrupted_fiber(void)
{
	for (int i = 0; i < 4; i++)
		CHECK(!kill(getpid(), SIGUSR1));
}

static void in_handlers_of_fibers_that_end(void)
{
	size_t size = 64 << 10;
	stack_t stack = { .ss_sp = new_stack(size), .ss_size = size };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	char *kept[8];

	CHECK(!sigaltstack(&stack, NULL) && !sigaction(SIGUSR1, &action, NULL));
	for (int i = 0; i < 8; i++) {
		kept[i] = new_stack(size);
		CHECK(!getcontext(&fiber));
		fiber.uc_stack.ss_sp = kept[i];
		fiber.uc_stack.ss_size = size;
		fiber.uc_link = &back;
		makecontext(&fiber, interrupted_fiber, 0);
		CHECK(!swapcontext(&back, &fiber));
		CHECK(!mprotect(kept[i], size, PROT_NONE));
	}
	say("fibers that end", 8);
}

int main(void)
{
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	in_a_handler((size_t)sysconf(_SC_SIGSTKSZ));
	in_a_handler(8192); /* SIGSTKSZ before it depended on the processor */
	in_a_handler((size_t)sysconf(_SC_MINSIGSTKSZ) + 512);
	in_a_thread(PTHREAD_STACK_MIN);
	in_a_fiber(16384);
	in_a_fiber(8192);
	in_handlers_of_fibers_that_end();
	lock(fd);
	say("over", 0);
	return 0;
}
