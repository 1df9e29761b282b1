/* SPDX-License-Identifier: MIT */
/* flock(2): shared, exclusive, unlock, non-blocking, conversion, and an upgrade that fails. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	int a, b;

	begin();
	a = fresh("flock");
	b = another("flock");
	flock_lock(a, LOCK_SH, 0);
	flock_lock(b, LOCK_SH, 0);
	flock_lock(b, LOCK_EX | LOCK_NB, EAGAIN);
	/* The failed upgrade has lost the shared lock: nobody is in a's way. */
	flock_lock(a, LOCK_EX | LOCK_NB, 0);
	flock_lock(b, LOCK_SH | LOCK_NB, EAGAIN);
	flock_lock(a, LOCK_SH, 0);
	flock_lock(b, LOCK_SH | LOCK_NB, 0);
	flock_lock(a, LOCK_UN, 0);
	flock_lock(b, LOCK_EX, 0);
	flock_lock(b, LOCK_EX, 0);
	flock_lock(b, LOCK_UN | LOCK_NB, 0);
	flock_lock(b, LOCK_UN, 0);
	flock_lock(a, LOCK_EX | LOCK_NB, 0);
	CHECK(close(a) == 0);
	flock_lock(b, LOCK_EX | LOCK_NB, 0);
	return done();
}
