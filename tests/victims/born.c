/* SPDX-License-Identifier: MIT */
/* Prints what a program finds at its birth, which a preload object could spoil. */
#include "victim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>

extern char **environ;

static void print_environment(char **variables)
{
	for (; *variables; variables++)
		if (strncmp(*variables, "LD_PRELOAD=", 11) &&
		    strncmp(*variables, "FLOCKTRACE_", 11) && strncmp(*variables, "_=", 2))
			puts(*variables);
}

static void print_signals(void)
{
	struct sigaction action;
	int number;

	for (number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("signal %d is not as it was\n", number);
}

int main(int argc, char **argv, char **variables)
{
	int error = errno, fd;

	printf("errno %d, %d arguments, %s, called %s and %s\n", error, argc, argv[argc - 1],
	       program_invocation_name, program_invocation_short_name);
	printf("environment is the third argument: %d\n", environ == variables);
	print_environment(environ);
	print_signals();
	for (fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d is open\n", fd);
	printf("first descriptor: %d\n", open("/dev/null", O_RDONLY));
	printf("secure: %lu\n", getauxval(AT_SECURE));
	return 0;
}
