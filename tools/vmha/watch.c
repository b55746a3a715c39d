/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One picture again and again: vmha status --watch and vmha heartbeat watch.
 * On a terminal in place, on its second screen, so that what was there comes
 * back; elsewhere one after the other. A daemon that goes away is shown as
 * that and asked again.
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
#define WATCH_STEP_MS 50u
/* xterm's: the second screen without a cursor, and back. */
#define SCREEN_ON "\033[?1049h\033[?25l"
#define SCREEN_OFF "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define ERASE_LINE "\033[K"
#define ERASE_REST "\033[J"

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
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGWINCH, &action, NULL);
}

static void
put_clock(const struct vmha *v)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%H:%M:%S", &tm) > 0) {
		printf("%s%s  vmha %s, Ctrl-C ends it%s\n\n",
		       vmha_tone_on(&v->screen, TONE_DIM), text,
		       v->command->name, vmha_tone_off(&v->screen, TONE_DIM));
	}
}

static void
put_picture(struct vmha *v, vmha_picture_fn show)
{
	int rc;

	put_clock(v);
	rc = show(v);
	if (rc < 0) {
		printf("%s%s%s\n", vmha_tone_on(&v->screen, TONE_BAD),
		       v->err.text, vmha_tone_off(&v->screen, TONE_BAD));
	}
}

/* Over what is there, line by line: nothing is blank between two pictures.
 * What is taller or wider than the screen is cut. */
static void
send_picture(const struct vmha *v, const char *text)
{
	unsigned int line = 0;

	fputs(HOME, stdout);
	while (*text) {
		size_t bytes = strcspn(text, "\n");

		line++;
		if (v->screen.height > 0 && line == v->screen.height) {
			fputs("... the screen is too low for the rest" ERASE_LINE,
			      stdout);
			break;
		}
		fputs(ERASE_LINE, stdout);
		vmha_put_cut(&v->screen, text, bytes, stdout);
		text += bytes + (text[bytes] == '\n');
	}
	fputs(ERASE_REST, stdout);
}

/* Everything that vmha shows goes to stdout, which is a variable of the C
 * library: it is a buffer while the picture is made. */
static void
draw(struct vmha *v, vmha_picture_fn show)
{
	FILE *terminal = stdout;
	char *text = NULL;
	size_t bytes = 0;
	FILE *memory =
		v->screen.is_terminal ? open_memstream(&text, &bytes) : NULL;

	if (!memory) {
		put_picture(v, show);
		(void)fflush(stdout);
		return;
	}
	stdout = memory;
	put_picture(v, show);
	stdout = terminal;
	if (fclose(memory) == 0 && text) {
		send_picture(v, text);
	}
	(void)fflush(stdout);
	free(text);
}

static void
wait_for_next(struct vmha *v, uint64_t *next_ms, uint64_t interval_ms)
{
	*next_ms += interval_ms;
	while (!is_ended && !is_resized && ha_clock_left_ms(*next_ms) > 0) {
		struct timespec span = { .tv_nsec = WATCH_STEP_MS * 1000000L };

		(void)nanosleep(&span, NULL);
	}
	if (is_resized) {
		is_resized = 0;
		vmha_screen_look(&v->screen);
	}
	/* A host that was suspended shows one picture, not all that it
	 * missed. */
	if (ha_clock_left_ms(*next_ms + interval_ms) == 0) {
		*next_ms = ha_clock_now_ms();
	}
}

int
vmha_watch_run(struct vmha *v, vmha_picture_fn show)
{
	static char buffer[65536];
	uint64_t interval_ms =
		v->args.interval_ms ? v->args.interval_ms : INTERVAL_MS;
	uint64_t next_ms = ha_clock_now_ms();

	(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	take_signals();
	if (v->screen.is_terminal) {
		fputs(SCREEN_ON, stdout);
	}
	while (!is_ended && !ferror(stdout)) {
		draw(v, show);
		wait_for_next(v, &next_ms, interval_ms);
	}
	if (v->screen.is_terminal) {
		fputs(SCREEN_OFF, stdout);
		(void)fflush(stdout);
	}
	return VMHA_OK;
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

int
vmha_watch(struct vmha *v)
{
	int rc;

	if (!v->args.is_once) {
		return vmha_watch_run(v, show);
	}
	rc = show(v);
	return rc < 0 ? vmha_fail(v, rc) : rc;
}
