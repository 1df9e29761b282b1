/* SPDX-License-Identifier: MIT */
/* The trees of stacks of the JSON report. */
#include "analyzer/render/json_parts.h"
#include "analyzer/render/stack_tree.h"

static struct json_object *children_list(struct json *json, const struct stack_tree *tree,
					 uint32_t parent);

static struct json_object *node_object(struct json *json, const struct stack_tree *tree,
				       uint32_t at)
{
	const struct stack_node *node = &tree->nodes.items[at];
	struct json_object *object = json_object_new_object();

	set(object, "frame",
	    node->kind == NODE_FRAME ? json_bytes(json_frame(&json->scratch, &node->frame)) : NULL);
	set(object, "about", node->kind == NODE_FRAME ? NULL : json_object_new_string(node->line));
	set(object, "ns", number(node->ns));
	set(object, "below", children_list(json, tree, at));
	return object;
}

static struct json_object *children_list(struct json *json, const struct stack_tree *tree,
					 uint32_t parent)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t at = tree->nodes.items[parent].child; at; at = tree->nodes.items[at].next)
		json_object_array_add(list, node_object(json, tree, at));
	return list;
}

static struct json_object *tree_list(struct json *json, enum stacks_view view)
{
	struct stack_tree tree = stack_tree_of(json->report, view, json->symbols, NULL);
	struct json_object *list = children_list(json, &tree, 0);

	stack_tree_free(&tree);
	return list;
}

struct json_object *json_stacks(struct json *json)
{
	struct json_object *object;

	if (json->stacks_view == STACKS_NONE)
		return NULL;
	object = json_object_new_object();
	set(object, "waited",
	    json->stacks_view == STACKS_CAUSED ? NULL : tree_list(json, STACKS_WAITED));
	set(object, "caused",
	    json->stacks_view == STACKS_WAITED ? NULL : tree_list(json, STACKS_CAUSED));
	return object;
}
