/* SPDX-License-Identifier: MIT */
/* Does what it is told, one call at a time, and says how it went. */
#include "tests/replay/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	int slot, thread;
};

static struct place places[THREADS];
static pid_t tids[THREADS];
static pthread_barrier_t begun;

static void obey(struct place *place);

static void answer(const struct place *place, int result, int error)
{
	struct reply reply = { .result = result, .error = error };

	memcpy(reply.tids, tids, sizeof(tids));
	if (write(pipe_fd(place->slot, place->thread, true, true), &reply, sizeof(reply)) !=
	    sizeof(reply))
		_exit(1);
}

static void *other_thread(void *argument)
{
	struct place *place = argument;

	tids[place->thread] = gettid();
	pthread_barrier_wait(&begun);
	obey(place);
	return NULL;
}

/* Without SA_RESTART: the call that waits ends with EINTR. */
static void interrupted(int number)
{
	(void)number;
}

/* With SA_RESTART: it goes on, after a lock call that any number stands for, 0 for none. */
static void nudged(int number, siginfo_t *info, void *context)
{
	static const int16_t types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	static const int flocks[] = { LOCK_SH, LOCK_EX, LOCK_UN };
	static const int commands[] = { F_SETLK, F_OFD_SETLK };
	unsigned what = (unsigned)info->si_value.sival_int;
	int fd = FIRST_FD + (int)(what / 16 % (END_FD - FIRST_FD));
	int error = errno;
	struct flock lock = {
		.l_type = types[what / 4 % 3],
		.l_whence = SEEK_SET,
		.l_start = what / 128 % 50,
		.l_len = what / 8192 % 30,
	};

	(void)number;
	(void)context;
	if (what && what % 4 == 0)
		flock(fd, flocks[what / 4 % 3] | LOCK_NB);
	else if (what)
		fcntl(fd, commands[what % 2], &lock);
	errno = error;
}

_Noreturn void act(int slot, int answering)
{
	pthread_t thread;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = interrupted }, NULL);
	sigaction(
		SIGUSR2,
		&(struct sigaction){ .sa_sigaction = nudged, .sa_flags = SA_RESTART | SA_SIGINFO },
		NULL);
	pthread_barrier_init(&begun, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		places[i] = (struct place){ slot, i };
	tids[0] = gettid();
	for (int i = 1; i < THREADS; i++)
		if (pthread_create(&thread, NULL, other_thread, &places[i]))
			_exit(1);
	pthread_barrier_wait(&begun);
	answer(&places[answering], 0, 0);
	obey(&places[0]);
	_exit(1);
}

static int record_lock(const struct command *command)
{
	struct flock lock = {
		.l_type = command->type,
		.l_whence = command->whence,
		.l_start = command->start,
		.l_len = command->length,
	};

	return fcntl(command->fd, command->command, &lock);
}

/* The controller looks no further. */
static int bounded(int fd)
{
	if (fd < END_FD)
		return fd;
	close(fd);
	return -1;
}

static int open_file(const struct command *command)
{
	char name[] = "file0";

	name[4] = (char)('0' + command->other);
	return bounded(open(name, command->command));
}

static int close_stream(int fd)
{
	FILE *stream = fdopen(fd, "r");

	return stream ? fclose(stream) : -1;
}

static int fork_into(int slot)
{
	pid_t child = fork();

	if (!child)
		act(slot, 0);
	return child;
}

static int become_another(const struct place *place)
{
	char slot[4], thread[4];

	snprintf(slot, sizeof(slot), "%d", place->slot);
	snprintf(thread, sizeof(thread), "%d", place->thread);
	return execl("/proc/self/exe", "replay-actors", "actor", slot, thread, NULL);
}

static int leave(bool at_once)
{
	if (at_once)
		_exit(0);
	exit(0);
}

static int perform(const struct place *place, const struct command *command)
{
	switch (command->op) {
	case OP_RECORD:
		return record_lock(command);
	case OP_LOCKF:
		return lockf(command->fd, command->command, command->length);
	case OP_FLOCK:
		return flock(command->fd, command->command);
	case OP_SEEK:
		return (int)lseek(command->fd, command->start, SEEK_SET);
	case OP_OPEN:
		return open_file(command);
	case OP_CLOSE:
		return close(command->fd);
	case OP_FCLOSE:
		return close_stream(command->fd);
	case OP_RAW_CLOSE:
		return (int)syscall(SYS_close, command->fd);
	case OP_RANGE:
		return close_range((unsigned)command->fd, (unsigned)command->other,
				   command->command);
	case OP_DUP:
		return bounded(dup(command->fd));
	case OP_DUP_ABOVE:
		return bounded(fcntl(command->fd, command->command, command->other));
	case OP_DUP2:
		return dup2(command->fd, command->other);
	case OP_DUP3:
		return dup3(command->fd, command->other, O_CLOEXEC);
	case OP_SETFD:
		return fcntl(command->fd, F_SETFD, command->command);
	case OP_FORK:
		return fork_into(command->other);
	case OP_EXEC:
		return become_another(place);
	case OP_EXIT:
		return leave(command->command);
	case OP_REAP:
		return waitpid(command->other, NULL, 0);
	}
	return -1;
}

/* A signal that was meant for the last call may come late. */
static bool hear(const struct place *place, struct command *command)
{
	ssize_t got;

	do
		got = read(pipe_fd(place->slot, place->thread, false, false), command,
			   sizeof(*command));
	while (got < 0 && errno == EINTR);
	return got == sizeof(*command);
}

static void obey(struct place *place)
{
	struct command command;
	int result;

	while (hear(place, &command)) {
		errno = 0;
		result = perform(place, &command);
		answer(place, result, result < 0 ? errno : 0);
	}
}
