/* SPDX-License-Identifier: MIT */
#include "analyzer/render/trust.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/render/phrases.h"

#define NAMES_SHOWN 5

struct missing {
	FILE *out;
	struct scratch *scratch;
	unsigned count;
};

static void add(struct missing *missing, const char *what)
{
	fprintf(missing->out, "%s%s", missing->count++ ? "; " : "", what);
}

static void add_number(struct missing *missing, uint64_t count, const char *one, const char *many)
{
	if (count)
		add(missing, phrase_number(missing->scratch, count, one, many));
}

const char *trust_exe_name(const char *exe)
{
	const char *slash = strrchr(exe, '/');

	return slash ? slash + 1 : exe;
}

static bool same_program(const struct untraced_info *a, const struct untraced_info *b)
{
	return !strcmp(trust_exe_name(a->exe), trust_exe_name(b->exe)) &&
	       !strcmp(a->reason, b->reason);
}

/* "go-app: static; sudo: setuid", each program once. */
static const char *untraced_names(struct scratch *scratch, const struct catalog *catalog)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	unsigned names = 0;

	for (uint32_t i = 0; i < catalog->untraced_count; i++) {
		const struct untraced_info *one = &catalog->untraced[i];
		uint32_t before = 0;

		while (before < i && !same_program(&catalog->untraced[before], one))
			before++;
		if (before < i)
			continue;
		if (names++ == NAMES_SHOWN) {
			fputs("; ...", out);
			break;
		}
		fprintf(out, "%s%s: %s", names > 1 ? "; " : "",
			*one->exe ? phrase_escaped(scratch, trust_exe_name(one->exe)) : "unknown",
			phrase_escaped(scratch, one->reason));
	}
	fclose(out);
	return scratch_take(scratch, text);
}

uint32_t trust_still_running(const struct catalog *catalog)
{
	uint32_t count = 0;

	for (uint32_t i = 0; catalog->run.end && i < catalog->process_count; i++)
		count += !catalog->processes[i].dead;
	return count;
}

static void add_recorder_losses(struct missing *missing, const struct catalog *catalog)
{
	add_number(missing, catalog->quality.lost, "record lost", "records lost");
	add_number(missing, catalog->quality.holes, "record never finished",
		   "records never finished");
	add_number(missing, catalog->quality.lost_unseen, "call passed unrecorded",
		   "calls passed unrecorded");
	add_number(missing, catalog->quality.lost_threads, "request without a thread slot",
		   "requests without a thread slot");
	add_number(missing, catalog->quality.lost_processes, "process without a slot",
		   "processes without a slot");
	add_number(missing, catalog->quality.lost_nested, "request nested too deep",
		   "requests nested too deep");
	add_number(missing, catalog->quality.unresolved_files, "request on an unknown file",
		   "requests on unknown files");
}

static void add_model_doubts(struct missing *missing, const struct report *report)
{
	add_number(missing, report->quality.overlaps, "release not seen", "releases not seen");
	add_number(missing, report->quality.unknown_ends, "hold of unknown end",
		   "holds of unknown end");
	add_number(missing, report->quality.unknown_requests, "request of unknown end",
		   "requests of unknown end");
	add_number(missing, report->waits_at_most, "wait of unknown end", "waits of unknown end");
	if (report->untraced_holders == 1)
		add(missing, "the holder in 1 wait is not known");
	else if (report->untraced_holders)
		add(missing,
		    scratch_format(missing->scratch, "the holder in %s waits is not known",
				   phrase_count(missing->scratch, report->untraced_holders)));
}

/* Of one process: they share its locks, so nothing of their waits can be seen. */
static void add_connections(struct missing *missing, const struct report *report,
			    struct range_names *names)
{
	const struct catalog *catalog = report->catalog;
	const struct several_descriptors *first = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < report->several_count; i++)
		if (range_names_sqlite(names, report->several[i].file) && !count++)
			first = &report->several[i];
	if (!count)
		return;
	add(missing,
	    scratch_format(
		    missing->scratch,
		    "connections of %s to %s%s exclude each other without lock calls, their waits "
		    "are not measured",
		    phrase_process(missing->scratch, catalog, first->process, 0),
		    phrase_escaped(missing->scratch,
				   trust_exe_name(catalog->files[first->file].path)),
		    count == 1
			    ? ""
			    : scratch_format(missing->scratch, " (and %s like that)",
					     phrase_number(missing->scratch, count - 1,
							   "other process", "other processes"))));
}

const char *trust_missing(struct scratch *scratch, const struct report *report,
			  struct range_names *names)
{
	const struct catalog *catalog = report->catalog;
	char *text = NULL;
	size_t size;
	struct missing missing = { .out = open_memstream(&text, &size), .scratch = scratch };

	if (!catalog->process_count)
		add(&missing, "no process was recorded");
	if (catalog->untraced_count)
		add(&missing, scratch_format(scratch, "%s not recorded (%s)",
					     phrase_number(scratch, catalog->untraced_count,
							   "process", "processes"),
					     untraced_names(scratch, catalog)));
	if (catalog->run.begin && !catalog->run.end && !catalog->run.live)
		add(&missing, "recording was cut off");
	add_number(&missing, trust_still_running(catalog),
		   "process still ran at the end of the program",
		   "processes still ran at the end of the program");
	add_recorder_losses(&missing, catalog);
	add_model_doubts(&missing, report);
	add_connections(&missing, report, names);
	if (report->begins_late)
		add(&missing,
		    scratch_format(scratch, "covers the last %s only",
				   phrase_duration(scratch, catalog->quality.last_time -
								    report->covered_since)));
	fclose(missing.out);
	return scratch_take(scratch, text);
}
