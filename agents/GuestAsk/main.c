/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-guest-ask: asks guest agents of this host whether they answer, and
 * where channels of applications end. vmha-fdmd runs it, and ends it at its
 * deadline: libvirt, QEMU and guests may all hang, and none of that may reach
 * the daemon. A few threads ask, each with a connection of its own, so that
 * an agent that hangs holds up a part of the others only. Changes nothing.
 *
 *   vmha-guest-ask [uri=URI | ping=UUID | find=UUID]...
 *
 * uri holds for what follows it. One line for each question, as soon as it is
 * known: "UUID ok [PATH]", "UUID none SENTENCE" (no such channel), "UUID late
 * SENTENCE" (no answer, and it took long), "UUID no SENTENCE".
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/hvload.h"

#define THREADS 4u
#define QUESTIONS_MAX 64u
#define OPEN_WAIT_MS 5000u
/* libvirt gives up on an agent that hangs before that. */
#define ASK_WAIT_MS (HA_HV_PING_MS + 2000u)
/* An answer is usually there in some ms. */
#define LATE_MS 1000u
#define LINE_BYTES (HA_UUID_TEXT + HA_ERR_TEXT + 16)

enum {
	EXIT_ASKED = 0,
	EXIT_NO_LIBVIRT = 1,
	EXIT_WRONG_USAGE = 64, /* EX_USAGE */
};

struct question {
	const char *uri; /* "": libvirt's default */
	const char *uuid;
	bool is_channel; /* where does it end? */
};

static struct {
	const struct ha_hv_ops *ops;
	struct question list[QUESTIONS_MAX];
	unsigned int count;
	atomic_uint next;
} asked;

/* Whole in one write: threads share the output. */
static void
tell(const struct question *question, const char *word, const char *text)
{
	char line[LINE_BYTES];
	int len = snprintf(line, sizeof(line) - 1, "%s %s %s", question->uuid,
			   word, text);

	if (len < 0) {
		return;
	}
	if ((size_t)len >= sizeof(line) - 1) {
		len = (int)sizeof(line) - 2;
	}
	for (int i = 0; i < len; i++) {
		line[i] = line[i] == '\n' ? ' ' : line[i];
	}
	line[len++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)len) < 0) {
		_exit(EXIT_ASKED); /* nobody listens any more */
	}
}

static int
ask(struct ha_hv *hv, const struct question *question)
{
	uint64_t began_ms = ha_clock_now_ms();
	char path[HA_HV_CHANNEL_PATH] = "";
	struct ha_err err = HA_ERR_INIT;
	bool is_late;
	int rc = question->is_channel ?
			 asked.ops->channel_path(
				 hv, question->uuid, HA_DOMAIN_HEARTBEAT,
				 began_ms + ASK_WAIT_MS, path, &err) :
			 asked.ops->ping_agent(hv, question->uuid,
					       began_ms + ASK_WAIT_MS, &err);

	is_late = ha_clock_now_ms() - began_ms >= LATE_MS;
	tell(question,
	     rc == 0       ? "ok" :
	     rc == -ENODEV ? "none" :
	     is_late       ? "late" :
			     "no",
	     rc == 0 ? path : err.text);
	return rc;
}

/* NULL: libvirt does not answer. */
static struct ha_hv *
connect_to(const struct question *question)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_hv *hv = NULL;

	if (asked.ops->open(question->uri, ha_clock_now_ms() + OPEN_WAIT_MS,
			    &hv, &err) < 0) {
		tell(question, "no", err.text);
		return NULL;
	}
	return hv;
}

/* What is left unasked where libvirt does not answer, has no answer. */
static void *
ask_some(void *unused)
{
	const char *uri = "";
	struct ha_hv *hv = NULL;
	unsigned int i;

	(void)unused;
	while ((i = atomic_fetch_add(&asked.next, 1)) < asked.count) {
		const struct question *question = &asked.list[i];

		if (!hv || strcmp(uri, question->uri) != 0) {
			asked.ops->close(hv);
			hv = connect_to(question);
			uri = question->uri;
		}
		if (!hv || ask(hv, question) == -ETIMEDOUT) {
			break;
		}
	}
	asked.ops->close(hv);
	return NULL;
}

static int
read_arguments(int argc, char **argv)
{
	const char *uri = "";

	for (int i = 1; i < argc; i++) {
		bool is_channel = strncmp(argv[i], "find=", 5) == 0;

		if (strncmp(argv[i], "uri=", 4) == 0) {
			uri = argv[i] + 4;
			continue;
		}
		if ((!is_channel && strncmp(argv[i], "ping=", 5) != 0) ||
		    !argv[i][5] || asked.count == QUESTIONS_MAX) {
			return -EINVAL;
		}
		asked.list[asked.count++] = (struct question){
			.uri = uri,
			.uuid = argv[i] + 5,
			.is_channel = is_channel,
		};
	}
	return asked.count > 0 ? 0 : -EINVAL;
}

int
main(int argc, char **argv)
{
	struct ha_err err = HA_ERR_INIT;
	pthread_t threads[THREADS];
	unsigned int begun = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (read_arguments(argc, argv) < 0) {
		(void)fprintf(stderr,
			      "usage: vmha-guest-ask [uri=URI | ping=UUID | "
			      "find=UUID]...\n"
			      "  Asks guests for vmha-fdmd; %u at a time at "
			      "most.\n",
			      QUESTIONS_MAX);
		return EXIT_WRONG_USAGE;
	}
	if (ha_hv_load(&asked.ops, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EXIT_NO_LIBVIRT;
	}
	while (begun < THREADS && begun < asked.count &&
	       pthread_create(&threads[begun], NULL, ask_some, NULL) == 0) {
		begun++;
	}
	for (unsigned int i = 0; i < begun; i++) {
		(void)pthread_join(threads[i], NULL);
	}
	/* Not exit(): a thread of the module may hang inside libvirt. */
	_exit(begun > 0 ? EXIT_ASKED : EXIT_NO_LIBVIRT);
}
