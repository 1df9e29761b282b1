/* SPDX-License-Identifier: MIT */
/* Whose fault the waits were, as a table: by places, by processes, or by resources. */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/units.h"
#include "analyzer/render/text.h"
#include "analyzer/render/text_table.h"

struct heading {
	const char *header;
	bool right;
};

static struct libscols_table *new_table(const struct heading *columns, unsigned count)
{
	struct libscols_table *table = scols_new_table();

	for (unsigned i = 0; table && i < count; i++)
		scols_table_new_column(table, columns[i].header, 0,
				       columns[i].right ? SCOLS_FL_RIGHT : 0);
	return table;
}

static void add_line(struct text *text, struct libscols_table *table, const char *const *cells,
		     unsigned count)
{
	struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;

	for (unsigned i = 0; line && i < count; i++)
		scols_line_set_data(line, i, cells[i]);
	scratch_reset(&text->scratch);
}

static const char *share_of_all(struct text *text, uint64_t ns)
{
	return units_share(scratch_room(&text->scratch), ns, text->report->wait_ns);
}

static void print_rest(struct text *text, uint32_t count, uint32_t shown)
{
	if (count > shown)
		fprintf(text->out, "and %s more.\n", phrase_count(&text->scratch, count - shown));
}

/* ---- By the places where locks were acquired, and where others waited for them */

struct pair {
	char *holder, *waiter;
	uint64_t caused, in_the_way, at_root; /* ns */
};

struct pairs {
	VEC(struct pair) items;
};

static int by_names(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = strcmp(a->holder, b->holder);

	return order ? order : strcmp(a->waiter, b->waiter);
}

static int most_first(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->caused != b->caused)
		return a->caused > b->caused ? -1 : 1;
	if (a->at_root != b->at_root)
		return a->at_root > b->at_root ? -1 : 1;
	return by_names(a, b);
}

static const char *waiting_place(struct text *text, uint32_t stack)
{
	struct site site = site_of(text->catalog, text->symbols, stack);
	bool has_source;
	const char *place = site_culprit(&text->scratch, &site, &has_source);

	site_free(&site);
	return place ? place : "not known";
}

static void add_pair(struct text *text, struct pairs *pairs, const char *holder, uint32_t waiter,
		     struct pair times)
{
	if (!times.caused && !times.in_the_way && !times.at_root)
		return;
	times.holder = xstrdup(holder);
	times.waiter = xstrdup(waiting_place(text, waiter));
	vec_push(&pairs->items, times);
	scratch_reset(&text->scratch);
}

/* What nobody is blamed for is told as what it was. */
static void add_blame(struct text *text, struct pairs *pairs, const struct blame *blame, bool root)
{
	uint64_t unknown = blame->exclusive - blame->hand_off, hand_off = blame->hand_off;

	if (blame->holder_process != NONE) {
		add_pair(text, pairs, text_holder(text, blame), blame->waiter_stack,
			 root ? (struct pair){ .at_root = blame->exclusive }
			      : (struct pair){ .caused = blame->exclusive,
					       .in_the_way = blame->inclusive });
		return;
	}
	add_pair(text, pairs, "nobody: hand-off", blame->waiter_stack,
		 root ? (struct pair){ .at_root = hand_off } : (struct pair){ .caused = hand_off });
	add_pair(text, pairs, "not known", blame->waiter_stack,
		 root ? (struct pair){ .at_root = unknown } : (struct pair){ .caused = unknown });
}

/* Different stacks whose telling line is the same are one place. */
static void merge(struct pairs *pairs)
{
	uint32_t kept = 0;

	if (pairs->items.count)
		qsort(pairs->items.items, pairs->items.count, sizeof(*pairs->items.items),
		      by_names);
	for (uint32_t i = 0; i < pairs->items.count; i++) {
		struct pair *pair = &pairs->items.items[i], *last;

		last = kept ? &pairs->items.items[kept - 1] : NULL;
		if (!last || by_names(last, pair)) {
			pairs->items.items[kept++] = *pair;
			continue;
		}
		last->caused += pair->caused;
		last->in_the_way += pair->in_the_way;
		last->at_root += pair->at_root;
		free(pair->holder);
		free(pair->waiter);
	}
	pairs->items.count = kept;
	if (kept)
		qsort(pairs->items.items, kept, sizeof(*pairs->items.items), most_first);
}

