/* SPDX-License-Identifier: MIT */
/* What the launcher saw from outside. */
#include "analyzer/base/system_calls.h"
#include "analyzer/commands/dump.h"

void dump_verdict(struct dump *dump, const struct record_verdict *verdict)
{
	static const char *const verdicts[] = {
		[SEEN_CERTAIN] = "certain",
		[SEEN_UNTIL_TIMEOUT] = "until a timer fires",
		[SEEN_LIKELY] = "likely",
		[SEEN_LIVELOCK] = "livelock",
	};
	static const char *const waits[] = {
		[SEEN_WAIT_LOCK] = "a lock",
		[SEEN_WAIT_CHILD] = "a child",
		[SEEN_WAIT_PIPE] = "a pipe",
	};

	dump_thread(dump, verdict->process, verdict->tid);
	fprintf(dump->out, "seen in a deadlock (%s) %.1f ms old, %u of %u, waits for %s",
		verdict->verdict <= SEEN_LIVELOCK && verdict->verdict ? verdicts[verdict->verdict]
								      : "?",
		(double)(verdict->time - verdict->since) / 1e6, verdict->index + 1, verdict->count,
		verdict->wait <= SEEN_WAIT_PIPE && verdict->wait ? waits[verdict->wait] : "?");
	if (verdict->other)
		fprintf(dump->out, ": #%u", verdict->other);
}

void dump_doing(struct dump *dump, const struct record_doing *doing)
{
	static const char *const states[] = {
		[SEEN_RUNNING] = "running", [SEEN_ASLEEP] = "asleep", [SEEN_IN_IO] = "in I/O",
		[SEEN_STOPPED] = "stopped", [SEEN_ZOMBIE] = "zombie", [SEEN_WAITING] = "waiting",
	};
	bool known = doing->machine == SYSTEM_CALLS_MACHINE && doing->call != NO_SYSTEM_CALL;
	const char *call = known ? system_call_name(doing->call) : NULL;

	dump_thread(dump, doing->process, doing->tid);
	fprintf(dump->out, "holds, seen %u times in %.1f ms: %s", doing->looks,
		(double)(doing->time - doing->since) / 1e6,
		doing->state <= SEEN_WAITING && doing->state ? states[doing->state] : "?");
	if (call)
		fprintf(dump->out, " in %s", call);
	else if (doing->call != NO_SYSTEM_CALL)
		fprintf(dump->out, " in system call %u of machine %u", doing->call, doing->machine);
}

void dump_stuck(struct dump *dump, const struct record_stuck *stuck)
{
	static const char *const reasons[] = {
		[SEEN_STUCK_STOPPED] = "stopped",
		[SEEN_STUCK_INHERITED] = "an heir of a dead taker",
	};

	dump_thread(dump, stuck->process, stuck->tid);
	fprintf(dump->out, "is stuck, waiting for %.1f ms: process ",
		(double)(stuck->time - stuck->since) / 1e6);
	if (stuck->reason == SEEN_STUCK_CIRCLE) {
		fprintf(dump->out, "%u, which is not recorded, has the lock, and waits in turn",
			stuck->holder);
		return;
	}
	fprintf(dump->out, "#%u has the lock, and is %s", stuck->holder,
		stuck->reason <= SEEN_STUCK_INHERITED && stuck->reason ? reasons[stuck->reason]
								       : "?");
}
