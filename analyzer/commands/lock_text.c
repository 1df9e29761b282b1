/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/lock_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "trace/names.h"

#define WHENCE_UNKNOWN UINT32_MAX

/* The struct flock of a call, as strace shows it: as given, or as filled in by a query. */
struct shown {
	const char *type; /* NULL: raw_type */
	unsigned raw_type;
	unsigned whence;
	bool numbers_known;
	int64_t start, len;
	bool has_pid, pid_known;
	int32_t pid;
};

static const char *const type_names[] = {
	[0] = NULL,
	[FLAG_SHARED] = "F_RDLCK",
	[FLAG_EXCLUSIVE] = "F_WRLCK",
	[FLAG_UNLOCK] = "F_UNLCK",
};

static const char *const whence_names[] = { "SEEK_SET", "SEEK_CUR", "SEEK_END" };

/* What lockf(3) makes of its commands; the others are what they are. */
static const struct {
	const char *command;
	const char *type;
} system_calls[LOCK_OPS] = {
	[OP_LOCKF_ULOCK] = { "F_SETLK", "F_UNLCK" },
	[OP_LOCKF_LOCK] = { "F_SETLKW", "F_WRLCK" },
	[OP_LOCKF_TLOCK] = { "F_SETLK", "F_WRLCK" },
	[OP_LOCKF_TEST] = { "F_GETLK", "F_RDLCK" },
};

void lock_text_result(FILE *out, int error)
{
	const char *name = error ? strerrorname_np(error) : NULL;

	if (!error)
		fputs(" = 0", out);
	else if (name)
		fprintf(out, " = -1 %s (%s)", name, strerror(error));
	else
		fprintf(out, " = -1 %d", error);
}

/* ---- flock ----------------------------------------------------------------------------------- */

static void print_operation(FILE *out, unsigned operation)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = {
		{ LOCK_SH, "LOCK_SH" },	      { LOCK_EX, "LOCK_EX" },
		{ LOCK_NB, "LOCK_NB" },	      { LOCK_UN, "LOCK_UN" },
		{ LOCK_MAND, "LOCK_MAND" },   { LOCK_READ, "LOCK_READ" },
		{ LOCK_WRITE, "LOCK_WRITE" },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		if (!(operation & bits[i].bit))
			continue;
		fprintf(out, "%s%s", between, bits[i].name);
		operation &= ~bits[i].bit;
		between = "|";
	}
	if (operation && *between)
		fprintf(out, "|0x%x", operation);
	else if (operation)
		fprintf(out, "0x%x /* LOCK_??? */", operation);
	else if (!*between)
		fputc('0', out);
}

static void print_flock(FILE *out, const struct record_lock *asked)
{
	static const unsigned operations[] = {
		[FLAG_SHARED] = LOCK_SH,
		[FLAG_EXCLUSIVE] = LOCK_EX,
		[FLAG_UNLOCK] = LOCK_UN,
	};
	unsigned operation = operations[asked->flags & FLAG_MODE];

	fprintf(out, "flock(%d, ", asked->fd);
	if (asked->flags & FLAG_RAW_MODE && asked->kind != RECORD_REQUEST)
		fputc('?', out);
	else if (asked->flags & FLAG_RAW_MODE)
		print_operation(out, (unsigned)asked->base);
	else
		print_operation(out, operation | (asked->flags & FLAG_NONBLOCK ? LOCK_NB : 0));
	fputc(')', out);
}

/* ---- fcntl ----------------------------------------------------------------------------------- */

/* Raw numbers that stand for a range. */
static void show_range(struct shown *shown, uint64_t start, uint64_t end, bool negative)
{
	shown->whence = 0;
	shown->start = (int64_t)(negative ? end : start);
	shown->len =
		negative ? (int64_t)(start - end) : (end == RANGE_EOF ? 0 : (int64_t)(end - start));
}

