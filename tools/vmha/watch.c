/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat watch: status again and again, in place on a terminal, one
 * after the other elsewhere. A daemon that goes away is shown as that and
 * asked again.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ask.h"

#define INTERVAL_MS 1000u

static volatile sig_atomic_t is_ended;
static volatile sig_atomic_t is_resized;

static void
on_signal(int signo)
{
	if (signo == SIGWINCH) {
		is_resized = 1;
	} else {
		is_ended = 1;
	}
}

static void
take_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGWINCH, &action, NULL);
}

/* 0: shown; else the exit code that a single look would have. */
static int
show(struct vmha *v)
{
	json_t *status = NULL;
	json_t *problems;
	int rc = vmha_ask_status(v, &status, &v->err);
	int code;

	if (rc < 0) {
		return rc;
	}
	problems = vmha_problems(status);
	code = json_array_size(problems) == 0 ? VMHA_OK : VMHA_FAILED;
	vmha_put_head(v, status);
	putchar('\n');
	vmha_put_hosts(v, status);
	putchar('\n');
	vmha_put_stores(v, status);
	putchar('\n');
	vmha_put_problems(v, problems);
	json_decref(problems);
	json_decref(status);
	return code;
}

static void
put_clock(const struct vmha *v)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%H:%M:%S", &tm) > 0) {
		printf("%s%s  vmha heartbeat watch%s\n\n",
		       vmha_tone_on(&v->screen, TONE_DIM), text,
		       vmha_tone_off(&v->screen, TONE_DIM));
	}
}

/* One picture at a time: written into a buffer, sent at once, so that a slow
 * line does not flicker. Home, then erase what follows. */
static void
draw(struct vmha *v)
{
	int rc;

	if (v->screen.is_terminal) {
		fputs("\033[H\033[J", stdout);
	}
	put_clock(v);
	rc = show(v);
	if (rc < 0) {
		printf("%s%s%s\n", vmha_tone_on(&v->screen, TONE_BAD),
		       v->err.text, vmha_tone_off(&v->screen, TONE_BAD));
	}
	(void)fflush(stdout);
}

int
vmha_watch(struct vmha *v)
{
	static char buffer[65536];
	uint64_t interval_ms =
		v->args.interval_ms ? v->args.interval_ms : INTERVAL_MS;
	uint64_t next_ms = ha_clock_now_ms();

	if (v->args.is_once) {
		int rc = show(v);

		return rc < 0 ? vmha_fail(v, rc) : rc;
	}
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	take_signals();
	while (!is_ended && !ferror(stdout)) {
		draw(v);
		next_ms += interval_ms;
		while (!is_ended && !is_resized &&
		       ha_clock_left_ms(next_ms) > 0) {
			struct timespec span = { .tv_nsec = 50 * 1000 * 1000L };

			(void)nanosleep(&span, NULL);
		}
		if (is_resized) {
			is_resized = 0;
			vmha_screen_look(&v->screen);
		}
		/* A host that was suspended shows one picture, not all that
		 * it missed. */
		if (ha_clock_left_ms(next_ms + interval_ms) == 0) {
			next_ms = ha_clock_now_ms();
		}
	}
	return VMHA_OK;
}
