/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/ci_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/render/github.h"
#include "analyzer/render/junit.h"

static void say_trouble(const char *path)
{
	fprintf(stderr, "flocktrace: %s: %s\n", path,
		errno ? strerror(errno) : "could not be written");
}

bool ci_open(const struct ci_options *options, FILE **junit)
{
	*junit = options->junit ? fopen(options->junit, "we") : NULL;
	if (options->junit && !*junit)
		say_trouble(options->junit);
	return !options->junit || *junit;
}

/* One that can't be written changes no status: the job is to be judged by its locks. */
static void finish(FILE *out, const char *path)
{
	bool failed;

	errno = 0;
	failed = fflush(out) || ferror(out);
	if (fclose(out) || failed)
		say_trouble(path);
}

static void summarise(const struct judgement *judgement, const char *report)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	FILE *out;

	if (!path || !*path)
		return;
	out = fopen(path, "ae");
	if (!out) {
		say_trouble(path);
		return;
	}
	github_summarise(out, judgement, report);
	finish(out, path);
}

struct judgement ci_conclude(const struct ci_options *options, struct trace_report *report,
			     FILE *junit, bool quiet)
{
	const char *github = getenv("GITHUB_ACTIONS");
	struct judgement judgement = trace_report_judge(report, &options->criteria);
	char *text = trace_report_text(report);

	if (junit) {
		junit_write(junit, &judgement, text);
		finish(junit, options->junit);
	}
	if (ci_is_wanted(options))
		summarise(&judgement, text);
	if (github && !strcmp(github, "true") && !quiet)
		github_annotate(stderr, &judgement);
	free(text);
	return judgement;
}
