/* SPDX-License-Identifier: MIT */
/* Reports made by hand, each with a name; shared by the golden tests and the unit tests of render/.
 */
#ifndef TESTS_GOLDEN_SCENARIOS_H
#define TESTS_GOLDEN_SCENARIOS_H

#include "analyzer/stats/report.h"

/* NULL: there is no such scenario. Valid until the builder, returned too, is freed. */
const struct report *scenario(const char *name, struct report_builder **builder);

#endif
