/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fence_vmha inside. A fence agent asks for nothing but evidence: the
 * heartbeat daemon of this host has it, ha_fencing_judge() says what it
 * proves, and this program carries questions and orders between the two
 * until there is a verdict. It never reports success in doubt.
 */
#ifndef VMHA_FENCE_H
#define VMHA_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ha/err.h"
#include "ha/hostset.h"

/* FenceAgentAPI.md: status says 2 for a target that is off. */
enum fence_exit {
	FENCE_EXIT_OK = 0,
	FENCE_EXIT_FAILED = 1,
	FENCE_EXIT_OFF = 2,
};

struct fence_args {
	char action[32];
	char plug[HA_HOST_NAME]; /* the host to fence */
	char nodename[HA_HOST_NAME];
	char socket[108]; /* sizeof sockaddr_un.sun_path */
	char manager_socket[108];
	char live[8];       /* "hold" or "reset" */
	char after_hold[8]; /* "retry" or "wait" */
	uint64_t delay_ms;
	uint64_t power_timeout_ms; /* 0: from the timing in force */
	uint64_t power_wait_ms;
	bool is_verbose;
	bool is_quiet;
};

enum fence_type {
	FENCE_STRING,
	FENCE_SECONDS,
	FENCE_BOOL,
	FENCE_ACTION,
	FENCE_CHOICE,
};
#define FENCE_CHOICES 2

/* One row drives command line, standard input, metadata, usage and man. */
struct fence_option {
	const char *name; /* key on standard input */
	int letter;       /* 0: none */
	const char *word; /* --word on the command line */
	enum fence_type type;
	const char *fallback; /* shown as default; NULL: none */
	const char *obsoletes;
	bool is_hidden; /* understood, not in the metadata */
	size_t offset;  /* in struct fence_args */
	size_t size;
	const char *text;
	const char *choices[FENCE_CHOICES]; /* FENCE_CHOICE: the values */
};
const struct fence_option *fence_options(size_t *ret_count);

struct fence_action {
	const char *name;
	int (*run)(const struct fence_args *args);
	bool is_hidden;
	const char *text;
};
const struct fence_action *fence_actions(size_t *ret_count);

/* Command line, or standard input where there is no argument. 1: a line was
 * printed (help, version) and the program ends well. -EINVAL. */
int fence_args_read(struct fence_args *args, int argc, char **argv,
		    struct ha_err *err);
/* One key=value. Unknown keys are ignored (FenceAgentAPI.md). */
int fence_args_set(struct fence_args *args, const char *key, const char *value,
		   struct ha_err *err);
/* The host to fence: plug, else nodename; -EINVAL when neither is given. */
int fence_args_host(const struct fence_args *args, const char **ret_host,
		    struct ha_err *err);

int fence_off(const struct fence_args *args);
int fence_reboot(const struct fence_args *args);
int fence_on(const struct fence_args *args);
int fence_status(const struct fence_args *args);
int fence_monitor(const struct fence_args *args);
int fence_list(const struct fence_args *args);
int fence_list_status(const struct fence_args *args);
int fence_metadata(const struct fence_args *args);
int fence_manpage(const struct fence_args *args);
int fence_validate(const struct fence_args *args);
void fence_usage(FILE *out);

/* "ERROR: ..." on stderr, which pacemaker-fenced logs. */
int fence_fail(const struct ha_err *err);
void fence_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
