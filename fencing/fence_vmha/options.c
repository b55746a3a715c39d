/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fence_vmha can be told: the table, and the two ways to tell it
 * (FenceAgentAPI.md: key=value lines on standard input, the last one wins,
 * unknown keys are ignored; the same by options on the command line).
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fence_vmha/fence.h"
#include "ha/ipc.h"
#include "ha/text.h"

#define LINE_BYTES 1024
#define LETTERS_BYTES 64
#define WORDS_MAX 32
/* Values of getopt_long() for options without a letter. */
#define WORD_BASE 256

#define FIELD(field)                                  \
	.offset = offsetof(struct fence_args, field), \
	.size = sizeof(((struct fence_args *)NULL)->field)

static const struct fence_option OPTIONS[] = {
	{ .name = "action",
	  .letter = 'o',
	  .word = "action",
	  .type = FENCE_ACTION,
	  .fallback = "reboot",
	  FIELD(action),
	  .text = "What to do. Evidence can't hold a host's power: \"off\" "
		  "means that it was proven dead once, as \"reboot\" does; "
		  "after \"off\" a host that obeyed the order stays off." },
	{ .name = "plug",
	  .letter = 'n',
	  .word = "plug",
	  .type = FENCE_STRING,
	  .obsoletes = "port",
	  FIELD(plug),
	  .text = "Name of the host, as in the slot table of the heartbeat "
		  "datastores and in corosync.conf" },
	{ .name = "port",
	  .word = "port",
	  .type = FENCE_STRING,
	  .is_hidden = true,
	  FIELD(plug),
	  .text = "The same, by its old name" },
	{ .name = "nodename",
	  .word = "nodename",
	  .type = FENCE_STRING,
	  .is_hidden = true,
	  FIELD(nodename),
	  .text = "Name of the node as Pacemaker passes it; used when plug is "
		  "not given" },
	{ .name = "delay",
	  .word = "delay",
	  .type = FENCE_SECONDS,
	  .fallback = "0",
	  FIELD(delay_ms),
	  .text = "Seconds to wait before anything is done" },
	{ .name = "power_timeout",
	  .word = "power-timeout",
	  .type = FENCE_SECONDS,
	  .fallback = "0",
	  FIELD(power_timeout_ms),
	  .text = "Seconds after which the agent gives up and the next "
		  "fencing level decides. 0: long enough for the timing "
		  "profile in force (15 s with \"standard\"). Keep it "
		  "below Pacemaker's stonith-timeout." },
	{ .name = "power_wait",
	  .word = "power-wait",
	  .type = FENCE_SECONDS,
	  .fallback = "0",
	  FIELD(power_wait_ms),
	  .text = "Seconds to wait after success, for instance for a switch "
		  "port to settle" },
	{ .name = "live",
	  .word = "live",
	  .type = FENCE_CHOICE,
	  .fallback = "hold",
	  FIELD(live),
	  .choices = { "hold", "reset" },
	  .text = "What is done with a host that is cut off and still beats. "
		  "hold: it seals, its VMs run on and are held in its name, "
		  "and it counts as fenced; it is reset only where that is "
		  "impossible. reset: it is always reset." },
	{ .name = "after_hold",
	  .word = "after-hold",
	  .type = FENCE_CHOICE,
	  .fallback = "retry",
	  FIELD(after_hold),
	  .choices = { "retry", "wait" },
	  .text = "What follows when VMs had to be held. retry: this attempt "
		  "fails, and Pacemaker's next one, about a second later, "
		  "succeeds: what it had planned before the holds is then "
		  "planned anew. wait: this attempt waits a second and "
		  "succeeds. Use wait where the fencing topology has a power "
		  "switch on a later level: one failure would let it switch "
		  "the host off." },
	{ .name = "manager_socket",
	  .word = "manager-socket",
	  .type = FENCE_STRING,
	  .fallback = HA_IPC_FDM_PATH,
	  FIELD(manager_socket),
	  .text = "Socket of the fault domain manager of this host" },
	{ .name = "socket",
	  .word = "socket",
	  .type = FENCE_STRING,
	  .fallback = HA_IPC_PATH,
	  FIELD(socket),
	  .text = "Socket of the heartbeat daemon of this host" },
	{ .name = "verbose",
	  .letter = 'v',
	  .word = "verbose",
	  .type = FENCE_BOOL,
	  FIELD(is_verbose),
	  .text = "Tell on stderr each piece of evidence as it comes in" },
	{ .name = "quiet",
	  .letter = 'q',
	  .word = "quiet",
	  .type = FENCE_BOOL,
	  FIELD(is_quiet),
	  .text = "No words on stdout but what was asked for" },
	{ .name = "version",
	  .letter = 'V',
	  .word = "version",
	  .type = FENCE_BOOL,
	  .text = "Show the version" },
	{ .name = "help",
	  .letter = 'h',
	  .word = "help",
	  .type = FENCE_BOOL,
	  .text = "Show the options" },
};
#define OPTIONS_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))

const struct fence_option *
fence_options(size_t *ret_count)
{
	*ret_count = OPTIONS_COUNT;
	return OPTIONS;
}

static int
set_choice(char *field, const struct fence_option *option, const char *value,
	   struct ha_err *err)
{
	for (size_t i = 0; i < FENCE_CHOICES; i++) {
		if (strcmp(option->choices[i], value) == 0) {
			return ha_text_copy(field, option->size, value);
		}
	}
	return ha_err_set(err, -EINVAL, "%s=\"%s\" is neither %s nor %s",
			  option->name, value, option->choices[0],
			  option->choices[1]);
}

