/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command line into struct vmha_args by the tables of commands.c. Options and
 * operands may be mixed; what is not understood is refused with the nearest
 * word that would be.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "vmha.h"

#define NEAR_MAX 3u /* letters apart that still make a suggestion */

/* How many of the words begin the name of the command; 0: not this one. */
static int
words_matched(const char *name, int argc, char **argv)
{
	int words = 0;

	while (*name) {
		size_t len = strcspn(name, " ");

		if (words == argc || strlen(argv[words]) != len ||
		    strncmp(argv[words], name, len) != 0) {
			return 0;
		}
		words++;
		name += len;
		name += *name == ' ';
	}
	return words;
}

bool
vmha_is_group(const char *word)
{
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);
	size_t len = strlen(word);

	for (size_t i = 0; i < count; i++) {
		if (len > 0 && strncmp(command[i].name, word, len) == 0 &&
		    command[i].name[len] == ' ') {
			return true;
		}
	}
	return false;
}

static const char *
nearest_command(int argc, char **argv)
{
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);
	const char *best = NULL;
	unsigned int least = NEAR_MAX + 1;
	char typed[HA_TEXT_DISTANCE_MAX] = "";

	snprintf(typed, sizeof(typed), "%s%s%s", argv[0], argc > 1 ? " " : "",
		 argc > 1 ? argv[1] : "");
	for (size_t i = 0; i < count; i++) {
		const char *last = strrchr(command[i].name, ' ');
		unsigned int far = ha_text_distance(typed, command[i].name);
		unsigned int alone = ha_text_distance(
			argv[0], last ? last + 1 : command[i].name);

		far = alone < far ? alone : far;
		if (far < least) {
			least = far;
			best = command[i].name;
		}
	}
	return best;
}

const struct vmha_command *
vmha_command_find(int argc, char **argv, int *ret_words, struct ha_err *err)
{
	size_t count;
	const struct vmha_command *command = vmha_commands(&count);
	const char *nearest;

	if (argc == 0) {
		ha_err_set(err, -EINVAL,
			   "no command given; vmha --help lists them");
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		int words = words_matched(command[i].name, argc, argv);

		if (words > 0) {
			*ret_words = words;
			return &command[i];
		}
	}
	nearest = nearest_command(argc, argv);
	ha_err_set(err, -EINVAL,
		   "there is no command \"%s%s%s\"%s%s%s; vmha "
		   "--help lists them",
		   argv[0], argc > 1 && argv[1][0] != '-' ? " " : "",
		   argc > 1 && argv[1][0] != '-' ? argv[1] : "",
		   nearest ? ", did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?" : "");
	return NULL;
}

static int
unknown_option(struct vmha *v, const char *name)
{
	const struct vmha_option *options = vmha_options();
	const char *best = NULL;
	unsigned int least = NEAR_MAX + 1;

	for (unsigned int i = 0; i < OPT_N; i++) {
		unsigned int far = ha_text_distance(name, options[i].name);

		if ((v->command->options >> i & 1) && far < least) {
			least = far;
			best = options[i].name;
		}
	}
	return ha_err_set(&v->err, -EINVAL,
			  "vmha %s has no option --%s%s%s%s; vmha %s --help "
			  "lists them",
			  v->command->name, name,
			  best ? ", did you mean --" : "", best ? best : "",
			  best ? "?" : "", v->command->name);
}

static int
set_number(struct vmha *v, const struct vmha_option *option, const char *text)
{
	uint64_t n;

	if (ha_text_uint64(text, &n) < 0 || n < option->min ||
	    n > option->max) {
		return ha_err_set(&v->err, -EINVAL,
				  "--%s: \"%s\" is no number from %" PRIu32
				  " to %" PRIu32,
				  option->name, text, option->min, option->max);
	}
	*(uint32_t *)((char *)&v->args + option->offset) = (uint32_t)n;
	return 0;
}

static int
set_span(struct vmha *v, const struct vmha_option *option, const char *text)
{
	const uint64_t max_ms = 86400000u; /* a day */
	uint64_t ms;

	if (ha_text_duration_ms(text, &ms) < 0 || ms == 0 || ms > max_ms) {
		return ha_err_set(&v->err, -EINVAL,
				  "--%s: \"%s\" is no time above 0 and up to a "
				  "day, such as 5, 500ms or 2min",
				  option->name, text);
	}
	*(uint64_t *)((char *)&v->args + option->offset) = ms;
	return 0;
}

