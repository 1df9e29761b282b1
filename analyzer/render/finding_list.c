/* SPDX-License-Identifier: MIT */
/* What was found, each as one sentence with its sites and what to do about it. */
#include <ctype.h>

#include "analyzer/render/text.h"

#define HEIR 1 /* side of stuck-inherited */

/* Which fork has handed the lock on. */
static void say_birth(struct text *text, const struct finding_side *side)
{
	const struct process_info *heir = &text->catalog->processes[side->process];

	fprintf(text->out, " at %s", phrase_clock(&text->scratch, text->catalog, side->time));
	if (heir->parent < text->catalog->process_count)
		fprintf(text->out, ", when %s started it",
			phrase_process(&text->scratch, text->catalog, heir->parent, 0));
}

static void print_side(struct text *text, const struct finding *finding, unsigned which)
{
	const struct finding_side *side = &finding->sides[which];
	const char *role = finding_kinds[finding->id].roles[which];

	fprintf(text->out, TEXT_PAD "%c%s by %s", toupper((unsigned char)*role), role + 1,
		phrase_process(&text->scratch, text->catalog, side->process, side->tid));
	if (finding->id == FINDING_STUCK_INHERITED && which == HEIR)
		say_birth(text, side);
	if (side->stack != NONE)
		text_stack(text, side->stack);
	else
		fputc('\n', text->out);
}

static void print_finding(struct text *text, uint32_t number, const struct finding *finding)
{
	const struct finding_kind *kind = &finding_kinds[finding->id];

	fprintf(text->out, "%s%u. %s %s: %s", number > 1 ? "\n" : "", number,
		severity_name(kind->severity), kind->name,
		phrase_finding(&text->scratch, text->catalog, text->names, finding,
			       text->directory));
	if (finding->count > 1)
		fprintf(text->out, "; so %s times", phrase_count(&text->scratch, finding->count));
	fputs(".\n", text->out);
	for (unsigned i = 0; i < FINDING_SIDES; i++)
		if (*kind->roles[i] && finding->sides[i].process != NONE)
			print_side(text, finding, i);
	fprintf(text->out, TEXT_PAD "Remedy: %s.\n", kind->remedy);
	scratch_reset(&text->scratch);
}

/* "Suppressed: 3 findings (polling 2x, mixed-apis 1x), by known.txt." */
static void say_suppressed(struct text *text)
{
	const struct findings *findings = text->findings;
	const char *between = " (";

	fprintf(text->out, "%sSuppressed: %s", findings->count ? "\n" : "",
		phrase_number(&text->scratch, findings->suppressed, "finding", "findings"));
	for (unsigned i = 0; i < FINDINGS; i++) {
		if (!findings->suppressed_of[i])
			continue;
		fprintf(text->out, "%s%s %sx", between, finding_kinds[i].name,
			phrase_count(&text->scratch, findings->suppressed_of[i]));
		between = ", ";
	}
	fprintf(text->out, "), by %s.\n",
		phrase_path(&text->scratch, findings->suppressed_by, text->directory));
}

void text_findings(struct text *text)
{
	uint32_t count = text->findings->count, shown = text_shown(text, count);

	text_heading(text, "Findings");
	for (uint32_t i = 0; i < shown; i++)
		print_finding(text, i + 1, &text->findings->items[i]);
	if (count > shown)
		fprintf(text->out, "\nand %s more; --all shows them.\n",
			phrase_number(&text->scratch, count - shown, "finding", "findings"));
	if (text->findings->suppressed)
		say_suppressed(text);
	scratch_reset(&text->scratch);
}
