/* SPDX-License-Identifier: MIT */
/*
 * replay-actors SEED STEPS LOG: random operations of several processes in the current directory,
 * one at a time; the kernel's view after each goes to LOG (replay.h).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/replay/choices.h"
#include "tests/replay/stage.h"

#define ROOM (ACTORS * END_FD * 64) /* of one look */

static ino_t inodes[FILES];
static uint32_t looks;
static unsigned long steps, waits, interruptions, nudges, deaths, births;
static int marker;
static FILE *log_file;

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
	births++;
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
	births++;
}

/* A signal that comes before its call, after a nudge, ends nothing: then once more. */
static void interrupt(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	int tries = 0;

	do
		if (syscall(SYS_tgkill, actor->pid, actor->tids[thread], SIGUSR1))
			give_up("tgkill");
	while (!answers_within(slot, thread, 2) && ++tries < 5);
	await(slot, thread);
	actor->busy[thread] = false;
	interruptions++;
}

/*
 * A signal after which the call goes on; its handler may make a lock call, too. At once, because
 * the kernel begins the call anew: what it finds behind the descriptor by then nobody can see.
 */
static void nudge(int slot, int thread)
{
	struct actor *actor = &actors[slot];
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE, .si_pid = getpid() };

	info.si_value.sival_int = one_in(3) ? 0 : (int)below(1 << 30);
	if (syscall(SYS_rt_tgsigqueueinfo, actor->pid, actor->tids[thread], SIGUSR2, &info))
		give_up("rt_tgsigqueueinfo");
	nudges++;
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
		command = a_close(any_fd(actor->open));
	else if (what < 200)
		command = a_dup(any_fd(actor->open));
	else
		command = a_lock(any_fd(actor->open));
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
		if (actors[slot].busy[thread] && one_in(4))
			nudge(slot, thread);
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

static void finish(void)
{
	for (int slot = 0; slot < ACTORS; slot++)
		if (actors[slot].pid)
			kill(actors[slot].pid, SIGKILL);
	if (fclose(log_file))
		give_up("log");
	printf("%lu steps, %" PRIu32
	       " looks, %lu waits, %lu interrupted, %lu nudged, %lu processes, %lu died\n",
	       steps, looks, waits, interruptions, nudges, births, deaths);
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
	choices_seed(seed);
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
