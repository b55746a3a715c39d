/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs vmha-guest-ask and takes its answers. All that is due goes into one
 * program, since loading libvirt costs more than the question. It is killed at
 * its deadline, and whoever has not answered by then has not answered.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "FaultDomain/ready.h"
#include "ha/clock.h"

#define PROGRAM VMHA_LIBEXECDIR "/vmha-guest-ask"
#define ASKED_MAX 24u /* six turns of its four threads: FDM_READY_ASK_MS */

struct fdm_ask {
	struct fdm *fdm;
	enum fdm_lane lane;
	GSubprocess *process;
	GSource *timer;
};

/* NULL: it has gone meanwhile, or another process is in its place. */
static struct fdm_pulse *
find(const struct fdm *fdm, const char *uuid)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fdm->ready->by_resource);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct fdm_pulse *one = value;

		if (strcmp(one->uuid, uuid) == 0) {
			return one;
		}
	}
	return NULL;
}

static void
take_answer(struct fdm_pulse *one, const char *word, const char *text,
	    uint64_t now_ms)
{
	bool was_without = one->pulse.has_no_channel;
	enum ha_pulse_answer answer = HA_PULSE_NONE;

	if (strcmp(word, "ok") == 0) {
		answer = HA_PULSE_ANSWERED;
	} else if (strcmp(word, "none") == 0) {
		answer = HA_PULSE_NO_CHANNEL;
	}
	one->asked = NULL;
	one->is_late = strcmp(word, "late") == 0;
	ha_pulse_answer(&one->pulse, answer, now_ms);
	if (answer == HA_PULSE_ANSWERED && one->pulse.is_application) {
		fdm_ready_listen(one, text);
	}
	if (answer == HA_PULSE_NO_CHANNEL && !was_without) {
		fdm_log(FDM_LOG_READY_NO_CHANNEL, one->resource, text);
	}
}

/* "UUID WORD TEXT" */
static void
take_line(const struct fdm_ask *ask, const char *line, uint64_t now_ms)
{
	char **words = g_strsplit(line, " ", 3);

	if (g_strv_length(words) == 3) {
		struct fdm_pulse *one = find(ask->fdm, words[0]);

		if (one && one->asked == ask) {
			take_answer(one, words[1], words[2], now_ms);
		}
	}
	g_strfreev(words);
}

static void
take_output(const struct fdm_ask *ask, const char *output)
{
	char **lines = g_strsplit(output, "\n", -1);
	uint64_t now_ms = ha_clock_now_ms();
	GHashTableIter iter;
	gpointer value;

	for (guint i = 0; lines[i]; i++) {
		take_line(ask, lines[i], now_ms);
	}
	g_strfreev(lines);
	/* Nothing was heard of the rest. */
	g_hash_table_iter_init(&iter, ask->fdm->ready->by_resource);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct fdm_pulse *one = value;

		if (one->asked == ask) {
			take_answer(one, "late", "", now_ms);
		}
	}
}

static void
on_end(GObject *object, GAsyncResult *result, gpointer data)
{
	GSubprocess *process = G_SUBPROCESS(object);
	struct fdm_ask *ask = data;
	GError *problem = NULL;
	char *output = NULL;

	(void)g_subprocess_communicate_utf8_finish(process, result, &output,
						   NULL, &problem);
	g_source_destroy(ask->timer);
	g_source_unref(ask->timer);
	if (problem || (g_subprocess_get_if_exited(process) &&
			g_subprocess_get_exit_status(process) != 0)) {
		fdm_log(FDM_LOG_READY_ASK_FAILED,
			problem ? problem->message : g_strchomp(output));
	}
	take_output(ask, output ? output : "");
	g_clear_error(&problem);
	g_free(output);
	g_object_unref(ask->process);
	ask->fdm->ready->lanes[ask->lane] = NULL;
	g_free(ask);
}

static gboolean
on_late(gpointer data)
{
	struct fdm_ask *ask = data;

	g_subprocess_force_exit(ask->process);
	return G_SOURCE_REMOVE;
}

/* Those that are due soon come along: one program for all. */
static void
add_all(const struct fdm *fdm, struct fdm_ask *ask, GPtrArray *argv,
	uint64_t now_ms)
{
	GHashTableIter iter;
	gpointer value;
	guint count = 0;

	g_hash_table_iter_init(&iter, fdm->ready->by_resource);
	while (count < ASKED_MAX &&
	       g_hash_table_iter_next(&iter, NULL, &value)) {
		struct fdm_pulse *one = value;

		if (one->asked || one->source ||
		    one->is_late != (ask->lane == FDM_LANE_LATE) ||
		    !ha_pulse_is_due(&one->pulse, now_ms)) {
			continue;
		}
		one->asked = ask;
		count++;
		g_ptr_array_add(argv, g_strdup_printf("uri=%s", one->uri));
		g_ptr_array_add(argv,
				g_strdup_printf("%s=%s",
						one->pulse.is_application ?
							"find" :
							"ping",
						one->uuid));
	}
}

static bool
is_any_due(const struct fdm *fdm, enum fdm_lane lane, uint64_t now_ms)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, fdm->ready->by_resource);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct fdm_pulse *one = value;

		if (!one->asked && !one->source &&
		    one->is_late == (lane == FDM_LANE_LATE) &&
		    ha_pulse_is_due(&one->pulse, now_ms)) {
			return true;
		}
	}
	return false;
}

static void
run(struct fdm_ask *ask, GPtrArray *argv)
{
	struct fdm *fdm = ask->fdm;
	GError *problem = NULL;

	ask->process =
		g_subprocess_newv((const gchar *const *)argv->pdata,
				  G_SUBPROCESS_FLAGS_STDOUT_PIPE |
					  G_SUBPROCESS_FLAGS_STDERR_MERGE,
				  &problem);
	if (!ask->process) {
		fdm_log(FDM_LOG_READY_ASK_FAILED, problem->message);
		g_error_free(problem);
		take_output(ask, "");
		g_free(ask);
		return;
	}
	fdm->ready->lanes[ask->lane] = ask;
	ask->timer = g_timeout_source_new(FDM_READY_ASK_MS);
	g_source_set_callback(ask->timer, on_late, ask, NULL);
	(void)g_source_attach(ask->timer, fdm->context);
	g_subprocess_communicate_utf8_async(ask->process, NULL, NULL, on_end,
					    ask);
}

void
fdm_ready_ask(struct fdm *fdm, enum fdm_lane lane, uint64_t now_ms)
{
	GPtrArray *argv;
	struct fdm_ask *ask;

	if (fdm->ready->lanes[lane] || !is_any_due(fdm, lane, now_ms)) {
		return;
	}
	ask = g_new0(struct fdm_ask, 1);
	ask->fdm = fdm;
	ask->lane = lane;
	argv = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(argv, g_strdup(PROGRAM));
	add_all(fdm, ask, argv, now_ms + FDM_READY_GATHER_MS);
	g_ptr_array_add(argv, NULL);
	run(ask, argv);
	g_ptr_array_unref(argv);
}
