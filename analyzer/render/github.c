/* SPDX-License-Identifier: MIT */
#include "analyzer/render/github.h"

#include <string.h>

#define REPORT_MOST 200000 /* bytes; a step's summary may have 1 MiB */

/* Workflow commands end with the line. */
static void put_data(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '%')
			fputs("%25", out);
		else if (*text == '\r')
			fputs("%0D", out);
		else if (*text == '\n')
			fputs(text[1] ? "%0A" : "", out);
		else
			fputc(*text, out);
	}
}

void github_annotate(FILE *out, const struct judgement *judgement)
{
	for (unsigned i = 0; i < CONDITIONS; i++) {
		if (!judgement->of[i].met)
			continue;
		fprintf(out, "::error title=flocktrace %s::", condition_kinds[i].name);
		put_data(out, judgement->of[i].reasons);
		fputc('\n', out);
	}
}

/* As HTML, where Markdown would make something of it. */
static void put_text(FILE *out, const char *text, size_t length)
{
	for (const char *end = text + length; text < end; text++) {
		if (strchr("<>&\\`*_[]|~", *text))
			fprintf(out, "&#%d;", *text);
		else if (*text == '\n')
			fputs("<br>", out);
		else
			fputc(*text, out);
	}
}

static size_t longest_run(const char *text, char of)
{
	size_t longest = 0, run = 0;

	for (; *text; text++) {
		run = *text == of ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void put_report(FILE *out, const char *report)
{
	size_t fence = longest_run(report, '`') + 3, length = strlen(report);
	size_t shown = length < REPORT_MOST ? length : REPORT_MOST;

	while (shown < length && shown && report[shown - 1] != '\n')
		shown--;
	fputs("\n<details><summary>Report</summary>\n\n", out);
	for (size_t i = 0; i < fence; i++)
		fputc('`', out);
	fprintf(out, "text\n%.*s%s", (int)shown, report,
		shown && report[shown - 1] == '\n' ? "" : "\n");
	for (size_t i = 0; i < fence; i++)
		fputc('`', out);
	fprintf(out, "\n%s\n</details>\n\n", shown < length ? "\nThe report goes on.\n" : "");
}

void github_summarise(FILE *out, const struct judgement *judgement, const char *report)
{
	fprintf(out, "### flocktrace: %s", judgement->code ? "failed" : "passed");
	if (*judgement->subject) {
		fputs(", ", out);
		put_text(out, judgement->subject, strlen(judgement->subject));
	}
	fputs("\n\n| condition | | why |\n|---|---|---|\n", out);
	for (unsigned i = 0; i < CONDITIONS; i++) {
		const struct judged *judged = &judgement->of[i];
		size_t length = strlen(judged->reasons);

		if (!judged->asked)
			continue;
		fprintf(out, "| %s | %s | ", condition_kinds[i].name, judged->met ? "✗" : "✓");
		put_text(out, judged->reasons, length ? length - 1 : 0);
		fputs(" |\n", out);
	}
	put_report(out, report);
}
