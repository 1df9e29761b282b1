/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/by_process.h"

#include <stdlib.h>

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static struct process_blame *of(struct by_process *all, uint32_t process)
{
	if (process == NONE)
		return &all->nobody;
	for (uint32_t next = all->items.count; next <= process; next++)
		vec_push(&all->items, (struct process_blame){ .process = next });
	return &all->items.items[process];
}

void by_process_waited(struct by_process *all, uint32_t process, uint64_t ns)
{
	struct process_blame *one = of(all, process);

	one->waits++;
	one->waited += ns;
}

void by_process_blame(struct by_process *all, uint32_t process, uint64_t exclusive, uint64_t root)
{
	struct process_blame *one = of(all, process);

	one->exclusive += exclusive;
	one->root += root;
}

static int by_root(const void *left, const void *right)
{
	const struct process_blame *a = left, *b = right;
	int order = ORDER(b->root, a->root);

	if (!order)
		order = ORDER(b->waited, a->waited);
	return order ? order : ORDER(a->process, b->process);
}

struct process_blame *by_process_finish(const struct by_process *all, uint32_t *count)
{
	struct process_blame *found = xcalloc((size_t)all->items.count + 1, sizeof(*found));
	uint32_t used = 0;

	for (uint32_t i = 0; i < all->items.count; i++)
		if (all->items.items[i].waits || all->items.items[i].exclusive ||
		    all->items.items[i].root)
			found[used++] = all->items.items[i];
	if (all->nobody.waits || all->nobody.exclusive || all->nobody.root) {
		found[used] = all->nobody;
		found[used++].process = NONE;
	}
	qsort(found, used, sizeof(*found), by_root);
	*count = used;
	return found;
}

void by_process_free(struct by_process *all)
{
	vec_free(&all->items);
}
