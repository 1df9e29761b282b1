/* SPDX-License-Identifier: MIT */
#include "analyzer/render/junit.h"

#include <string.h>

#include "analyzer/base/units.h"
#include "analyzer/render/utf8.h"

/* XML has no way to write most control characters, nor U+FFFE and U+FFFF. */
static bool is_character(const unsigned char *at, unsigned length)
{
	if (length == 1)
		return *at >= 0x20 || *at == '\n' || *at == '\t';
	return length && !(at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe);
}

/* Line ends as such would become blanks in an attribute. */
static const char *entity(char byte)
{
	switch (byte) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\n':
		return "&#10;";
	case '\t':
		return "&#9;";
	default:
		return NULL;
	}
}

static void put(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		unsigned length = utf8_length(at);
		const char *special = entity((char)*at);

		if (special)
			fputs(special, out);
		else if (is_character(at, length))
			fwrite(at, 1, length, out);
		else
			fputs("\xef\xbf\xbd", out);
		at += length ? length : 1;
	}
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	put(out, value);
	fputc('"', out);
}

/* The first line is the message that tools show in their lists. */
static void put_failure(FILE *out, const char *name, const char *reasons)
{
	char first[512];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(reasons, "\n"), reasons);
	fputs("      <failure", out);
	put_attribute(out, "message", first);
	put_attribute(out, "type", name);
	fputc('>', out);
	put(out, reasons);
	fputs("</failure>\n", out);
}

static void put_case(FILE *out, const char *name, const struct judged *judged)
{
	fputs("    <testcase classname=\"flocktrace\"", out);
	put_attribute(out, "name", name);
	fputs(judged->met ? " time=\"0\">\n" : " time=\"0\"/>\n", out);
	if (!judged->met)
		return;
	put_failure(out, name, judged->reasons);
	fputs("    </testcase>\n", out);
}

void junit_write(FILE *out, const struct judgement *judgement, const char *report)
{
	unsigned tests = 0, failures = 0;
	char iso[UNITS_ROOM];

	for (unsigned i = 0; i < CONDITIONS; i++) {
		tests += judgement->of[i].asked;
		failures += judgement->of[i].met;
	}
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"flocktrace\" tests=\"%u\" failures=\"%u\" errors=\"0\" "
		"time=\"%.3f\">\n"
		"  <testsuite",
		tests, failures, judgement->seconds);
	put_attribute(out, "name", *judgement->subject ? judgement->subject : "flocktrace");
	fprintf(out,
		" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"0\" time=\"%.3f\" "
		"timestamp=\"%.19s\">\n",
		tests, failures, judgement->seconds, units_iso(iso, judgement->begin));
	for (unsigned i = 0; i < CONDITIONS; i++)
		if (judgement->of[i].asked)
			put_case(out, condition_kinds[i].name, &judgement->of[i]);
	fputs("    <system-out>", out);
	put(out, report);
	fputs("</system-out>\n  </testsuite>\n</testsuites>\n", out);
}
