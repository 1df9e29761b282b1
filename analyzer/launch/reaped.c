/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/reaped.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "analyzer/launch/clock.h"
#include "analyzer/launch/writer.h"
#include "analyzer/system/process.h"
#include "trace/names.h"

#define PATIENCE (200 * MILLISECOND)

void reaped_begin(struct reaped *reaped, struct session *session)
{
	memset(reaped, 0, sizeof(*reaped));
	reaped->session = session;
	reaped->pidns = process_own_pidns();
}

struct wanted {
	const struct reaped *reaped;
	pid_t pid;
	uint32_t process;
};

static bool same_pid(const void *context, uint32_t index)
{
	const struct wanted *wanted = context;

	return wanted->reaped->pids.items[index].pid == wanted->pid;
}

static bool same_process(const void *context, uint32_t index)
{
	const struct wanted *wanted = context;

	return wanted->reaped->pids.items[index].process == wanted->process;
}

static struct known_pid *known(struct reaped *reaped, pid_t pid)
{
	struct wanted wanted = { .reaped = reaped, .pid = pid };
	uint32_t *at = map_find(&reaped->by_pid, hash_u64((uint64_t)pid, 0), same_pid, &wanted);

	if (*at == MAP_NEW) {
		*at = reaped->pids.count;
		vec_push(&reaped->pids, (struct known_pid){ .pid = pid });
	}
	return &reaped->pids.items[*at];
}

static void announced(struct reaped *reaped, uint64_t position, const struct record_process *record)
{
	struct wanted wanted = { .reaped = reaped, .process = record->process };
	struct known_pid *entry;
	uint32_t *at;

	if (record->pidns != reaped->pidns) {
		reaped->foreign = true;
		return;
	}
	entry = known(reaped, record->pid);
	if (!entry->position)
		entry->position = position;
	if (record->reason != PROCESS_AGAIN)
		entry->heard = clock_now();
	if (entry->process == record->process)
		return;
	at = map_find(&reaped->by_process, hash_u64(record->process, 1), same_process, &wanted);
	entry->exited = *at != MAP_NEW && reaped->pids.items[*at].exited;
	entry->process = record->process;
	*at = (uint32_t)(entry - reaped->pids.items);
}

static void left(struct reaped *reaped, const struct record_call *record)
{
	struct wanted wanted = { .reaped = reaped, .process = record->process };
	uint32_t *at =
		map_find(&reaped->by_process, hash_u64(record->process, 1), same_process, &wanted);

	if (*at == MAP_NEW) { /* its announcement is still a hole, or lost */
		*at = reaped->pids.count;
		vec_push(&reaped->pids, (struct known_pid){ .process = record->process });
	}
	reaped->pids.items[*at].exited = true;
}

static void waited(struct reaped *reaped, uint64_t position, const struct record_call *record)
{
	struct reaped_child child = { (pid_t)record->value, record->last, position, clock_now(),
				      "" };

	/* A child that was only stopped or went on is still there. */
	if (record->op != CALL_WAIT || OUTCOME_ERRNO(record->outcome) || record->value <= 0 ||
	    record->value > INT32_MAX || WIFSTOPPED(record->last) || WIFCONTINUED(record->last))
		return;
	vec_push(&reaped->waiting, child);
}

void reaped_record(struct reaped *reaped, uint64_t position, const uint64_t *payload)
{
	enum record_kind kind = *(const uint8_t *)payload;
	struct record_process process;
	struct record_call call;

	if (kind == RECORD_PROCESS) {
		memcpy(&process, payload, sizeof(process));
		announced(reaped, position, &process);
	} else if (kind == RECORD_CALL_RESULT) {
		memcpy(&call, payload, sizeof(call));
		waited(reaped, position, &call);
	} else if (kind == RECORD_CALL) {
		memcpy(&call, payload, sizeof(call));
		if (call.op == CALL_EXIT)
			left(reaped, &call);
	}
}

void reaped_seen(struct reaped *reaped, pid_t pid, bool named)
{
	struct known_pid *entry = known(reaped, pid);

	entry->seen = true;
	entry->named |= named;
}

void reaped_ours(struct reaped *reaped, pid_t pid, int status, const char *exe)
{
	vec_push(&reaped->waiting,
		 (struct reaped_child){ pid, status, UINT64_MAX, clock_now(), exe });
}

bool reaped_announced(struct reaped *reaped, pid_t pid)
{
	return known(reaped, pid)->position != 0;
}

bool reaped_announced_since(struct reaped *reaped, pid_t pid, uint64_t time)
{
	return known(reaped, pid)->heard > time;
}

static void judge(struct reaped *reaped, const struct reaped_child *child, bool lost)
{
	struct known_pid *entry = known(reaped, child->pid);
	bool spoke = entry->position && entry->position < child->position;
	bool in_sight = spoke ? entry->exited || !WIFEXITED(child->status) : entry->seen;

	if (!in_sight && !entry->named && !lost && !reaped->foreign)
		writer_untraced(reaped->session, child->pid, child->exe,
				"ended before it could be looked at");
	/* The pid is free for others now. */
	if (spoke)
		entry->position = 0;
	entry->seen = entry->named = false;
}

void reaped_judge(struct reaped *reaped, uint64_t now, bool lost)
{
	uint32_t count = 0;

	while (count < reaped->waiting.count && now - reaped->waiting.items[count].time >= PATIENCE)
		judge(reaped, &reaped->waiting.items[count++], lost);
	if (!count)
		return;
	reaped->waiting.count -= count;
	memmove(reaped->waiting.items, reaped->waiting.items + count,
		reaped->waiting.count * sizeof(*reaped->waiting.items));
}

void reaped_end(struct reaped *reaped)
{
	map_free(&reaped->by_pid);
	map_free(&reaped->by_process);
	vec_free(&reaped->pids);
	vec_free(&reaped->waiting);
}
