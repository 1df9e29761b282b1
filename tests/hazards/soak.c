/* SPDX-License-Identifier: MIT */
/*
 * soak SEED LIBRARY: a program that does all at once what has hurt recorders: for a second or so
 * its threads lock, fork, load and unload, cancel each other, come and go, close, jump out of
 * handlers and start programs, while signals come whose handlers lock. SEED decides who does what,
 * and how it ends. What is not as expected ends it with status 1; else it says "over".
 * scripts/soak compares it with itself without the recorder.
 */
#include "host.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define THREADS_MAX 16

extern char **environ;
static _Atomic int over;
static const char *library, *self;
static unsigned seed;
static int handled; /* an fd of the handler's own */

static _Thread_local unsigned chance;
static _Thread_local sigjmp_buf *back;
static _Thread_local volatile int handlers; /* that this thread is inside of */

static unsigned below(unsigned limit)
{
	chance ^= chance << 13;
	chance ^= chance >> 17;
	chance ^= chance << 5;
	return chance % limit;
}

/* ---- Locks, each at a stack of its own */

static int set_record(int fd, int command, short type)
{
	struct flock range = { .l_type = type, .l_start = 3, .l_len = 4 };
	int result;

	do
		result = fcntl(fd, command, &range);
	while (result && errno == EINTR);
	return result;
}

static void take(int fd, int operation)
{
	int result;

	do
		result = flock(fd, operation);
	while (result && errno == EINTR);
	CHECK(!result);
}

static void both_worlds(int fd)
{
	errno = 77;
	take(fd, LOCK_SH);
	CHECK(!set_record(fd, F_SETLK, F_WRLCK) || errno == EAGAIN); /* a child may have it */
	CHECK(!set_record(fd, F_SETLK, F_UNLCK));
	take(fd, LOCK_UN);
	CHECK(set_record(-1, F_SETLK, F_WRLCK) && errno == EBADF);
}

static void at_stack(int fd, unsigned number, int depth);

