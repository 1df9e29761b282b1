/* SPDX-License-Identifier: MIT */
/* Prints a report that was made by hand: golden-report SCENARIO text|all|colour|json. */
#include <stdio.h>
#include <string.h>

#include "analyzer/render/render.h"
#include "tests/golden/scenarios.h"

int main(int argc, char **argv)
{
	struct report_builder *builder = NULL;
	const struct report *report = argc == 3 ? scenario(argv[1], &builder) : NULL;
	struct symbols *symbols = symbols_new();
	struct render_options options = { .top = 10, .directory = "/srv/shop" };

	if (!report) {
		fprintf(stderr, "usage: golden-report SCENARIO text|all|colour|json\n");
		return 2;
	}
	options.colour = !strcmp(argv[2], "colour");
	if (!strcmp(argv[2], "all"))
		options.top = 0;
	if (!strcmp(argv[2], "json"))
		render_json(stdout, report, NULL, symbols);
	else
		render_text(stdout, report, NULL, symbols, &options);
	report_builder_free(builder);
	symbols_free(symbols);
	return 0;
}
