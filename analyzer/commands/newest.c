/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/newest.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/own_files.h"
#include "analyzer/read/activity.h"

struct candidate {
	char *path; /* NULL: none so far */
	struct activity activity;
};

struct candidates {
	struct candidate best;	 /* but for sessions in use by `run` or `record` */
	struct candidate in_use; /* the newest of those */
};

/* Takes the path, or frees it. */
static void keep_newer(struct candidate *best, char *path, const struct activity *activity)
{
	if (best->path && activity->last_record <= best->activity.last_record) {
		free(path);
		return;
	}
	free(best->path);
	*best = (struct candidate){ path, *activity };
}

static void consider(void *context, const struct own_file *file)
{
	struct candidates *found = context;
	struct activity activity;

	if (!activity_of(file->path, file->modified,
			 &activity)) /* another version: its reader says so */
		activity = (struct activity){ .last_record = file->modified };
	keep_newer(own_file_is_session_of_run(file) && activity.recording ? &found->in_use
									  : &found->best,
		   xstrdup(file->path), &activity);
}

static void say_what_is_read(const struct candidate *taken)
{
	const struct activity *activity = &taken->activity;

	fprintf(stderr, "flocktrace: reading %s (", taken->path);
	if (activity->processes == 1)
		fputs("1 process is recording into it", stderr);
	else if (activity->processes)
		fprintf(stderr, "%u processes are recording into it", activity->processes);
	else if (activity->recording)
		fputs("still being recorded", stderr);
	else
		fputs(activity->session ? "nobody is recording into it now" : "finished", stderr);
	fputs(")\n", stderr);
}

static bool is_live(const struct candidate *candidate)
{
	return candidate->path && (candidate->activity.recording || candidate->activity.processes);
}

char *newest_live_session(void)
{
	struct candidates found = { 0 };
	bool run;

	own_sessions(consider, &found);
	run = is_live(&found.in_use) &&
	      (!is_live(&found.best) ||
	       found.in_use.activity.last_record > found.best.activity.last_record);
	if (!run && !is_live(&found.best)) {
		free(found.best.path);
		found.best.path = NULL;
	}
	free(run ? found.best.path : found.in_use.path);
	return run ? found.in_use.path : found.best.path;
}

char *newest_trace(void)
{
	struct candidates found = { 0 };

	own_traces(".", consider, &found);
	own_sessions(consider, &found);
	if (!found.best.path) {
		found.best = found.in_use;
		found.in_use.path = NULL;
	}
	if (found.best.path)
		say_what_is_read(&found.best);
	else
		fputs("flocktrace: no trace named, no flocktrace.*.trace here and no session "
		      "found\n",
		      stderr);
	if (found.in_use.path)
		fprintf(stderr, "flocktrace: not taken: %s (in use by run or record)\n",
			found.in_use.path);
	free(found.in_use.path);
	return found.best.path;
}
