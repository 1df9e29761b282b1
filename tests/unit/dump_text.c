/* SPDX-License-Identifier: MIT */
/* Lock calls as strace 6.1 prints them. */
#include "analyzer/commands/lock_text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "trace/names.h"

static struct record_lock request(enum lock_op op, unsigned flags, int64_t start, int64_t len)
{
	return (struct record_lock){ .kind = RECORD_REQUEST,
				     .op = (uint8_t)op,
				     .flags = (uint16_t)flags,
				     .process = 1,
				     .tid = 7,
				     .fd = 3,
				     .time = 5,
				     .start = (uint64_t)start,
				     .len_or_end = (uint64_t)len };
}

static struct record_lock result(enum lock_op op, unsigned flags, uint64_t start, uint64_t end,
				 int error)
{
	struct record_lock record = request(op, flags, (int64_t)start, (int64_t)end);

	record.kind = RECORD_RESULT;
	record.outcome = OUTCOME(100, error);
	return record;
}

static void expect_text(const struct record_lock *first, const struct record_lock *second,
			bool system_call, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	lock_text(out, first, second, system_call);
	fclose(out);
	cr_expect_str_eq(text, expected, "%s", text);
	free(text);
}

#define WHENCE(n) ((n) << FLAG_WHENCE_SHIFT)

Test(lock_text, fcntl_has_its_struct_and_its_result)
{
	struct record_lock asked = request(OP_FCNTL_SETLKW, FLAG_EXCLUSIVE, 0, 100);
	struct record_lock told = result(OP_FCNTL_SETLKW, FLAG_EXCLUSIVE, 0, 100, 0);

	expect_text(&asked, &told, false,
		    "fcntl(3, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, "
		    "l_len=100}) = 0");
	expect_text(&asked, NULL, false,
		    "fcntl(3, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, "
		    "l_len=100}) = ?");
	asked = request(OP_OFD_SETLK, FLAG_SHARED | WHENCE(2), -5, -3);
	told = result(OP_OFD_SETLK, FLAG_SHARED, 2, 5, EAGAIN);
	expect_text(&asked, &told, true,
		    "fcntl(3, F_OFD_SETLK, {l_type=F_RDLCK, l_whence=SEEK_END, l_start=-5, "
		    "l_len=-3}) = -1 EAGAIN (Resource temporarily unavailable)");
}

Test(lock_text, a_result_alone_shows_its_range)
{
	struct record_lock told = result(OP_FCNTL_SETLK, FLAG_EXCLUSIVE, 10, 30, 0);

	expect_text(NULL, &told, true,
		    "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=10, "
		    "l_len=20}) = 0");
	told.len_or_end = RANGE_EOF;
	expect_text(NULL, &told, true,
		    "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=10, "
		    "l_len=0}) = 0");
	told = result(OP_FCNTL_SETLK, FLAG_EXCLUSIVE | FLAG_NEGATIVE, 10, 30, 0);
	expect_text(NULL, &told, true,
		    "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=30, "
		    "l_len=-20}) = 0");
}

Test(lock_text, a_query_shows_what_it_found)
{
	struct record_lock asked = request(OP_FCNTL_GETLK, FLAG_SHARED | WHENCE(1), 5, 10);
	struct record_lock told = result(OP_FCNTL_GETLK, FLAG_SHARED, 5, 15, 0);

	expect_text(&asked, &told, true,
		    "fcntl(3, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_CUR, l_start=5, l_len=10, "
		    "l_pid=0}) = 0");
	told = result(OP_FCNTL_GETLK, FLAG_EXCLUSIVE | FLAG_BLOCKER, 0, RANGE_EOF, 0);
	told.fd = 4711;
	expect_text(&asked, &told, true,
		    "fcntl(3, F_GETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=0, "
		    "l_pid=4711}) = 0");
	/* Without the REQUEST nobody knows the descriptor. */
	expect_text(NULL, &told, true,
		    "fcntl(?, F_GETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=0, "
		    "l_pid=4711}) = 0");
}

