/* SPDX-License-Identifier: MIT */
/* Bad input: each kind is refused with its reason, and no damage makes the reader crash or hang. */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/read/raw.h"
#include "tests/support/mktrace.h"

static void refuses(const char *path, const char *reason)
{
	const char *error = NULL;
	struct reader *reader = reader_open(path, &error);

	cr_assert_null(reader, "%s was read", path);
	cr_expect_str_eq(error, reason, "\"%s\" is not \"%s\"", error, reason);
}

static void refuses_bytes(const void *bytes, size_t size, const char *reason)
{
	char *path = mktrace_temporary(bytes, size);

	refuses(path, reason);
	unlink(path);
	free(path);
}

/* Opens it, reads it to its end if it can, and counts the events. */
static uint64_t read_path(const char *path)
{
	const char *error = NULL;
	struct reader *reader = reader_open(path, &error);
	struct event event = { 0 };
	uint64_t events = 0;

	if (!reader) {
		cr_expect_not_null(error);
		cr_expect_gt(strlen(error), 0);
	} else {
		while (reader_next(reader, &event))
			events++;
		cr_expect_eq(event.kind, EVENT_END);
		reader_free(reader);
	}
	return events;
}

static uint64_t read_bytes(const void *bytes, size_t size)
{
	char *path = mktrace_temporary(bytes, size);
	uint64_t events = read_path(path);

	unlink(path);
	free(path);
	return events;
}

/* A file with something of everything. */
static struct mktrace *make_rich(bool session)
{
	struct mktrace *make = session ? mktrace_session(MKTRACE_SMALL) : mktrace_trace(1);
	uint64_t frames[] = { FRAME(1, 0x10), FRAME(1, 0x20) };
	struct record_lock record = { .kind = RECORD_REQUEST,
				      .op = OP_FCNTL_SETLKW,
				      .flags = FLAG_EXCLUSIVE,
				      .process = 1,
				      .tid = 4711,
				      .time = 5 };
	struct record_run run = { .kind = RECORD_RUN, .status = -1, .time = 1 };
	struct record_untraced untraced = { .kind = RECORD_UNTRACED, .pid = 3 };

	mktrace_process(make, PROCESS_START, 1, 4711, 0, "/bin/victim");
	mktrace_module(make, 1, 1, "/bin/victim");
	for (int i = 0; i < 40; i++) {
		record.stack = mktrace_stack(make, 1, frames, 2);
		record.file = mktrace_file(make, (uint64_t)i, "/tmp/some/where/a/file/with/a/name");
		record.kind = RECORD_REQUEST;
		mktrace_lock(make, record);
		record.kind = RECORD_RESULT;
		mktrace_lock(make, record);
		mktrace_call(make, (struct record_call){ .kind = RECORD_CALL,
							 .op = CALL_CLOSE_RANGE,
							 .process = 1,
							 .last = -1 });
	}
	mktrace_into_slow(make, true);
	mktrace_process(make, PROCESS_AGAIN, 1, 4711, 0, "/bin/victim");
	record.kind = RECORD_REQUEST;
	record.time = 2;
	mktrace_lock(make, record);
	record.kind = RECORD_RESULT;
	mktrace_lock(make, record);
	mktrace_into_slow(make, false);
	mktrace_long(make, &run, "a\0b", 4);
	mktrace_long(make, &untraced, "sudo\0setuid", 12);
	mktrace_pending(make, 0, record, 0);
	mktrace_process_slot(make, 0)->process = 1;
	return make;
}

Test(bad_files, are_refused_by_their_kind)
{
	char directory[] = "/tmp/flocktrace-test.XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *fifo, *bound;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_not_null(mkdtemp(directory));
	fifo = xasprintf("%s/fifo", directory);
	bound = xasprintf("%s/socket", directory);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	strcpy(address.sun_path, bound);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	refuses(directory, "is a directory");
	refuses(fifo, "is a pipe");
	refuses(bound, "is a socket");
	refuses("/dev/null", "is a device");
	refuses("/no/such/file", "No such file or directory");
	refuses("/dev/null/file", "Not a directory");
	close(fd);
	unlink(fifo);
	unlink(bound);
	rmdir(directory);
	free(fifo);
	free(bound);
}