static void print_places(struct text *text)
{
	static const struct heading columns[] = {
		{ "ACQUIRED AT", false }, { "WAITED AT", false }, { "CAUSED", true },
		{ "SHARE", true },	  { "IN THE WAY", true }, { "AT THE ROOT", true }
	};
	const unsigned count = sizeof(columns) / sizeof(*columns);
	const struct report *report = text->report;
	struct libscols_table *table;
	struct pairs pairs = { 0 };
	uint32_t shown;

	for (uint32_t i = 0; i < report->blame_count; i++)
		add_blame(text, &pairs, &report->blame[i], false);
	for (uint32_t i = 0; i < report->root_count; i++)
		add_blame(text, &pairs, &report->roots[i], true);
	merge(&pairs);
	shown = text_shown(text, pairs.items.count);
	table = new_table(columns, count);
	for (uint32_t i = 0; i < shown; i++) {
		const struct pair *pair = &pairs.items.items[i];
		const char *cells[] = { pair->holder,
					pair->waiter,
					phrase_duration(&text->scratch, pair->caused),
					share_of_all(text, pair->caused),
					phrase_duration(&text->scratch, pair->in_the_way),
					phrase_duration(&text->scratch, pair->at_root) };

		add_line(text, table, cells, count);
	}
	text_heading(text, "Blame, by where locks were acquired and where others waited for them");
	text_table_print(text->out, table);
	print_rest(text, pairs.items.count, shown);
	for (uint32_t i = 0; i < pairs.items.count; i++) {
		free(pairs.items.items[i].holder);
		free(pairs.items.items[i].waiter);
	}
	vec_free(&pairs.items);
}

/* ---- By process */

static void print_processes(struct text *text)
{
	static const struct heading columns[] = { { "PROCESS", false }, { "CAUSED", true },
						  { "SHARE", true },	{ "AT THE ROOT", true },
						  { "WAITED", true },	{ "WAIT", true } };
	const unsigned count = sizeof(columns) / sizeof(*columns);
	const struct report *report = text->report;
	uint32_t shown = text_shown(text, report->process_count);
	struct libscols_table *table = new_table(columns, count);

	for (uint32_t i = 0; i < shown; i++) {
		const struct process_blame *one = &report->processes[i];
		const char *cells[] = {
			phrase_process(&text->scratch, text->catalog, one->process, 0),
			phrase_duration(&text->scratch, one->exclusive),
			share_of_all(text, one->exclusive),
			phrase_duration(&text->scratch, one->root),
			phrase_count(&text->scratch, one->waits),
			phrase_duration(&text->scratch, one->waited),
		};

		add_line(text, table, cells, count);
	}
	text_heading(text, "Blame, by process");
	text_table_print(text->out, table);
	print_rest(text, report->process_count, shown);
}

/* ---- By resource */

/* Who was in the way of waits for it for longest; NULL: nobody known. */
static const struct blame *worst_of(const struct report *report, uint32_t resource)
{
	for (uint32_t i = 0; i < report->blame_count; i++) /* by exclusive, largest first */
		if (report->blame[i].resource == resource &&
		    report->blame[i].holder_process != NONE)
			return &report->blame[i];
	return NULL;
}

static uint32_t waited_for(const struct report *report)
{
	uint32_t count = 0; /* by total wait, longest first */

	while (count < report->resource_count && report->resources[count].contended)
		count++;
	return count;
}

static void print_resources(struct text *text)
{
	static const struct heading columns[] = { { "FILE", false },   { "RANGE", false },
						  { "WAIT", true },    { "SHARE", true },
						  { "HELD", true },    { "HAND-OFF", true },
						  { "UNKNOWN", true }, { "MOST BY", false },
						  { "CAUSED", true } };
	const unsigned count = sizeof(columns) / sizeof(*columns);
	const struct report *report = text->report;
	uint32_t all = waited_for(report), shown = text_shown(text, all);
	struct libscols_table *table = new_table(columns, count);

	for (uint32_t i = 0; i < shown; i++) {
		const struct resource *one = &report->resources[i];
		const struct blame *worst = worst_of(report, i);
		const char *cells[] = {
			phrase_file(&text->scratch, text->catalog, one->file, text->directory),
			phrase_range(&text->scratch, text->names, one->file, one->world, one->start,
				     one->end),
			phrase_duration(&text->scratch, one->wait.total),
			share_of_all(text, one->wait.total),
			phrase_duration(&text->scratch, one->parts.held + one->parts.omitted),
			phrase_duration(&text->scratch, one->parts.hand_off),
			phrase_duration(&text->scratch, one->parts.unknown),
			worst ? text_holder(text, worst) : "not known",
			worst ? phrase_duration(&text->scratch, worst->exclusive) : "-",
		};

		add_line(text, table, cells, count);
	}
	text_heading(text, "Blame, by resource");
	text_table_print(text->out, table);
	print_rest(text, all, shown);
}

/* Where the tables may tell too much. */
static void print_at_most(struct text *text)
{
	uint64_t count = text->report->waits_at_most;

	if (count)
		fprintf(text->out, "At most %s of this: %s of unknown end.\n",
			phrase_duration(&text->scratch, text->report->at_most_ns),
			count == 1 ? "a wait"
				   : scratch_format(&text->scratch, "%s waits",
						    phrase_count(&text->scratch, count)));
}

void text_blame(struct text *text)
{
	if (!text->report->wait_ns)
		return;
	switch (text->blame_view) {
	case BLAME_NONE:
		break;
	case BLAME_SITE:
		print_places(text);
		break;
	case BLAME_PROCESS:
		print_processes(text);
		break;
	case BLAME_RESOURCE:
		print_resources(text);
		break;
	}
	if (text->blame_view != BLAME_NONE)
		print_at_most(text);
	scratch_reset(&text->scratch);
}
