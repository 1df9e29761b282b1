/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/dump.h"

#include <inttypes.h>

#include "trace/names.h"

#define load(field) atomic_load_explicit(&(field), memory_order_relaxed)

static void field(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "# %-17s %" PRIu64 "\n", name, value);
}

void dump_header(const struct dump *dump)
{
	const struct header *header = &dump->file.header;
	FILE *out = dump->out;

#define FIELD(name)   field(out, #name, header->name)
#define COUNTER(name) field(out, #name, load(header->name.value))
	fprintf(out, "# %-17s %s\n", "kind", header->kind == FILE_TRACE ? "trace" : "session");
	fprintf(out, "# %-17s %.*s\n", "tool", (int)sizeof(header->tool), header->tool);
	fprintf(out, "# %-17s %016" PRIx64 "%016" PRIx64 "\n", "boot_id", header->boot_id[0],
		header->boot_id[1]);
	FIELD(version);
	FIELD(header_size);
	FIELD(thread_slots);
	FIELD(thread_slot_size);
	FIELD(thread_offset);
	FIELD(process_slots);
	FIELD(process_slot_size);
	FIELD(process_offset);
	FIELD(slow_offset);
	FIELD(slow_cells);
	FIELD(ring_offset);
	FIELD(ring_cells);
	FIELD(ring_first);
	FIELD(monotonic);
	FIELD(realtime);
	FIELD(pidns);
	FIELD(creator_pid);
	FIELD(creator_uid);
	field(out, "recording", load(header->recording));
	FIELD(drained);
	COUNTER(ring_head);
	COUNTER(slow_head);
	COUNTER(next_process);
	COUNTER(lost_threads);
	COUNTER(lost_processes);
	COUNTER(lost_stacks);
	COUNTER(lost_nested);
	COUNTER(lost_unseen);
#undef FIELD
#undef COUNTER
}

static void print_grant(FILE *out, const struct grant *grant)
{
	static const char *const states[] = { "free", "being written", "held", "partly held" };
	uint32_t state = load(grant->state);

	if (state == GRANT_FREE)
		return;
	fprintf(out,
		"#   grant %s: %s %s, fd %d, tid %u, file %" PRIu64 ":%" PRIu64 ", start %" PRIu64
		", end %" PRIu64 ", time %" PRIu64 ", file %u, stack %u\n",
		state <= GRANT_PARTLY ? states[state] : "?",
		grant->op < LOCK_OPS ? lock_ops[grant->op].call : "?",
		grant->op < LOCK_OPS ? lock_ops[grant->op].command : "?", grant->fd, grant->tid,
		grant->device, grant->inode, grant->start, grant->end, grant->time, grant->file,
		grant->stack);
}

static void print_process_slot(FILE *out, uint32_t number, const struct process_slot *slot)
{
	fprintf(out,
		"# process slot %u: process #%u, pid %d, start time %" PRIu64 ", pidns %" PRIu64
		", parent #%u, ppid %d, image %u, watch %#" PRIx64 ", last announced %" PRIu64
		", overflow %u, exiting %u, grants %#" PRIx64 "\n",
		number, load(slot->process), slot->pid, slot->start_time, slot->pidns, slot->parent,
		slot->ppid, load(slot->image), load(slot->watch), load(slot->last_announced),
		load(slot->overflow), load(slot->exiting), load(slot->grants));
	for (uint32_t i = 0; i < GRANTS_MAX; i++)
		print_grant(out, &slot->grant[i]);
}

void dump_slots(const struct dump *dump)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;
	struct process_slot slot;

	for (uint32_t i = 0; i < dump->file.header.process_slots; i++) {
		if (slots_process(&dump->file, i, &slot))
			print_process_slot(dump->out, i, &slot);
	}
	while (slots_next_request(&walk, &dump->file, &request))
		fprintf(dump->out,
			"# thread slot %u: process #%u, tid %u, inside of request %u at position "
			"%" PRIu64 "\n",
			request.slot, request.record.process, request.record.tid, request.depth,
			request.position);
}

static void print_words(FILE *out, const struct raw_record *record, uint32_t from)
{
	for (uint32_t i = from; i < record->length; i++) {
		unsigned char c = record->bytes[i];

		if (c < ' ' || c == 0x7f || c == '\\')
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
}

static void print_frames(FILE *out, const struct raw_record *record)
{
	uint32_t i = 0;

	for (; i < record->stack.frames && (i + 1) * sizeof(uint64_t) <= record->length; i++) {
		uint64_t frame;

		memcpy(&frame, record->bytes + i * sizeof(frame), sizeof(frame));
		fprintf(out, "%s%u+%#" PRIx64, i ? " " : "", FRAME_MODULE(frame),
			FRAME_ADDRESS(frame));
	}
	if (record->stack.scripts) {
		fputs(", scripts=\"", out);
		print_words(out, record, i * sizeof(uint64_t));
		fputc('"', out);
	}
}

void dump_announcement(const struct dump *dump, const struct raw_record *record)
{
	FILE *out = dump->out;

	switch ((enum record_kind)record->kind) {
	case RECORD_PROCESS:
		fprintf(out,
			"  {ppid=%d, start_time=%" PRIu64 ", open_fds=%#" PRIx64 ", pidns=%" PRIu64
			", text=\"",
			record->process.ppid, record->process.start_time, record->process.open_fds,
			record->process.pidns);
		print_words(out, record, 0);
		fputs("\"}", out);
		break;
	case RECORD_FILE:
		fprintf(out,
			"  {mode=%#o, fs_type=%#" PRIx64 ", mount_flags=%#" PRIx64
			", links=%u, birth=%" PRIu64 "}",
			record->file.mode, record->file.fs_type, record->file.mount_flags,
			record->file.links, record->file.birth);
		break;
	case RECORD_MODULE:
		fprintf(out,
			"  {base=%#" PRIx64 ", size=%#" PRIx64 ", build_id=", record->module.base,
			record->module.size);
		for (uint32_t i = 0; i < record->module.build_id_bytes && i < BUILD_ID_MAX; i++)
			fprintf(out, "%02x", record->module.build_id[i]);
		fputc('}', out);
		break;
	case RECORD_STACK:
		fputs("  {", out);
		print_frames(out, record);
		fputc('}', out);
		break;
	case RECORD_UNTRACED:
	case RECORD_RUN:
		fputs("  {text=\"", out);
		print_words(out, record, 0);
		fputs("\"}", out);
		break;
	case RECORD_NONE:
	case RECORD_REQUEST:
	case RECORD_RESULT:
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_CONTINUED:
	case RECORD_DEATH:
	case RECORD_VERDICT:
	case RECORD_DOING:
	case RECORD_STUCK:
		break;
	}
}
