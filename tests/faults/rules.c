/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Table of fault rules; see the header. A hang ends when its rule is cleared,
 * and the operation then goes on: a write that was held for a minute lands a
 * minute late, as with storage that comes back. To lose it instead, kill the
 * server: what waits here is then never done.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostmount.h"
#include "rules.h"

#define RULES_MAX 64
#define GLOB_BYTES 256
#define WORDS_MAX 8
#define DELAY_MS_MAX (3600 * 1000L)
#define TEAR_BYTES_MAX (1024 * 1024L)

enum kind {
	KIND_DELAY,
	KIND_HANG,
	KIND_FAIL,
	KIND_TEAR,
	KIND_TEARFAIL,
	KIND_DROP,
};

struct rule {
	unsigned int id;
	char glob[GLOB_BYTES];
	unsigned int ops; /* of enum rule_op */
	enum kind kind;
	long count; /* matches that are left, -1: no end */
	long value; /* ms, bytes or errno */
	long jitter_ms;
	unsigned long hits;
	unsigned long waiting;
	char text[GLOB_BYTES]; /* as it was asked for */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct rule rules[RULES_MAX];
static size_t used;
static unsigned int last_id;

static const struct {
	const char *name;
	unsigned int op;
} ops[] = {
	{ "read", RULE_READ }, { "write", RULE_WRITE }, { "fsync", RULE_FSYNC },
	{ "open", RULE_OPEN }, { "meta", RULE_META },   { "all", RULE_ALL },
};

static const struct {
	const char *name;
	enum kind kind;
	bool for_write_only;
	int arguments_min;
	int arguments_max;
	long max; /* of the first argument */
} kinds[] = {
	{ "delay", KIND_DELAY, false, 1, 2, DELAY_MS_MAX },
	{ "hang", KIND_HANG, false, 0, 0, 0 },
	{ "fail", KIND_FAIL, false, 1, 1, 0 },
	{ "enospc", KIND_FAIL, true, 0, 0, 0 },
	{ "tear", KIND_TEAR, true, 1, 1, TEAR_BYTES_MAX },
	{ "tearfail", KIND_TEARFAIL, true, 1, 1, TEAR_BYTES_MAX },
	{ "drop", KIND_DROP, true, 0, 0, 0 },
};

#define ERRNO_ROW(e)  \
	{             \
#e, e \
	}
static const struct {
	const char *name;
	int error;
} errnos[] = { ERRNO_ROW(EIO),      ERRNO_ROW(ENOSPC),    ERRNO_ROW(ENODEV),
	       ERRNO_ROW(ENXIO),    ERRNO_ROW(ESTALE),    ERRNO_ROW(ENOTCONN),
	       ERRNO_ROW(EROFS),    ERRNO_ROW(ETIMEDOUT), ERRNO_ROW(EACCES),
	       ERRNO_ROW(EPERM),    ERRNO_ROW(ENOENT),    ERRNO_ROW(EREMOTEIO),
	       ERRNO_ROW(EAGAIN),   ERRNO_ROW(EINTR),     ERRNO_ROW(EBUSY),
	       ERRNO_ROW(EDQUOT),   ERRNO_ROW(ENOMEM),    ERRNO_ROW(EINVAL),
	       ERRNO_ROW(ENOLINK),  ERRNO_ROW(EBADE),     ERRNO_ROW(ENODATA),
	       ERRNO_ROW(EHOSTDOWN) };

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* Delays must not follow the wall clock. */
static void
changed_init(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
}

static struct rule *
rule_find(unsigned int id)
{
	for (size_t i = 0; i < used; i++) {
		if (rules[i].id == id) {
			return &rules[i];
		}
	}
	return NULL;
}

static struct timespec
deadline_after(long ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* The table may have changed afterwards: the rule is named by its id. */
static void
rule_wait(struct rule *rule)
{
	unsigned int id = rule->id;
	bool has_end = rule->kind == KIND_DELAY;
	long ms = rule->value;
	struct timespec end;

	if (has_end) {
		if (rule->jitter_ms > 0) {
			ms += random() % (rule->jitter_ms + 1);
		}
		end = deadline_after(ms);
	}
	rule->waiting++;
	while (rule_find(id) != NULL) {
		if (!has_end) {
			pthread_cond_wait(&changed, &lock);
		} else if (pthread_cond_timedwait(&changed, &lock, &end) ==
			   ETIMEDOUT) {
			break;
		}
	}
	rule = rule_find(id);
	if (rule != NULL) {
		rule->waiting--;
	}
}

static struct rule_verdict
rule_verdict(const struct rule *rule)
{
	struct rule_verdict verdict = { .result = RESULT_PASS };

	switch (rule->kind) {
	case KIND_FAIL:
		verdict.result = RESULT_FAIL;
		verdict.error = (int)rule->value;
		break;
	case KIND_TEAR:
	case KIND_TEARFAIL:
		verdict.result =
			rule->kind == KIND_TEAR ? RESULT_TEAR : RESULT_TEARFAIL;
		verdict.bytes = (size_t)rule->value;
		break;
	case KIND_DROP:
		verdict.result = RESULT_DROP;
		break;
	case KIND_DELAY:
	case KIND_HANG:
		break;
	}
	return verdict;
}

/* First rule beyond the id that matches and is not used up. */
static struct rule *
rule_next(unsigned int after, enum rule_op op, const char *path)
{
	for (size_t i = 0; i < used; i++) {
		if (rules[i].id > after && (rules[i].ops & op) != 0 &&
		    rules[i].count != 0 &&
		    fnmatch(rules[i].glob, path, 0) == 0) {
			return &rules[i];
		}
	}
	return NULL;
}

struct rule_verdict
rules_judge(enum rule_op op, const char *path)
{
	struct rule_verdict verdict = { .result = RESULT_PASS };
	unsigned int after = 0;
	struct rule *rule;

	pthread_once(&once, changed_init);
	pthread_mutex_lock(&lock);
	while (verdict.result == RESULT_PASS) {
		rule = rule_next(after, op, path);
		if (rule == NULL) {
			break;
		}
		after = rule->id;
		rule->hits++;
		if (rule->count > 0) {
			rule->count--;
		}
		if (rule->kind == KIND_DELAY || rule->kind == KIND_HANG) {
			rule_wait(rule);
		} else {
			verdict = rule_verdict(rule);
		}
	}
	pthread_mutex_unlock(&lock);
	return verdict;
}

static long
errno_parse(const char *name)
{
	for (size_t i = 0; i < ROWS(errnos); i++) {
		if (strcmp(errnos[i].name, name) == 0) {
			return errnos[i].error;
		}
	}
	return -1;
}

/* NULL, or why not. */
static const char *
action_parse(char *const words[], int count, struct rule *rule)
{
	size_t i = 0;

	while (i < ROWS(kinds) && strcmp(kinds[i].name, words[0]) != 0) {
		i++;
	}
	if (i == ROWS(kinds)) {
		return "no such action; there are delay MS [JITTER_MS], hang, "
		       "fail ERRNO, enospc, tear BYTES, tearfail BYTES, drop";
	}
	if (count - 1 < kinds[i].arguments_min ||
	    count - 1 > kinds[i].arguments_max) {
		return "wrong number of arguments for this action";
	}
	if (kinds[i].for_write_only && rule->ops != RULE_WRITE) {
		return "this action is for the operation write only";
	}
	rule->kind = kinds[i].kind;
	if (rule->kind == KIND_FAIL) {
		rule->value = count > 1 ? errno_parse(words[1]) : ENOSPC;
	} else if (count > 1) {
		rule->value = number_parse(words[1], kinds[i].max);
	}
	if (count > 2) {
		rule->jitter_ms = number_parse(words[2], DELAY_MS_MAX);
	}
	if (rule->value < 0 || rule->jitter_ms < 0) {
		return "argument out of range (numbers begin at 1; errors go by "
		       "name, like EIO)";
	}
	return NULL;
}

static const char *
rule_parse(char *const words[], int count, struct rule *ret_rule)
{
	struct rule rule = { .count = -1 };
	int next = 2;

	if (count < 3) {
		return "add GLOB OP [count=N] ACTION [ARGUMENT...]";
	}
	if (strlen(words[0]) >= sizeof(rule.glob)) {
		return "the glob is too long";
	}
	strcpy(rule.glob, words[0]);
	for (size_t i = 0; i < ROWS(ops); i++) {
		if (strcmp(ops[i].name, words[1]) == 0) {
			rule.ops = ops[i].op;
		}
	}
	if (rule.ops == 0) {
		return "no such operation; there are read, write, fsync, open, "
		       "meta, all";
	}
	if (strncmp(words[2], "count=", 6) == 0) {
		rule.count = number_parse(words[2] + 6, INT_MAX);
		next = 3;
	}
	if ((next == 3 && rule.count < 0) || next == count) {
		return "count=N needs N of 1 or more, and an action";
	}
	*ret_rule = rule;
	return action_parse(words + next, count - next, ret_rule);
}

static void
rule_add(char *const words[], int count, const char *text, FILE *out)
{
	struct rule rule;
	const char *why = rule_parse(words, count, &rule);

	pthread_mutex_lock(&lock);
	if (why == NULL && used == RULES_MAX) {
		why = "too many rules; clear some";
	}
	if (why != NULL) {
		fprintf(out, "error %s\n", why);
	} else {
		rule.id = ++last_id;
		snprintf(rule.text, sizeof(rule.text), "%s", text);
		rules[used++] = rule;
		fprintf(out, "ok %u\n", rule.id);
	}
	pthread_mutex_unlock(&lock);
}

/* id 0: all. */
static void
rules_clear(unsigned int id, FILE *out)
{
	size_t kept = 0;
	size_t before;

	pthread_mutex_lock(&lock);
	before = used;
	for (size_t i = 0; i < used; i++) {
		if (id != 0 && rules[i].id != id) {
			rules[kept++] = rules[i];
		}
	}
	used = kept;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (id != 0 && before == kept) {
		fprintf(out, "error no rule %u\n", id);
	} else {
		fprintf(out, "ok %zu\n", before - kept);
	}
}

static void
rules_list(FILE *out)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < used; i++) {
		fprintf(out, "rule %u hits=%lu waiting=%lu left=%ld %s\n",
			rules[i].id, rules[i].hits, rules[i].waiting,
			rules[i].count, rules[i].text);
	}
	fprintf(out, "ok %zu\n", used);
	pthread_mutex_unlock(&lock);
}

void
rules_command(char *line, FILE *out)
{
	char *words[WORDS_MAX + 1] = { NULL };
	char text[GLOB_BYTES];
	char *state;
	int count = 0;
	long id = 0;

	pthread_once(&once, changed_init);
	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(line, " ", &state);
	     w != NULL && count <= WORDS_MAX; w = strtok_r(NULL, " ", &state)) {
		words[count++] = w;
	}
	if (count == 0 || count > WORDS_MAX) {
		fprintf(out, "error an empty line, or too many words\n");
	} else if (strcmp(words[0], "add") == 0) {
		rule_add(words + 1, count - 1, text + 4, out);
	} else if (strcmp(words[0], "clear") == 0) {
		id = count == 1 ? 0 : number_parse(words[1], INT_MAX);
		if (id < 0) {
			fprintf(out, "error clear [ID]\n");
			return;
		}
		rules_clear((unsigned int)id, out);
	} else if (strcmp(words[0], "list") == 0) {
		rules_list(out);
	} else if (strcmp(words[0], "ping") == 0) {
		fprintf(out, "ok\n");
	} else {
		fprintf(out, "error no such command; there are add, clear, "
			     "list, ping\n");
	}
}
