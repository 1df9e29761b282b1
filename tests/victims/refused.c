/* SPDX-License-Identifier: MIT */
/* Errors that Linux itself gives hardly ever, made by a seccomp filter: ENOLCK, EACCES, ENOSYS. */
#include "victim.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define FAIL_WITH(error)	 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define LOAD(member)		 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define SKIP_UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)

static void install_filter(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		SKIP_UNLESS(SYS_flock, 1),
		FAIL_WITH(ENOLCK),
		LOAD(nr),
		SKIP_UNLESS(SYS_fcntl, 7),
		LOAD(args[1]),
		SKIP_UNLESS(F_SETLKW, 1),
		FAIL_WITH(ENOLCK),
		SKIP_UNLESS(F_SETLK, 1),
		FAIL_WITH(EACCES),
		SKIP_UNLESS(F_OFD_SETLK, 1),
		FAIL_WITH(ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(void)
{
	int fd;

	begin();
	fd = fresh("refused");
	install_filter();
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, ENOLCK);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, EACCES);
	fcntl_lock(fd, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 10, ENOSYS);
	fcntl_lock(fd, F_OFD_SETLKW, F_RDLCK, SEEK_SET, 0, 10, 0);
	flock_lock(fd, LOCK_SH, ENOLCK);
	flock_lock(fd, LOCK_UN, ENOLCK);
	lockf_lock(fd, F_LOCK, 0, ENOLCK);
	lockf_lock(fd, F_TLOCK, 5, EACCES);
	return done();
}
