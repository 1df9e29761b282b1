/* SPDX-License-Identifier: MIT */
/*
 * Processes that lock at random, thousands of times a second, and now and then for ever: in worlds,
 * ranges and modes, with timers, signals, threads that are cancelled or close a file, forks and
 * kills. Usage: SEED SECONDS. The one that starts them all
 * - kills who has made no step for a while, and others for no reason;
 * - makes rings of two to five who wait for each other, and prints "ring PID…" when they stand;
 * - before each signal that it sends prints "signal PID", and asks for a lock of byte MARK + pid,
 * so that a record has the order of what it did and of what the others did;
 * - prints "end EPISODES KILLS" after that time: so many waits for somebody else began and ended.
 * The rings stand until nothing more comes from stdin.
 */
#include "victim.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>

#define MARK	((off_t)1 << 40)
#define GROUPS	4 /* who is in one has to do with no other, and mostly one world */
#define WORKERS (GROUPS * 4)
#define FILES	2 /* of a group */
#define OPEN	4 /* descriptions that a worker has */
#define RING	5 /* members at most */
#define RINGS	64

#define MS 1000000

static struct shared {
	_Atomic uint64_t episodes;
	_Atomic uint64_t steps[WORKERS];
	_Atomic int here[RINGS], asks[RINGS];
} * shared;

static uint64_t state; /* of the random numbers of this process */
static int open_files[OPEN], group;

