/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vmha command inside. One table of sub-commands and one of options
 * (commands.c) drive parsing, --help, the man pages and bash completion.
 * What a sub-command decides is libha's; here are its words, its exit codes
 * and its patience. It never arms a watchdog and never writes an area whose
 * host may be alive without being told so by name.
 */
#ifndef VMHA_H
#define VMHA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ha/corosync.h"
#include "ha/err.h"
#include "ha/hbconf.h"
#include "table.h"

/* Exit codes; EXIT_TEXTS in commands.c has the words for the man page. */
enum vmha_exit {
	VMHA_OK = 0,
	VMHA_FAILED = 1,
	VMHA_BAD_INPUT = 2,
	VMHA_NO_DAEMON = 3,
	VMHA_UNDECIDED = 3, /* of admission, plan and what-if */
	VMHA_TIMEOUT = 4,
	VMHA_USAGE = 64, /* EX_USAGE of sysexits.h */
};
struct vmha_exit_text {
	enum vmha_exit code;
	const char *text;
};
const struct vmha_exit_text *vmha_exit_texts(size_t *ret_count);

#define VMHA_OPERANDS_MAX 64
#define VMHA_TEXTS_MAX 32u
#define VMHA_NOT_GIVEN UINT32_MAX /* of a number that may be 0 */
#define VMHA_COROSYNC_CONF "/etc/corosync/corosync.conf"

/* An option that may be given again and again. */
struct vmha_texts {
	uint32_t count;
	const char *text[VMHA_TEXTS_MAX];
};

struct vmha_args {
	const char *conf;
	const char *socket;
	const char *corosync_conf; /* NULL: running corosync, else the file */
	const char *cluster;
	const char *profile;
	const char *hosts;
	const char *reason;
	const char *manager;
	const char *log;
	const char *cib; /* a file; NULL: Pacemaker is asked */
	const char *name;
	const char *priority;
	const char *depends;
	const char *inventory;
	const char *policy, *guarantee, *failover_hosts;
	const char *output;
	const char *ready;
	struct vmha_texts params;
	uint32_t beat_ms, watchdog_ms, tolerance_ms; /* 0: not given */
	uint32_t slots, vms, lines;                  /* 0: not given */
	uint32_t host_failures;        /* VMHA_NOT_GIVEN: not given */
	uint64_t interval_ms, wait_ms; /* 0: not given */
	bool is_json, is_forced, is_live_forced, writes_conf, is_once, is_yes;
	bool is_fix, is_all, is_dry_run, is_followed, is_watched;
	bool is_started, is_whole, is_told;
	uint32_t operands;
	const char *operand[VMHA_OPERANDS_MAX];
};

enum vmha_value {
	VMHA_FLAG,   /* bool */
	VMHA_TEXT,   /* const char * */
	VMHA_TEXTS,  /* struct vmha_texts */
	VMHA_NUMBER, /* uint32_t, min to max */
	VMHA_SPAN,   /* uint64_t ms, written as Pacemaker does */
};

/* A row of OPTIONS; its place is its bit in a command's set. */
enum vmha_option_id {
	OPT_CONF,
	OPT_SOCKET,
	OPT_MANAGER,
	OPT_COROSYNC_CONF,
	OPT_CLUSTER,
	OPT_PROFILE,
	OPT_BEAT,
	OPT_WATCHDOG,
	OPT_TOLERANCE,
	OPT_HOSTS,
	OPT_SLOTS,
	OPT_VMS,
	OPT_FORCE,
	OPT_FORCE_LIVE,
	OPT_WRITE_CONF,
	OPT_FIX,
	OPT_WATCH,
	OPT_INTERVAL,
	OPT_ONCE,
	OPT_WAIT,
	OPT_REASON,
	OPT_YES,
	OPT_ALL,
	OPT_DRY_RUN,
	OPT_LOG,
	OPT_CIB,
	OPT_LINES,
	OPT_FOLLOW,
	OPT_NAME,
	OPT_PRIORITY,
	OPT_DEPENDS,
	OPT_READY,
	OPT_PARAM,
	OPT_START,
	OPT_RESOURCE,
	OPT_TELL,
	OPT_INVENTORY,
	OPT_POLICY,
	OPT_GUARANTEE,
	OPT_HOST_FAILURES,
	OPT_FAILOVER_HOSTS,
	OPT_OUTPUT,
	OPT_JSON,
	OPT_N
};

struct vmha_option {
	const char *name;  /* without the dashes */
	const char *value; /* what --help calls the value; NULL: a flag */
	enum vmha_value type;
	size_t offset; /* in struct vmha_args */
	uint32_t min, max;
	const char *words; /* the values that there are, for completion */
	const char *text;
};
const struct vmha_option *vmha_options(void); /* OPT_N of them */

struct vmha;
/* What completion offers for an operand. */
enum vmha_operand {
	VMHA_NOTHING,
	VMHA_PATHS,
	VMHA_HOST, /* a host, and paths after it */
	VMHA_HOST_KIND,
	VMHA_VM,
	VMHA_VM_PATHS, /* VMs, and files */
	VMHA_HOST_ONLY,
	VMHA_HOST_DUTY,
	VMHA_RESOURCE, /* any of Pacemaker's */
	VMHA_VM_SIZES, /* a VM, and what it reserves */
};

