/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/notice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/commands/report_file.h"

struct wanted {
	const struct live_verdict *verdicts;
	uint32_t count;
};

static bool has(const struct live_verdict *verdict, uint32_t process, uint32_t tid)
{
	for (uint32_t i = 0; i < verdict->knot; i++)
		if (verdict->members[i].process == process && verdict->members[i].tid == tid)
			return true;
	return false;
}

static bool is_news(const void *context, const struct catalog *catalog,
		    const struct deadlock *deadlock)
{
	const struct wanted *wanted = context;
	const struct deadlock_member *first = &deadlock->members[0];

	if (!deadlock->seen_live)
		return false;
	for (uint32_t i = 0; i < wanted->count; i++)
		if (wanted->verdicts[i].news && first->process < catalog->process_count &&
		    has(&wanted->verdicts[i], catalog->processes[first->process].id, first->tid))
			return true;
	return false;
}

/* In one write: the program may write to the same terminal. */
static void tell(int trace, const struct live_verdict *verdicts, uint32_t count)
{
	const struct report_options options = { 0 };
	struct wanted wanted = { verdicts, count };
	struct trace_report *report;
	char path[64], *text = NULL;
	const char *paths[] = { path };
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", trace);
	report = out ? trace_report_read(paths, 1, &options) : NULL;
	if (!report)
		return;
	fputs("flocktrace: ", out);
	trace_report_deadlocks(report, out, is_news, &wanted);
	fclose(out);
	if (length > strlen("flocktrace: "))
		fwrite(text, 1, length, stderr);
	trace_report_free(report);
	free(text);
}

void notices_tell(struct notices *notices, int trace, const struct live_verdict *verdicts,
		  uint32_t count)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		tell(trace, verdicts, count);
		fflush(stderr);
		_exit(0);
	}
	if (child > 0)
		vec_push(&notices->children, child);
}

void notices_end(struct notices *notices)
{
	for (uint32_t i = 0; i < notices->children.count; i++)
		while (waitpid(notices->children.items[i], NULL, 0) < 0 && errno == EINTR)
			;
	vec_free(&notices->children);
}
