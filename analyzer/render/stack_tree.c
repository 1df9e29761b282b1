/* SPDX-License-Identifier: MIT */
#include "analyzer/render/stack_tree.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

static const char *const no_frames[] = {
	[NODE_FRAME] = "",
	[NODE_NO_STACK] = "at an unknown stack",
	[NODE_NOBODY] = "nobody known",
	[NODE_HAND_OFF] = "hand-off: free, not yet granted",
};

static uint32_t find(struct stack_tree *tree, uint32_t parent, const char *line)
{
	struct stack_node added = { .line = NULL };
	uint32_t at = tree->nodes.items[parent].child;

	while (at && strcmp(tree->nodes.items[at].line, line) != 0)
		at = tree->nodes.items[at].next;
	if (at)
		return at;
	added.line = xstrdup(line);
	added.next = tree->nodes.items[parent].child;
	at = tree->nodes.count;
	vec_push(&tree->nodes, added);
	tree->nodes.items[parent].child = at;
	return at;
}

static void add_other(struct stack_tree *tree, enum stack_node_kind kind, uint64_t ns)
{
	uint32_t at;

	if (!ns)
		return;
	at = find(tree, 0, no_frames[kind]);
	tree->nodes.items[at].kind = kind;
	tree->nodes.items[at].ns += ns;
}

static void add_stack(struct stack_tree *tree, const struct site *site, uint64_t ns,
		      const char *directory)
{
	struct scratch scratch = { 0 };
	uint32_t at = 0;

	if (!site->frames.count)
		add_other(tree, NODE_NO_STACK, ns);
	for (uint32_t i = site_telling_frames(site); site->frames.count && i-- > 0;) {
		const struct site_frame *frame = &site->frames.items[i];

		at = find(tree, at, site_frame_line(&scratch, frame, directory));
		tree->nodes.items[at].frame = *frame;
		tree->nodes.items[at].ns += ns;
	}
	scratch_free(&scratch);
}

/* The sum of each stack first: each is looked up once. */
static void add_stacks(struct stack_tree *tree, const struct report *report, const uint64_t *ns,
		       struct symbols *symbols, const char *directory)
{
	const struct catalog *catalog = report->catalog;

	for (uint32_t i = 0; i < catalog->stack_count; i++) {
		struct site site;

		if (!ns[i])
			continue;
		site = site_of(catalog, symbols, i);
		add_stack(tree, &site, ns[i], directory);
		site_free(&site);
	}
	add_other(tree, NODE_NO_STACK, ns[catalog->stack_count]);
}

static void sort_children(struct stack_tree *tree, uint32_t parent)
{
	uint32_t left = tree->nodes.items[parent].child, sorted = 0;

	while (left) {
		struct stack_node *node = &tree->nodes.items[left];
		uint32_t next = node->next, *link = &sorted;

		while (*link && (tree->nodes.items[*link].ns > node->ns ||
				 (tree->nodes.items[*link].ns == node->ns &&
				  strcmp(tree->nodes.items[*link].line, node->line) < 0)))
			link = &tree->nodes.items[*link].next;
		node->next = *link;
		*link = left;
		left = next;
	}
	tree->nodes.items[parent].child = sorted;
}

struct stack_tree stack_tree_of(const struct report *report, enum stacks_view view,
				struct symbols *symbols, const char *directory)
{
	bool waited = view == STACKS_WAITED;
	const struct blame *rows = waited ? report->blame : report->roots;
	uint32_t count = waited ? report->blame_count : report->root_count;
	uint32_t stacks = report->catalog->stack_count;
	uint64_t *ns = xcalloc((size_t)stacks + 1, sizeof(*ns));
	struct stack_tree tree = { 0 };

	vec_push(&tree.nodes, (struct stack_node){ .ns = report->wait_ns });
	for (uint32_t i = 0; i < count; i++) {
		uint32_t stack = waited ? rows[i].waiter_stack : rows[i].holder_stack;

		if (waited || rows[i].holder_process != NONE) {
			ns[stack < stacks ? stack : stacks] += rows[i].exclusive;
			continue;
		}
		add_other(&tree, NODE_HAND_OFF, rows[i].hand_off);
		add_other(&tree, NODE_NOBODY, rows[i].exclusive - rows[i].hand_off);
	}
	add_stacks(&tree, report, ns, symbols, directory);
	for (uint32_t i = 0; i < tree.nodes.count; i++)
		sort_children(&tree, i);
	free(ns);
	return tree;
}

void stack_tree_free(struct stack_tree *tree)
{
	for (uint32_t i = 0; i < tree->nodes.count; i++)
		free(tree->nodes.items[i].line);
	vec_free(&tree->nodes);
}
