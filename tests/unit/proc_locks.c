/* SPDX-License-Identifier: MIT */
#include "analyzer/system/proc_locks.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "analyzer/system/fdinfo.h"

/* As kernels print them: nested waits, an OFD lock, a lease, a lock whose file is gone. */
static const char known[] = "1: POSIX  ADVISORY  WRITE 301 fe:00:1095 0 9\n"
			    "1: -> POSIX  ADVISORY  WRITE 302 fe:00:1095 5 EOF\n"
			    "1:  -> OFDLCK ADVISORY  READ  -1 fe:00:1095 7 7\n"
			    "2: OFDLCK ADVISORY  READ -1 103:1f:18446744073709551615 3 6\n"
			    "3: FLOCK  ADVISORY  READ 303 00:2a:12 0 EOF\n"
			    "4: LEASE  BREAKING  UNLCK 304 00:2a:12 0 EOF\n"
			    "5: DELEG  ACTIVE    READ 305 00:2a:12 0 EOF\n"
			    "6: POSIX  *NOINODE* WRITE 306 <none>:0 0 EOF\n";

static struct kernel_locks parse(const char *text)
{
	struct kernel_locks locks = { 0 };

	kernel_locks_parse(&locks, text, strlen(text));
	return locks;
}

Test(proc_locks, each_line_is_a_lock_or_a_wait_under_the_one_before)
{
	struct kernel_locks locks = parse(known);
	const struct kernel_lock *lock = locks.vec.items;

	cr_assert_eq(locks.vec.count, 8);
	cr_expect_eq(locks.strange, 0);
	cr_expect(lock[0].kind == LOCK_KIND_POSIX && !lock[0].shared && lock[0].pid == 301);
	cr_expect_eq(lock[0].device, makedev(0xfe, 0));
	cr_expect(lock[0].inode == 1095 && lock[0].start == 0 && lock[0].end == 10);
	cr_expect(lock[0].depth == 0 && lock[1].depth == 1 && lock[2].depth == 2);
	cr_expect(lock[1].number == 1 && lock[1].start == 5 && lock[1].end == LOCK_TO_EOF);
	cr_expect(lock[2].kind == LOCK_KIND_OFD && lock[2].shared);
	cr_expect(lock[2].start == 7 && lock[2].end == 8 && lock[2].pid == LOCK_PID_HIDDEN);
	cr_expect(lock[3].device == makedev(0x103, 0x1f) && lock[3].inode == UINT64_MAX);
	cr_expect(lock[4].kind == LOCK_KIND_FLOCK && lock[4].shared && !lock[4].breaking);
	cr_expect(lock[5].kind == LOCK_KIND_LEASE && lock[5].breaking && lock[5].unlocks);
	cr_expect(lock[6].kind == LOCK_KIND_LEASE && !lock[6].breaking && lock[6].shared);
	cr_expect(!lock[7].has_file && lock[7].pid == 306);
	kernel_locks_free(&locks);
}

Test(proc_locks, what_is_not_such_a_line_is_counted_and_nothing_else)
{
	static const char *const bad[] = {
		"x",
		"1 POSIX  ADVISORY  WRITE 301 fe:00:1095 0 9",
		"1: MUTEX  ADVISORY  WRITE 301 fe:00:1095 0 9",
		"1: POSIX  ADVISORY  MAYBE 301 fe:00:1095 0 9",
		"1: POSIX  ADVISORY  WRITE 301 fe:00 0 9",
		"1: POSIX  ADVISORY  WRITE 99999999999 fe:00:1095 0 9",
		"1: POSIX  ADVISORY  WRITE 301 fe:00:1095 9 0",
		"1: POSIX  ADVISORY  WRITE 301 fe:00:1095 0 9223372036854775808",
		"1: POSIX  ADVISORY  WRITE 301 fe:00:1095 0 EOFX",
		"1: POSIX  ADVISORY  WRITE 301 fe:00:1095 0 9 9",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct kernel_locks locks = parse(bad[i]);

		cr_expect(locks.vec.count == 0 && locks.strange == 1, "%s", bad[i]);
		kernel_locks_free(&locks);
	}
}

