/* SPDX-License-Identifier: MIT */
/*
 * A library's constructor waits for a lock, while its loader has locks of its own: whoever gives
 * the lock up must not need those. argv[1] is the library.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/file.h>

#include "hazard.h"

static atomic_int tid;

static void *load(void *library)
{
	tid = (int)syscall(SYS_gettid);
	REQUIRE(dlopen(library, RTLD_NOW));
	return NULL;
}

int main(int argc, char **argv)
{
	int held = open("held", O_RDWR | O_CREAT, 0600),
	    other = open("other", O_RDWR | O_CREAT, 0600);
	pthread_t thread;

	REQUIRE(argc == 2 && held >= 0 && other >= 0);
	lock_record(held, F_OFD_SETLK, F_WRLCK);
	alarm(20); /* hanging is what this is about */
	REQUIRE(!pthread_create(&thread, NULL, load, argv[1]));
	while (!tid)
		usleep(100);
	wait_until_blocked_in(tid, SYS_fcntl);
	/* Each for the first time. */
	REQUIRE(!flock(other, LOCK_EX) && !lockf(other, F_LOCK, 1));
	REQUIRE(dup2(other, other + 1) == other + 1 && !close(other + 1));
	REQUIRE(!close(held) && !pthread_join(thread, NULL));
	puts("loaded");
	return 0;
}