Test(bad_files, that_may_not_be_read_say_so)
{
	struct mktrace *make = mktrace_trace(1);
	char *path = mktrace_temporary(make->bytes, make->size);

	cr_assert_eq(chmod(path, 0000), 0);
	/* Root may read everything; this thread looks at files as somebody else from here on. */
	setfsuid(65534);
	setfsgid(65534);
	refuses(path, "Permission denied");
	setfsuid(geteuid());
	setfsgid(getegid());
	unlink(path);
	free(path);
	mktrace_free(make);
}

Test(bad_files, that_are_no_trace_are_refused)
{
	char text[] = "#!/bin/sh\nexec flocktrace run \"$@\"\n";
	char *zeros = xcalloc(1, 8192);

	refuses_bytes("", 0, "is empty");
	refuses_bytes(text, strlen(text), "not a flocktrace session or trace");
	refuses_bytes("x", 1, "not a flocktrace session or trace");
	refuses_bytes(zeros, 8192, "not a flocktrace session or trace");
	free(zeros);
}

Test(bad_files, of_another_version_or_byte_order_are_named)
{
	struct mktrace *make = mktrace_trace(1);

	make->header->version = 7;
	refuses_bytes(make->bytes, make->size, "format version 7, this flocktrace reads version 1");
	refuses_bytes(make->bytes, 16, "format version 7, this flocktrace reads version 1");
	make->header->version = FORMAT_VERSION;
	make->header->byte_order = __builtin_bswap32(FORMAT_BYTE_ORDER);
	refuses_bytes(make->bytes, make->size, "made on a machine of other byte order");
	make->header->magic = __builtin_bswap64(FORMAT_MAGIC);
	refuses_bytes(make->bytes, make->size, "made on a machine of other byte order");
	mktrace_free(make);
}

Test(bad_files, that_were_cut_off_say_how_much_is_there)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	char whole[64];

	refuses_bytes(make->bytes, 5, "truncated: 5 bytes");
	refuses_bytes(make->bytes, 12, "truncated: 12 bytes");
	refuses_bytes(make->bytes, 767, "truncated: 767 bytes");
	refuses_bytes(make->bytes, 4095, "truncated: 4095 bytes");
	snprintf(whole, sizeof(whole), "truncated: 4096 bytes of %zu", make->size);
	refuses_bytes(make->bytes, 4096, whole);
	mktrace_free(make);
}

Test(bad_files, whose_header_makes_no_sense_are_damaged)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct header good = *make->header;

	make->header->kind = 9;
	refuses_bytes(make->bytes, make->size, "damaged header");
	*make->header = good;
	make->header->ring_cells = 255;
	refuses_bytes(make->bytes, make->size, "damaged header");
	*make->header = good;
	make->header->thread_slot_size = 255;
	refuses_bytes(make->bytes, make->size, "damaged header");
	*make->header = good;
	make->header->thread_offset = UINT64_MAX - 64;
	refuses_bytes(make->bytes, make->size, "damaged header");
	*make->header = good;
	make->header->ring_offset = 8;
	refuses_bytes(make->bytes, make->size, "damaged header");
	*make->header = good;
	make->header->ring_cells = UINT64_C(1) << 60;
	refuses_bytes(make->bytes, make->size, "damaged header");
	mktrace_free(make);
}

Test(bad_files, cut_off_anywhere_are_read_or_refused)
{
	for (int session = 0; session < 2; session++) {
		struct mktrace *make = make_rich(session);
		uint64_t last = 0;

		for (size_t size = 0; size <= make->size; size += size < 1024 ? 1 : 37) {
			uint64_t events = read_bytes(make->bytes, size);

			/* A trace gives what is there; a session has its ring in one piece or not.
			 */
			cr_expect_leq(events, 400);
			if (session)
				cr_expect(!events, "size %zu", size);
			else
				cr_expect_geq(events + 1, last, "size %zu", size);
			last = events;
		}
		cr_expect_gt(read_bytes(make->bytes, make->size), 100);
		mktrace_free(make);
	}
}