struct vmha_command {
	const char *name; /* "heartbeat create" */
	const char *usage;
	enum vmha_operand operand;
	uint32_t min_operands, max_operands;
	uint64_t options;  /* bits of enum vmha_option_id */
	uint32_t budget_s; /* a disk that hangs ends the command then; 0:
			    * it ends by itself */
	int (*run)(struct vmha *v);
	const char *summary; /* one line, no full stop */
	const char *text;    /* for --help and the man page */
};
const struct vmha_command *vmha_commands(size_t *ret_count);

struct vmha {
	const struct vmha_command *command;
	struct vmha_args args;
	struct vmha_screen screen;
	struct ha_err err;
};

/* ---- options.c ---------------------------------------------------------- */

/* argv[first] is the first word after the command's name. -EINVAL. */
int vmha_args_parse(struct vmha *v, int argc, char **argv, int first);
/* The command that the words name and how many words that are; NULL with the
 * sentence in err. */
const struct vmha_command *
vmha_command_find(int argc, char **argv, int *ret_words, struct ha_err *err);

/* Is the word the first of commands, and none itself ("heartbeat")? */
bool vmha_is_group(const char *word);

/* ---- help.c, man.c, complete.c ------------------------------------------ */

void vmha_help(FILE *out);
/* `words` is "heartbeat" or the name of a command. */
void vmha_help_command(const char *words, FILE *out);
/* "vmha", "vmha-heartbeat" or "vmha.conf". -EINVAL: none of these. */
int vmha_man(const char *page, FILE *out);
void vmha_completion(FILE *out);

/* ---- supervise.c -------------------------------------------------------- */

/* Runs the command in a child, since a disk that hangs keeps whoever waits
 * for it; gives it up when its time is over. Returns the exit code. */
int vmha_supervise(struct vmha *v);
/* In the child: what is being done now ("opening /dev/x"), for the sentence
 * of a time-out, and span_ms more from now on. */
void vmha_step(const char *what, const char *object, uint64_t span_ms);

/* ---- say.c -------------------------------------------------------------- */

/* "vmha: sentence" on stderr; the exit code that belongs to `code`. */
int vmha_fail(struct vmha *v, int code);
int vmha_fail_with(struct vmha *v, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Words for people, left out with --json. */
void vmha_say(const struct vmha *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void vmha_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints and frees. */
int vmha_json(struct vmha *v, json_t *object);

/* ---- conf.c, cluster.c -------------------------------------------------- */

/* "-" is standard input. */
const char *vmha_input_path(const char *path);
int vmha_file_read(const char *path, size_t max, char **ret_text,
		   size_t *ret_len, struct ha_err *err);
/* Replaces the file at once, or not at all. */
int vmha_file_replace(const char *path, const char *text, struct ha_err *err);
int vmha_conf_read(const struct vmha *v, struct ha_hbconf *ret_conf,
		   struct ha_err *err);
/* vmha.conf's text with this datastores= line; `old` NULL: a new file. The
 * caller frees. */
char *vmha_conf_text(const char *old, const char *const *stores,
		     uint32_t count);
/* Writes it, other keys of an old file kept. */
int vmha_conf_write(const struct vmha *v, const char *const *stores,
		    uint32_t count, struct ha_err *err);

/* --corosync-conf, else running corosync, else /etc/corosync/corosync.conf.
 * ret_source: "corosync" or the path. */
int vmha_cluster_config(const struct vmha *v,
			struct ha_corosync_config *ret_config,
			const char **ret_source, struct ha_err *err);

/* ---- run.c -------------------------------------------------------------- */

/* A program's standard output (NUL-terminated, the caller frees) and its
 * exit status. -ENOENT: not installed; -ETIMEDOUT; -E2BIG. */
int vmha_run(const char *const *argv, uint64_t span_ms, char **ret_out,
	     int *ret_status);

/* ---- the commands ------------------------------------------------------- */

int vmha_create(struct vmha *v);
int vmha_list(struct vmha *v);
int vmha_dump(struct vmha *v);
int vmha_add_host(struct vmha *v);
int vmha_remove_host(struct vmha *v);
int vmha_hb_status(struct vmha *v);
int vmha_status(struct vmha *v);
int vmha_watch(struct vmha *v);
int vmha_message(struct vmha *v);
int vmha_check(struct vmha *v);
int vmha_disarm(struct vmha *v);
int vmha_arm(struct vmha *v);
int vmha_why(struct vmha *v);
int vmha_vm_list(struct vmha *v);
int vmha_vm_show(struct vmha *v);
int vmha_vm_start(struct vmha *v);
int vmha_vm_stop(struct vmha *v);
int vmha_vm_set_reservation(struct vmha *v);
int vmha_vm_add(struct vmha *v);
int vmha_vm_import(struct vmha *v);
int vmha_vm_remove(struct vmha *v);
int vmha_recover(struct vmha *v);
int vmha_confirm_dead(struct vmha *v);
int vmha_maintenance(struct vmha *v);
int vmha_host_check(struct vmha *v);
int vmha_events(struct vmha *v);
int vmha_admission_check(struct vmha *v);
int vmha_admission_explain(struct vmha *v);
int vmha_what_if_failure(struct vmha *v);
int vmha_what_if_add(struct vmha *v);
int vmha_what_if_remove(struct vmha *v);
int vmha_admission_show(struct vmha *v);
int vmha_plan_show(struct vmha *v);
int vmha_admission_inventory(struct vmha *v);

#endif
