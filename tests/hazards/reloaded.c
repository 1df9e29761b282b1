/* SPDX-License-Identifier: MIT */
/* The same code under several names: all that differs is the library that it is in. */
#include "host.h"

void lock_in_library(int fd);

void lock_in_library(int fd)
{
	CHECK(!flock(fd, LOCK_EX));
	CHECK(!flock(fd, LOCK_UN));
}
