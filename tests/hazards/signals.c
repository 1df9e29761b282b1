/* SPDX-License-Identifier: MIT */
/*
 * Signals that come while the program locks. `timer`: a handler that locks, a thousand times a
 * second. `jump`: a handler that leaves by siglongjmp, whatever it interrupts. `stack`: the
 * same from a stack for signals. `disarmed`: a handler that locks on a stack that the kernel
 * forgets meanwhile. `restart`: blocked calls that are interrupted, and those that go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hazard.h"

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	REQUIRE(!sigaction(number, &action, NULL));
}

static void every(long us)
{
	struct itimerval value = { { 0, us }, { 0, us } };

	REQUIRE(!setitimer(ITIMER_REAL, &value, NULL));
}

/* ---- timer */

#define RUNS 500

static volatile sig_atomic_t runs;
static int in_handler;

static void lock_in_handler(int number)
{
	int saved = errno, own;

	(void)number;
	if (runs >= RUNS)
		return;
	lock_record(in_handler, F_SETLK, F_WRLCK);
	REQUIRE(!unlock_record(in_handler));
	own = open("of-handler", O_RDWR | O_CREAT, 0600);
	REQUIRE(own >= 0 && !flock(own, LOCK_EX) && !close(own));
	runs++;
	errno = saved;
}

static void timer(void)
{
	int fd = open("of-main", O_RDWR | O_CREAT, 0600), own;
	long locks = 0;

	in_handler = open("in-handler", O_RDWR | O_CREAT, 0600);
	REQUIRE(fd >= 0 && in_handler >= 0);
	handle(SIGALRM, lock_in_handler, SA_RESTART);
	every(1000);
	for (; runs < RUNS; locks++) {
		lock_record(fd, F_SETLK, F_WRLCK);
		REQUIRE(!unlock_record(fd));
		own = open("closed-by-main", O_RDWR | O_CREAT, 0600);
		REQUIRE(own >= 0 && !flock(own, LOCK_EX) && !close(own));
	}
	every(0);
	printf("%ld\n", locks);
}

/* ---- jump */

#define JUMPS 10000

static sigjmp_buf out;

