/* SPDX-License-Identifier: MIT */
/*
 * replay-actors SEED STEPS LOG: random operations of several processes in the current directory,
 * one at a time; the kernel's view after each goes to LOG (replay.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/replay/replay.h"

#define ROOM	 (ACTORS * END_FD * 64) /* of one look */
#define PATIENCE 30			/* seconds */

struct actor {
	pid_t pid; /* 0: the slot is free */
	pid_t tids[THREADS];
	bool busy[THREADS];	     /* has not answered yet */
	unsigned long runs[THREADS]; /* of a busy one, when it was last looked at */
	struct eyes eyes;
	pid_t parent;
	unsigned open; /* bit per fd, as the kernel showed it last */
};

static struct actor actors[ACTORS];
static ino_t inodes[FILES];
static uint64_t random_state;
static uint32_t looks;
static unsigned long step, steps, waits, interruptions, deaths, births;
static int marker;
static FILE *log_file, *trail;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "replay-actors: step %lu: %s: %s\n", step, what, strerror(errno));
	for (int i = 0; i < ACTORS; i++)
		if (actors[i].pid)
			kill(actors[i].pid, SIGKILL);
	exit(2);
}

static unsigned below(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 20) % limit;
}

static bool one_in(unsigned n)
{
	return !below(n);
}

static bool impatient(time_t since)
{
	return time(NULL) > since + PATIENCE;
}

/* ---- Actors */

static void know_threads(struct actor *actor, const struct reply *reply)
{
	memcpy(actor->tids, reply->tids, sizeof(actor->tids));
	eyes_on_threads(&actor->eyes, actor->tids);
}

static void introduce(int slot, pid_t pid, pid_t parent, const struct reply *reply)
{
	struct actor *actor = &actors[slot];

	*actor = (struct actor){ .pid = pid, .parent = parent };
	eyes_on_process(&actor->eyes, pid);
	know_threads(actor, reply);
	births++;
}

static bool try_answer(int slot, int thread, struct reply *reply)
{
	ssize_t got = read(pipe_fd(slot, thread, true, false), reply, sizeof(*reply));

	if (got < 0 && errno != EAGAIN)
		give_up("answer");
	return got == sizeof(*reply);
}

static struct reply await(int slot, int thread)
{
	struct pollfd answer = { .fd = pipe_fd(slot, thread, true, false), .events = POLLIN };
	struct reply reply;

	while (!try_answer(slot, thread, &reply))
		if (poll(&answer, 1, PATIENCE * 1000) != 1)
			give_up("no answer");
	return reply;
}

static void tell(int slot, int thread, struct command command)
{
	if (trail)
		fprintf(trail, "%lu: %d/%d operation %d fd %d other %d command %d\n", step,
			actors[slot].pid, actors[slot].tids[thread], command.op, command.fd,
			command.other, command.command);
	actors[slot].busy[thread] = true;
	if (write(pipe_fd(slot, thread, false, true), &command, sizeof(command)) != sizeof(command))
		give_up("command");
}

/* ---- Until all are done or blocked */

/* Whether a thread that has not answered is blocked, and has not moved since it was asked last. */
static bool is_still(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	unsigned long runs = times_run(&actor->eyes, thread), before = actor->runs[thread];
	struct reply reply;

	actor->runs[thread] = runs;
	if (try_answer(slot, thread, &reply)) {
		actor->busy[thread] = false;
		return false;
	}
	return is_blocked(&actor->eyes, thread) && runs == before;
}

static bool all_still(void)
{
	bool still = true;

	for (int slot = 0; slot < ACTORS; slot++)
		for (int thread = 0; thread < THREADS; thread++)
			if (actors[slot].pid && actors[slot].busy[thread])
				still &= is_still(slot, thread);
	return still;
}

