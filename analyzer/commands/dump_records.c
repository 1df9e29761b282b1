/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/dump.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/base/units.h"
#include "analyzer/render/ioctl_names.h"
#include "trace/names.h"

/* A ring while it is printed. */
struct printer {
	struct dump *dump;
	struct names names;
	struct open_requests open;
	const char *mark;
};

static void begin_line(struct dump *dump, const char *mark, uint64_t position, uint64_t time)
{
	char text[32];

	if (time && !dump->first_time)
		dump->first_time = time;
	if (position)
		snprintf(text, sizeof(text), "%s%" PRIu64, mark, position);
	else
		snprintf(text, sizeof(text), "%s-", mark);
	fprintf(dump->out, "%9s ", text);
	if (time) {
		/* Calls are timed before they are recorded: some lie before the first record. */
		int64_t ns = (int64_t)(time - dump->first_time);
		uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

		snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
			 size / 1000000000, size % 1000000000);
	} else {
		snprintf(text, sizeof(text), "-");
	}
	fprintf(dump->out, "%14s  ", text);
}

void dump_thread(struct dump *dump, uint32_t process, uint32_t tid)
{
	uint32_t index = intern_process(&dump->intern, process);
	int32_t pid = index == NONE ? 0 : dump->intern.processes.items[index].pid;
	char text[32];

	if (pid)
		snprintf(text, sizeof(text), "%d/%u", pid, tid);
	else
		snprintf(text, sizeof(text), "#%u/%u", process, tid);
	fprintf(dump->out, "%-13s  ", text);
}

/* Text from a trace goes to terminals: nothing in it may act there. */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f || c == '\\')
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
}

static void print_names(struct printer *printer, reference file, reference stack, uint64_t user)
{
	struct dump *dump = printer->dump;
	uint32_t index = references_find(&printer->names.references, file, user, RECORD_FILE);

	if (index != NONE) {
		fputs("  ", dump->out);
		print_text(dump->out, dump->intern.files.items[index].path);
	} else if (file) {
		fputs("  file ?", dump->out);
	}
	if (stack)
		fprintf(dump->out, "  stack %u%s", stack,
			references_find(&printer->names.references, stack, user, RECORD_STACK) ==
					NONE
				? "?"
				: "");
}

static void print_duration(FILE *out, uint64_t outcome)
{
	char text[UNITS_ROOM];

	fprintf(out, "  %s", units_duration(text, OUTCOME_DURATION(outcome)));
}

