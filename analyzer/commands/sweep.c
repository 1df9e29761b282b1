/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/sweep.h"

#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/commands/own_files.h"
#include "analyzer/read/activity.h"

#define KEPT_FOR (UINT64_C(86400) * 1000000000) /* ns */

static void consider(void *context, const struct own_file *file)
{
	const uint64_t *now = context;
	struct activity activity;

	if (own_file_is_session_of_run(file) &&
	    activity_of(file->path, file->modified, &activity) && activity.abandoned &&
	    activity.last_record + KEPT_FOR < *now)
		unlink(file->path);
}

void sweep_sessions(void)
{
	struct timespec time;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &time);
	now = (uint64_t)time.tv_sec * UINT64_C(1000000000);
	own_sessions(consider, &now);
}
