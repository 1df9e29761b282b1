/* SPDX-License-Identifier: MIT */
/*
 * Where time is waited, and where it is caused: the stacks of waiters, or of those at the root of
 * the waits, merged from their outermost frames on. What a frame has is the sum of what those below
 * it have, and of the stacks that end there; all together is the time of all waits.
 */
#ifndef ANALYZER_RENDER_STACK_TREE_H
#define ANALYZER_RENDER_STACK_TREE_H

#include "analyzer/render/sites.h"
#include "analyzer/render/view.h"

/* What is no frame. */
enum stack_node_kind {
	NODE_FRAME,
	NODE_NO_STACK, /* somebody, at a stack that is not known */
	NODE_NOBODY,   /* nobody is known to have held it */
	NODE_HAND_OFF  /* nobody held it any more */
};

struct stack_node {
	enum stack_node_kind kind;
	struct site_frame frame;
	char *line;
	uint64_t ns;
	uint32_t child, next; /* the first one below, the next one beside it, by ns; 0: none */
};

struct stack_tree {
	VEC(struct stack_node) nodes; /* 0: all together, no frame */
};

/* tree_free() afterwards. */
struct stack_tree stack_tree_of(const struct report *report, enum stacks_view view,
				struct symbols *symbols, const char *directory);
void stack_tree_free(struct stack_tree *tree);

#endif
