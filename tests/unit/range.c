/* SPDX-License-Identifier: MIT */
/* range_from_flock() against the kernel itself: what F_OFD_SETLK refuses, and where a lock then
 * really lies. */
#include "trace/range.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_SIZE 1000
#define POSITION  300

/* Two descriptions of one file, so that one can see the other's lock through F_OFD_GETLK. */
struct file {
	int locker, looker;
};

static struct file open_twice(void)
{
	char path[] = "/tmp/flocktrace-range-XXXXXX";
	struct file file = { .locker = mkstemp(path) };

	file.looker = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	cr_assert(file.locker >= 0 && file.looker >= 0);
	cr_assert_eq(ftruncate(file.locker, FILE_SIZE), 0);
	cr_assert_eq(lseek(file.locker, POSITION, SEEK_SET), POSITION);
	return file;
}

static void close_both(struct file *file)
{
	close(file->locker);
	close(file->looker);
}

static int64_t base_of(short whence)
{
	switch (whence) {
	case SEEK_CUR:
		return POSITION;
	case SEEK_END:
		return FILE_SIZE;
	}
	return 0;
}

/* The lock that the other description is shown, as a range; false: none. */
static bool kernel_range(const struct file *file, struct range *range)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	cr_assert_eq(fcntl(file->looker, F_OFD_GETLK, &lock), 0);
	if (lock.l_type == F_UNLCK)
		return false;
	range->start = (uint64_t)lock.l_start;
	range->end = lock.l_len ? (uint64_t)lock.l_start + (uint64_t)lock.l_len : RANGE_EOF;
	return true;
}

static void compare_with_kernel(const struct file *file, short whence, int64_t start, int64_t len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = whence, .l_start = start, .l_len = len
	};
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct range ours = { 0 }, theirs = { 0 };
	bool accepted = range_from_flock(base_of(whence), start, len, &ours);
	int error = fcntl(file->locker, F_OFD_SETLK, &lock) ? errno : 0;

	cr_assert(error == 0 || error == EINVAL || error == EOVERFLOW, "errno %d", error);
	cr_assert_eq(accepted, !error,
		     "whence %d start %ld len %ld: kernel says errno %d, we %s it", whence, start,
		     len, error, accepted ? "accept" : "refuse");
	if (error)
		return;
	cr_assert(kernel_range(file, &theirs),
		  "whence %d start %ld len %ld: the kernel shows no lock", whence, start, len);
	cr_assert(ours.start == theirs.start && ours.end == theirs.end,
		  "whence %d start %ld len %ld: kernel has [%lu, %lu), we [%lu, %lu)", whence,
		  start, len, theirs.start, theirs.end, ours.start, ours.end);
	cr_assert_eq(fcntl(file->locker, F_OFD_SETLK, &unlock), 0);
}

/* Where rules change: around 0, the base and the ends of off_t. */
static const int64_t edges[] = {
	0,
	1,
	2,
	-1,
	-2,
	POSITION,
	POSITION - 1,
	POSITION + 1,
	-POSITION,
	-POSITION - 1,
	-POSITION + 1,
	FILE_SIZE,
	FILE_SIZE - 1,
	FILE_SIZE + 1,
	-FILE_SIZE,
	-FILE_SIZE - 1,
	-FILE_SIZE + 1,
	INT32_MAX,
	INT32_MIN,
	(int64_t)UINT32_MAX + 1,
	INT64_MAX,
	INT64_MAX - 1,
	INT64_MAX - 2,
	INT64_MAX - POSITION,
	INT64_MAX - POSITION + 1,
	INT64_MAX - POSITION - 1,
	INT64_MAX - FILE_SIZE,
	INT64_MAX - FILE_SIZE + 1,
	INT64_MAX - FILE_SIZE - 1,
	INT64_MIN,
	INT64_MIN + 1,
	INT64_MIN + 2,
	INT64_MIN + POSITION,
	INT64_MIN + FILE_SIZE,
	INT64_MAX / 2,
	INT64_MAX / 2 + 1,
	INT64_MIN / 2,
	INT64_MIN / 2 - 1,
};

#define EDGES (sizeof(edges) / sizeof(edges[0]))

Test(range, every_edge_of_every_whence_is_as_the_kernel_has_it)
{
	struct file file = open_twice();

	for (short whence = SEEK_SET; whence <= SEEK_END; whence++)
		for (size_t s = 0; s < EDGES; s++)
			for (size_t l = 0; l < EDGES; l++)
				compare_with_kernel(&file, whence, edges[s], edges[l]);
	close_both(&file);
}

static int64_t random_number(unsigned *seed)
{
	uint64_t bits = (uint64_t)rand_r(seed) << 42 ^ (uint64_t)rand_r(seed) << 21 ^
			(uint64_t)rand_r(seed);
	/* Of any magnitude, so that small ones come up as often as large ones. */
	int64_t number = (int64_t)(bits >> rand_r(seed) % 64);

	return rand_r(seed) % 2 ? number : ~number;
}

Test(range, random_requests_are_as_the_kernel_has_them)
{
	struct file file = open_twice();
	unsigned seed = (unsigned)getpid();

	fprintf(stderr, "range: seed %u\n", seed);
	for (int i = 0; i < 50000; i++)
		compare_with_kernel(&file, (short)(rand_r(&seed) % 3), random_number(&seed),
				    random_number(&seed));
	close_both(&file);
}

Test(range, length_zero_reaches_to_the_end_of_file_however_far_it_grows)
{
	struct range range;

	cr_assert(range_from_flock(0, 100, 0, &range));
	cr_assert_eq(range.start, 100);
	cr_assert_eq(range.end, RANGE_EOF);
	/* The kernel knows no difference to a length that reaches the last possible byte. */
	cr_assert(range_from_flock(0, 100, INT64_MAX - 99, &range));
	cr_assert_eq(range.end, RANGE_EOF);
}

Test(range, negative_length_covers_the_bytes_before_start)
{
	struct range range;

	cr_assert(range_from_flock(POSITION, 0, -100, &range));
	cr_assert_eq(range.start, 200);
	cr_assert_eq(range.end, 300);
	cr_assert_not(range_from_flock(0, 99, -100, &range));
}