static int
set_option(struct fence_args *args, const struct fence_option *option,
	   const char *value, struct ha_err *err)
{
	char *field = (char *)args + option->offset;
	uint64_t ms;

	if (!option->size) {
		return 0; /* help, version: a verb of the command line only */
	}
	switch (option->type) {
	case FENCE_STRING:
	case FENCE_ACTION:
		if (ha_text_copy(field, option->size, value) < 0) {
			return ha_err_set(err, -EINVAL,
					  "%s is longer than %zu bytes: \"%s\"",
					  option->name, option->size - 1,
					  value);
		}
		return 0;
	case FENCE_CHOICE:
		return set_choice(field, option, value, err);
	case FENCE_SECONDS:
		if (ha_text_duration_ms(value, &ms) < 0) {
			return ha_err_set(err, -EINVAL,
					  "%s=\"%s\" is no time: give seconds, "
					  "or a number with a unit (5s, 500ms)",
					  option->name, value);
		}
		memcpy(field, &ms, sizeof(ms));
		return 0;
	case FENCE_BOOL:
		if (ha_text_bool(value, (bool *)field) < 0) {
			return ha_err_set(err, -EINVAL,
					  "%s=\"%s\" is neither true nor false",
					  option->name, value);
		}
		return 0;
	}
	return -EINVAL;
}

int
fence_args_set(struct fence_args *args, const char *key, const char *value,
	       struct ha_err *err)
{
	/* "option" is what agents before FenceAgentAPI 4 called the action */
	const char *name = strcmp(key, "option") == 0 ? "action" : key;

	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (strcmp(OPTIONS[i].name, name) == 0 ||
		    strcmp(OPTIONS[i].word, name) == 0) {
			return set_option(args, &OPTIONS[i], value, err);
		}
	}
	return 0;
}

int
fence_args_host(const struct fence_args *args, const char **ret_host,
		struct ha_err *err)
{
	const char *host = args->plug[0] ? args->plug : args->nodename;

	if (!host[0]) {
		return ha_err_set(err, -EINVAL,
				  "action %s needs the name of a host: give "
				  "plug=HOST (--plug HOST)",
				  args->action);
	}
	*ret_host = host;
	return 0;
}

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1])) {
		end--;
	}
	*end = '\0';
	return text;
}

static int
read_stdin(struct fence_args *args, struct ha_err *err)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		char *key = trim(line);
		char *value;
		int code;

		if (key[0] == '#' || key[0] == '\0') {
			continue;
		}
		value = strchr(key, '=');
		if (!value) {
			continue; /* not a key: as unknown as an unknown key */
		}
		*value++ = '\0';
		code = fence_args_set(args, trim(key), trim(value), err);
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

/* getopt's tables from ours. */
static void
getopt_tables(char letters[LETTERS_BYTES], struct option words[WORDS_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < OPTIONS_COUNT && i < WORDS_MAX - 1; i++) {
		bool has_value = OPTIONS[i].type != FENCE_BOOL;

		if (OPTIONS[i].letter && used + 2 < LETTERS_BYTES) {
			letters[used++] = (char)OPTIONS[i].letter;
			if (has_value) {
				letters[used++] = ':';
			}
		}
		words[i] = (struct option){
			.name = OPTIONS[i].word,
			.has_arg = has_value ? required_argument : no_argument,
			.val = WORD_BASE + (int)i,
		};
	}
	letters[used] = '\0';
}

static const struct fence_option *
option_of(int code)
{
	if (code >= WORD_BASE) {
		return &OPTIONS[code - WORD_BASE];
	}
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (OPTIONS[i].letter == code) {
			return &OPTIONS[i];
		}
	}
	return NULL;
}

static int
read_command_line(struct fence_args *args, int argc, char **argv,
		  struct ha_err *err)
{
	char letters[LETTERS_BYTES];
	struct option words[WORDS_MAX] = { 0 };
	int code;

	getopt_tables(letters, words);
	while ((code = getopt_long(argc, argv, letters, words, NULL)) != -1) {
		const struct fence_option *option = option_of(code);
		int result;

		if (!option) {
			return ha_err_set(err, -EINVAL,
					  "unknown option; fence_vmha --help "
					  "lists those that there are");
		}
		if (strcmp(option->name, "help") == 0) {
			fence_usage(stdout);
			return 1;
		}
		if (strcmp(option->name, "version") == 0) {
			printf("fence_vmha %s\n", VMHA_VERSION);
			return 1;
		}
		result =
			set_option(args, option, optarg ? optarg : "true", err);
		if (result < 0) {
			return result;
		}
	}
	if (optind < argc) {
		return ha_err_set(err, -EINVAL,
				  "\"%s\" is no option; fence_vmha --help "
				  "lists those that there are",
				  argv[optind]);
	}
	return 0;
}

int
fence_args_read(struct fence_args *args, int argc, char **argv,
		struct ha_err *err)
{
	*args = (struct fence_args){ 0 };
	for (size_t i = 0; i < OPTIONS_COUNT; i++) {
		if (OPTIONS[i].fallback && OPTIONS[i].size) {
			set_option(args, &OPTIONS[i], OPTIONS[i].fallback,
				   NULL);
		}
	}
	if (argc > 1) {
		return read_command_line(args, argc, argv, err);
	}
	return read_stdin(args, err);
}
