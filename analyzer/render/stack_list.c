/* SPDX-License-Identifier: MIT */
/*
 * The stacks as trees: a frame with time and share where it differs from that of the frame above,
 * what that one called below it, and what is not worth a line summed up.
 */
#include "analyzer/base/units.h"
#include "analyzer/render/stack_tree.h"
#include "analyzer/render/text.h"

#define WORTH_A_LINE 100 /* at least one so-many-th of all */

struct stack_list {
	struct text *text;
	const struct stack_tree *tree;
	uint64_t total;
};

static void print_line(const struct stack_list *list, const uint64_t *ns, unsigned depth,
		       const char *line)
{
	char share[UNITS_ROOM] = "";
	const char *time = ns ? phrase_duration(&list->text->scratch, *ns) : "";

	if (ns)
		units_share(share, *ns, list->total);
	fprintf(list->text->out, "%11s %5s  %*s%s\n", time, share, (int)(2 * depth), "", line);
}

/* Of those beside each other; --all shows them too. */
static bool is_worth_a_line(const struct stack_list *list, const struct stack_node *node)
{
	return !list->text->top || node->ns * WORTH_A_LINE >= list->total;
}

static void print_children(const struct stack_list *list, uint32_t parent, unsigned depth);

/* A frame that has all the time of the one above it stands below that one, without numbers. */
static void print_node(const struct stack_list *list, uint32_t at, unsigned depth)
{
	const struct stack_node *node = &list->tree->nodes.items[at];
	const struct stack_node *below;

	print_line(list, &node->ns, depth, node->line);
	for (;;) {
		below = &list->tree->nodes.items[node->child];
		if (!node->child || below->ns != node->ns)
			break;
		print_line(list, NULL, depth, below->line);
		at = node->child;
		node = below;
	}
	print_children(list, at, depth + 1);
}

static void print_children(const struct stack_list *list, uint32_t parent, unsigned depth)
{
	const struct stack_node *nodes = list->tree->nodes.items;
	uint64_t rest = 0;
	uint32_t more = 0;

	for (uint32_t at = nodes[parent].child; at; at = nodes[at].next) {
		if (is_worth_a_line(list, &nodes[at])) {
			print_node(list, at, depth);
		} else {
			rest += nodes[at].ns;
			more++;
		}
	}
	if (more)
		print_line(
			list, &rest, depth,
			scratch_format(&list->text->scratch, "%s; --all shows them",
				       phrase_number(&list->text->scratch, more, "more", "more")));
}

static void print_tree(struct text *text, enum stacks_view view, const char *heading)
{
	struct stack_tree tree = stack_tree_of(text->report, view, text->symbols, text->directory);
	struct stack_list list = { text, &tree, text->report->wait_ns };

	text_heading(text, heading);
	print_children(&list, 0, 0);
	stack_tree_free(&tree);
	scratch_reset(&text->scratch);
}

void text_stack_views(struct text *text)
{
	if (text->stacks_view == STACKS_NONE || !text->report->wait_ns)
		return;
	if (text->stacks_view != STACKS_CAUSED)
		print_tree(text, STACKS_WAITED, "Stacks, by time waited there");
	if (text->stacks_view != STACKS_WAITED)
		print_tree(text, STACKS_CAUSED,
			   "Stacks, by time that others waited for what was "
			   "acquired there");
}
