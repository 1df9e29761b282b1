/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/ci_live.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/units.h"
#include "analyzer/render/phrases.h"
#include "analyzer/system/process.h"

static bool is_reason(const struct live_verdict *verdict, const struct criteria *criteria,
		      uint64_t now)
{
	switch (verdict->verdict) {
	case VERDICT_CERTAIN:
		return true;
	case VERDICT_LIKELY:
	case VERDICT_LIVELOCK:
		return now >= verdict->since && now - verdict->since >= criteria->stuck_after;
	case VERDICT_UNTIL_TIMEOUT:
		break;
	}
	return false;
}

/* "flock[4711]" */
static void say_member(FILE *out, const struct live_member *member)
{
	struct scratch scratch = { 0 };
	char *name = NULL;

	if (process_file(member->pid, "comm", &name) > 0)
		fputs(phrase_escaped(&scratch, strtok(name, "\n")), out);
	fprintf(out, "[%d]", (int)member->pid);
	if (member->task != member->pid)
		fprintf(out, " thread %d", (int)member->task);
	free(name);
	scratch_free(&scratch);
}

static char *sentence(const struct live_verdict *verdict, uint64_t now)
{
	char lasted[UNITS_ROOM], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < verdict->cycle; i++) {
		fputs(!i ? "" : i == 1 ? " waits for " : ", which waits for ", out);
		say_member(out, &verdict->members[i]);
	}
	fputs(verdict->cycle == 1 ? " waits for itself" : ", which waits for ", out);
	if (verdict->cycle > 1)
		say_member(out, &verdict->members[0]);
	for (uint32_t i = verdict->cycle; i < verdict->knot; i++) {
		fputs(i == verdict->cycle ? "; with " : ", ", out);
		say_member(out, &verdict->members[i]);
	}
	fprintf(out, ": %s for %s, so the program was ended.", verdict_name(verdict->verdict),
		units_duration(lasted, now - verdict->since));
	fclose(out);
	return text;
}

char *ci_reason_to_end(const struct criteria *criteria, const struct live_verdict *verdicts,
		       uint32_t count, uint64_t now)
{
	if (!criteria->wanted[CONDITION_DEADLOCK])
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		if (is_reason(&verdicts[i], criteria, now))
			return sentence(&verdicts[i], now);
	return NULL;
}