static int
add_text(struct vmha *v, const struct vmha_option *option, const char *text)
{
	struct vmha_texts *texts = (void *)((char *)&v->args + option->offset);

	if (texts->count == VMHA_TEXTS_MAX) {
		return ha_err_set(&v->err, -EINVAL, "--%s: more than %u times",
				  option->name, VMHA_TEXTS_MAX);
	}
	texts->text[texts->count++] = text;
	return 0;
}

static int
set_option(struct vmha *v, const struct vmha_option *option, const char *text)
{
	switch (option->type) {
	case VMHA_FLAG:
		*(bool *)((char *)&v->args + option->offset) = true;
		return 0;
	case VMHA_TEXT:
	case VMHA_TEXTS:
		if (!*text) {
			return ha_err_set(&v->err, -EINVAL,
					  "--%s has an empty value; it wants "
					  "%s",
					  option->name, option->value);
		}
		if (option->type == VMHA_TEXTS) {
			return add_text(v, option, text);
		}
		*(const char **)((char *)&v->args + option->offset) = text;
		return 0;
	case VMHA_NUMBER:
		return set_number(v, option, text);
	case VMHA_SPAN:
		return set_span(v, option, text);
	}
	return -EINVAL;
}

/* `word` stands after the dashes; *i is moved past a value of its own. */
static int
take_option(struct vmha *v, char *word, int argc, char **argv, int *i)
{
	const struct vmha_option *options = vmha_options();
	char *equals = strchr(word, '=');
	unsigned int id = 0;

	if (equals) {
		*equals = '\0';
	}
	while (id < OPT_N && (strcmp(options[id].name, word) != 0 ||
			      !(v->command->options >> id & 1))) {
		id++;
	}
	if (id == OPT_N) {
		return unknown_option(v, word);
	}
	if (options[id].type == VMHA_FLAG && equals) {
		return ha_err_set(&v->err, -EINVAL, "--%s takes no value",
				  word);
	}
	if (options[id].type == VMHA_FLAG || equals) {
		return set_option(v, &options[id], equals ? equals + 1 : NULL);
	}
	if (*i + 1 >= argc) {
		return ha_err_set(&v->err, -EINVAL, "--%s needs a value: %s",
				  word, options[id].value);
	}
	*i += 1;
	return set_option(v, &options[id], argv[*i]);
}

static int
check_operands(struct vmha *v)
{
	const struct vmha_command *command = v->command;
	char wanted[128];

	if (v->args.operands >= command->min_operands &&
	    v->args.operands <= command->max_operands) {
		return 0;
	}
	if (command->max_operands == 0) {
		snprintf(wanted, sizeof(wanted), "no argument");
	} else if (v->args.operands < command->min_operands) {
		snprintf(wanted, sizeof(wanted), "at least %" PRIu32 " (%s)",
			 command->min_operands, command->usage);
	} else {
		snprintf(wanted, sizeof(wanted), "at most %" PRIu32 " (%s)",
			 command->max_operands, command->usage);
	}
	return ha_err_set(&v->err, -EINVAL,
			  "vmha %s takes %s, %" PRIu32 " given; vmha %s "
			  "--help tells more",
			  command->name, wanted, v->args.operands,
			  command->name);
}

int
vmha_args_parse(struct vmha *v, int argc, char **argv, int first)
{
	bool is_over = false; /* after "--" */

	v->args.conf = HA_HBCONF_PATH;
	v->args.host_failures = VMHA_NOT_GIVEN;
	for (int i = first; i < argc; i++) {
		int code = 0;

		if (!is_over && strcmp(argv[i], "--") == 0) {
			is_over = true;
		} else if (!is_over && strncmp(argv[i], "--", 2) == 0) {
			code = take_option(v, argv[i] + 2, argc, argv, &i);
		} else if (!is_over && argv[i][0] == '-' && argv[i][1]) {
			code = unknown_option(v, argv[i] + 1);
		} else if (v->args.operands == VMHA_OPERANDS_MAX) {
			code = ha_err_set(&v->err, -EINVAL,
					  "more than %u arguments",
					  VMHA_OPERANDS_MAX);
		} else {
			v->args.operand[v->args.operands++] = argv[i];
		}
		if (code < 0) {
			return code;
		}
	}
	return check_operands(v);
}
