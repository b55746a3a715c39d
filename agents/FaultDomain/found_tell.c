/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was found, for all to see: a transient node attribute, which every
 * host's vmha reads from the CIB and which goes with its host, and this
 * daemon's status. Written only with quorum, and only when the CIB says
 * something else.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"

#define MS_PER_S 1000u
/* In the attribute; more are counted. */
#define TOLD_MAX 32u

/* Anybody may have named a domain: only a plain name is told. */
static const char *
plain(const char *name)
{
	static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._:-";

	return name[0] && name[strspn(name, PLAIN)] == '\0' ? name : "-";
}

/* The other host; else who has started it, if that was the agent. */
static const char *
other_of(const struct fdm_found_one *one)
{
	if (one->other[0]) {
		return one->other;
	}
	return one->memory.kind == HA_FOUND_HAND_STARTED && one->is_ours ?
		       HA_FOUND_BY_AGENT :
		       "-";
}

/* "KIND RESOURCE PID OTHER DOMAIN;..."; "": nothing was found. */
static GString *
wanted(const struct fdm_found *found)
{
	GString *text = g_string_new("");
	GList *keys = g_hash_table_get_keys(found->ones);
	guint told = 0;
	guint left = 0;

	keys = g_list_sort(keys, (GCompareFunc)(void (*)(void))strcmp);
	for (const GList *at = keys; at; at = at->next) {
		const struct fdm_found_one *one =
			g_hash_table_lookup(found->ones, at->data);

		if (!ha_found_is_process(one->memory.kind)) {
			continue;
		}
		if (told == TOLD_MAX) {
			left++;
			continue;
		}
		told++;
		g_string_append_printf(text, "%s%s %s %d %s %s",
				       text->len > 0 ? ";" : "",
				       ha_found_kind_name(one->memory.kind),
				       (const char *)at->data, (int)one->pid,
				       other_of(one), plain(one->domain));
	}
	if (left > 0) {
		g_string_append_printf(text, ";more - %u - -", left);
	}
	g_list_free(keys);
	return text;
}

void
fdm_found_tell(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_found *found = fdm->found;
	GString *text;

	if (now_ms < found->tell_ms || found->looked_ms == 0 ||
	    !fdm_has_facts(fdm) || !fdm->facts->have_quorum ||
	    !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	found->tell_ms = now_ms + MS_PER_S;
	text = wanted(found);
	if (fdm_attr_follow(fdm, &found->told, fdm->snap->self,
			    FDM_FOUND_ATTRIBUTE,
			    fdm_attr_shown(fdm, FDM_FOUND_ATTRIBUTE), text->str,
			    now_ms)) {
		found->tell_ms = now_ms + FDM_FOUND_TELL_MS;
	}
	(void)g_string_free(text, TRUE);
}

json_t *
fdm_found_json(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_found *found = fdm->found;
	json_t *vms = json_array();
	GHashTableIter iter;
	gpointer key;
	gpointer value;

	g_hash_table_iter_init(&iter, found->ones);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const struct fdm_found_one *one = value;

		if (one->memory.kind == HA_FOUND_NONE) {
			continue;
		}
		(void)json_array_append_new(
			vms,
			json_pack("{s:s, s:s, s:I, s:i, s:s, s:s, s:s}",
				  "resource", (const char *)key, "kind",
				  ha_found_kind_name(one->memory.kind),
				  "age_ms",
				  (json_int_t)(now_ms - one->memory.since_ms),
				  "pid", (int)one->pid, "domain", one->domain,
				  "uuid", one->uuid, "other", one->other));
	}
	return json_pack(
		"{s:o, s:i, s:s, s:o}", "look_age_ms",
		found->looked_ms == 0 ?
			json_null() :
			json_integer((json_int_t)(now_ms - found->looked_ms)),
		"foreign", (int)found->foreign, "why", found->why, "vms", vms);
}

void
fdm_found_end(struct fdm *fdm)
{
	if (fdm_has_facts(fdm) && fdm->snap &&
	    fdm_attr_shown(fdm, FDM_FOUND_ATTRIBUTE)[0]) {
		fdm_attr_set(fdm, fdm->snap->self, FDM_FOUND_ATTRIBUTE, "");
	}
	fdm_use_end(fdm);
}
