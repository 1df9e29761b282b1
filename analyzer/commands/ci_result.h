/* SPDX-License-Identifier: MIT */
/* Telling the CI system what was judged: JUnit, annotations, summary. */
#ifndef ANALYZER_COMMANDS_CI_RESULT_H
#define ANALYZER_COMMANDS_CI_RESULT_H

#include "analyzer/commands/ci_options.h"
#include "analyzer/commands/report_file.h"

/* Opens what --junit names, before anything runs. False: it can't be, which was said. */
bool ci_open(const struct ci_options *options, FILE **junit);

/*
 * Judges, and writes JUnit (to `junit`, which is closed; NULL: none), the step summary where
 * GITHUB_STEP_SUMMARY names a file, and annotations, on stderr, where GITHUB_ACTIONS is "true";
 * quiet: not those, since stderr is for a program. Returns what was judged.
 */
struct judgement ci_conclude(const struct ci_options *options, struct trace_report *report,
			     FILE *junit, bool quiet);

#endif
