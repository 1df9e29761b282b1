/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/errors.h"

#include <errno.h>
#include <stdlib.h>

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

bool is_conflict(const struct request *request)
{
	return !request->may_block && (request->error == EAGAIN || request->error == EACCES);
}

static bool same_error(const void *context, uint32_t index)
{
	const struct request *wanted = ((const void *const *)context)[0];
	const struct errors *errors = ((const void *const *)context)[1];
	const struct report_error *error = &errors->items.items[index];

	return error->op == wanted->op && error->error == wanted->error &&
	       error->conflict == is_conflict(wanted) && error->file == wanted->file &&
	       error->stack == wanted->stack && error->process == wanted->process;
}

/* A call that is refused need not have had a valid range. */
static void note_range(struct report_error *error, const struct request *request)
{
	bool valid = request->start < request->end;

	error->several_ranges |= !valid || (error->count > 1 && (error->start != request->start ||
								 error->end != request->end));
	error->start = error->several_ranges ? 0 : request->start;
	error->end = error->several_ranges ? 0 : request->end;
}

void errors_add(struct errors *errors, const struct request *request)
{
	const void *context[] = { request, errors };
	uint64_t hash =
		hash_u64(hash_u64(request->op, (uint32_t)request->error),
			 hash_u64(hash_u64(request->file, request->stack), request->process));
	uint32_t *at = map_find(&errors->map, hash, same_error, context);

	if (*at == MAP_NEW) {
		*at = errors->items.count;
		vec_push(&errors->items, (struct report_error){
						 .op = request->op,
						 .error = request->error,
						 .conflict = is_conflict(request),
						 .file = request->file,
						 .stack = request->stack,
						 .process = request->process,
						 .world = request->world,
					 });
	}
	errors->items.items[*at].count++;
	note_range(&errors->items.items[*at], request);
}

static int by_count(const void *left, const void *right)
{
	const struct report_error *a = left, *b = right;
	int order = ORDER(b->count, a->count);

	if (!order)
		order = ORDER(a->op, b->op);
	if (!order)
		order = ORDER(a->error, b->error);
	if (!order)
		order = ORDER(a->file, b->file);
	if (!order)
		order = ORDER(a->stack, b->stack);
	return order ? order : ORDER(a->process, b->process);
}

void errors_sort(struct errors *errors)
{
	if (errors->items.count)
		qsort(errors->items.items, errors->items.count, sizeof(*errors->items.items),
		      by_count);
}

void errors_free(struct errors *errors)
{
	vec_free(&errors->items);
	map_free(&errors->map);
}
