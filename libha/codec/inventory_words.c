/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the inventory file, each once: the decoder, the encoder and
 * its complaints read the same tables. */
#include <stddef.h>

#include "inventory_read.h"

const struct inv_word inv_states[] = {
	{ "online", HA_INV_ONLINE },
	{ "standby", HA_INV_STANDBY },
	{ "maintenance", HA_INV_MAINTENANCE },
	{ "offline", HA_INV_OFFLINE },
	{ "error", HA_INV_ERROR },
	{ NULL, 0 },
};

const struct inv_word inv_priorities[] = {
	{ "disabled", HA_INV_PRIORITY_DISABLED },
	{ "lowest", HA_INV_PRIORITY_LOWEST },
	{ "low", HA_INV_PRIORITY_LOW },
	{ "medium", HA_INV_PRIORITY_MEDIUM },
	{ "high", HA_INV_PRIORITY_HIGH },
	{ "highest", HA_INV_PRIORITY_HIGHEST },
	{ NULL, 0 },
};

const struct inv_word inv_powers[] = { { "on", 1 }, { "off", 0 }, { NULL, 0 } };

const struct inv_word inv_rules[] = {
	{ "separate", HA_INV_SEPARATE },
	{ "together", HA_INV_TOGETHER },
	{ NULL, 0 },
};

const struct inv_word inv_types[] = {
	{ "percentage", HA_ADMISSION_PERCENTAGE },
	{ "slot", HA_ADMISSION_SLOT },
	{ "dedicated", HA_ADMISSION_DEDICATED },
	{ "disabled", HA_ADMISSION_DISABLED },
	{ NULL, 0 },
};

const struct inv_word inv_guarantees[] = {
	{ "plan", HA_ADMISSION_PLAN },
	{ "arithmetic", HA_ADMISSION_ARITHMETIC },
	{ NULL, 0 },
};

const struct inv_word inv_ops[] = {
	{ "none", HA_ADMISSION_NONE },
	{ "power_on", HA_ADMISSION_POWER_ON },
	{ "raise", HA_ADMISSION_RAISE },
	{ "remove_host", HA_ADMISSION_REMOVE_HOST },
	{ NULL, 0 },
};

static const struct inv_word COLOURS[] = {
	{ "green", HA_ADMISSION_GREEN },
	{ "yellow", HA_ADMISSION_YELLOW },
	{ "red", HA_ADMISSION_RED },
	{ NULL, 0 },
};

static const struct inv_word VERDICTS[] = {
	{ "admit", HA_ADMISSION_ADMIT },
	{ "refuse", HA_ADMISSION_REFUSE },
	{ "satisfied", HA_ADMISSION_SATISFIED },
	{ "violated", HA_ADMISSION_VIOLATED },
	{ NULL, 0 },
};

const char *
inv_word_of(const struct inv_word *words, int value)
{
	for (; words->word; words++) {
		if (words->value == value) {
			return words->word;
		}
	}
	return "";
}

const char *
ha_inventory_state_name(enum ha_inv_state state)
{
	return inv_word_of(inv_states, (int)state);
}

const char *
ha_inventory_priority_name(enum ha_inv_priority priority)
{
	return inv_word_of(inv_priorities, (int)priority);
}

const char *
ha_inventory_policy_name(enum ha_admission_type type)
{
	return inv_word_of(inv_types, (int)type);
}

const char *
ha_inventory_colour_name(enum ha_admission_colour colour)
{
	return inv_word_of(COLOURS, (int)colour);
}

const char *
ha_inventory_verdict_name(enum ha_admission_verdict verdict)
{
	return inv_word_of(VERDICTS, (int)verdict);
}
