/* SPDX-License-Identifier: MIT */
/* own_namespace LIBRARY FILE HOW: lets a library lock the file: plain, deepbind, or namespace. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "";
	int (*lock)(const char *path);
	void *library = !strcmp(how, "namespace")  ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW)
			: !strcmp(how, "deepbind") ? dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND)
						   : dlopen(argv[1], RTLD_NOW);

	lock = library ? (int (*)(const char *))dlsym(library, "lock") : NULL;
	if (!lock || lock(argv[2]))
		return 1;
	puts("locked");
	return 0;
}