/* Where l_type or l_whence is none of the known, base has both as they were. */
static void show_raw(struct shown *shown, const struct record_lock *asked)
{
	if (asked->flags & FLAG_RAW_MODE)
		shown->raw_type = (uint16_t)asked->base;
	shown->whence = (asked->flags & FLAG_WHENCE) >> FLAG_WHENCE_SHIFT;
	if (shown->whence == 3) {
		shown->whence = (uint16_t)(asked->base >> 16);
		if (!shown->whence)
			shown->whence = WHENCE_UNKNOWN;
	}
}

static void show_asked(struct shown *shown, const struct record_lock *asked)
{
	bool is_request = asked->kind == RECORD_REQUEST;

	shown->type = type_names[asked->flags & FLAG_MODE];
	shown->numbers_known = true;
	if (is_request)
		show_raw(shown, asked);
	if (is_request || asked->flags & FLAG_BAD_RANGE) {
		shown->start = (int64_t)asked->start;
		shown->len = (int64_t)asked->len_or_end;
	} else {
		show_range(shown, asked->start, asked->len_or_end, asked->flags & FLAG_NEGATIVE);
	}
}

/* A query that succeeded tells what it found in place of what was asked. */
static void show_answer(struct shown *shown, const struct record_lock *result)
{
	shown->has_pid = true;
	if (result->flags & FLAG_BLOCKER) {
		shown->type = type_names[result->flags & FLAG_MODE];
		show_range(shown, result->start, result->len_or_end, false);
		shown->pid = result->fd;
		shown->pid_known = true;
	} else if (OUTCOME_ERRNO(result->outcome)) { /* F_TEST found one and does not say which */
		shown->type = NULL;
		shown->raw_type = 0;
		shown->numbers_known = false;
	} else {
		shown->type = "F_UNLCK";
		shown->pid_known = true; /* the 0 that it was called with, as far as anyone knows */
	}
}

static void print_type(FILE *out, const struct shown *shown)
{
	if (shown->type)
		fputs(shown->type, out);
	else if (shown->raw_type == F_EXLCK)
		fputs("F_EXLCK", out);
	else if (shown->raw_type == F_SHLCK)
		fputs("F_SHLCK", out);
	else if (shown->raw_type)
		fprintf(out, "0x%x /* F_??? */", shown->raw_type);
	else
		fputc('?', out);
}

static void print_whence(FILE *out, unsigned whence)
{
	if (whence < 3)
		fputs(whence_names[whence], out);
	else if (whence == 3)
		fputs("SEEK_DATA", out);
	else if (whence == 4)
		fputs("SEEK_HOLE", out);
	else if (whence <= UINT16_MAX)
		fprintf(out, "0x%x /* SEEK_??? */", whence);
	else
		fputc('?', out);
}

static void print_struct(FILE *out, const struct shown *shown)
{
	fputs("{l_type=", out);
	print_type(out, shown);
	if (shown->numbers_known) {
		fputs(", l_whence=", out);
		print_whence(out, shown->whence);
		fprintf(out, ", l_start=%" PRId64 ", l_len=%" PRId64, shown->start, shown->len);
	} else {
		fputs(", l_whence=SEEK_SET, l_start=?, l_len=?", out);
	}
	if (shown->has_pid && shown->pid_known)
		fprintf(out, ", l_pid=%d", shown->pid);
	else if (shown->has_pid)
		fputs(", l_pid=?", out);
	fputc('}', out);
}

/* The pointer led nowhere that could be read, so there was nothing to record. */
static bool unreadable(const struct record_lock *asked, const struct record_lock *result)
{
	if (result && OUTCOME_ERRNO(result->outcome) == EFAULT)
		return true;
	return asked->kind == RECORD_REQUEST && asked->flags & FLAG_BAD_RANGE &&
	       asked->flags & FLAG_RAW_MODE && asked->base == UINT64_MAX;
}

static bool is_query(const struct record_lock *record)
{
	return lock_ops[record->op].action == ACTION_QUERY;
}

