/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last line of defence against an action that hangs: a timer that ends
 * the process a little before Pacemaker would kill it, with a sentence in
 * place of a bare "Timed Out". Actions are expected to keep their deadline
 * themselves; this is for the system call that nobody thought of. The
 * handler only uses what signal-safety(7) allows, on a prepared text.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "ha/clock.h"
#include "runtime/runtime.h"

#define MS_PER_S 1000u
#define US_PER_MS 1000u

static char guard_text[RT_LINE_BYTES];
static size_t guard_len;

static void
on_alarm(int signal_no)
{
	ssize_t ignored;

	(void)signal_no;
	ignored = write(STDERR_FILENO, guard_text, guard_len);
	(void)ignored;
	_exit(OCF_ERR_GENERIC);
}

void
rt_guard_arm(const struct agent_ctx *ctx)
{
	uint64_t timeout_at_ms = ctx->started_ms + ctx->timeout_ms;
	uint64_t guard_ms =
		ctx->deadline_ms + (timeout_at_ms - ctx->deadline_ms) / 2;
	uint64_t left_ms = ha_clock_left_ms(guard_ms);
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { 0 };
	sigset_t alarm_only;
	int len;

	len = snprintf(guard_text, sizeof(guard_text),
		       "%s%s of %s was still not done when its deadline had "
		       "passed (timeout %llu ms); ended\n",
		       rt_reason_prefix(), ctx->action->name, ctx->instance,
		       (unsigned long long)ctx->timeout_ms);
	guard_len = len < 0                          ? 0 :
		    (size_t)len < sizeof(guard_text) ? (size_t)len :
						       sizeof(guard_text) - 1;

	/* The executor's signal mask is inherited; ours must be open. */
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);

	/* 0 would disarm it. */
	left_ms = left_ms ? left_ms : 1;
	timer.it_value.tv_sec = (time_t)(left_ms / MS_PER_S);
	timer.it_value.tv_usec =
		(suseconds_t)(left_ms % MS_PER_S) * (suseconds_t)US_PER_MS;
	setitimer(ITIMER_REAL, &timer, NULL);
}
