/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha disarm and vmha arm: planned work. The daemon asks every host that
 * beats; the table says who has followed, and one that has not makes the
 * command fail, since it is still armed (or still is not).
 */
#include <errno.h>
#include <string.h>

#include "ha/ipc.h"
#include "ask.h"

#define WAIT_MS 20000u
#define MARGIN_MS 2000u /* the daemon's answer comes at its own deadline */

static void
put_table(const struct vmha *v, const json_t *answer, const char *done)
{
	static const char *const TITLES[] = { "HOST", "RESULT", "", NULL };
	struct vmha_table table;
	const json_t *host;
	size_t i;

	vmha_table_init(&table, TITLES);
	json_array_foreach(json_object_get(answer, "hosts"), i, host)
	{
		bool is_acked = vmha_bool(host, "acked");

		vmha_table_add(&table, TONE_STRONG, "%s",
			       vmha_text(host, "name"));
		vmha_table_add(&table, is_acked ? TONE_GOOD : TONE_BAD, "%s",
			       is_acked ? done : "not followed");
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       vmha_text(host, "why"));
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

/* A host that does not beat could not follow and is not asked to. */
static bool
is_everybody(const json_t *answer)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(answer, "hosts"), i, host)
	{
		if (!vmha_bool(host, "acked") &&
		    strcmp(vmha_text(host, "why"), "is not alive") != 0) {
			return false;
		}
	}
	return json_array_size(json_object_get(answer, "hosts")) > 0;
}

static int
run(struct vmha *v, const char *op, const char *done)
{
	uint64_t wait_ms = v->args.wait_ms ? v->args.wait_ms : WAIT_MS;
	json_t *answer = NULL;
	bool is_done;
	int rc = vmha_ask(v,
			  json_pack("{s:i, s:s, s:I, s:s}", "v", HA_IPC_VERSION,
				    "op", op, "budget_ms", (json_int_t)wait_ms,
				    "reason",
				    v->args.reason ? v->args.reason : ""),
			  wait_ms + MARGIN_MS, &answer, &v->err);

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	is_done = is_everybody(answer);
	if (v->args.is_json) {
		rc = vmha_json(v, json_pack("{s:O, s:b}", "hosts",
					    json_object_get(answer, "hosts"),
					    "done", (int)is_done));
	} else {
		put_table(v, answer, done);
		rc = VMHA_OK;
	}
	json_decref(answer);
	if (rc == VMHA_OK && !is_done) {
		return vmha_fail_with(v, -EAGAIN,
				      "not every host has followed; look at "
				      "\"vmha heartbeat status\" and say it "
				      "again");
	}
	return rc;
}

int
vmha_disarm(struct vmha *v)
{
	int code = run(v, "disarm", "disarmed");

	if (code == VMHA_OK) {
		vmha_say(v, "\nNo host resets itself and none can be proven "
			    "dead now. When the work is done: vmha arm");
	}
	return code;
}

int
vmha_arm(struct vmha *v)
{
	return run(v, "arm", "armed");
}