static uint64_t random_state;

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void seed(void)
{
	const char *given = getenv("FLOCKTRACE_TEST_SEED");

	if (given)
		random_state = strtoull(given, NULL, 0);
	else
		cr_assert_eq(getrandom(&random_state, sizeof(random_state), 0),
			     sizeof(random_state));
	random_state |= 1;
	fprintf(stderr, "FLOCKTRACE_TEST_SEED=%#llx\n", (unsigned long long)random_state);
}

Test(bad_files, with_random_damage_never_crash_or_hang)
{
	seed();
	for (int round = 0; round < 3000; round++) {
		struct mktrace *make = make_rich(round & 1);
		unsigned hits = 1 + (unsigned)(draw() % 40);

		for (unsigned i = 0; i < hits; i++) {
			/* The header is small, and has most to break. */
			size_t room = draw() % 3 ? make->size : sizeof(struct header);

			if (draw() % 4)
				make->bytes[draw() % room] ^= (unsigned char)(1 << draw() % 8);
			else
				memset(make->bytes + draw() % (room - 8), (int)draw(), 8);
		}
		read_bytes(make->bytes, make->size);
		mktrace_free(make);
	}
}

/* Records whose checksum fits and whose contents are nonsense: a checksum is no signature. */
Test(bad_files, with_random_records_never_crash_or_hang)
{
	seed();
	for (int round = 0; round < 1000; round++) {
		struct mktrace *make =
			round & 1 ? mktrace_session(MKTRACE_SMALL) : mktrace_trace(1 + draw() % 99);

		for (int i = 0; i < 400; i++) {
			union {
				struct record_lock lock;
				struct record_process process;
				uint64_t words[PAYLOAD_WORDS];
			} record;

			for (int word = 0; word < PAYLOAD_WORDS; word++)
				record.words[word] = draw() % 2 ? draw() : draw() % 5;
			record.lock.kind = (uint8_t)(draw() % 16);
			if (draw() % 2)
				record.process.cells = (uint8_t)(draw() % 4);
			mktrace_into_slow(make, !(draw() % 8));
			mktrace_lock(make, record.lock);
		}
		read_bytes(make->bytes, make->size);
		mktrace_free(make);
	}
}

Test(bad_files, with_holes_as_large_as_the_numbers_allow_are_read_at_once)
{
	struct mktrace *make = make_rich(false);

	make->header->ring_head.value = UINT64_MAX;
	cr_expect_gt(read_bytes(make->bytes, make->size), 100);
	make->header->ring_first = UINT64_MAX - 1;
	cr_expect_gt(read_bytes(make->bytes, make->size), 0);
	make->header->ring_first = 0;
	cr_expect_gt(read_bytes(make->bytes, make->size), 0);
	mktrace_free(make);
	make = make_rich(true);
	make->header->ring_head.value = UINT64_MAX;
	make->header->slow_head.value = UINT64_MAX;
	cr_expect_gt(read_bytes(make->bytes, make->size), 0);
	make->header->ring_head.value = 0;
	make->header->slow_head.value = 0;
	cr_expect_gt(read_bytes(make->bytes, make->size), 0);
	mktrace_free(make);
}

/* As large as files can be, and on disk a few blocks; some way in, there is one more. */
Test(bad_files, with_nothing_but_room_in_them_are_read_at_once)
{
	struct mktrace *make = make_rich(false);
	char *path, *error;
	int fd;

	make->header->ring_head.value = UINT64_C(1) << 36;
	path = mktrace_temporary(make->bytes, make->size);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	error = ftruncate(fd, (off_t)1 << 42) ? strerror(errno) : NULL;
	if (!error) {
		cr_expect_eq(pwrite(fd, "", 1, (off_t)1 << 30), 1);
		cr_expect_gt(read_path(path), 100);
	}
	close(fd);
	unlink(path);
	free(path);
	mktrace_free(make);
	if (error)
		cr_skip("no file of 4 TiB here: %s", error);
}
