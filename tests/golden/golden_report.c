/* SPDX-License-Identifier: MIT */
/* Prints a report that was made by hand: golden-report SCENARIO
 * text|all|colour|stacks|blame-WHAT|json. */
#include <stdio.h>
#include <string.h>

#include "analyzer/render/render.h"
#include "tests/golden/scenarios.h"

/* As if they had been found in that scenario. */
static const struct findings *findings(const char *name)
{
	static const struct finding items[] = {
		{
			.id = FINDING_CLOSE_DROPS_LOCK,
			.sides = { { 0, 4699, 1, 1000000000 },
				   { 0, 4700, 0, 900000000 },
				   { 2, 4720, 3, 1100000000 } },
			.count = 1204,
			.duration = 3000000,
		},
		{
			.id = FINDING_POLLING,
			.file = 2,
			.world = FLOCK_LOCKS,
			.sides = { { 3, 4731, 2, 2000000000 },
				   { NONE, 0, NONE, 0 },
				   { NONE, 0, NONE, 0 } },
			.count = 1,
			.number = 5120,
			.duration = 7000000000,
		},
	};
	static const struct findings all = {
		.items = items,
		.count = 2,
		.suppressed = 3,
		.suppressed_of = { [FINDING_POLLING] = 2, [FINDING_MIXED_APIS] = 1 },
		.suppressed_by = "/srv/shop/known.txt",
	};

	return strcmp(name, "quiet-with-findings") ? NULL : &all;
}

int main(int argc, char **argv)
{
	struct report_builder *builder = NULL;
	const struct report *report = argc == 3 ? scenario(argv[1], &builder) : NULL;
	struct symbols *symbols = symbols_new();
	static const struct deadlocks none;
	struct render_options options = { .top = 10, .directory = "/srv/shop", .deadlocks = &none };

	if (!report) {
		fprintf(stderr,
			"usage: golden-report SCENARIO text|all|colour|stacks|blame-WHAT|json\n");
		return 2;
	}
	options.colour = !strcmp(argv[2], "colour");
	if (!strcmp(argv[2], "all"))
		options.top = 0;
	if (!strcmp(argv[2], "json") || !strcmp(argv[2], "stacks"))
		options.stacks = STACKS_BOTH;
	if (!strncmp(argv[2], "blame-", 6) && !view_parse_blame(argv[2] + 6, &options.blame))
		return 2;
	if (!strcmp(argv[2], "json"))
		render_json(stdout, report, findings(argv[1]), symbols, &options);
	else
		render_text(stdout, report, findings(argv[1]), symbols, &options);
	report_builder_free(builder);
	symbols_free(symbols);
	return 0;
}
