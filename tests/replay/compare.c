/* SPDX-License-Identifier: MIT */
/*
 * replay-compare TRACE LOG DIRECTORY: the trace, replayed by the analyzer's own reader and model,
 * against the kernel's view in LOG (replay.h) at each look. Both are turned into bytes: which mode
 * each process has on each byte (POSIX), and each descriptor of each process (OFD, flock). So whose
 * a lock is must be right too, and how pieces are merged does not matter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/base/vec.h"
#include "analyzer/model/descriptors.h"
#include "analyzer/model/lock_table.h"
#include "analyzer/model/model.h"
#include "analyzer/model/state.h"
#include "analyzer/read/reader.h"
#include "tests/replay/replay.h"

#define PROCESSES ACTORS
#define WEAKENED \
	3 /* exclusive, while a shared lock is asked for over it: the model counts it as shared */

/* One process's modes, byte by byte. */
struct view {
	uint32_t pid;
	uint8_t posix[FILES][BYTES + 1];
	uint8_t ofd[END_FD][BYTES + 1];
	uint8_t flock[END_FD][BYTES + 1];
};

static struct model *model;
static struct reader *reader;
static const struct catalog *catalog;
static ino_t inodes[FILES], marker_inode;
static uint32_t files[FILES]; /* index in the catalog */
static FILE *log_file;
static struct look look;
static unsigned long compared, held_bytes, differences, weakened_bytes, unknown_bytes,
	unseen_descriptors;

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "replay-compare: %s: %s\n", what, why);
	exit(2);
}

/* ---- What the model calls unknown */

/* Bytes of an owner of which the model has said that it does not know. */
struct unknown_bytes {
	uint32_t owner, file; /* file NONE: any */
	enum world world;
	bool bytes[BYTES + 1];
};

static VEC(struct unknown_bytes) unknowns;

static struct unknown_bytes *unknown_find(uint32_t owner, uint32_t file, enum world world)
{
	for (uint32_t i = 0; i < unknowns.count; i++) {
		struct unknown_bytes *unknown = &unknowns.items[i];

		if (unknown->owner == owner && unknown->world == world &&
		    (unknown->file == file || unknown->file == NONE))
			return unknown;
	}
	return NULL;
}

static void unknown_add(void *context, const struct unknown_range *range)
{
	struct unknown_bytes *unknown = unknown_find(range->owner, range->file, range->world);

	(void)context;
	if (!unknown) {
		vec_push(&unknowns, (struct unknown_bytes){ .owner = range->owner,
							    .file = range->file,
							    .world = range->world });
		unknown = &unknowns.items[unknowns.count - 1];
	}
	for (uint64_t i = 0; i <= BYTES; i++)
		unknown->bytes[i] |= range->start <= i && i < range->end;
}

/* The numbers of descriptions that are gone will be given again. */
static void unknown_forget_gone(void)
{
	for (uint32_t i = unknowns.count; i-- > 0;) {
		uint32_t owner = unknowns.items[i].owner;

		if (owner_is_description(owner) &&
		    !model->descriptions.items[owner_index(owner)].refs)
			vec_remove(&unknowns, i);
	}
}

/* ---- The kernel's view */

static struct view *view_of(struct view *views, uint32_t pid)
{
	for (int i = 0; i < PROCESSES; i++) {
		if (!views[i].pid)
			views[i].pid = pid;
		if (views[i].pid == pid)
			return &views[i];
	}
	fail("log", "too many processes");
}

static void see(struct view *views, const struct seen *seen)
{
	struct view *view = view_of(views, seen->pid);
	unsigned length = seen->end - seen->start + (seen->end == BYTES);

	switch ((enum seen_kind)seen->kind) {
	case SEEN_OPEN:
		break;
	case SEEN_POSIX:
		memset(view->posix[seen->file] + seen->start, seen->mode, length);
		break;
	case SEEN_OFD:
		memset(view->ofd[seen->fd] + seen->start, seen->mode, length);
		break;
	case SEEN_FLOCK:
		memset(view->flock[seen->fd], seen->mode, BYTES + 1);
		break;
	}
}