Test(proc_locks, no_text_of_damaged_lines_is_read_beyond_its_end)
{
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct kernel_locks locks = { 0 };
		size_t length = (size_t)rand_r(&seed) % sizeof(known);
		char *text = malloc(length + 1); /* the address build sees a byte too many */

		memcpy(text, known, length);
		text[length] = '\0';
		for (int change = 0; length && change < 3; change++)
			text[(size_t)rand_r(&seed) % length] =
				known[(size_t)rand_r(&seed) % sizeof(known)];
		kernel_locks_parse(&locks, text, length);
		for (uint32_t i = 0; i < locks.vec.count; i++)
			cr_assert(locks.vec.items[i].start < locks.vec.items[i].end, "%s", text);
		kernel_locks_free(&locks);
		free(text);
	}
}

Test(proc_locks, locks_exclude_each_other_within_a_world_where_ranges_meet_and_one_is_exclusive)
{
	struct kernel_lock posix = { .kind = LOCK_KIND_POSIX, .start = 0, .end = 10 };
	struct kernel_lock ofd = { .kind = LOCK_KIND_OFD, .shared = true, .start = 9, .end = 12 };
	struct kernel_lock flock = { .kind = LOCK_KIND_FLOCK, .start = 0, .end = LOCK_TO_EOF };

	cr_expect(kernel_locks_conflict(&posix, &ofd));
	cr_expect(!kernel_locks_conflict(&posix, &flock));
	posix.end = 9;
	cr_expect(!kernel_locks_conflict(&posix, &ofd));
	posix.end = 10;
	posix.shared = true;
	cr_expect(!kernel_locks_conflict(&posix, &ofd));
}

/* Finds this process' lock in the kernel's list by the identity that fdinfo gives the file. */
static void expect_to_find(int fd, enum lock_kind kind, int64_t pid)
{
	struct kernel_locks locks;
	struct mounts mounts = { 0 };
	struct fdinfo info;
	uint64_t device, inode;
	unsigned found = 0;

	cr_assert(fdinfo_read(&info, getpid(), fd));
	mounts_read(&mounts, getpid());
	cr_assert(fdinfo_file(&info, &mounts, &device, &inode));
	cr_expect_eq(info.locks.vec.count, 1);
	cr_expect_eq(kernel_locks_read(&locks), 0);
	cr_expect_eq(locks.strange, 0);
	for (uint32_t i = 0; i < locks.vec.count; i++)
		found += locks.vec.items[i].kind == kind && locks.vec.items[i].pid == pid &&
			 locks.vec.items[i].device == device && locks.vec.items[i].inode == inode;
	cr_expect_eq(found, 1);
	kernel_locks_free(&info.locks);
	kernel_locks_free(&locks);
	vec_free(&mounts.vec);
}

Test(proc_locks, the_kernels_list_and_fdinfo_agree_on_a_file_and_its_locks)
{
	char path[] = "/tmp/flocktrace-unit-XXXXXX";
	int one = mkostemp(path, O_CLOEXEC), other = open(path, O_RDWR | O_CLOEXEC);

	unlink(path);
	cr_assert(one >= 0 && other >= 0);
	cr_assert(!flock(one, LOCK_EX));
	expect_to_find(one, LOCK_KIND_FLOCK, getpid());
	cr_assert(!fcntl(other, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_len = 3 }));
	expect_to_find(other, LOCK_KIND_OFD, LOCK_PID_HIDDEN);
	close(one);
	close(other);
}

Test(fdinfo, positions_mounts_and_every_lock_are_read)
{
	static const char text[] = "pos:\t12\nflags:\t0100002\nmnt_id:\t27\nino:\t1095\n"
				   "lock:\t1: FLOCK  ADVISORY  WRITE 0 fe:00:1095 0 EOF\n"
				   "lock:\t2: OFDLCK ADVISORY  READ -1 fe:00:1095 3 6\nlock:\tx\n";
	struct fdinfo info;

	fdinfo_parse(&info, text, strlen(text));
	cr_expect(info.position == 12 && info.mount == 27 && info.has_inode && info.inode == 1095);
	cr_assert_eq(info.locks.vec.count, 2);
	cr_expect_eq(info.locks.strange, 1);
	cr_expect(info.locks.vec.items[0].pid == 0 && info.locks.vec.items[1].pid == -1);
	kernel_locks_free(&info.locks);
}

Test(fdinfo, descriptors_are_the_same_if_their_description_is)
{
	int one = memfd_create("one", MFD_CLOEXEC), again = dup(one);
	int other = memfd_create("one", MFD_CLOEXEC);

	cr_expect(fd_is_same(getpid(), one, getpid(), again, false));
	cr_expect(!fd_is_same(getpid(), one, getpid(), other, true));
	close(one);
	close(again);
	close(other);
}
