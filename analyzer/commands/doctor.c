/* SPDX-License-Identifier: MIT */
/* flocktrace doctor: can a program be recorded, is a process recorded, and if not, why. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/launch/session.h"
#include "analyzer/system/checkup.h"
#include "analyzer/system/process.h"

#define EXIT_NOT_RECORDED 1

struct patient {
	struct checkup checkup;
	pid_t pid;     /* 0: a program */
	char *loaded;  /* the recorder in the process; NULL: none */
	char *session; /* that it records into; NULL: none */
};

static bool is_left_out(pid_t pid)
{
	char *only = process_environment(pid, "FLOCKTRACE_ONLY");
	char comm[64] = "", *text = NULL, *rest;
	bool left_out = only && *only;

	if (process_file(pid, "comm", &text) > 0)
		snprintf(comm, sizeof(comm), "%.*s", (int)strcspn(text, "\n"), text);
	for (char *name = only ? strtok_r(only, ",", &rest) : NULL; name;
	     name = strtok_r(NULL, ",", &rest)) {
		if (!strcmp(name, comm))
			left_out = false;
	}
	free(text);
	free(only);
	return left_out;
}

/* The recorder is there: does it have a session? */
static void look_for_session(struct patient *patient)
{
	char *ignored = NULL, *wanted;

	patient->session = session_of_process(patient->pid, &ignored);
	free(ignored);
	if (patient->session)
		return;
	wanted = process_environment(patient->pid, "FLOCKTRACE_SESSION");
	if (is_left_out(patient->pid))
		checkup_remark(&patient->checkup, OBSTACLE_LEFT_OUT, NULL);
	else if (wanted && *wanted)
		checkup_remark(&patient->checkup, OBSTACLE_STEPPED_ASIDE, NULL);
	free(wanted);
}

/* ---- Text ----------------------------------------------------------------------------------- */

static const char *verdict(const struct patient *patient)
{
	bool nothing = checkup_first(&patient->checkup, RECORDED_NOTHING);
	bool part = checkup_first(&patient->checkup, RECORDED_PART);

	if (!patient->pid)
		return nothing ? "cannot be recorded"
		       : part  ? "can be recorded, but not all of it"
			       : "can be recorded";
	return nothing		  ? "is not recorded"
	       : patient->session ? "is recorded"
				  : "has the recorder in it, and has locked nothing yet";
}

static void print(const struct patient *patient)
{
	const struct checkup *checkup = &patient->checkup;

	if (patient->pid)
		printf("Process %d, %s, %s.\n", (int)patient->pid, checkup->program,
		       verdict(patient));
	else
		printf("%s %s.\n", checkup->program, verdict(patient));
	if (strcmp(checkup->program, checkup->image))
		printf("    What runs in the end: %s\n", checkup->image);
	if (patient->loaded)
		printf("    Recorder: %s\n", patient->loaded);
	if (patient->session)
		printf("    Session: %s\n", patient->session);
	for (uint32_t i = 0; i < checkup->remarks.count; i++) {
		const struct remark *remark = &checkup->remarks.items[i];
		const struct obstacle_row *row = obstacle_row(remark->obstacle);

		printf("    %s: %s\n        %s\n", row->word, row->what, remark->advice);
	}
}

/* ---- The command ---------------------------------------------------------------------------- */

static int answer(struct patient *patient)
{
	int code = checkup_first(&patient->checkup, RECORDED_NOTHING) ? EXIT_NOT_RECORDED : 0;

	print(patient);
	checkup_free(&patient->checkup);
	free(patient->loaded);
	free(patient->session);
	return code;
}

static int look_at(char *const *argv)
{
	struct patient patient = { 0 };
	char *end;
	long pid = strtol(argv[0], &end, 10);
	int error;

	if (!*end && end != argv[0] && pid > 0 && pid <= INT_MAX) {
		patient.pid = (pid_t)pid;
		error = checkup_process(&patient.checkup, patient.pid, &patient.loaded);
		if (!error && patient.loaded)
			look_for_session(&patient);
	} else {
		error = checkup_program(&patient.checkup, argv);
	}
	if (!error)
		return answer(&patient);
	fprintf(stderr, "flocktrace doctor: %s: %s\n", argv[0], strerror(error));
	checkup_free(&patient.checkup);
	return EXIT_TROUBLE;
}

static void help(void)
{
	printf("Usage: flocktrace doctor %s\n"
	       "Tells whether a program can be recorded, or whether a process is, and if not, why "
	       "and what to do.\nNothing is started. Ends with 0 if so, with 1 if not.\n\n"
	       "  -h, --help   show this\n",
	       command_doctor.arguments);
}

static int doctor_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			help();
			return 0;
		case '?':
			return usage_error("doctor", "unknown option %s", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return usage_error("doctor", "no program and no process");
	return look_at(argv + optind);
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[--] PROGRAM [ARG…]  |  PID",
	.summary = "tell whether a program can be, or a process is, recorded, and if not, why",
	.main = doctor_main,
};