static __attribute__((noinline)) void left(int fd, unsigned number, int depth)
{
	at_stack(fd, number, depth);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void right(int fd, unsigned number, int depth)
{
	volatile char room[96];

	room[0] = 1;
	at_stack(fd, number, depth);
	__asm__ volatile("" ::"r"(room) : "memory");
}

static void at_stack(int fd, unsigned number, int depth)
{
	if (!depth)
		both_worlds(fd);
	else if (number & 1)
		left(fd, number >> 1, depth - 1);
	else
		right(fd, number >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

static int open_own(void)
{
	int fd = open("own", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	return fd;
}

static void walk(void)
{
	int fd = open_own();

	for (int i = 0; i < 50 && !over; i++)
		at_stack(fd, below(1 << 20), 1 + (int)below(18));
	CHECK(!close(fd));
}

/* Waits for others: of this program, of its children. */
static void contend(void)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	if (below(2)) {
		take(fd, LOCK_EX);
		sched_yield();
		take(fd, LOCK_UN);
	} else {
		CHECK(!set_record(fd, F_OFD_SETLKW, F_WRLCK));
		sched_yield();
		CHECK(!set_record(fd, F_OFD_SETLK, F_UNLCK));
	}
	CHECK(!close(fd));
}

static void close_in_all_ways(void)
{
	int fd = open_own(), copy = dup(fd), high = 900 + (int)below(60);
	FILE *stream;
	DIR *directory;

	both_worlds(fd);
	CHECK(copy >= 0 && syscall(SYS_dup3, fd, high, O_CLOEXEC) == high);
	CHECK(!set_record(copy, F_SETLK, F_RDLCK) || errno == EAGAIN);
	CHECK(!syscall(SYS_close, high) || errno == EBADF); /* several threads use those numbers */
	CHECK((stream = fdopen(copy, "r+")) && !fclose(stream));
	CHECK((directory = opendir(".")));
	take(dirfd(directory), LOCK_SH);
	CHECK(!closedir(directory) && !close(fd));
}

/* ---- Processes */

static void reap(pid_t pid, int expected)
{
	int status;
	pid_t got;

	CHECK(pid > 0);
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	CHECK(got == pid);
	if (status == expected)
		return;
	dprintf(STDERR_FILENO, "a child ended with %#x\n", status);
	_exit(1);
}

/* Made by a bare clone() it may call nothing that needs libc's locks. */
static void in_child(bool bare)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	int fd = open_own();

	if (below(2))
		setitimer(ITIMER_REAL, &often, NULL);
	at_stack(fd, below(1 << 20), (int)below(12));
	if (!bare && below(3) == 0) {
		pid_t pid = fork();

		if (!pid) {
			at_stack(fd, below(1 << 20), (int)below(12));
			_exit(0);
		}
		reap(pid, 0);
	}
	if (below(3) == 0 && signal(SIGALRM, SIG_IGN) != SIG_ERR)
		execl(self, self, "child", NULL);
	if (below(3) == 0)
		syscall(SYS_exit_group, 0);
	if (below(4) == 0)
		kill(getpid(), SIGKILL);
	_exit(0);
}

static void fork_child(void)
{
	bool bare = below(2);
	pid_t pid = bare ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	int status;

	if (!pid)
		in_child(bare);
	CHECK(pid > 0);
	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	if (status != 0 && status != SIGKILL) {
		dprintf(STDERR_FILENO, "a forked child ended with %#x\n", status);
		_exit(1);
	}
}

static void start_program(void)
{
	char *const arguments[] = { (char *)self, (char *)"child", NULL };
	int fd = open_own();
	pid_t pid;

	take(fd, LOCK_SH);
	switch (below(3)) {
	case 0:
		CHECK(!posix_spawn(&pid, self, NULL, NULL, arguments, environ));
		reap(pid, 0);
		break;
	case 1:
		pid = vfork();
		if (!pid) {
			close(fd);
			execv(self, arguments);
			_exit(127);
		}
		reap(pid, 0);
		break;
	default:
		pid = vfork();
		if (!pid) {
			flock(fd, LOCK_SH);
			dup2(fd, 901);
			close(fd);
			_exit(3);
		}
		reap(pid, 3 << 8);
	}
	CHECK(!close(fd));
}

/* ---- Threads that come and go */

static void *briefly(void *fate)
{
	int fd;

	chance = (unsigned)(unsigned long)fate | 1;
	fd = open_own();
	at_stack(fd, below(1 << 20), (int)below(6));
	close(fd);
	if (below(2))
		pthread_exit(NULL);
	return NULL;
}

static void churn(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	CHECK(!pthread_attr_init(&attributes));
	CHECK(!pthread_attr_setstacksize(&attributes, (32u << below(6)) << 10));
	CHECK(!pthread_create(&thread, &attributes, briefly, (void *)(unsigned long)chance));
	CHECK(!pthread_join(thread, NULL));
	pthread_attr_destroy(&attributes);
}

static void release(void *fd)
{
	close(*(int *)fd);
}

static void *until_cancelled(void *fate)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	chance = (unsigned)(unsigned long)fate | 1;
	CHECK(fd >= 0);
	pthread_cleanup_push(release, &fd);
	for (;;) {
		CHECK(!set_record(fd, F_OFD_SETLKW, F_WRLCK));
		CHECK(!set_record(fd, F_OFD_SETLKW, F_UNLCK));
	}
	pthread_cleanup_pop(1);
	return NULL;
}

/* With SIGALRM blocked: a handler that interrupts libc's own for cancellation hangs in close(). */
static void cancel(void)
{
	pthread_t thread;
	sigset_t alarm, before;
	void *result;

	CHECK(!sigemptyset(&alarm) && !sigaddset(&alarm, SIGALRM));
	CHECK(!pthread_sigmask(SIG_BLOCK, &alarm, &before));
	CHECK(!pthread_create(&thread, NULL, until_cancelled, (void *)(unsigned long)chance));
	CHECK(!pthread_sigmask(SIG_SETMASK, &before, NULL));
	usleep(below(3000));
	CHECK(!pthread_cancel(thread));
	CHECK(!pthread_join(thread, &result) && result == PTHREAD_CANCELED);
}

static void load(void)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void (*lock)(int fd);
	int fd = memfd_create("mine", MFD_CLOEXEC);

	CHECK(handle && fd >= 0);
	*(void **)&lock = dlsym(handle, "lock_in_library");
	CHECK(lock);
	lock(fd);
	CHECK(!dlclose(handle) && !close(fd));
}