static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static bool chance(uint32_t of_ten_thousand)
{
	return number(10000) < of_ten_thousand;
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void seed_with(uint64_t seed, uint64_t which)
{
	state = (seed + 1) * 0x9e3779b97f4a7c15 ^ (which + 1) * 0xbf58476d1ce4e5b9;
	for (int i = 0; i < 8; i++)
		number(1);
}

static void ignore(int signal)
{
	(void)signal;
}

/* ---- One step of a worker */

struct request {
	int fd, world; /* flock, POSIX, OFD, lockf */
	bool shared;
	off_t start, length;
};

static struct request any_request(void)
{
	return (struct request){ .fd = open_files[number(OPEN)],
				 .world = chance(7000) ? group : (int)number(4),
				 .shared = number(10) < 3,
				 .start = number(3),
				 .length = 1 + number(2) };
}

static int ask(const struct request *request, bool wait)
{
	struct flock lock = { .l_type = request->shared ? F_RDLCK : F_WRLCK,
			      .l_start = request->start,
			      .l_len = request->length };

	switch (request->world) {
	case 0:
		return flock(request->fd,
			     (request->shared ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB));
	case 1:
		return fcntl(request->fd, wait ? F_SETLKW : F_SETLK, &lock);
	case 2:
		return fcntl(request->fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	}
	return lockf(request->fd, wait ? F_LOCK : F_TLOCK, request->length);
}

static void drop(int fd)
{
	struct flock lock = { .l_type = F_UNLCK };

	flock(fd, LOCK_UN);
	fcntl(fd, F_SETLK, &lock);
	fcntl(fd, F_OFD_SETLK, &lock);
}

/* Somebody is in the way: what comes then is an episode, however it ends. */
static void contend(const struct request *request)
{
	if (!ask(request, false) || (errno != EAGAIN && errno != EACCES))
		return;
	ask(request, true);
	atomic_fetch_add(&shared->episodes, 1);
}

static void set_timer(uint32_t us)
{
	struct itimerval timer = { .it_value = { .tv_usec = (suseconds_t)us } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void contend_for_a_while(const struct request *request)
{
	bool long_one = chance(20);

	if (long_one)
		alarm(1);
	else
		set_timer(100 + number(chance(200) ? 300000 : 2000));
	contend(request);
	if (long_one)
		alarm(0);
	else
		set_timer(0);
}

static void pause_for(uint32_t us)
{
	if (us < 20)
		sched_yield();
	else
		usleep(us);
}

static void *contend_in_thread(void *context)
{
	contend(context);
	return NULL;
}

static void contend_and_be_cancelled(struct request request)
{
	pthread_t thread;

	if (request.world == 0) /* flock() is no cancellation point */
		request.world = 1;
	if (pthread_create(&thread, NULL, contend_in_thread, &request))
		return;
	pause_for(number(1000));
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static int open_one(void)
{
	char name[32];

	snprintf(name, sizeof(name), "storm%d.%u", group, number(FILES));
	return open(name, O_RDWR | O_CREAT | (chance(5000) ? O_CLOEXEC : 0), 0600);
}

/* Which drops the record locks that its whole process has of that file. */
static void *close_later(void *context)
{
	uint32_t us = (uint32_t)(uintptr_t)context;
	int fd = open_one();

	pause_for(us);
	close(fd);
	return NULL;
}

static void start_closer(void)
{
	uint32_t us = number(chance(1000) ? 400000 : 2000);
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 1 << 16);
	pthread_create(&thread, &attributes, close_later, (void *)(uintptr_t)us);
	pthread_attr_destroy(&attributes);
}

static void with_child(void)
{
	uint32_t us = number(chance(1000) ? 300000 : 2000);
	bool drops = chance(3000), waits = chance(5000);
	pid_t child = fork();

	if (child < 0)
		return;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause_for(us);
		if (drops)
			drop(open_files[number(OPEN)]);
		_exit(0);
	}
	while (waits && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void step(void)
{
	struct request request = any_request();
	uint32_t what = number(1000);
	int at = (int)number(OPEN);

	if (what < 840) {
		if (chance(2500))
			contend_for_a_while(&request);
		else
			contend(&request);
		pause_for(number(60));
	} else if (what < 900) {
		pause_for(number(200));
	} else if (what < 940) {
		close(open_files[at]);
		open_files[at] = open_one();
	} else if (what < 965) {
		contend_and_be_cancelled(request);
	} else if (what < 980) {
		start_closer();
	} else {
		with_child();
	}
	/* Else it has what it got while it asks for another. */
	if (chance(2000))
		for (int i = 0; i < OPEN; i++)
			drop(open_files[i]);
	else if (!chance(15))
		drop(request.fd);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void work(int worker)
{
	struct sigaction stops = { .sa_handler = ignore };
	struct sigaction restarts = { .sa_handler = ignore, .sa_flags = SA_RESTART };

	group = worker % GROUPS;
	sigaction(SIGALRM, &stops, NULL);
	sigaction(SIGUSR1, &stops, NULL);
	sigaction(SIGUSR2, &restarts, NULL);
	for (int i = 0; i < OPEN; i++)
		open_files[i] = open_one();
	for (;;) {
		step();
		atomic_fetch_add(&shared->steps[worker], 1);
	}
}

/* ---- The one that starts them */

static int marker;
static uint64_t kills;

static struct worker {
	pid_t pid;
	uint64_t steps, since, patience;
} workers[WORKERS];

static pid_t start_child(uint64_t seed, uint64_t which)
{
	pid_t parent = getpid(), child = fork();

	CHECK(child >= 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	seed_with(seed, which);
	return 0;
}

static void send(pid_t pid, int signal)
{
	struct flock mark = { .l_type = F_RDLCK, .l_start = MARK + pid, .l_len = 1 };

	CHECK(dprintf(STDOUT_FILENO, "signal %d\n", (int)pid) > 0);
	CHECK(!fcntl(marker, F_GETLK, &mark));
	CHECK(!kill(pid, signal));
}

static void finish(pid_t pid)
{
	send(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static void start_worker(uint64_t seed, int i)
{
	workers[i].steps = atomic_load(&shared->steps[i]);
	workers[i].since = clock_now();
	workers[i].patience = (uint64_t)(500 + number(1000)) * MS;
	workers[i].pid = start_child(seed, WORKERS * (kills + 1) + (uint64_t)i);
	if (!workers[i].pid)
		work(i);
}

static void look_after(uint64_t seed, int i)
{
	struct worker *worker = &workers[i];
	uint64_t steps = atomic_load(&shared->steps[i]), now = clock_now();

	if (chance(20))
		send(worker->pid, chance(5000) ? SIGUSR1 : SIGUSR2);
	if (steps != worker->steps) {
		worker->steps = steps;
		worker->since = now;
	}
	if (now - worker->since < worker->patience && !chance(3))
		return;
	finish(worker->pid);
	kills++;
	start_worker(seed, i);
}

/* ---- Rings */

static struct ring {
	int count;
	pid_t members[RING];
	bool told;
} rings[RINGS];
static int ring_count;

static void be_member(int ring, int i, int count)
{
	struct request first = { .length = 1 }, second = first;
	char name[32];

	/* No POSIX locks: the kernel breaks their rings. */
	first.world = second.world = ring % 2 ? 2 : 0;
	snprintf(name, sizeof(name), "ring%d.%d", ring, i);
	first.fd = open(name, O_RDWR | O_CREAT, 0600);
	snprintf(name, sizeof(name), "ring%d.%d", ring, (i + 1) % count);
	second.fd = open(name, O_RDWR | O_CREAT, 0600);
	CHECK(!ask(&first, true));
	atomic_fetch_add(&shared->here[ring], 1);
	while (atomic_load(&shared->here[ring]) < count)
		usleep(1000);
	atomic_fetch_add(&shared->asks[ring], 1);
	ask(&second, true);
	_exit(0);
}

static void start_ring(uint64_t seed)
{
	struct ring *ring = &rings[ring_count];

	ring->count = 2 + (int)number(RING - 1);
	for (int i = 0; i < ring->count; i++) {
		ring->members[i] = start_child(seed, 1000000 + (uint64_t)(ring_count * RING + i));
		if (!ring->members[i])
			be_member(ring_count, i, ring->count);
	}
	ring_count++;
}

static void tell_rings(void)
{
	for (int i = 0; i < ring_count; i++) {
		if (rings[i].told || atomic_load(&shared->asks[i]) < rings[i].count)
			continue;
		rings[i].told = true;
		dprintf(STDOUT_FILENO, "ring");
		for (int j = 0; j < rings[i].count; j++)
			dprintf(STDOUT_FILENO, " %d", (int)rings[i].members[j]);
		dprintf(STDOUT_FILENO, "\n");
	}
}

int main(int argc, char **argv)
{
	uint64_t seed, end, next_ring, seconds;
	char end_of_input;

	CHECK(argc == 3);
	seed = strtoull(argv[1], NULL, 10);
	seconds = strtoull(argv[2], NULL, 10);
	seed_with(seed, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
	marker = open("marker", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < WORKERS; i++)
		start_worker(seed, i);
	end = clock_now() + seconds * 1000 * MS;
	next_ring = clock_now();
	while (clock_now() < end) {
		usleep(5000);
		for (int i = 0; i < WORKERS; i++)
			look_after(seed, i);
		if (clock_now() >= next_ring && ring_count < RINGS) {
			start_ring(seed);
			next_ring = clock_now() + seconds * 1000 * MS / RINGS + 500 * MS;
		}
		tell_rings();
	}
	for (int i = 0; i < WORKERS; i++)
		finish(workers[i].pid);
	while (atomic_load(&shared->asks[ring_count - 1]) < rings[ring_count - 1].count)
		usleep(1000);
	tell_rings();
	dprintf(STDOUT_FILENO, "end %llu %llu\n",
		(unsigned long long)atomic_load(&shared->episodes), (unsigned long long)kills);
	while (read(STDIN_FILENO, &end_of_input, 1) > 0)
		;
	for (int i = 0; i < ring_count; i++)
		for (int j = 0; j < rings[i].count; j++)
			finish(rings[i].members[j]);
	return 0;
}
