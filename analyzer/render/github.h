/* SPDX-License-Identifier: MIT */
/* What GitHub Actions shows beside a job: annotations, and a section of the step's summary. */
#ifndef ANALYZER_RENDER_GITHUB_H
#define ANALYZER_RENDER_GITHUB_H

#include "analyzer/render/judge.h"

/* A workflow command for each condition that is met; they are read from stdout and stderr alike. */
void github_annotate(FILE *out, const struct judgement *judgement);
/* A Markdown section. `report`: shown folded; what is beyond GitHub's limit is cut off. */
void github_summarise(FILE *out, const struct judgement *judgement, const char *report);

#endif
