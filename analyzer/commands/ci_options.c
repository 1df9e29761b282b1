/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/ci_options.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/stuck.h"

#define SECOND		1e9
#define LONGEST_SECONDS 1e9

bool parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", SECOND },	      { "s", SECOND },	     { "ms", SECOND / 1e3 },
		      { "us", 1e3 },	      { "ns", 1 },	     { "m", 60 * SECOND },
		      { "min", 60 * SECOND }, { "h", 3600 * SECOND } };
	char *end;
	double number;

	if (*text < '0' || *text > '9' || text[strspn(text, "0123456789.")] == 'e' ||
	    text[1] == 'x' || text[1] == 'X')
		return false;
	number = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		*ns = (uint64_t)(number * units[i].ns + 0.5);
		return number * units[i].ns <= LONGEST_SECONDS * SECOND;
	}
	return false;
}

/* "deadlock, stuck, wait, …": for a line that refuses. */
static char *choices(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < CONDITIONS; i++)
		fprintf(out, "%s%s", i ? ", " : "", condition_kinds[i].taken_as);
	fclose(out);
	return text;
}

static bool take_finding(const char *name, struct criteria *criteria)
{
	for (unsigned i = 0; i < FINDINGS; i++) {
		if (strcmp(name, finding_kinds[i].name))
			continue;
		criteria->wanted[CONDITION_FINDING] = criteria->finding[i] = true;
		return true;
	}
	return false;
}

static int take(const char *command, const char *word, struct criteria *criteria)
{
	static const char prefix[] = "finding:";
	char *known;
	int code;

	if (!strncmp(word, prefix, strlen(prefix))) {
		if (take_finding(word + strlen(prefix), criteria))
			return 0;
		return usage_error(command, "there is no finding '%s'", word + strlen(prefix));
	}
	for (unsigned i = 0; i < CONDITIONS; i++) {
		if (strcmp(word, condition_kinds[i].name))
			continue;
		criteria->wanted[i] = true;
		criteria->any_finding |= i == CONDITION_FINDING;
		return 0;
	}
	known = choices();
	code = usage_error(command, "--fail-on does not know '%s', but %s", word, known);
	free(known);
	return code;
}

static int take_list(const char *command, const char *list, struct criteria *criteria)
{
	char *words = xstrdup(list), *rest = words, *word;
	int code = 0;

	while (!code && (word = strsep(&rest, ",")))
		code = take(command, word, criteria);
	free(words);
	return code;
}

int take_duration(const char *command, const char *option, const char *value, uint64_t *ns)
{
	if (parse_duration(value, ns) && *ns)
		return 0;
	return usage_error(command, "--%s needs a time such as 500ms, 10s or 2min, not '%s'",
			   option, value);
}

int ci_option(const char *command, int option, const char *value, struct ci_options *options)
{
	struct criteria *criteria = &options->criteria;

	switch (option) {
	case OPTION_FAIL_ON:
		return take_list(command, value, criteria);
	case OPTION_MAX_WAIT:
		criteria->wanted[CONDITION_WAIT] = true;
		return take_duration(command, "max-wait", value, &criteria->max_wait);
	case OPTION_MAX_HOLD:
		criteria->wanted[CONDITION_HOLD] = true;
		return take_duration(command, "max-hold", value, &criteria->max_hold);
	case OPTION_STUCK_AFTER:
		return take_duration(command, "stuck-after", value, &criteria->stuck_after);
	default:
		options->junit = value;
		return 0;
	}
}

bool ci_is_wanted(const struct ci_options *options)
{
	for (unsigned i = 0; i < CONDITIONS; i++)
		if (options->criteria.wanted[i])
			return true;
	return false;
}

int ci_options_done(const char *command, struct ci_options *options)
{
	struct criteria *criteria = &options->criteria;

	if (criteria->wanted[CONDITION_WAIT] && !criteria->max_wait)
		return usage_error(command, "--fail-on=wait needs --max-wait");
	if (criteria->wanted[CONDITION_HOLD] && !criteria->max_hold)
		return usage_error(command, "--fail-on=hold needs --max-hold");
	if (!criteria->stuck_after)
		criteria->stuck_after = STUCK_AFTER;
	return 0;
}