/* Until somebody answers, or for a moment. */
static void wait_briefly(void)
{
	static const struct timespec moment = { .tv_nsec = 50000 };
	struct pollfd answers[ACTORS * THREADS];
	nfds_t count = 0;

	for (int slot = 0; slot < ACTORS; slot++)
		for (int thread = 0; thread < THREADS; thread++)
			if (actors[slot].pid && actors[slot].busy[thread])
				answers[count++] =
					(struct pollfd){ .fd = pipe_fd(slot, thread, true, false),
							 .events = POLLIN };
	ppoll(answers, count, &moment, NULL);
}

static void settle(void)
{
	time_t since = time(NULL);

	while (!all_still()) {
		if (impatient(since))
			give_up("neither done nor blocked");
		wait_briefly();
	}
}

/* ---- Looks */

static void mark(uint32_t number)
{
	struct flock query = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1
	};

	if (fcntl(marker, F_GETLK, &query))
		give_up("marker");
}

/*
 * Somebody may have been woken by one who fell asleep again at once: then once more. Who was asleep
 * before the look and after it, and has not run since, was asleep all the time.
 */
static void look_around(void)
{
	static struct seen seen[ROOM];
	struct look look;

	do {
		settle();
		look = (struct look){ .number = ++looks };
		mark(look.number);
		for (int slot = 0; slot < ACTORS; slot++) {
			struct actor *actor = &actors[slot];
			unsigned first = look.count;

			if (!actor->pid)
				continue;
			look.count += look_at(&actor->eyes, inodes, seen + first);
			actor->open = 0;
			for (unsigned i = first; i < look.count; i++)
				actor->open |= 1u << seen[i].fd;
		}
	} while (!all_still());
	if (fwrite(&look, sizeof(look), 1, log_file) != 1 ||
	    fwrite(seen, sizeof(*seen), look.count, log_file) != look.count)
		give_up("log");
}

/* ---- Operations */

static int any_fd(const struct actor *actor)
{
	int fd = FIRST_FD + (int)below(END_FD - FIRST_FD);

	for (int i = 0; i < END_FD && !(actor->open >> fd & 1); i++)
		fd = fd + 1 < END_FD ? fd + 1 : FIRST_FD;
	return fd;
}

static struct command a_record_lock(int fd)
{
	static const int posix[] = { F_SETLK, F_SETLK, F_SETLKW, F_GETLK };
	static const int ofd[] = { F_OFD_SETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK };
	static const int16_t types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	static const int16_t whences[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END };
	struct command command = {
		.op = OP_RECORD,
		.fd = fd,
		.command = (one_in(3) ? ofd : posix)[below(4)],
		.type = types[below(3)],
		.whence = whences[below(4)],
		.start = below(50),
		.length = below(30),
	};

	if (command.whence == SEEK_END)
		command.start -= FILE_BYTES;
	if (one_in(5))
		command.length = -command.length;
	if (one_in(8)) /* of the usual places, so that ranges touch, nest and are the same */
		command.start = command.whence == SEEK_SET ? 10 * below(5) : command.start,
		command.length = 10;
	return command;
}

static struct command a_lock(int fd)
{
	static const int lockfs[] = { F_LOCK, F_TLOCK, F_ULOCK, F_TEST };
	static const int flocks[] = { LOCK_SH, LOCK_EX, LOCK_UN };

	switch (below(8)) {
	case 0:
		return (struct command){ .op = OP_LOCKF,
					 .fd = fd,
					 .command = lockfs[below(4)],
					 .length = (int)below(40) - 10 };
	case 1:
	case 2:
		return (struct command){ .op = OP_FLOCK,
					 .fd = fd,
					 .command = flocks[below(3)] | (one_in(3) ? 0 : LOCK_NB) };
	case 3:
		return (struct command){ .op = OP_SEEK, .fd = fd, .start = below(60) };
	}
	return a_record_lock(fd);
}

static struct command an_open(void)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };

	return (struct command){ .op = OP_OPEN,
				 .other = (int)below(FILES),
				 .command = flags[below(5)] | (one_in(4) ? O_CLOEXEC : 0) };
}

static struct command a_close(int fd)
{
	static const enum op ops[] = { OP_CLOSE, OP_CLOSE, OP_FCLOSE, OP_RAW_CLOSE };

