/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master's answers to what commands ask (admit_door.c), as node attributes,
 * and what nobody was asked about, for people. Takes away what nobody waits for
 * any more. Decides nothing.
 */
#include "FaultDomain/admit_door.h"

#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"

const char *
fdm_door_shown(const struct fdm_node *node, const char *name)
{
	const char *text =
		fdm_xml_nvpair(node->transient, "instance_attributes", name);

	return text ? text : "";
}

void
fdm_doors_unasked(const struct fdm *fdm, json_t *errors)
{
	const struct fdm_doors *doors = &fdm->admit->doors;

	if (fdm->admit->term == 0 || !doors->standby) {
		return;
	}
	for (guint i = 0; fdm->facts && i < fdm->facts->nodes->len; i++) {
		const char *host =
			g_array_index(fdm->facts->nodes, struct fdm_node, i)
				.name;

		if (g_hash_table_contains(doors->standby, host) &&
		    !g_hash_table_lookup(doors->standby, host)) {
			(void)json_array_append_new(
				errors,
				json_sprintf("%s is in standby, and admission "
					     "control was not asked: vmha host "
					     "maintenance %s asks it",
					     host, host));
		}
	}
}

static void
answer(struct fdm *fdm, const struct fdm_node *node,
       const struct fdm_door *door, struct fdm_door_attrs *attrs,
       uint64_t now_ms)
{
	struct ha_door_answer said = {
		.is_yes = door && door->asked.said == HA_GATE_SAID_YES,
	};
	char text[HA_DOOR_TEXT] = "";

	if (door) {
		memcpy(said.nonce, door->ask.nonce, sizeof(said.nonce));
		g_strlcpy(said.text, door->text, sizeof(said.text));
		ha_door_answer_format(&said, text);
	}
	(void)fdm_attr_follow(
		fdm, &attrs->answer, node->name, HA_DOOR_ANSWER_ATTR,
		fdm_door_shown(node, HA_DOOR_ANSWER_ATTR), text, now_ms);
}

static void
tell(struct fdm *fdm, const struct fdm_node *node, uint64_t now_ms)
{
	struct fdm_doors *doors = &fdm->admit->doors;
	const char *text = fdm_door_shown(node, HA_DOOR_ASK_ATTR);
	struct ha_door_ask ask;
	const struct fdm_door *door = NULL;
	struct fdm_door_attrs *attrs =
		g_hash_table_lookup(doors->attrs, node->name);

	if (!attrs) {
		attrs = g_new0(struct fdm_door_attrs, 1);
		g_hash_table_insert(doors->attrs, g_strdup(node->name), attrs);
	}
	if (text[0] && ha_door_ask_parse(text, &ask) != -EINVAL) {
		door = g_hash_table_lookup(doors->table, ask.nonce);
		if (!door || (door->asked.said == HA_GATE_SAID_NOTHING &&
			      !door->duty.is_over)) {
			return;
		}
	}
	/* What nobody could judge in time has none. */
	if (!door || door->asked.said != HA_GATE_SAID_NOTHING) {
		answer(fdm, node, door, attrs, now_ms);
	}
	if (door && door->duty.is_over) {
		(void)fdm_attr_follow(fdm, &attrs->ask, node->name,
				      HA_DOOR_ASK_ATTR, text, "", now_ms);
	}
}

void
fdm_doors_tick(struct fdm *fdm, uint64_t now_ms)
{
	/* Not before the first look of this term. */
	if (fdm->admit->term != fdm->master.term) {
		return;
	}
	for (guint i = 0; i < fdm->facts->nodes->len; i++) {
		tell(fdm, &g_array_index(fdm->facts->nodes, struct fdm_node, i),
		     now_ms);
	}
}
