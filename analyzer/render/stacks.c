/* SPDX-License-Identifier: MIT */
/* Stacks in the text report: each is printed once, and named by its number afterwards. */
#include <string.h>

#include "analyzer/render/text.h"

/* The lines of a stack; "" where there is none. For free(). */
static char *stack_lines(struct text *text, uint32_t stack)
{
	struct site site = site_of(text->catalog, text->symbols, stack);
	uint32_t shown = site_telling_frames(&site);
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	for (uint32_t i = 0; i < shown; i++)
		fprintf(out, TEXT_PAD TEXT_PAD "%s\n",
			site_frame_line(&text->scratch, &site.frames.items[i], text->directory));
	if (site.frames.count && site.truncated)
		fprintf(out, TEXT_PAD TEXT_PAD "... (the stack went on)\n");
	fclose(out);
	site_free(&site);
	return lines;
}

static void count_frames(struct text *text, uint32_t stack)
{
	struct site site = site_of(text->catalog, text->symbols, stack);
	uint32_t shown = site_telling_frames(&site);

	for (uint32_t i = 0; i < shown; i++) {
		text->frames++;
		text->unnamed += !site.frames.items[i].source.function;
	}
	site_free(&site);
}

void text_stack(struct text *text, uint32_t stack)
{
	char *lines = stack_lines(text, stack);

	if (!*lines) {
		fputs(" at an unknown stack\n", text->out);
		free(lines);
		return;
	}
	for (uint32_t i = 0; i < text->stacks.count; i++) {
		if (!strcmp(text->stacks.items[i], lines)) {
			fprintf(text->out, " at stack #%u above\n", i + 1);
			free(lines);
			return;
		}
	}
	vec_push(&text->stacks, lines);
	count_frames(text, stack);
	fprintf(text->out, " at stack #%u:\n%s", text->stacks.count, lines);
}
