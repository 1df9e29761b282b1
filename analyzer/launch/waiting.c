/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/waiting.h"

#include <stdlib.h>

#include "analyzer/system/process.h"

static pid_t pid_of(const struct watch *watch, uint32_t process)
{
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++)
		if (watch->watched[i].process == process)
			return watch->watched[i].pid;
	return 0;
}

void waiting_since(const struct watch *watch, const struct holders *holders, uint64_t since,
		   struct pids *pids)
{
	const struct slots slots = { watch->session->header, &watch->session->checked };
	struct slot_waits waits = { 0 };

	slots_waits(&slots, &waits);
	for (uint32_t i = 0; i < waits.vec.count; i++) {
		const struct slot_wait *wait = &waits.vec.items[i];
		pid_t pid;

		if (wait->time > since || holders_go_on(holders, wait))
			continue;
		pid = pid_of(watch, wait->process);
		if (pid > 0)
			vec_push(&pids->vec, pid);
	}
	vec_free(&waits.vec);
}

static bool is_request(const struct slot_wait *wait, const struct stuck_wait *stuck)
{
	return op_is_flock(wait->op) == stuck->flock &&
	       (!stuck->end || (wait->start == stuck->start && wait->end == stuck->end));
}

bool waiting_request(const struct watch *watch, const struct stuck_wait *stuck, uint64_t since,
		     struct slot_wait *request)
{
	const struct slots slots = { watch->session->header, &watch->session->checked };
	struct slot_waits waits = { 0 };
	bool found = false;

	slots_waits(&slots, &waits);
	for (uint32_t i = 0; i < waits.vec.count && !found; i++) {
		*request = waits.vec.items[i];
		found = request->time <= since && is_request(request, stuck) &&
			pid_of(watch, request->process) == stuck->waiter;
	}
	vec_free(&waits.vec);
	return found;
}

uint32_t waiting_process(const struct watch *watch, pid_t pid)
{
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++)
		if (watch->watched[i].process && watch->watched[i].pid == pid)
			return watch->watched[i].process;
	return 0;
}

bool waiting_is_recorded(const struct watch *watch, pid_t pid)
{
	return waiting_process(watch, pid) &&
	       process_maps(pid, session_mark(watch->session)) != ANSWER_NO;
}

void stuck_waits_free(struct stuck_waits *waits)
{
	for (uint32_t i = 0; i < waits->vec.count; i++)
		free(waits->vec.items[i].sentence);
	vec_free(&waits->vec);
}
