/* SPDX-License-Identifier: MIT */
/* Asks libstdc++, where there is one: only traces of C++ programs need it, and those have it. */
#include "analyzer/symbols/demangle.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef char *(*demangle_function)(const char *name, char *buffer, size_t *length, int *status);

static demangle_function find_demangler(void)
{
	static demangle_function found;
	static bool looked;

	if (!looked) {
		/* Stays open for the life of the process. */
		void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);

		if (library)
			*(void **)&found = dlsym(library, "__cxa_demangle");
		looked = true;
	}
	return found;
}

char *demangle(const char *name)
{
	demangle_function demangler;
	int status = 0;

	/* Without this, a C function called "i" would become "int". */
	if (strncmp(name, "_Z", 2))
		return NULL;
	demangler = find_demangler();
	return demangler ? demangler(name, NULL, NULL, &status) : NULL;
}
