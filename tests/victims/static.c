/* SPDX-License-Identifier: MIT */
/* Linked statically: no preload object can see its lock. It lives long enough to be looked at. */
#include "victim.h"

int main(void)
{
	CHECK(flock(fresh("static"), LOCK_EX) == 0);
	usleep(700 * 1000);
	return done();
}
