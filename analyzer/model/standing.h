/* SPDX-License-Identifier: MIT */
/*
 * Who waits at this moment of the replay, and for whose holds; to be asked between two events. What
 * stands in a request's way is really held, and a request whose way is barred has not been granted:
 * so who waits for one another here really does.
 */
#ifndef ANALYZER_MODEL_STANDING_H
#define ANALYZER_MODEL_STANDING_H

#include "analyzer/model/model.h"

struct standing_hold {
	const struct hold *hold;
	uint32_t owner; /* for model_sharers(); the same number is the same owner */
};

/* A thread inside of a call that waits for a lock, with known holds in its way. */
struct standing {
	uint32_t process, tid, file, stack;
	uint8_t op;
	enum world world;
	enum ownership ownership;
	enum mode mode;
	uint64_t start, end;
	uint64_t begin; /* ns */
	bool tries;	/* again and again, instead of waiting in one call */
	const struct standing_hold *holds;
	uint32_t hold_count;
};

/* Calls each() for every one, by process. What it is given is valid until it returns. Requests that
 * may have been answered where records were lost are left out. */
void model_standing(const struct model *model,
		    void (*each)(void *context, const struct standing *standing), void *context);
/*
 * The same for one that only tries: `standing` says what for, all but the holds, which are added,
 * and `fd` by which descriptor. Without holds in the way each() is not called.
 */
void model_standing_try(const struct model *model, const struct standing *standing, int32_t fd,
			void (*each)(void *context, const struct standing *standing),
			void *context);
/* Whether this thread is inside of such a call. */
bool model_stands(const struct model *model, uint32_t process, uint32_t tid);

/* Calls each() for every process that has a share in the owner. Returns false where others have,
 * too, that have not spoken yet. */
bool model_sharers(const struct model *model, uint32_t owner,
		   void (*each)(void *context, uint32_t process), void *context);

#endif
