/* SPDX-License-Identifier: MIT */
/* Threads share POSIX locks; OFD locks of their own descriptions exclude one another. */
#include "victim.h"

#include <errno.h>
#include <pthread.h>

#define THREADS 8
#define ROUNDS	20

struct worker {
	pthread_t thread;
	int number, fd;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	int number = worker->number, fd = worker->fd, round;

	for (round = 0; round < ROUNDS; round++) {
		fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, number * 10, 10, 0);
		fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 1000 + number, 1, 0);
		fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, number * 10, 10, 0);
	}
	fcntl_lock(fd, F_OFD_SETLKW, F_UNLCK, SEEK_SET, 0, 0, 0);
	return NULL;
}

int main(void)
{
	struct worker workers[THREADS];
	int fd, i;

	begin();
	fd = fresh("threads");
	for (i = 0; i < THREADS; i++)
		workers[i] = (struct worker){ .number = i, .fd = another("threads") };
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_join(workers[i].thread, NULL) == 0);
	fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0, 0);
	return done();
}
