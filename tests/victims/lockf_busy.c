/* SPDX-License-Identifier: MIT */
/* lockf F_TEST and F_TLOCK of a section that another process has. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	struct answer answer = { F_WRLCK, 20, 30, getpid() };
	pid_t child;
	int fd;

	begin();
	fd = fresh("lockf_busy");
	CHECK(lseek(fd, 20, SEEK_SET) == 20);
	lockf_lock(fd, F_LOCK, 30, 0);
	child = fork();
	if (child == 0) {
		fd = another("lockf_busy");
		lockf_lock(fd, F_TLOCK, 0, EAGAIN);
		lockf_lock(fd, F_TLOCK, 21, EAGAIN);
		lockf_lock(fd, F_TLOCK, 20, 0);
		expect("fcntl(%d, F_GETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=%lld, "
		       "l_len=%lld, l_pid=%d}) = 0",
		       fd, (long long)answer.start, (long long)answer.len, answer.pid);
		CHECK(lockf(fd, F_TEST, 0) == -1 && errno == EACCES);
		lockf_lock(fd, F_TEST, 20, 0);
		_exit(0);
	}
	reap(child);
	return done();
}