static bool next_look(void)
{
	return fread(&look, sizeof(look), 1, log_file) == 1;
}

static void read_views(struct view *views)
{
	struct seen seen;

	memset(views, 0, PROCESSES * sizeof(*views));
	for (uint32_t i = 0; i < look.count; i++) {
		if (fread(&seen, sizeof(seen), 1, log_file) != 1)
			fail("log", "cut short");
		see(views, &seen);
	}
}

/* ---- The model's */

static uint32_t process_of(uint32_t pid)
{
	for (uint32_t i = catalog->process_count; i-- > 0;)
		if (catalog->processes[i].pid == (int32_t)pid)
			return i;
	return NONE;
}

/* Where it is unknown, the model may have less than the kernel, until they agree. */
struct part {
	uint8_t bytes[BYTES + 1];
	struct unknown_bytes *unknown;
};

static void fill(struct part *part, uint32_t file, enum world world, uint32_t owner)
{
	uint8_t *bytes = part->bytes;
	const struct range_set *set = table_set(table_get(model, file, world), owner);

	part->unknown = unknown_find(owner, file, world);
	for (uint32_t i = 0; set && i < set->pieces.count; i++) {
		const struct held *held = &set->pieces.items[i];
		uint64_t end = held->hold.end == RANGE_TO_EOF ? BYTES + 1 : held->hold.end;

		for (uint64_t at = held->hold.start; at < end && at <= BYTES; at++)
			bytes[at] = held->weakened		     ? WEAKENED
				    : held->hold.mode == MODE_SHARED ? 1
								     : 2;
	}
}

/* ---- Both */

static void print_bytes(const char *who, const uint8_t *bytes)
{
	static const char signs[] = ".SXw";

	fprintf(stderr, "    %s ", who);
	for (unsigned i = 0; i < BYTES; i++)
		fputc(signs[bytes[i]], stderr);
	fputc('\n', stderr);
}

/* Whether the model has as much as the kernel, or less where it says that it may. */
static bool agree(struct part *part, const uint8_t *kernel, unsigned at)
{
	uint8_t modelled = part->bytes[at];

	held_bytes += kernel[at] != 0;
	if (kernel[at] == modelled) {
		if (part->unknown)
			part->unknown->bytes[at] = false;
		return true;
	}
	if (modelled == WEAKENED && kernel[at] == 2) {
		weakened_bytes++;
		return true;
	}
	if (!part->unknown || !part->unknown->bytes[at] || modelled > kernel[at])
		return false;
	unknown_bytes++;
	return true;
}

static void compare_part(struct part *part, const uint8_t *kernel, uint32_t pid, const char *what,
			 int number)
{
	bool same = true;

	for (unsigned i = 0; i <= BYTES; i++)
		same &= agree(part, kernel, i);
	if (same)
		return;
	differences++;
	fprintf(stderr, "look %" PRIu32 ": process %" PRIu32 ": %s %d\n", look.number, pid, what,
		number);
	print_bytes("kernel", kernel);
	print_bytes("model ", part->bytes);
}

static bool holds_anything(const struct view *kernel, int fd)
{
	for (unsigned i = 0; i <= BYTES; i++)
		if (kernel->ofd[fd][i] || kernel->flock[fd][i])
			return true;
	return false;
}

static void compare_descriptor(const struct view *kernel, const struct process *process, int fd)
{
	const struct descriptor *descriptor =
		process ? descriptor_find(&process->descriptors, fd) : NULL;
	struct part ofd = { 0 }, flock = { 0 };
	uint32_t file, owner;

	/* Inherited before its parent locked it, and not used since: nothing told of it. */
	if (!descriptor) {
		unseen_descriptors += holds_anything(kernel, fd);
		return;
	}
	file = model->descriptions.items[descriptor->description].file;
	owner = owner_description(descriptor->description);
	if (file != NONE) {
		fill(&ofd, file, RECORD_LOCKS, owner);
		fill(&flock, file, FLOCK_LOCKS, owner);
	}
	compare_part(&ofd, kernel->ofd[fd], kernel->pid, "OFD locks of descriptor", fd);
	compare_part(&flock, kernel->flock[fd], kernel->pid, "flock of descriptor", fd);
}

