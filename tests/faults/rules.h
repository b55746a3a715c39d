/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The faults that a test has asked for, and what they mean for one operation.
 *
 * Rules are looked at in the order in which they came. Delays and hangs of all
 * matching rules are waited out first come first, and the first rule that
 * changes the result decides it. Threads of many operations and the control
 * thread meet here; one lock, never held over a wait or over I/O.
 */
#ifndef FAULTS_RULES_H
#define FAULTS_RULES_H

#include <stddef.h>
#include <stdio.h>

enum rule_op {
	RULE_READ = 1,
	RULE_WRITE = 2,
	RULE_FSYNC = 4,
	RULE_OPEN = 8,
	RULE_META = 16, /* names, attributes, directories, statfs */
	RULE_ALL = 31,
};

enum rule_result {
	RESULT_PASS,
	RESULT_FAIL,     /* error, nothing is done */
	RESULT_TEAR,     /* a part is written, success is reported */
	RESULT_TEARFAIL, /* a part is written, EIO is reported */
	RESULT_DROP,     /* nothing is written, success is reported */
};

struct rule_verdict {
	enum rule_result result;
	int error;    /* of RESULT_FAIL, positive errno */
	size_t bytes; /* of RESULT_TEAR and RESULT_TEARFAIL */
};

/* Waits as the rules say, without bound where one says hang. path: below the
 * mount, without a leading slash. */
struct rule_verdict rules_judge(enum rule_op op, const char *path);

/* One line of the control socket; writes "ok ..." or "error ...", for list
 * with a line per rule before it.
 *   add GLOB OP [count=N] ACTION [ARGUMENT...]
 *   clear [ID]     list     ping
 * Clearing releases whatever waits for the rule. The line is cut up. */
void rules_command(char *line, FILE *out);

#endif
