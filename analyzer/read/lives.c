/* SPDX-License-Identifier: MIT */
#include "analyzer/read/lives.h"

#include <sys/wait.h>

#include "analyzer/read/announce.h"

void lives_see(struct lives *lives, uint32_t process, uint64_t time)
{
	struct catalog *catalog = lives->catalog;
	struct process_info *info;

	if (!time)
		return;
	if (!catalog->quality.first_time || time < catalog->quality.first_time)
		catalog->quality.first_time = time;
	if (time > catalog->quality.last_time)
		catalog->quality.last_time = time;
	if (process >= lives->intern->processes.count)
		return;
	info = &lives->intern->processes.items[process];
	if (!info->first_seen || time < info->first_seen)
		info->first_seen = time;
	if (time > info->last_seen)
		info->last_seen = time;
}

static void end_process(struct lives *lives, uint32_t process, int64_t status)
{
	struct process_info *info = &lives->intern->processes.items[process];

	info->dead = true;
	if (status >= 0 && status <= UINT16_MAX)
		info->status = (int)status;
}

static void end_life(struct lives *lives, uint32_t process)
{
	while (lives->over.count <= process)
		vec_push(&lives->over, false);
	lives->over.items[process] = true;
}

bool lives_is_over(const struct lives *lives, uint32_t process)
{
	return process < lives->over.count && lives->over.items[process];
}

void lives_follow(struct lives *lives, const struct raw_record *record, const struct event *event)
{
	lives_see(lives, event->process, event->time);
	if (event->kind == EVENT_RESULT)
		lives_see(lives, event->process, event->time + event->lock.duration);
	else if (event->kind == EVENT_CALL_RESULT)
		lives_see(lives, event->process, event->time + event->call.duration);
	if (event->process == NONE)
		return;
	if (event->kind == EVENT_DEATH) {
		end_process(lives, event->process, record->call.value);
		end_life(lives, event->process);
	} else if (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS) {
		/* exit()'s argument as a wait status; -1: it is not known. */
		end_process(lives, event->process,
			    event->call.value < 0 ? -1 : W_EXITCODE(event->call.value & 0xff, 0));
	}
}

void lives_run(struct lives *lives, const struct raw_record *record)
{
	const struct record_run *run = &record->run;
	struct catalog *catalog = lives->catalog;

	lives_see(lives, NONE, run->time);
	if (record->length)
		catalog->run.command = intern_words(lives->intern, record->bytes, record->length);
	if (run->status == -1) {
		catalog->run.begin = run->time;
	} else {
		catalog->run.end = run->time;
		catalog->run.status = run->status;
	}
}

void lives_free(struct lives *lives)
{
	vec_free(&lives->over);
}