static void compare_process(const struct view *kernel)
{
	uint32_t index = process_of(kernel->pid);
	const struct process *process = index == NONE ? NULL : process_known(model, index);

	for (int file = 0; file < FILES; file++) {
		struct part posix = { 0 };

		if (index != NONE && files[file] != NONE)
			fill(&posix, files[file], RECORD_LOCKS, owner_process(index));
		compare_part(&posix, kernel->posix[file], kernel->pid, "POSIX locks of file", file);
	}
	for (int fd = FIRST_FD; fd < END_FD; fd++)
		compare_descriptor(kernel, process, fd);
}

static void compare_look(void)
{
	struct view views[PROCESSES];

	read_views(views);
	unknown_forget_gone();
	compared++;
	for (int i = 0; i < PROCESSES && views[i].pid; i++)
		compare_process(&views[i]);
}

static void learn_files(void)
{
	for (uint32_t i = 0; i < catalog->file_count; i++)
		for (int file = 0; file < FILES; file++)
			if (catalog->files[i].inode == inodes[file])
				files[file] = i;
}

static bool is_marker(const struct event *event)
{
	return event->kind == EVENT_RESULT && event->lock.query && event->file != NONE &&
	       catalog->files[event->file].inode == marker_inode;
}

static void replay(void)
{
	struct event event;
	bool more = next_look();

	while (reader_next(reader, &event)) {
		catalog = reader_catalog(reader);
		model_event(model, &event);
		if (event.kind == EVENT_END)
			break;
		if (!is_marker(&event) || !more || event.lock.start != look.number)
			continue;
		learn_files();
		compare_look();
		more = !differences && next_look();
	}
	if (more)
		fail("trace", "it ends before the log");
}

static ino_t inode_of(const char *directory, const char *name)
{
	struct stat status;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (stat(path, &status))
		fail(path, "is not there");
	return status.st_ino;
}

int main(int argc, char **argv)
{
	static const struct model_callbacks callbacks = { .unknown = unknown_add };
	const struct model_quality *quality;
	char name[] = "file0";
	const char *error;
	bool knows_little;

	if (argc != 4)
		fail("usage", "TRACE LOG DIRECTORY");
	for (int i = 0; i < FILES; i++, name[4]++) {
		inodes[i] = inode_of(argv[3], name);
		files[i] = NONE;
	}
	marker_inode = inode_of(argv[3], MARKER);
	reader = reader_open(argv[1], &error);
	log_file = fopen(argv[2], "re");
	if (!reader || !log_file)
		fail(argv[1], reader ? "no log" : error);
	catalog = reader_catalog(reader);
	model = model_new(&callbacks);
	replay();
	quality = model_quality(model);
	printf("%lu looks compared, %lu bytes held: %lu differences, %" PRIu64 " overlaps\n",
	       compared, held_bytes, differences, quality->overlaps);
	printf("unknown: %lu bytes after %" PRIu64 " doubts and %" PRIu64
	       " unknown pasts; weakened meanwhile: %lu bytes; descriptors not seen yet: %lu; "
	       "%" PRIu64 " implied, %" PRIu64 " unknown ends, %" PRIu64 " lost\n",
	       unknown_bytes, quality->doubts, quality->unknown_pasts, weakened_bytes,
	       unseen_descriptors, quality->implied_ends, quality->unknown_ends,
	       catalog->quality.lost);
	/* Who knows nothing is never wrong. */
	knows_little = quality->doubts > compared / 100 || unknown_bytes > held_bytes / 10;
	if (knows_little)
		fprintf(stderr, "replay-compare: too much is unknown\n");
	return differences || quality->overlaps || knows_little || !compared;
}
