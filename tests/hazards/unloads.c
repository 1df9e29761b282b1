/* SPDX-License-Identifier: MIT */
/* unloads ROUNDS LIBRARY…: threads that open libraries, lock in them and close them, all at once.
 */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>

#define THREADS 4

static char **libraries;
static unsigned rounds, count;

static void *open_and_close(void *number)
{
	unsigned first = (unsigned)(unsigned long)number;
	int fd = memfd_create("own", 0);

	for (unsigned i = 0; i < rounds; i++) {
		void *handle = dlopen(libraries[(first + i) % count], RTLD_NOW);
		void (*lock)(int fd);

		CHECK(handle && fd >= 0);
		*(void **)&lock = dlsym(handle, "lock_in_library");
		lock(fd);
		CHECK(!dlclose(handle));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];

	CHECK(argc > 2);
	rounds = (unsigned)atoi(argv[1]);
	libraries = argv + 2;
	count = (unsigned)argc - 2;
	for (unsigned long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, open_and_close, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	puts("over");
	return 0;
}