Test(lock_text, lockf_is_itself_or_the_fcntl_that_the_library_makes)
{
	struct record_lock asked = request(OP_LOCKF_LOCK, FLAG_EXCLUSIVE | WHENCE(1), 0, 100);
	struct record_lock told = result(OP_LOCKF_LOCK, FLAG_EXCLUSIVE, 20, 120, EDEADLK);

	expect_text(&asked, &told, false,
		    "lockf(3, F_LOCK, 100) = -1 EDEADLK (Resource deadlock avoided)");
	expect_text(&asked, &told, true,
		    "fcntl(3, F_SETLKW, {l_type=F_WRLCK, l_whence=SEEK_CUR, l_start=0, "
		    "l_len=100}) = -1 EDEADLK (Resource deadlock avoided)");
	expect_text(NULL, &told, false,
		    "lockf(3, F_LOCK, ?) = -1 EDEADLK (Resource deadlock avoided)");
	asked = request(OP_LOCKF_TLOCK, FLAG_EXCLUSIVE | WHENCE(1), 0, -5);
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_CUR, l_start=0, l_len=-5}) "
		    "= ?");
	asked = request(OP_LOCKF_ULOCK, FLAG_UNLOCK | WHENCE(1), 0, 0);
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_UNLCK, l_whence=SEEK_CUR, l_start=0, l_len=0}) "
		    "= ?");
}

Test(lock_text, f_test_fails_for_its_caller_where_the_query_succeeded)
{
	struct record_lock asked = request(OP_LOCKF_TEST, FLAG_SHARED | WHENCE(1), 0, 10);
	struct record_lock free = result(OP_LOCKF_TEST, FLAG_SHARED, 0, 10, 0);
	struct record_lock taken = result(OP_LOCKF_TEST, FLAG_SHARED, 0, 10, EACCES);

	expect_text(&asked, &free, true,
		    "fcntl(3, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_CUR, l_start=0, l_len=10, "
		    "l_pid=0}) = 0");
	/* The library keeps to itself what it found. */
	expect_text(&asked, &taken, true,
		    "fcntl(3, F_GETLK, {l_type=?, l_whence=SEEK_SET, l_start=?, l_len=?, "
		    "l_pid=?}) = 0");
	expect_text(&asked, &taken, false, "lockf(3, F_TEST, 10) = -1 EACCES (Permission denied)");
}

Test(lock_text, flock_names_its_bits_in_the_order_of_strace)
{
	static const struct {
		unsigned flags;
		uint64_t raw;
		const char *text;
	} cases[] = {
		{ FLAG_EXCLUSIVE, 0, "flock(3, LOCK_EX) = ?" },
		{ FLAG_EXCLUSIVE | FLAG_NONBLOCK, 0, "flock(3, LOCK_EX|LOCK_NB) = ?" },
		{ FLAG_SHARED | FLAG_NONBLOCK, 0, "flock(3, LOCK_SH|LOCK_NB) = ?" },
		{ FLAG_UNLOCK | FLAG_NONBLOCK, 0, "flock(3, LOCK_NB|LOCK_UN) = ?" },
		{ FLAG_RAW_MODE, 0, "flock(3, 0) = ?" },
		{ FLAG_RAW_MODE, 3, "flock(3, LOCK_SH|LOCK_EX) = ?" },
		{ FLAG_RAW_MODE, 96, "flock(3, LOCK_MAND|LOCK_READ) = ?" },
		{ FLAG_RAW_MODE, 16, "flock(3, 0x10 /* LOCK_??? */) = ?" },
		{ FLAG_RAW_MODE, 18, "flock(3, LOCK_EX|0x10) = ?" },
		{ FLAG_RAW_MODE, 0x80000000, "flock(3, 0x80000000 /* LOCK_??? */) = ?" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_lock asked = request(OP_FLOCK, cases[i].flags, 0, 0);

		asked.base = cases[i].raw;
		expect_text(&asked, NULL, true, cases[i].text);
	}
}

Test(lock_text, what_is_no_type_and_no_whence_is_shown_as_it_was)
{
	struct record_lock asked = request(OP_FCNTL_SETLK, FLAG_RAW_MODE, 0, 0);

	asked.base = 0x4d;
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=0x4d /* F_??? */, l_whence=SEEK_SET, l_start=0, "
		    "l_len=0}) = ?");
	asked.base = 4;
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_EXLCK, l_whence=SEEK_SET, l_start=0, l_len=0}) "
		    "= ?");
	asked = request(OP_FCNTL_SETLK, FLAG_SHARED | FLAG_BAD_RANGE | WHENCE(3), 0, 0);
	asked.base = 9 << 16;
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_RDLCK, l_whence=0x9 /* SEEK_??? */, l_start=0, "
		    "l_len=0}) = ?");
	asked.base = 3 << 16;
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_RDLCK, l_whence=SEEK_DATA, l_start=0, l_len=0}) "
		    "= ?");
	asked.base = 0;
	expect_text(&asked, NULL, true,
		    "fcntl(3, F_SETLK, {l_type=F_RDLCK, l_whence=?, l_start=0, l_len=0}) = ?");
}

