/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/suppressions.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "analyzer/base/lines.h"
#include "analyzer/base/path_pattern.h"
#include "analyzer/render/phrases.h"
#include "analyzer/render/sites.h"

static bool parse_id(const char *text, enum finding_id *id)
{
	*id = FINDINGS;
	if (!strcmp(text, "*"))
		return true;
	for (unsigned i = 0; i < FINDINGS; i++)
		if (!strcmp(finding_kinds[i].name, text))
			*id = (enum finding_id)i;
	return *id != FINDINGS;
}

/* NULL: taken. Else what is wrong. */
static const char *take_line(void *context, char *line)
{
	struct suppressions *suppressions = context;
	struct suppression one = { 0 };
	const char *id = lines_word(&line), *kind = lines_word(&line);

	if (!parse_id(id, &one.id))
		return "there is no finding of that id";
	if (*kind && strcmp(kind, "path") && strcmp(kind, "function"))
		return "needs ID, ID path PATTERN, or ID function PATTERN";
	if (*kind && !*line)
		return "the pattern is missing";
	if (*kind == 'p')
		one.path = xstrdup(line);
	else if (*kind)
		one.function = xstrdup(line);
	vec_push(&suppressions->items, one);
	return NULL;
}

char *suppressions_read(const char *path, struct suppressions *suppressions)
{
	return lines_read(path, take_line, suppressions);
}

static bool has_function(const struct catalog *catalog, struct symbols *symbols, uint32_t stack,
			 const char *pattern)
{
	struct site site = site_of(catalog, symbols, stack);
	bool found = false;

	for (uint32_t i = 0; i < site.frames.count && !found; i++) {
		const char *function = site.frames.items[i].source.function;

		found = function && !fnmatch(pattern, function, 0);
	}
	site_free(&site);
	return found;
}

static bool suppresses(const struct suppression *one, const struct catalog *catalog,
		       struct symbols *symbols, const struct finding *finding)
{
	bool found = !one->function;

	if (one->id != FINDINGS && one->id != finding->id)
		return false;
	if (one->path && (finding->file >= catalog->file_count ||
			  !path_matches(one->path, catalog->files[finding->file].path)))
		return false;
	for (unsigned side = 0; side < FINDING_SIDES && !found; side++)
		found = has_function(catalog, symbols, finding->sides[side].stack, one->function);
	return found;
}

bool suppressions_have(const struct suppressions *suppressions, const struct catalog *catalog,
		       struct symbols *symbols, const struct finding *finding)
{
	for (uint32_t i = 0; i < suppressions->items.count; i++)
		if (suppresses(&suppressions->items.items[i], catalog, symbols, finding))
			return true;
	return false;
}

/* As a pattern that matches it: what has a meaning in one, or ends a line, matches as any. */
static void write_pattern(FILE *out, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		bool edge = i + 1 == length && isspace((unsigned char)text[i]);

		fputc(edge || strchr("*?[\\\n", text[i]) ? '?' : text[i], out);
	}
}

/* The innermost function that is not libc's. NULL: none is known. */
static const char *function_of(struct scratch *scratch, const struct catalog *catalog,
			       struct symbols *symbols, uint32_t stack)
{
	struct site site = site_of(catalog, symbols, stack);
	const char *name = NULL;

	for (uint32_t i = 0; i < site.frames.count && !name; i++)
		if (!site.frames.items[i].internal && site.frames.items[i].source.function)
			name = scratch_format(scratch, "%s", site.frames.items[i].source.function);
	site_free(&site);
	return name;
}

static void write_one(FILE *out, const struct catalog *catalog, struct symbols *symbols,
		      const struct finding *finding)
{
	struct scratch scratch = { 0 };
	const char *path =
		finding->file < catalog->file_count ? catalog->files[finding->file].path : "";
	const char *function = function_of(&scratch, catalog, symbols, finding->sides[0].stack);

	fprintf(out, "# %s\n", phrase_finding(&scratch, catalog, NULL, finding, NULL));
	fputs(finding_kinds[finding->id].name, out);
	if (*path || function) {
		fputs(*path ? " path " : " function ", out);
		write_pattern(out, *path ? path : function);
	}
	fputc('\n', out);
	if (*path && function) {
		fprintf(out, "#%s function ", finding_kinds[finding->id].name);
		write_pattern(out, function);
		fputc('\n', out);
	}
	scratch_free(&scratch);
}

void suppressions_write(FILE *out, const struct catalog *catalog, struct symbols *symbols,
			const struct findings *findings)
{
	for (uint32_t i = 0; i < findings->count; i++)
		write_one(out, catalog, symbols, &findings->items[i]);
}

void suppressions_free(struct suppressions *suppressions)
{
	for (uint32_t i = 0; i < suppressions->items.count; i++) {
		free(suppressions->items.items[i].path);
		free(suppressions->items.items[i].function);
	}
	vec_free(&suppressions->items);
}