	if (one_in(6))
		return (struct command){ .op = OP_RANGE,
					 .fd = fd,
					 .other = fd + (int)below(3),
					 .command = one_in(3) ? CLOSE_RANGE_CLOEXEC : 0 };
	return (struct command){ .op = ops[below(4)], .fd = fd };
}

static struct command a_dup(int fd)
{
	static const enum op ops[] = { OP_DUP, OP_DUP_ABOVE, OP_DUP2, OP_DUP3, OP_SETFD };
	struct command command = { .op = ops[below(5)],
				   .fd = fd,
				   .other = FIRST_FD + (int)below(END_FD - FIRST_FD) };

	if (command.op == OP_DUP_ABOVE)
		command.command = one_in(2) ? F_DUPFD : F_DUPFD_CLOEXEC;
	if (command.op == OP_SETFD)
		command.command = one_in(2) ? FD_CLOEXEC : 0;
	return command;
}

static int free_slot(void)
{
	for (int slot = 0; slot < ACTORS; slot++)
		if (!actors[slot].pid)
			return slot;
	return -1;
}

static void do_fork(int slot, int thread)
{
	int child = free_slot();
	struct reply parent, reply;

	if (child < 0)
		return;
	tell(slot, thread, (struct command){ .op = OP_FORK, .other = child });
	parent = await(slot, thread);
	actors[slot].busy[thread] = false;
	if (parent.result <= 0)
		give_up("fork");
	reply = await(child, 0);
	introduce(child, parent.result, actors[slot].pid, &reply);
}

/* The other thread, blocked or not, ends with the image. */
static void do_exec(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	struct reply reply;

	tell(slot, thread, (struct command){ .op = OP_EXEC });
	reply = await(slot, thread);
	memset(actor->busy, 0, sizeof(actor->busy));
	know_threads(actor, &reply);
}

static int slot_of(pid_t pid)
{
	for (int slot = 0; slot < ACTORS; slot++)
		if (actors[slot].pid == pid)
			return slot;
	return -1;
}

/* By its parent, if that can, or else by nobody for now. */
static void reap(pid_t pid, pid_t parent)
{
	int slot = slot_of(parent);

	if (parent == getpid()) {
		waitpid(pid, NULL, 0);
		return;
	}
	if (slot < 0 || one_in(4))
		return;
	for (int thread = 0; thread < THREADS; thread++) {
		if (actors[slot].busy[thread])
			continue;
		tell(slot, thread, (struct command){ .op = OP_REAP, .other = pid });
		await(slot, thread);
		actors[slot].busy[thread] = false;
		return;
	}
}

static int living(void)
{
	int count = 0;

	for (int slot = 0; slot < ACTORS; slot++)
		count += actors[slot].pid != 0;
	return count;
}

static void do_die(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	struct actor gone = *actor;
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, actor->pid, 0), .events = POLLIN };
	struct reply reply;

	if (end.fd < 0)
		give_up("pidfd_open");
	if (one_in(2))
		kill(actor->pid, SIGKILL);
	else
		tell(slot, thread, (struct command){ .op = OP_EXIT, .command = (int)below(2) });
	if (poll(&end, 1, PATIENCE * 1000) != 1)
		give_up("does not die");
	close(end.fd);
	eyes_close(&gone.eyes);
	*actor = (struct actor){ 0 };
	for (int i = 0; i < THREADS; i++)
		try_answer(slot, i, &reply);
	reap(gone.pid, gone.parent);
	deaths++;
}

static void begin(int slot)
{
	pid_t pid = fork();
	struct reply reply;

	if (pid < 0)
		give_up("fork");
	if (!pid) {
		close_range(FIRST_FD, FIRST_PIPE - 1, 0);
		for (int i = 0; i < ACTORS; i++)
			for (int thread = 0; thread < THREADS; thread++) {
				close(pipe_fd(i, thread, false, true));
				close(pipe_fd(i, thread, true, false));
			}
		act(slot, 0);
	}
	reply = await(slot, 0);
	introduce(slot, pid, getpid(), &reply);
}

