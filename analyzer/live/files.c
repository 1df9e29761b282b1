/* SPDX-License-Identifier: MIT */
#include "analyzer/live/files.h"

#include <string.h>

struct name_key {
	const struct file_names *names;
	reference name;
};

static bool same_name(const void *context, uint32_t index)
{
	const struct name_key *key = context;

	return key->names->vec.items[index].name == key->name;
}

void file_names_record(struct file_names *names, uint64_t position, const uint64_t *payload)
{
	struct name_key key = { names, (reference)position };
	struct record_file record;
	uint32_t *at;

	memcpy(&record, payload, sizeof(record));
	if (record.kind != RECORD_FILE)
		return;
	at = map_find(&names->by_name, hash_u64(key.name, 0), same_name, &key);
	if (*at == MAP_NEW) {
		*at = names->vec.count;
		vec_push(&names->vec, (struct file_name){ .name = key.name });
	}
	names->vec.items[*at].device = record.device;
	names->vec.items[*at].inode = record.inode;
}

const struct file_name *file_names_find(const struct file_names *names, reference name)
{
	struct name_key key = { names, name };
	uint32_t at = map_peek(&names->by_name, hash_u64(name, 0), same_name, &key);

	return at == MAP_NEW ? NULL : &names->vec.items[at];
}

void file_names_free(struct file_names *names)
{
	vec_free(&names->vec);
	map_free(&names->by_name);
}
