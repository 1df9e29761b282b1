/* SPDX-License-Identifier: MIT */
#include "tests/replay/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct actor actors[ACTORS];
unsigned long step;
FILE *trail;

_Noreturn void give_up(const char *what)
{
	fprintf(stderr, "replay-actors: step %lu: %s: %s\n", step, what, strerror(errno));
	for (int i = 0; i < ACTORS; i++)
		if (actors[i].pid)
			kill(actors[i].pid, SIGKILL);
	exit(2);
}

static bool impatient(time_t since)
{
	return time(NULL) > since + PATIENCE;
}

/* ---- Words */

static void move(int from, int to)
{
	if (dup2(from, to) != to || close(from))
		give_up("pipe");
}

void make_pipes(void)
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

void know_threads(struct actor *actor, const struct reply *reply)
{
	memcpy(actor->tids, reply->tids, sizeof(actor->tids));
	eyes_on_threads(&actor->eyes, actor->tids);
}

void introduce(int slot, pid_t pid, pid_t parent, const struct reply *reply)
{
	struct actor *actor = &actors[slot];

	*actor = (struct actor){ .pid = pid, .parent = parent };
	eyes_on_process(&actor->eyes, pid);
	know_threads(actor, reply);
}

bool try_answer(int slot, int thread, struct reply *reply)
{
	ssize_t got = read(pipe_fd(slot, thread, true, false), reply, sizeof(*reply));

	if (got < 0 && errno != EAGAIN)
		give_up("answer");
	return got == sizeof(*reply);
}

bool answers_within(int slot, int thread, int seconds)
{
	struct pollfd answer = { .fd = pipe_fd(slot, thread, true, false), .events = POLLIN };

	return poll(&answer, 1, seconds * 1000) == 1;
}

struct reply await(int slot, int thread)
{
	struct reply reply;

	while (!try_answer(slot, thread, &reply)) {
		if (answers_within(slot, thread, PATIENCE))
			continue;
		describe_thread(&actors[slot].eyes, thread);
		give_up("no answer");
	}
	return reply;
}

void tell(int slot, int thread, struct command command)
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

bool all_still(void)
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

void settle(void)
{
	time_t since = time(NULL);

	while (!all_still()) {
		if (impatient(since))
			give_up("neither done nor blocked");
		wait_briefly();
	}
}
