/* SPDX-License-Identifier: MIT */
/* Memory that never comes back NULL: without memory flocktrace says so and ends with 125. */
#ifndef ANALYZER_BASE_MEMORY_H
#define ANALYZER_BASE_MEMORY_H

#include <stddef.h>

void *xrealloc(void *old, size_t bytes);
void *xcalloc(size_t count, size_t bytes);
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
