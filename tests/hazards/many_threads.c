/* SPDX-License-Identifier: MIT */
/* So many threads, all there at once, lock a file each; then it prints how much memory is resident,
 * of its own: kB. argv[1]: threads. */
#include <pthread.h>
#include <sys/file.h>

#include "hazard.h"

static pthread_barrier_t locked, measured;

static void *lock(void *nothing)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0 && !flock(fd, LOCK_SH) && !close(fd));
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

	REQUIRE(!pthread_barrier_init(&locked, NULL, threads + 1));
	REQUIRE(!pthread_barrier_init(&measured, NULL, threads + 1));
	for (unsigned i = 0; i < threads; i++)
		REQUIRE(!pthread_create(&thread, NULL, lock, NULL) && !pthread_detach(thread));
	pthread_barrier_wait(&locked);
	printf("%ld\n", resident());
	pthread_barrier_wait(&measured);
	return 0;
}