static void leave(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

/* After 1 to 130 us: some while the recorder is at work, most while the call is blocked. */
static void jump_once(void)
{
	static volatile int fd;
	struct itimerval value = { .it_value.tv_usec = 1 + random() % 130 };

	fd = open("taken", O_RDWR);
	REQUIRE(fd >= 0);
	if (!sigsetjmp(out, 1)) {
		REQUIRE(!setitimer(ITIMER_REAL, &value, NULL));
		set_record(fd, F_SETLKW, F_WRLCK);
		REQUIRE(!"the call came back");
	}
	close(fd);
}

/* At the number that the other file had. */
static void lock_another(int round)
{
	int fd = open(round % 2 ? "odd" : "even", O_RDWR | O_CREAT, 0600);

	lock_record(fd, F_SETLK, F_WRLCK);
	close(fd);
}

static void jump(unsigned seed)
{
	int holder = open("taken", O_RDWR | O_CREAT, 0600), after, go[2];
	pid_t child;
	int status;
	char byte;

	lock_record(holder, F_SETLK, F_WRLCK);
	REQUIRE(!pipe(go));
	child = fork();
	if (!child) {
		close(holder);
		srandom(seed);
		handle(SIGALRM, leave, 0);
		for (int i = 0; i < JUMPS; i++) {
			jump_once();
			lock_another(i);
		}
		after = open("after", O_RDWR | O_CREAT, 0600);
		lock_record(after, F_SETLK, F_WRLCK);
		REQUIRE(write(go[1], "", 1) == 1);
		after = open("taken", O_RDWR);
		lock_record(after, F_SETLKW, F_WRLCK);
		_exit(0);
	}
	close(go[1]);
	REQUIRE(read(go[0], &byte, 1) == 1);
	wait_until_blocked_in(child, SYS_fcntl);
	REQUIRE(!unlock_record(holder));
	REQUIRE(waitpid(child, &status, 0) == child && !status);
	printf("%d jumps\n", JUMPS);
}

/* ---- stack: out of calls of a handler that has a stack of its own, above its thread's */

#define JUMPS_FROM_STACK 10
#define SIGNAL_STACK	 65536

static atomic_int waiter, jumps;

static void wait_on_signal_stack(int number)
{
	int fd = open("taken", O_RDWR);

	(void)number;
	flock(fd, LOCK_EX);
	REQUIRE(!"the call came back");
}

static void *jump_from_stack(void *memory)
{
	stack_t stack = { .ss_sp = memory, .ss_size = SIGNAL_STACK };

	REQUIRE(!sigaltstack(&stack, NULL));
	REQUIRE((char *)memory > (char *)&stack);
	waiter = (int)syscall(SYS_gettid);
	while (jumps < JUMPS_FROM_STACK)
		if (!sigsetjmp(out, 1))
			raise(SIGUSR1);
		else
			lock_another(++jumps);
	printf("%d jumps\n", jumps);
	return NULL;
}

static void from_stack(void)
{
	int holder = open("taken", O_RDWR | O_CREAT, 0600);
	/* What is mapped later lies below. */
	void *memory = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	pthread_t thread;

	REQUIRE(memory != MAP_FAILED && !flock(holder, LOCK_EX));
	handle(SIGUSR1, wait_on_signal_stack, SA_ONSTACK);
	handle(SIGALRM, leave, SA_ONSTACK);
	REQUIRE(!pthread_create(&thread, NULL, jump_from_stack, memory));
	while (!waiter)
		usleep(100);
	for (int jump = 0; jump < JUMPS_FROM_STACK; jump++) {
		wait_until_blocked_in(waiter, SYS_flock);
		REQUIRE(!pthread_kill(thread, SIGALRM));
		while (jumps == jump)
			usleep(100);
	}
	REQUIRE(!pthread_join(thread, NULL));
}

/* ---- disarmed: in the midst of a wait, on a signal stack above the thread's, with SS_AUTODISARM
 */

#ifndef SS_AUTODISARM /* the kernel's, and not libc's */
#define SS_AUTODISARM (1 << 31)
#endif

static atomic_int handled_on_stack;

static void lock_on_stack(int number)
{
	(void)number;
	lock_another(0);
	handled_on_stack = 1;
}

static void *wait_with_stack(void *memory)
{
	stack_t stack = { .ss_sp = memory, .ss_size = SIGNAL_STACK, .ss_flags = SS_AUTODISARM };
	int fd = open("taken", O_RDWR);

	REQUIRE(!sigaltstack(&stack, NULL) && (char *)memory > (char *)&stack);
	lock_another(1);
	waiter = (int)syscall(SYS_gettid);
	REQUIRE(!flock(fd, LOCK_EX));
	return NULL;
}

static void disarmed(void)
{
	int holder = open("taken", O_RDWR | O_CREAT, 0600);
	/* What is mapped later lies below. */
	void *memory = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	pthread_t thread;

	REQUIRE(memory != MAP_FAILED && !flock(holder, LOCK_EX));
	handle(SIGUSR1, lock_on_stack, SA_ONSTACK | SA_RESTART);
	REQUIRE(!pthread_create(&thread, NULL, wait_with_stack, memory));
	while (!waiter)
		usleep(100);
	wait_until_blocked_in(waiter, SYS_flock);
	REQUIRE(!pthread_kill(thread, SIGUSR1));
	while (!handled_on_stack)
		usleep(100);
	wait_until_blocked_in(waiter, SYS_flock);
	REQUIRE(!flock(holder, LOCK_UN) && !pthread_join(thread, NULL));
	puts("locked");
}

/* ---- restart */

#define INTERRUPTIONS 5

static int to_holder[2];
static volatile sig_atomic_t handled;

static void count(int number)
{
	(void)number;
	if (++handled == INTERRUPTIONS)
		REQUIRE(write(to_holder[1], "", 1) == 1);
}

/* Lets go when told. */
static pid_t hold(void)
{
	pid_t child;
	int ready[2];
	char byte;

	REQUIRE(!pipe(ready) && !pipe(to_holder));
	child = fork();
	if (!child) {
		int fd = open("held", O_RDWR);

		lock_record(fd, F_SETLK, F_WRLCK);
		REQUIRE(!flock(fd, LOCK_EX));
		REQUIRE(write(ready[1], "", 1) == 1 && read(to_holder[0], &byte, 1) == 1);
		_exit(0);
	}
	REQUIRE(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static int flock_exclusive(int fd)
{
	return flock(fd, LOCK_EX);
}

static int wait_posix(int fd)
{
	return set_record(fd, F_SETLKW, F_WRLCK);
}

static int wait_ofd(int fd)
{
	return set_record(fd, F_OFD_SETLKW, F_WRLCK);
}

static int wait_lockf(int fd)
{
	return lockf(fd, F_LOCK, 10);
}

static void interrupted(const char *name, int (*call)(int fd), int flags)
{
	int fd = open("held", O_RDWR | O_CREAT, 0600), result, error, status;
	pid_t holder = hold();

	handled = 0;
	handle(SIGALRM, count, flags);
	every(2000);
	errno = 0x5A5A;
	result = call(fd);
	error = errno;
	every(0);
	printf("%s %s: %d, errno %d, %s\n", name, flags ? "restarted" : "interrupted", result,
	       error, handled >= INTERRUPTIONS ? "after all signals" : "at a signal");
	if (handled < INTERRUPTIONS)
		REQUIRE(write(to_holder[1], "", 1) == 1);
	REQUIRE(waitpid(holder, &status, 0) == holder && !status);
	close(to_holder[0]);
	close(to_holder[1]);
	close(fd);
}

static void restart(int flags)
{
	interrupted("flock", flock_exclusive, flags);
	interrupted("F_SETLKW", wait_posix, flags);
	interrupted("F_OFD_SETLKW", wait_ofd, flags);
	interrupted("lockf", wait_lockf, flags);
}

int main(int argc, char **argv)
{
	REQUIRE(argc > 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(argv[1], "timer"))
		timer();
	else if (!strcmp(argv[1], "jump"))
		jump(argc > 2 ? (unsigned)atol(argv[2]) : 1);
	else if (!strcmp(argv[1], "stack"))
		from_stack();
	else if (!strcmp(argv[1], "disarmed"))
		disarmed();
	else if (!strcmp(argv[1], "restart")) {
		restart(0);
		restart(SA_RESTART);
	}
	return 0;
}
