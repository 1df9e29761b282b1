/* SPDX-License-Identifier: MIT */
/* Stacks as lines for people, and the one line of a stack that is to blame. */
#ifndef ANALYZER_RENDER_SITES_H
#define ANALYZER_RENDER_SITES_H

#include "analyzer/event.h"
#include "analyzer/render/scratch.h"
#include "analyzer/symbols/symbols.h"

struct site_frame {
	struct source_frame source;
	const char *module; /* base name; NULL: code of no file */
	uint64_t address;   /* in the module's file */
	bool internal;	    /* of libc or of the recorder: never the culprit */
	bool interpreter;   /* runs any script alike: never the culprit either */
	bool script;	    /* of the script that an interpreter runs */
};

struct site {
	VEC(struct site_frame) frames; /* innermost first, inlined ones included */
	bool truncated;
	bool interpreted; /* there are frames of an interpreter, and none of the script */
};

/* Looks up all frames of a stack; none of NONE. site_free() afterwards. */
struct site site_of(const struct catalog *catalog, struct symbols *symbols, uint32_t stack);
void site_free(struct site *site);

/*
 * How many frames tell something: what libc does before main, or to start a thread, is the same in
 * every stack and left to JSON. All, where there is nothing else.
 */
uint32_t site_telling_frames(const struct site *site);

/* "save_order() src/orders.c:88", "save_order()+0x1c (orders)", "orders+0x1234", "0x7f12"; inlined
 * ones end with " (inlined)". */
const char *site_frame_line(struct scratch *scratch, const struct site_frame *frame,
			    const char *directory);
/*
 * The innermost frame of a script, of one that is no library if there is; else the innermost that
 * has source and is neither libc nor
 * flocktrace nor what an interpreter runs scripts with; else the innermost with a function, else
 * the innermost of them. "save_order() orders.c:88"; under an interpreter the function alone, since
 * it says what was called, not by whom: "fcntl_lockf()". NULL: there is none.
 */
const char *site_culprit(struct scratch *scratch, const struct site *site, bool *has_source);

#endif
