/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/filter.h"

#include "analyzer/base/path_pattern.h"

static uint64_t time_of(const struct moment *moment, const struct catalog *catalog)
{
	uint64_t start = catalog->run.begin ? catalog->run.begin : catalog->quality.first_time;
	int64_t time =
		moment->wall ? moment->ns - catalog->wall_offset : moment->ns + (int64_t)start;

	return time > 0 ? (uint64_t)time : 0;
}

static bool in_time(const struct report_filter *filter, const struct catalog *catalog,
		    uint64_t begin, uint64_t end)
{
	return (!filter->since.given || end >= time_of(&filter->since, catalog)) &&
	       (!filter->until.given || begin < time_of(&filter->until, catalog));
}

static bool of_path(const struct report_filter *filter, const struct catalog *catalog,
		    uint32_t file)
{
	return !filter->path || (file < catalog->file_count &&
				 path_matches(filter->path, catalog->files[file].path));
}

static bool of_pid(const struct report_filter *filter, const struct catalog *catalog,
		   uint32_t process)
{
	return !filter->pid ||
	       (process < catalog->process_count && catalog->processes[process].pid == filter->pid);
}

bool filter_wants(const struct report_filter *filter, const struct catalog *catalog, uint32_t file,
		  const uint32_t *processes, uint32_t count, uint64_t begin, uint64_t end)
{
	bool took_part = false;

	for (uint32_t i = 0; i < count && !took_part; i++)
		took_part = of_pid(filter, catalog, processes[i]);
	return took_part && of_path(filter, catalog, file) && in_time(filter, catalog, begin, end);
}

bool filter_wants_request(const struct report_filter *filter, const struct catalog *catalog,
			  const struct request *request)
{
	return of_path(filter, catalog, request->file) &&
	       of_pid(filter, catalog, request->process) &&
	       in_time(filter, catalog, request->begin, request->begin + request->duration);
}

bool filter_wants_hold(const struct report_filter *filter, const struct catalog *catalog,
		       const struct hold *hold)
{
	uint64_t end = hold->how == HOLD_OPEN ? UINT64_MAX : hold->released;

	return of_path(filter, catalog, hold->file) &&
	       (of_pid(filter, catalog, hold->process) || of_pid(filter, catalog, hold->keeper)) &&
	       in_time(filter, catalog, hold->granted, end);
}

bool filter_wants_wait(const struct report_filter *filter, const struct catalog *catalog,
		       const struct wait *wait)
{
	bool took_part = of_pid(filter, catalog, wait->process);

	for (uint32_t i = 0; i < wait->overlap_count && !took_part; i++)
		took_part = of_pid(filter, catalog, wait->overlaps[i].hold.keeper);
	return took_part && of_path(filter, catalog, wait->file) &&
	       in_time(filter, catalog, wait->begin, wait->finish);
}