Test(lock_text, a_pointer_that_could_not_be_read_is_unknown)
{
	struct record_lock asked = request(OP_FCNTL_SETLK, FLAG_BAD_RANGE | FLAG_RAW_MODE, 0, 0);
	struct record_lock told =
		result(OP_FCNTL_SETLK, FLAG_BAD_RANGE | FLAG_RAW_MODE, 0, 0, EFAULT);

	asked.base = UINT64_MAX;
	expect_text(&asked, NULL, true, "fcntl(3, F_SETLK, ?) = ?");
	expect_text(&asked, &told, true, "fcntl(3, F_SETLK, ?) = -1 EFAULT (Bad address)");
}

Test(lock_text, a_call_that_was_left_never_returned)
{
	struct record_lock asked = request(OP_FLOCK, FLAG_EXCLUSIVE, 0, 0);
	struct record_lock told =
		result(OP_FLOCK, FLAG_EXCLUSIVE | FLAG_ABANDONED, 0, RANGE_EOF, 0);

	expect_text(&asked, &told, true, "flock(3, LOCK_EX) = ?");
}

Test(lock_text, every_operation_and_every_flag_print_something)
{
	for (unsigned op = 0; op < 256; op += op < LOCK_OPS ? 1 : 61) {
		for (unsigned flags = 0; flags <= UINT16_MAX; flags += 13) {
			struct record_lock record = request((enum lock_op)op, flags, -1, 1);
			char *text = NULL;
			size_t size;
			FILE *out = open_memstream(&text, &size);

			record.base = flags;
			lock_text(out, &record, NULL, flags & 1);
			record.kind = RECORD_RESULT;
			record.outcome = OUTCOME(5, flags % 150);
			lock_text(out, NULL, &record, flags & 1);
			fclose(out);
			cr_assert_gt(size, 10);
			free(text);
		}
	}
}

Test(open_requests, find_the_request_of_a_result)
{
	struct open_requests open = { 0 };
	struct record_lock outer = request(OP_FLOCK, FLAG_EXCLUSIVE, 0, 0), inner = outer;
	struct record_lock told = result(OP_FLOCK, FLAG_EXCLUSIVE, 0, RANGE_EOF, 0);
	const struct record_lock *found;

	inner.time = 6;
	inner.fd = 9;
	open_requests_add(&open, &outer);
	open_requests_add(&open, &inner);
	told.time = 6;
	found = open_requests_take(&open, &told);
	cr_assert_not_null(found);
	cr_expect_eq(found->fd, 9);
	told.time = 5;
	found = open_requests_take(&open, &told);
	cr_assert_not_null(found);
	cr_expect_eq(found->fd, 3);
	cr_expect_null(open_requests_take(&open, &told));
	for (int i = 0; i < 100; i++)
		open_requests_add(&open, &outer);
	cr_expect_eq(open.threads.items[0].count, NEST_MAX);
	open_requests_free(&open);
}
