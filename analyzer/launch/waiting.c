/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/waiting.h"

#include "analyzer/live/slots.h"

static pid_t pid_of(const struct watch *watch, uint32_t process)
{
	for (uint32_t i = 0; i < watch->session->checked.process_slots; i++)
		if (watch->watched[i].process == process)
			return watch->watched[i].pid;
	return 0;
}

void waiting_since(const struct watch *watch, uint64_t since, struct pids *pids)
{
	const struct slots slots = { watch->session->header, &watch->session->checked };
	struct slot_waits waits = { 0 };

	slots_waits(&slots, &waits);
	for (uint32_t i = 0; i < waits.vec.count; i++) {
		pid_t pid = pid_of(watch, waits.vec.items[i].process);

		if (pid > 0 && waits.vec.items[i].time <= since)
			vec_push(&pids->vec, pid);
	}
	vec_free(&waits.vec);
}
