/* SPDX-License-Identifier: MIT */
#include "analyzer/read/announce.h"

#include <stdlib.h>
#include <string.h>

void names_open(struct names *names, const struct raw *raw)
{
	*names = (struct names){ 0 };
	names->references.reach = raw->cells ? raw->cells : REFERENCE_REACH;
}

void names_free(struct names *names)
{
	for (uint32_t i = 0; i < names->numbers.count; i++)
		vec_free(&names->numbers.items[i].modules);
	vec_free(&names->numbers);
	references_free(&names->references);
}

static struct module_numbers *numbers_of(struct names *names, uint32_t process)
{
	while (names->numbers.count <= process)
		vec_push(&names->numbers, (struct module_numbers){ 0 });
	return &names->numbers.items[process];
}

const char *intern_words(struct intern *intern, const uint8_t *bytes, size_t length)
{
	char line[RAW_BYTES];

	while (length && !bytes[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		line[i] = bytes[i] ? (char)bytes[i] : ' ';
	return intern_text(intern, line, length);
}

static const char *base_name(struct intern *intern, const char *path)
{
	static const char deleted[] = " (deleted)";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strlen(name), tail = sizeof(deleted) - 1;

	/* The kernel's words behind the path of a program that was replaced while it ran. */
	if (length > tail && !strcmp(name + length - tail, deleted))
		length -= tail;
	return intern_text(intern, name, length);
}

/* A forked child is the same image: what its parent has announced holds for it too. */
static void inherit_modules(struct names *names, uint32_t child, uint32_t parent)
{
	struct module_numbers *to, *from;

	if (child == parent || names->numbers.count <= parent)
		return;
	to = numbers_of(names, child);
	from = &names->numbers.items[parent];
	vec_reserve(&to->modules, from->modules.count);
	to->modules.count = from->modules.count;
	if (from->modules.count)
		memcpy(to->modules.items, from->modules.items,
		       from->modules.count * sizeof(*from->modules.items));
}

/* What is left of NUL-separated texts. */
struct text {
	const uint8_t *bytes;
	size_t length;
};

static const char *next_text(struct intern *intern, struct text *left)
{
	const char *text = intern_text(intern, left->bytes, left->length);
	size_t used = strnlen((const char *)left->bytes, left->length) + 1;

	if (used > left->length)
		used = left->length;
	left->bytes += used;
	left->length -= used;
	return text;
}

/* The kernel cuts names to 15 bytes: where the program's own begins like that, it is the whole one.
 */
static const char *command_name(const char *name, const char *program)
{
	if (!*name || (strlen(name) == 15 && !strncmp(name, program, 15)))
		return program;
	return name;
}

static uint32_t announce_process(struct intern *intern, struct names *names,
				 const struct raw_record *record)
{
	const struct record_process *process = &record->process;
	uint32_t parent = intern_process(intern, process->parent);
	uint32_t index = intern_process(intern, process->process);
	struct text text = { record->bytes, record->length };
	const char *exe = next_text(intern, &text);
	const char *name = next_text(intern, &text);
	struct process_info *info;

	if (index == NONE)
		return NONE;
	info = &intern->processes.items[index];
	info->pid = process->pid;
	info->ppid = process->ppid;
	info->start_time = process->start_time;
	info->pidns = process->pidns;
	if (parent != NONE)
		info->parent = parent;
	if (*exe) {
		info->exe = exe;
		info->command = command_name(name, base_name(intern, exe));
	}
	if (text.length)
		info->arguments = intern_words(intern, text.bytes, text.length);
	if (process->reason == PROCESS_START || process->reason == PROCESS_EXEC)
		numbers_of(names, index)->modules.count = 0;
	else if (process->reason == PROCESS_FORK && parent != NONE)
		inherit_modules(names, index, parent);
	return index;
}

static uint32_t announce_file(struct intern *intern, struct names *names,
			      const struct raw_record *record)
{
	const struct record_file *file = &record->file;
	const char *path =
		record->length ? intern_text(intern, record->bytes, record->length) : NULL;
	uint32_t index = intern_file(intern, file->device, file->inode, file->birth, path);
	struct file_info *info = &intern->files.items[index];

	if (file->mode) {
		info->fs_type = file->fs_type;
		info->mount_flags = file->mount_flags;
		info->mode = file->mode;
		info->links = file->links;
	}
	if (path)
		info->path = path;
	references_add(&names->references, record->position, RECORD_FILE, index);
	return index;
}

static uint32_t announce_module(struct intern *intern, struct names *names,
				const struct raw_record *record)
{
	const struct record_module *module = &record->module;
	const char *path = intern_text(intern, record->bytes, record->length);
	uint32_t process = intern_process(intern, module->process);
	uint32_t index = intern_module(intern, path, module->build_id, module->build_id_bytes);
	struct module_numbers *numbers;

	if (process == NONE || !module->module)
		return index;
	numbers = numbers_of(names, process);
	while (numbers->modules.count <= module->module)
		vec_push(&numbers->modules, NONE);
	numbers->modules.items[module->module] = index;
	return index;
}

/* The module that a frame names; one without path stands for those that were not announced. */
static uint32_t module_of(struct intern *intern, const struct module_numbers *numbers,
			  uint16_t number)
{
	if (!number)
		return NONE;
	if (number < numbers->modules.count && numbers->modules.items[number] != NONE)
		return numbers->modules.items[number];
	intern->unresolved_frames++;
	return intern_module(intern, "", NULL, 0);
}

/* Behind the frames. How many; fewer than announced where the text ends. */
static uint32_t read_scripts(struct intern *intern, const struct raw_record *record,
			     struct script_frame scripts[STACK_MAX])
{
	size_t frames = record->stack.frames * sizeof(uint64_t);
	struct text left = { record->bytes, record->length };
	uint32_t count = 0;

	left.bytes += frames < left.length ? frames : left.length;
	left.length -= (size_t)(left.bytes - record->bytes);
	for (; count < record->stack.scripts && count < STACK_MAX && left.length; count++) {
		scripts[count].file = next_text(intern, &left);
		scripts[count].function = next_text(intern, &left);
		scripts[count].line = (uint32_t)strtoul(next_text(intern, &left), NULL, 10);
	}
	return count;
}

static uint32_t announce_stack(struct intern *intern, struct names *names,
			       const struct raw_record *record)
{
	const struct record_stack *stack = &record->stack;
	uint32_t process = intern_process(intern, stack->process);
	uint32_t count = record->length / sizeof(uint64_t), index;
	struct frame frames[STACK_MAX];
	struct script_frame scripts[STACK_MAX];
	struct stack_info info = { .frames = frames, .scripts = scripts };

	if (process == NONE)
		return NONE;
	if (count > stack->frames)
		count = stack->frames;
	if (count > STACK_MAX)
		count = STACK_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t frame;

		memcpy(&frame, record->bytes + i * sizeof(frame), sizeof(frame));
		frames[i].module =
			module_of(intern, numbers_of(names, process), FRAME_MODULE(frame));
		frames[i].address = FRAME_ADDRESS(frame);
	}
	info.count = count;
	info.script_count = read_scripts(intern, record, scripts);
	info.truncated = stack->truncated & 1 || count < stack->frames;
	info.scripts_truncated = stack->truncated & 2 || info.script_count < stack->scripts;
	index = intern_stack(intern, &info);
	references_add(&names->references, record->position, RECORD_STACK, index);
	return index;
}

static void announce_untraced(struct intern *intern, const struct raw_record *record)
{
	size_t exe_bytes = strnlen((const char *)record->bytes, record->length) + 1;
	struct untraced_info info = { .pid = record->untraced.pid,
				      .exe = intern_text(intern, record->bytes, record->length),
				      .reason = intern_text(intern, "", 0) };

	if (exe_bytes < record->length)
		info.reason =
			intern_text(intern, record->bytes + exe_bytes, record->length - exe_bytes);
	for (uint32_t i = 0; i < intern->untraced.count; i++) {
		const struct untraced_info *known = &intern->untraced.items[i];

		if (known->pid == info.pid && known->exe == info.exe &&
		    known->reason == info.reason)
			return;
	}
	vec_push(&intern->untraced, info);
}

uint32_t announce(struct intern *intern, struct names *names, const struct raw_record *record)
{
	switch ((enum record_kind)record->kind) {
	case RECORD_PROCESS:
		return announce_process(intern, names, record);
	case RECORD_FILE:
		return announce_file(intern, names, record);
	case RECORD_MODULE:
		return announce_module(intern, names, record);
	case RECORD_STACK:
		return announce_stack(intern, names, record);
	case RECORD_UNTRACED:
		announce_untraced(intern, record);
		return NONE;
	case RECORD_NONE:
	case RECORD_REQUEST:
	case RECORD_RESULT:
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_CONTINUED:
	case RECORD_DEATH:
	case RECORD_RUN:
	case RECORD_VERDICT:
	case RECORD_DOING:
	case RECORD_STUCK:
		break;
	}
	return NONE;
}
