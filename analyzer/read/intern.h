/* SPDX-License-Identifier: MIT */
/*
 * The catalog while it is being built: each process, file, module, stack and text once, however
 * often it was announced. Texts and frames stay where they are until intern_free().
 */
#ifndef ANALYZER_READ_INTERN_H
#define ANALYZER_READ_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/event.h"

struct intern {
	VEC(struct process_info) processes;
	VEC(struct file_info) files;
	VEC(uint32_t) same_number; /* of each file, the one before it; NONE */
	VEC(struct module_info) modules;
	VEC(struct stack_info) stacks;
	VEC(struct untraced_info) untraced;
	VEC(char *) texts;
	struct map process_map, file_map, module_map, stack_map, text_map;
	uint32_t last_process; /* index found last: records of one process come in runs */
	uint64_t unresolved_frames;
};

void intern_free(struct intern *intern);

/* One copy of a text; ends at the first NUL, if there is one before `length`. */
const char *intern_text(struct intern *intern, const void *text, size_t length);

/* The process with this session number; made, with nothing else known, if it is new. NONE for 0. */
uint32_t intern_process(struct intern *intern, uint32_t number);

/*
 * The file with this device and inode that was made at `birth` (0: not known) or has this path (""
 * or NULL: not known). A number is another file's after the first was removed: a file of
 * another birth and another path is another one. What is not known fits.
 */
uint32_t intern_file(struct intern *intern, uint64_t device, uint64_t inode, uint64_t birth,
		     const char *path);
uint32_t intern_module(struct intern *intern, const char *path, const uint8_t *build_id,
		       uint8_t build_id_bytes);
/* Copies what it points to; the texts must be of this catalog. */
uint32_t intern_stack(struct intern *intern, const struct stack_info *stack);

#endif