/* Out of a wait that would last until the other fd lets go. */
static void jump(void)
{
	sigjmp_buf here;
	volatile int holder = open("jumped", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	volatile int waiter = open("jumped", O_RDWR | O_CLOEXEC);

	CHECK(holder >= 0 && waiter >= 0);
	if (!flock(holder, LOCK_EX | LOCK_NB)) {
		if (!sigsetjmp(here, 1)) {
			struct itimerspec soon = { .it_value = { 0, 1 + below(2000000) } };
			struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
						  .sigev_signo = SIGUSR1 };
			static _Thread_local timer_t timer;
			static _Thread_local bool made;

			event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
			if (!made)
				CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer));
			made = true;
			back = &here;
			CHECK(!timer_settime(timer, 0, &soon, NULL));
			for (;;)
				if (below(2))
					flock(waiter, LOCK_EX);
				else
					at_stack(holder, below(1 << 20), 3);
		}
	}
	handlers = 0;
	CHECK(!close(holder) && !close(waiter));
}

/* ---- Signals */

static void jump_back(int number)
{
	sigjmp_buf *to = back;

	(void)number;
	back = NULL;
	if (to)
		siglongjmp(*to, 1);
}

static void lock_in_handler(int number)
{
	int saved = errno;

	(void)number;
	if (handlers == 2) /* SA_NODEFER, and more signals than there is time for */
		return;
	handlers++;
	take(handled, LOCK_SH);
	CHECK(!set_record(handled, F_SETLK, F_RDLCK));
	CHECK(!close(dup(handled)));
	handlers--;
	errno = saved;
}

static void own_altstack(void)
{
	size_t size = below(2) ? 32768 : 65536;
	stack_t stack = { .ss_size = size };

	stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack.ss_sp != MAP_FAILED && !sigaltstack(&stack, NULL));
}

static void handle_signals(void)
{
	struct sigaction lock = { .sa_handler = lock_in_handler, .sa_flags = SA_RESTART };
	struct sigaction jumps = { .sa_handler = jump_back, .sa_flags = SA_ONSTACK };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	if (below(2))
		lock.sa_flags |= SA_ONSTACK;
	if (below(2))
		lock.sa_flags &= ~SA_RESTART;
	if (below(3) == 0)
		lock.sa_flags |= SA_NODEFER;
	sigaction(SIGALRM, &lock, NULL);
	sigaction(SIGUSR1, &jumps, NULL);
	if (below(4))
		setitimer(ITIMER_REAL, &often, NULL);
}

/* ---- */

static void (*const work[])(void) = { walk,	  contend,	 close_in_all_ways,
				      fork_child, start_program, churn,
				      cancel,	  load,		 jump };
#define WORKS (sizeof(work) / sizeof(*work))

static void *worker(void *number)
{
	unsigned mine;

	chance = (seed + 1) * 2654435761u + (unsigned)(unsigned long)number * 40503u + 1;
	mine = below(1 << WORKS) | 1;
	if (below(2))
		own_altstack();
	while (!over) {
		unsigned next = below(WORKS);

		if (mine >> next & 1)
			work[next]();
	}
	return NULL;
}

static int be_child(void)
{
	chance = (unsigned)getpid();
	handled = open_own();
	at_stack(open_own(), below(1 << 20), 4);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	unsigned threads, ending;
	struct timespec left;

	self = argv[0];
	if (argc == 2 && !strcmp(argv[1], "child"))
		return be_child();
	CHECK(argc == 3);
	seed = chance = (unsigned)atol(argv[1]) | 1;
	library = argv[2];
	handled = open("handled", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(handled >= 0);
	threads = 4 + below(THREADS_MAX - 3);
	ending = below(5);
	handle_signals();
	for (unsigned i = 0; i < threads; i++)
		CHECK(!pthread_create(&thread[i], NULL, worker, (void *)(unsigned long)i));
	for (left = (struct timespec){ 0, 300000000L + below(600) * 1000000L };
	     nanosleep(&left, &left);)
		;
	if (ending < 2) {
		over = 1;
		for (unsigned i = 0; i < threads; i++)
			CHECK(!pthread_join(thread[i], NULL));
	}
	dprintf(STDOUT_FILENO, "over\n");
	if (ending == 2)
		_exit(5);
	if (ending == 3)
		quick_exit(6);
	if (ending == 4) { /* the others go on, and end it */
		over = 1;
		pthread_exit(NULL);
	}
	return 4;
}
