/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_RENDER_JUNIT_H
#define ANALYZER_RENDER_JUNIT_H

#include "analyzer/render/judge.h"

/* JUnit XML: a test case for each condition that was asked for. `report`: goes with it as its
 * output; any bytes. */
void junit_write(FILE *out, const struct judgement *judgement, const char *report);

#endif
