/* SPDX-License-Identifier: MIT */
/* A struct flock that cannot be read is the kernel's affair: EFAULT, never a crash. */
#include "victim.h"

#include <errno.h>
#include <sys/mman.h>

static void refused(int fd, int command, const char *name, void *lock)
{
	if (lock)
		expect("fcntl(%d, %s, %p) = -1 EFAULT", fd, name, lock);
	else
		expect("fcntl(%d, %s, NULL) = -1 EFAULT", fd, name);
	errno = 0;
	CHECK(fcntl(fd, command, lock) == -1 && errno == EFAULT);
}

int main(void)
{
	char *page;
	int fd;

	begin();
	fd = fresh("bad_pointer");
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED && mprotect(page + 4096, 4096, PROT_NONE) == 0);
	refused(fd, F_SETLK, "F_SETLK", NULL);
	refused(fd, F_SETLK, "F_SETLK", (void *)1);
	refused(fd, F_SETLKW, "F_SETLKW", (void *)~0UL);
	refused(fd, F_GETLK, "F_GETLK", (void *)8);
	refused(fd, F_OFD_SETLK, "F_OFD_SETLK", page + 4096);
	/* Begins in the last readable page and ends beyond it. */
	refused(fd, F_SETLK, "F_SETLK", page + 4096 - sizeof(struct flock) / 2);
	CHECK(mprotect(page, 4096, PROT_NONE) == 0);
	refused(fd, F_OFD_SETLKW, "F_OFD_SETLKW", page);

	/* A readable one that is not on the stack. */
	CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	((struct flock *)page)->l_len = 7;
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	expect_fcntl(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 7, "0");
	CHECK(fcntl(fd, F_SETLK, page) == 0);
	return done();
}
