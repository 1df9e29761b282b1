/* SPDX-License-Identifier: MIT */
#include "analyzer/live/timers.h"

#include "analyzer/system/process.h"
#include "trace/names.h"

enum { ALARM, SETITIMER, TIMER_SETTIME };

struct timer_key {
	const struct timers *timers;
	uint32_t process;
};

static bool same_process(const void *context, uint32_t index)
{
	const struct timer_key *key = context;

	return key->timers->vec.items[index].process == key->process;
}

void timers_record(struct timers *timers, const uint64_t *payload)
{
	struct timer_key key = { .timers = timers };
	struct record_call record;
	uint64_t *until, ends;
	uint32_t *at;

	memcpy(&record, payload, sizeof(record));
	if (record.kind != RECORD_CALL_RESULT || record.op != CALL_TIMER || record.fd < 0 ||
	    record.fd >= TIMER_KINDS || OUTCOME_ERRNO(record.outcome))
		return;
	key.process = record.process;
	at = map_find(&timers->by_process, hash_u64(key.process, 0), same_process, &key);
	if (*at == MAP_NEW) {
		*at = timers->vec.count;
		vec_push(&timers->vec, (struct timer_state){ .process = key.process });
	}
	until = &timers->vec.items[*at].until[record.fd];
	ends = record.value > 0
		       ? record.time + OUTCOME_DURATION(record.outcome) + (uint64_t)record.value
		       : 0;
	/* There may be many of the last kind: that one of them was stopped tells nothing of others.
	 */
	if (record.fd != TIMER_SETTIME || ends > *until)
		*until = ends;
}

/* How many timers of timer_create() it has. */
static uint32_t count_timers(pid_t pid)
{
	char *text = NULL, *at;
	uint32_t count = 0;

	if (process_file(pid, "timers", &text) > 0)
		for (at = strstr(text, "ID: "); at; at = strstr(at + 1, "\nID: "))
			count++;
	free(text);
	return count;
}

enum timing timers_of(const struct timers *timers, uint32_t process, pid_t pid, uint64_t now)
{
	struct timer_key key = { timers, process };
	uint32_t at = map_peek(&timers->by_process, hash_u64(process, 0), same_process, &key);
	const struct timer_state *state = at == MAP_NEW ? NULL : &timers->vec.items[at];
	bool may_come_again = false;

	for (int i = 0; state && i < TIMER_KINDS; i++) {
		if (state->until[i] > now)
			return TIMING_RUNS;
		may_come_again |= i == SETITIMER && state->until[i];
	}
	return may_come_again || count_timers(pid) ? TIMING_UNKNOWN : TIMING_NONE;
}

void timers_free(struct timers *timers)
{
	vec_free(&timers->vec);
	map_free(&timers->by_process);
}
