/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/cannot_run.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/base/memory.h"

#define LINE_ROOM 256 /* as far as the kernel reads (BINPRM_BUF_SIZE) */

/* The interpreter in the first line of a script; NULL: there is none. */
static char *interpreter(const char *program)
{
	char line[LINE_ROOM] = "", *start;
	FILE *file = fopen(program, "re");

	if (!file)
		return NULL;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	if (strncmp(line, "#!", 2))
		return NULL;
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	return *start ? xstrdup(start) : NULL;
}

/* exec says ENOENT of a script whose interpreter is missing, too, and EACCES of a directory. */
char *cannot_run(const char *program, int error)
{
	bool is_path = strchr(program, '/');
	struct stat status;
	char *found, *text;

	if (!*program)
		return xasprintf("the program's name is empty");
	if (!is_path || stat(program, &status))
		return xasprintf("%s: %s", program, strerror(error));
	if (S_ISDIR(status.st_mode))
		return xasprintf("%s: %s", program, strerror(EISDIR));
	if (error != ENOENT || !S_ISREG(status.st_mode))
		return xasprintf("%s: %s", program, strerror(error));
	found = interpreter(program);
	text = found ? xasprintf("%s: its interpreter %s does not exist", program, found)
		     : xasprintf("%s: its loader does not exist", program);
	free(found);
	return text;
}
