/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inventory file of admission control (JSON, docs/ADMISSION.md) and the
 * answer's JSON. The decoder is strict: an unknown key, a wrong type, a
 * number out of range, a name of nothing, a name twice is an error that says
 * where ("vms[3].host: ..."). Needs -ljansson.
 */
#ifndef HA_INVENTORY_FILE_H
#define HA_INVENTORY_FILE_H

#include <jansson.h>

#include "ha/admission.h"

#define HA_INVENTORY_NAME_MAX 255u /* bytes */

struct ha_inventory_file {
	struct ha_inventory inv;
	struct ha_admission_policy policy;
	struct ha_admission_request request;
	/* What machines use now; NULL: no machine says so. */
	const struct ha_plan_demand *used;
	/* The decoder's own. */
	uint32_t request_host;
	json_t *root;
	void *memory[5];
};

/* len bytes of text. -EINVAL with the sentence, -ENOMEM. The file is the
 * caller's, for ha_inventory_file_free(). */
int ha_inventory_decode(const char *text, size_t len,
			struct ha_inventory_file **ret_file,
			struct ha_err *err);
/* The same of a JSON value, which stays the caller's too. */
int ha_inventory_decode_json(json_t *root, struct ha_inventory_file **ret_file,
			     struct ha_err *err);
/* A machine that is on, though no host has it yet, which no file can say. */
void ha_inventory_file_set_on(struct ha_inventory_file *file, uint32_t vm);
void ha_inventory_file_free(struct ha_inventory_file *file);

/* Every key, defaults written out; decodes to the same again. NULL: no
 * memory. */
json_t *ha_inventory_encode(const struct ha_inventory_file *file);

/* One set of a certificate: {"failed":[...],"moves":[{"vm":..,"to":..}]}. */
json_t *ha_admission_set_json(const struct ha_inventory *inv,
			      const struct ha_plan_set *set);
/* The whole answer. certificate: an array, taken over; NULL: none. Its keys
 * are those of the policy in force. NULL: no memory. */
json_t *ha_admission_answer_json(const struct ha_admission_policy *policy,
				 const struct ha_admission_answer *answer,
				 const char *reason, json_t *certificate);

/* The file's words for states, kinds and so on. */
const char *ha_inventory_state_name(enum ha_inv_state state);
const char *ha_inventory_priority_name(enum ha_inv_priority priority);
const char *ha_inventory_policy_name(enum ha_admission_type type);
const char *ha_inventory_verdict_name(enum ha_admission_verdict verdict);
const char *ha_inventory_colour_name(enum ha_admission_colour colour);

#endif
