/* SPDX-License-Identifier: MIT */
/* Locks all of its memory, now and to come, and then a file, also in a thread of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include "hazard.h"

static void *lock(void *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	REQUIRE(fd >= 0);
	lock_record(fd, F_SETLK, F_WRLCK);
	return NULL;
}

int main(void)
{
	static char first[] = "first", second[] = "second";
	pthread_attr_t small;
	pthread_t thread;

	REQUIRE(!mlockall(MCL_CURRENT | MCL_FUTURE));
	lock(first);
	REQUIRE(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 65536));
	REQUIRE(!pthread_create(&thread, &small, lock, second) && !pthread_join(thread, NULL));
	puts("locked");
	return 0;
}