static void print_fcntl(FILE *out, const struct record_lock *asked,
			const struct record_lock *result, bool failed)
{
	const char *command = system_calls[asked->op].command;
	struct shown shown = { 0 };

	fprintf(out, asked->flags & FLAG_BLOCKER ? "fcntl(?, " : "fcntl(%d, ", asked->fd);
	fprintf(out, "%s, ", command ? command : lock_ops[asked->op].command);
	if (unreadable(asked, result)) {
		fputs("?)", out);
		return;
	}
	show_asked(&shown, asked);
	if (system_calls[asked->op].type)
		shown.type = system_calls[asked->op].type;
	if (is_query(asked) && result && !failed)
		show_answer(&shown, result);
	print_struct(out, &shown);
	fputc(')', out);
}

static void print_lockf(FILE *out, const struct record_lock *asked)
{
	fprintf(out, "lockf(%d, %s, ", asked->fd, lock_ops[asked->op].command);
	/* The range alone does not tell the length that was asked for: it may have been negative.
	 */
	if (asked->kind == RECORD_REQUEST)
		fprintf(out, "%" PRId64 ")", (int64_t)asked->len_or_end);
	else
		fputs("?)", out);
}

void lock_text(FILE *out, const struct record_lock *request, const struct record_lock *result,
	       bool system_call)
{
	const struct record_lock *asked = request ? request : result;
	int error = result ? OUTCOME_ERRNO(result->outcome) : 0;

	if (result && result->flags & FLAG_ABANDONED)
		result = NULL; /* it never came back */
	/* F_TEST makes an error of its own out of a query that succeeded. */
	if (system_call && asked->op == OP_LOCKF_TEST && error == EACCES &&
	    !(asked->flags & FLAG_BAD_RANGE))
		error = 0;
	if (asked->op >= LOCK_OPS)
		fprintf(out, "lock operation %u(%d)", asked->op, asked->fd);
	else if (asked->op == OP_FLOCK)
		print_flock(out, asked);
	else if (system_calls[asked->op].command && !system_call)
		print_lockf(out, asked);
	else
		print_fcntl(out, asked, result, error != 0);
	if (result)
		lock_text_result(out, error);
	else
		fputs(" = ?", out);
}

/* ---- REQUEST and RESULT ---------------------------------------------------------------------- */

struct thread_key {
	const struct open_requests *open;
	uint32_t process, tid;
};

static bool same_thread(const void *context, uint32_t index)
{
	const struct thread_key *key = context;
	const struct thread_requests *thread = &key->open->threads.items[index];

	return thread->process == key->process && thread->tid == key->tid;
}

static struct thread_requests *thread_of(struct open_requests *open,
					 const struct record_lock *record)
{
	struct thread_key key = { open, record->process, record->tid };
	uint32_t *at =
		map_find(&open->map, hash_u64(record->process, record->tid), same_thread, &key);

	if (*at == MAP_NEW) {
		*at = open->threads.count;
		vec_push(&open->threads, (struct thread_requests){ .process = record->process,
								   .tid = record->tid });
	}
	return &open->threads.items[*at];
}

void open_requests_add(struct open_requests *open, const struct record_lock *request)
{
	struct thread_requests *thread = thread_of(open, request);

	if (thread->count == NEST_MAX) {
		memmove(thread->request, thread->request + 1,
			sizeof(thread->request) - sizeof(*thread->request));
		thread->count--;
	}
	thread->request[thread->count++] = *request;
}

const struct record_lock *open_requests_take(struct open_requests *open,
					     const struct record_lock *result)
{
	struct thread_requests *thread = thread_of(open, result);

	while (thread->count) {
		struct record_lock *request = &thread->request[--thread->count];

		if (request->time == result->time && request->op == result->op)
			return request;
	}
	return NULL;
}

void open_requests_free(struct open_requests *open)
{
	vec_free(&open->threads);
	map_free(&open->map);
}
