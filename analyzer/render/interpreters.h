/* SPDX-License-Identifier: MIT */
/* The frames of an interpreter that nobody means: they run any script alike. */
#ifndef ANALYZER_RENDER_INTERPRETERS_H
#define ANALYZER_RENDER_INTERPRETERS_H

#include <stdbool.h>

/* Base name of the module (NULL: code of no file), function (NULL: not known). */
bool is_interpreter_frame(const char *module, const char *function);

#endif
