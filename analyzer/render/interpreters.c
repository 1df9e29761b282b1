/* SPDX-License-Identifier: MIT */
#include "analyzer/render/interpreters.h"

#include <stddef.h>
#include <string.h>

/*
 * How the names of module and function begin. "": of a function without a name, too: a stripped
 * interpreter has names for its interface only, and that is not where scripts are.
 */
static const struct {
	const char *module, *function;
} frames[] = {
	{ "python", "" },
	{ "python", "PyEval_" },
	{ "python", "_PyEval_" },
	{ "python", "PyObject_" },
	{ "python", "_PyObject_" },
	{ "python", "PyVectorcall_" },
	{ "python", "_PyVectorcall" },
	{ "python", "PyCFunction_" },
	{ "python", "_PyFunction_" },
	{ "python", "PyRun_" },
	{ "python", "_PyRun_" },
	{ "python", "Py_RunMain" },
	{ "python", "Py_BytesMain" },
	{ "python", "cfunction_" },
	{ "python", "method_vectorcall" },
	{ "python", "builtin_exec" },
	{ "python", "run_eval_code_obj" },
	{ "python", "run_mod" },
	{ "python", "pyrun_" },
	{ "python", "pymain_" },
	{ "python", "main" },
	{ "python", "_start" },
	{ "perl", "Perl_runops_" },
	{ "perl", "S_run_body" },
	{ "perl", "perl_run" },
	{ "perl", "main" },
	{ "perl", "_start" },
};

static bool begins_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

bool is_interpreter_frame(const char *module, const char *function)
{
	if (!module)
		return false;
	if (begins_with(module, "lib"))
		module += strlen("lib");
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		if (!begins_with(module, frames[i].module))
			continue;
		if (*frames[i].function ? function && begins_with(function, frames[i].function)
					: !function)
			return true;
	}
	return false;
}