static void print_flags(FILE *out, uint16_t flags)
{
	static const struct {
		uint16_t flag;
		const char *text;
	} words[] = {
		{ FLAG_BAD_RANGE, "bad range" },    { FLAG_BASE_UNKNOWN, "base unknown" },
		{ FLAG_INHERITED, "inherited" },    { FLAG_ABANDONED, "abandoned" },
		{ FLAG_BLOCKER, "found" },	    { FLAG_NO_STACK, "no stack" },
		{ FLAG_LIBC_SYSCALL, "syscall()" }, { FLAG_KEPT, "had it when it started" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (flags & words[i].flag)
			fprintf(out, "  %s", words[i].text);
	}
}

static void print_outcome(FILE *out, const struct record_lock *result)
{
	if (!(result->flags & FLAG_KEPT))
		print_duration(out, result->outcome);
	else if (OUTCOME_DURATION(result->outcome))
		fprintf(out, "  taken by %" PRIu64, OUTCOME_DURATION(result->outcome));
}

static void print_range(struct printer *printer, const struct raw_record *record)
{
	struct decode_counts counts;
	char text[UNITS_ROOM];
	struct event event;

	if (!decode(&printer->dump->intern, &printer->names, record, &counts, &event) ||
	    event.lock.bad_range)
		return;
	fprintf(printer->dump->out, "  %s", units_range(text, event.lock.start, event.lock.end));
}

static bool is_dead(struct dump *dump, uint32_t process)
{
	uint32_t index = intern_process(&dump->intern, process);

	return index != NONE && dump->intern.processes.items[index].dead;
}

static void note_death(struct dump *dump, uint32_t process)
{
	uint32_t index = intern_process(&dump->intern, process);

	if (index != NONE)
		dump->intern.processes.items[index].dead = true;
}

static void print_lock(struct printer *printer, const struct raw_record *record, bool pending)
{
	const struct record_lock *lock = &record->lock, *request = NULL, *result = NULL;
	FILE *out = printer->dump->out;

	if (lock->kind == RECORD_REQUEST) {
		request = lock;
	} else {
		result = lock;
		if (lock->flags & FLAG_HAS_REQUEST)
			request = open_requests_take(&printer->open, lock);
	}
	dump_thread(printer->dump, lock->process, lock->tid);
	lock_text(out, request, result, false);
	if (pending)
		fputs(is_dead(printer->dump, lock->process) ? " (died there)" : " (still waiting)",
		      out);
	print_names(printer, lock->file, lock->stack, record->position);
	print_range(printer, record);
	if (result)
		print_outcome(out, result);
	print_flags(out, lock->flags);
	if (lock->kind == RECORD_REQUEST && !pending)
		open_requests_add(&printer->open, lock);
}

/* Which fields a call has, and what they mean: call_ops.def. */
static const struct {
	const char *fd, *last, *value;
} meanings[CALL_OPS] = {
#define X(id, text, fd, last, value) [CALL_##id] = { fd, last, value },
#include "trace/call_ops.def"
#undef X
};

static const char *print_argument(FILE *out, const char *between, const char *name,
				  const char *meaning, int64_t value, bool returned)
{
	/* What is known only once the call has returned alone, or beside what was asked for. */
	bool later = strstr(meaning, "returned") && !strchr(meaning, ';');

	if (!*meaning || (later && !returned))
		return between;
	fprintf(out, "%s%s=%" PRId64, between, name, value);
	return ", ";
}

static void print_value(FILE *out, const char *between, const struct record_call *call,
			bool returned)
{
	const char *name = call->op == CALL_IOCTL ? ioctl_name((unsigned long)call->value) : NULL;

	if (name)
		fprintf(out, "%s%s", between, name);
	else if (call->op == CALL_IOCTL)
		fprintf(out, "%s0x%" PRIx64, between, (uint64_t)call->value);
	else if (call->op == CALL_EXIT && call->value < 0)
		fprintf(out, "%s?",
			between); /* a destructor saw it, and exit()'s argument is gone */
	else
		print_argument(out, between, "value", meanings[call->op].value, call->value,
			       returned);
}

static void print_arguments(FILE *out, const struct record_call *call)
{
	bool returned = call->kind == RECORD_CALL_RESULT;
	const char *between = "";

	if (call->op >= CALL_OPS) {
		fprintf(out, "call %u(?)", call->op);
		return;
	}
	fprintf(out, "%s(", call_names[call->op]);
	between = print_argument(out, between, "fd", meanings[call->op].fd, call->fd, returned);
	between =
		print_argument(out, between, "last", meanings[call->op].last, call->last, returned);
	print_value(out, between, call, returned);
	fputc(')', out);
}

static void print_call(struct printer *printer, const struct raw_record *record)
{
	const struct record_call *call = &record->call;
	FILE *out = printer->dump->out;

	dump_thread(printer->dump, call->process, call->tid);
	if (call->kind == RECORD_DEATH) {
		note_death(printer->dump, call->process);
		fputs("died", out);
		if (call->value >= 0)
			fprintf(out, ", wait status 0x%" PRIx64, (uint64_t)call->value);
		return;
	}
	print_arguments(out, call);
	/* Before the call there is nothing to tell; what never returns has no result at all. */
	if (call->kind == RECORD_CALL_RESULT)
		lock_text_result(out, OUTCOME_ERRNO(call->outcome));
	print_names(printer, call->file, call->stack, record->position);
	if (call->kind == RECORD_CALL_RESULT)
		print_duration(out, call->outcome);
	print_flags(out, call->flags);
}

static void print_process(struct dump *dump, const struct raw_record *record, uint32_t index)
{
	static const char *const reasons[] = {
		[0] = "?",
		[PROCESS_START] = "started",
		[PROCESS_FORK] = "forked",
		[PROCESS_EXEC] = "exec",
		[PROCESS_AGAIN] = "again",
	};
	const struct record_process *process = &record->process;

	dump_thread(dump, process->process, (uint32_t)process->pid);
	fprintf(dump->out, "process #%u %s", process->process,
		reasons[process->reason <= PROCESS_AGAIN ? process->reason : 0]);
	if (process->parent)
		fprintf(dump->out, ", child of #%u", process->parent);
	fputs(": ", dump->out);
	if (index != NONE)
		print_text(dump->out, dump->intern.processes.items[index].exe);
}

static void print_announcement(struct printer *printer, const struct raw_record *record,
			       uint32_t index)
{
	struct dump *dump = printer->dump;
	FILE *out = dump->out;

	switch ((enum record_kind)record->kind) {
	case RECORD_FILE:
		fprintf(out, "file %" PRIu64 ":%" PRIu64 " ", record->file.device,
			record->file.inode);
		print_text(out, intern_text(&dump->intern, record->bytes, record->length));
		break;
	case RECORD_MODULE:
		fprintf(out, "module %u of #%u ", record->module.module, record->module.process);
		print_text(out, intern_text(&dump->intern, record->bytes, record->length));
		break;
	case RECORD_STACK:
		fprintf(out, "stack of #%u, %u frames", record->stack.process,
			record->stack.frames);
		if (record->stack.scripts)
			fprintf(out, " and %u of a script", record->stack.scripts);
		fputs(record->stack.truncated ? ", cut off" : "", out);
		break;
	case RECORD_UNTRACED:
		fprintf(out, "not recorded: %d ", record->untraced.pid);
		print_text(out, intern_words(&dump->intern, record->bytes, record->length));
		break;
	case RECORD_RUN:
		fprintf(out, "run %d, status %d: ", record->run.pid, record->run.status);
		print_text(out, intern_words(&dump->intern, record->bytes, record->length));
		break;
	case RECORD_PROCESS:
		print_process(dump, record, index);
		break;
	case RECORD_VERDICT:
		dump_verdict(dump, &record->verdict);
		break;
	case RECORD_DOING:
		dump_doing(dump, &record->doing);
		break;
	case RECORD_STUCK:
		dump_stuck(dump, &record->stuck);
		break;
	case RECORD_NONE:
	case RECORD_REQUEST:
	case RECORD_RESULT:
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_CONTINUED:
	case RECORD_DEATH:
		fprintf(out, "record of kind %u", record->kind);
		break;
	}
}

static void print_record(struct printer *printer, const struct raw_record *record)
{
	struct dump *dump = printer->dump;
	uint32_t index;

	if (record->gap) {
		begin_line(dump, printer->mark, record->position, 0);
		fprintf(dump->out, "%s: %" PRIu64 " positions\n",
			record->gap == GAP_LOST ? "lost" : "hole", record->missing);
		return;
	}
	begin_line(dump, printer->mark, record->position, raw_time(record));
	if (record->kind == RECORD_REQUEST || record->kind == RECORD_RESULT) {
		print_lock(printer, record, false);
	} else if (record->kind == RECORD_CALL || record->kind == RECORD_CALL_RESULT ||
		   record->kind == RECORD_DEATH) {
		print_call(printer, record);
	} else {
		index = announce(&dump->intern, &printer->names, record);
		print_announcement(printer, record, index);
		if (dump->raw)
			dump_announcement(dump, record);
	}
	fputc('\n', dump->out);
}

/* The requests that threads are inside of, whether the ring has them or not. */
static void print_pending(struct printer *printer, uint64_t end)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;

	while (slots_next_request(&walk, &printer->dump->file, &request)) {
		struct raw_record record = { .position = request.position };

		record.lock = request.record;
		begin_line(printer->dump, "", request.position, request.record.time);
		if (!record.position)
			record.position = end;
		print_lock(printer, &record, true);
		fputc('\n', printer->dump->out);
	}
}

void dump_ring(struct dump *dump, struct raw *ring, const char *mark)
{
	struct printer printer = { .dump = dump, .mark = mark };
	struct raw_record record;

	names_open(&printer.names, ring);
	while (raw_next(ring, &record))
		print_record(&printer, &record);
	if (!*mark)
		print_pending(&printer, ring->end);
	names_free(&printer.names);
	open_requests_free(&printer.open);
}
