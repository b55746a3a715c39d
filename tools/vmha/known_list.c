/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list, as this host's heartbeat daemon reads it from the
 * datastores now. A list that was not read whole, or does not stand on enough
 * datastores yet, protects nobody here: doubt is never shown as protection.
 */
#include <errno.h>
#include <string.h>

#include "ha/ipc.h"
#include "why.h"

#define PAGES_MAX 256

static json_t *
question(const json_t *before)
{
	const json_t *next = json_object_get(before, "next");

	if (!before) {
		return json_pack("{s:i, s:s, s:i}", "v", HA_IPC_VERSION, "op",
				 "protected", "budget_ms", (int)ASK_MS / 2);
	}
	return json_pack("{s:i, s:s, s:O, s:O, s:O}", "v", HA_IPC_VERSION, "op",
			 "protected", "from", next, "term",
			 json_object_get(before, "term"), "generation",
			 json_object_get(before, "generation"));
}

int
known_list(const struct vmha *v, json_t **ret_list, struct ha_err *err)
{
	json_t *list = json_object();
	json_t *before = NULL;
	int rc = 0;

	for (int i = 0; i < PAGES_MAX; i++) {
		json_t *answer = NULL;
		const json_t *vm;
		size_t k;

		rc = vmha_ask(v, question(before), ASK_MS, &answer, err);
		json_decref(before);
		before = answer;
		if (rc < 0) {
			break;
		}
		if (!vmha_bool(answer, "complete")) {
			rc = ha_err_set(err, -EIO, "%s",
					vmha_text(answer, "why"));
			break;
		}
		json_array_foreach(json_object_get(answer, "vms"), k, vm)
		{
			/* One that is not flushed is on its way. */
			(void)json_object_set_new(
				list, vmha_text(vm, "resource"),
				json_string(vmha_bool(answer, "flushed") ?
						    vmha_text(vm, "state") :
						    ""));
		}
		if (!json_object_get(answer, "next")) {
			break;
		}
	}
	json_decref(before);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	*ret_list = list;
	return 0;
}
