/* SPDX-License-Identifier: MIT */
/* A library whose constructor waits for a lock. */
#include "hazard.h"

__attribute__((constructor)) static void wait_for_lock(void)
{
	int fd = open("held", O_RDWR);

	REQUIRE(fd >= 0);
	lock_record(fd, F_OFD_SETLKW, F_WRLCK);
	close(fd);
}