static void interrupt(int slot, int thread)
{
	struct actor *actor = &actors[slot];

	if (syscall(SYS_tgkill, actor->pid, actor->tids[thread], SIGUSR1))
		give_up("tgkill");
	await(slot, thread);
	actor->busy[thread] = false;
	interruptions++;
}

static void do_something(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	unsigned what = below(1000);
	struct command command;

	if (what < 8) {
		do_fork(slot, thread);
		return;
	}
	if (what < 10) {
		do_exec(slot, thread);
		return;
	}
	if (what < 14 && living() > 2) {
		do_die(slot, thread);
		return;
	}
	if (what < 90 || !actor->open)
		command = an_open();
	else if (what < 150)
		command = a_close(any_fd(actor));
	else if (what < 200)
		command = a_dup(any_fd(actor));
	else
		command = a_lock(any_fd(actor));
	tell(slot, thread, command);
}

static void one_step(void)
{
	int slot = (int)below(ACTORS), thread = (int)below(THREADS);

	for (int tries = 0; !actors[slot].pid || actors[slot].busy[thread]; tries++) {
		if (actors[slot].pid && (one_in(8) || tries > 50)) {
			interrupt(slot, thread);
			return;
		}
		slot = (int)below(ACTORS);
		thread = (int)below(THREADS);
	}
	do_something(slot, thread);
	if (actors[slot].pid && actors[slot].busy[thread]) {
		settle();
		waits += actors[slot].busy[thread];
	}
}

/* ---- Setting */

static void make_files(void)
{
	char name[] = "file0";
	struct stat status;

	for (int i = 0; i < FILES; i++, name[4]++) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || ftruncate(fd, FILE_BYTES) || fstat(fd, &status))
			give_up(name);
		inodes[i] = status.st_ino;
		close(fd);
	}
	marker = open(MARKER, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (marker < 0)
		give_up(MARKER);
}

static void move(int from, int to)
{
	if (dup2(from, to) != to || close(from))
		give_up("pipe");
}

static void make_pipes(void)
{
	for (int slot = 0; slot < ACTORS; slot++) {
		for (int thread = 0; thread < THREADS; thread++) {
			for (int replies = 0; replies < 2; replies++) {
				int ends[2];

				if (pipe(ends))
					give_up("pipe");
				move(ends[0], pipe_fd(slot, thread, replies, false));
				move(ends[1], pipe_fd(slot, thread, replies, true));
			}
			fcntl(pipe_fd(slot, thread, true, false), F_SETFL, O_NONBLOCK);
		}
	}
}

static void finish(void)
{
	for (int slot = 0; slot < ACTORS; slot++)
		if (actors[slot].pid)
			kill(actors[slot].pid, SIGKILL);
	if (fclose(log_file))
		give_up("log");
	printf("%lu steps, %" PRIu32
	       " looks, %lu waits, %lu interrupted, %lu processes, %lu died\n",
	       steps, looks, waits, interruptions, births, deaths);
}

int main(int argc, char **argv)
{
	uint64_t seed;

	if (argc == 4 && !strcmp(argv[1], "actor"))
		act(atoi(argv[2]), atoi(argv[3]));
	if (argc != 4) {
		fprintf(stderr, "usage: replay-actors SEED STEPS LOG\n");
		return 2;
	}
	seed = strtoull(argv[1], NULL, 0);
	steps = strtoul(argv[2], NULL, 0);
	random_state = seed * 2654435761u + 88172645463325252u;
	signal(SIGPIPE, SIG_IGN);
	close_range(FIRST_FD, FIRST_PIPE - 1, 0);
	make_pipes();
	make_files();
	log_file = fopen(argv[3], "we");
	if (!log_file)
		give_up(argv[3]);
	if (getenv("TRAIL")) /* for people: what was told to whom */
		trail = fopen(getenv("TRAIL"), "we");
	begin(0);
	begin(1);
	for (step = 0; step < steps; step++) {
		one_step();
		look_around();
	}
	finish();
	return 0;
}
