/* SPDX-License-Identifier: MIT */
/*
 * many_threads THREADS [ENDED]: so many threads, all there at once, lock a file each; then it
 * prints how much memory is resident, of its own: kB. ENDED: so many have done that one by one
 * before.
 */
#include <pthread.h>
#include <sys/file.h>

#include "hazard.h"

static pthread_barrier_t locked, measured;

static void *lock(void *nothing)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0 && !flock(fd, LOCK_SH) && !close(fd));
	return nothing;
}

static void *lock_and_stay(void *nothing)
{
	lock(nothing);
	pthread_barrier_wait(&locked);
	pthread_barrier_wait(&measured);
	return nothing;
}

static long resident(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long found = -1;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "RssAnon: %ld", &found);
	return found;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	pthread_t thread;

	for (int left = argc > 2 ? atoi(argv[2]) : 0; left > 0; left--)
		REQUIRE(!pthread_create(&thread, NULL, lock, NULL) && !pthread_join(thread, NULL));
	REQUIRE(!pthread_barrier_init(&locked, NULL, threads + 1));
	REQUIRE(!pthread_barrier_init(&measured, NULL, threads + 1));
	for (unsigned i = 0; i < threads; i++)
		REQUIRE(!pthread_create(&thread, NULL, lock_and_stay, NULL) &&
			!pthread_detach(thread));
	pthread_barrier_wait(&locked);
	printf("%ld\n", resident());
	pthread_barrier_wait(&measured);
	return 0;
}
