/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host states and maintenance: kept from what heartbeatd and the CIB say, told
 * by the master, as node attributes too. Must never write without quorum, and
 * nothing that decides reads these words.
 */
#include "FaultDomain/states.h"

#include <stdio.h>
#include <string.h>

#include "FaultDomain/attr.h"
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

/* Programs of Pacemaker's at a time. */
#define ATTRS_MAX 4u

enum stay {
	STAY_NEW, /* not looked at yet */
	STAY_NORMAL,
	STAY_ENTERING, /* standby, VMs are still there */
	STAY_MAINTENANCE,
};

struct fdm_state {
	struct ha_hostreport report;
	enum ha_hostreport_word told; /* by a master */
	enum stay stay;
	struct fdm_attr own, on_master;
	bool was_bad; /* seen by this manager, whoever was master */
	uint64_t clean_ms;
	uint64_t recalled; /* the copy of the CIB */
};

/* ---- in words ------------------------------------------------------------ */

static const char *
storage_words(const struct fdm_host *host)
{
	static const struct {
		const char *proof, *words;
	} WORDS[] = {
		{ "alive", "beats on the datastores" },
		{ "silent", "silent on the datastores for the whole time that "
			    "proves it" },
		{ "replaced", "the datastores show a newer boot of it" },
		{ "stopped", "its last beat says that it was stopped cleanly" },
		{ "never", "never seen on the datastores" },
		{ "confirmed", "an administrator has confirmed its death" },
		{ "standing-down", "its watchdog is disarmed for planned "
				   "work" },
		{ "unguarded", "its last beat shows no armed watchdog" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(WORDS); i++) {
		if (strcmp(WORDS[i].proof, host->proof) == 0) {
			return WORDS[i].words;
		}
	}
	return "too few datastores tell of it";
}

/* The three kinds: the ring, the datastores, its own word. */
static void
put_evidence(const struct fdm_host *host, const struct fdm_node *node,
	     char *buffer, size_t size)
{
	bool speaks = strcmp(host->proof, "alive") == 0 && !host->is_gone;

	(void)snprintf(
		buffer, size, "%s; %s%s%s%s",
		host->is_member ? "member" : "no member", storage_words(host),
		speaks && host->is_isolated ? "; says that it is isolated" : "",
		speaks && host->is_sealed ? "; sealed" : "",
		node && node->has_failed_domain ?
			"; Pacemaker could not start FaultDomain there" :
			"");
}

/* ---- the facts ----------------------------------------------------------- */

static struct fdm_state *
state_of(struct fdm *fdm, const char *host)
{
	struct fdm_state *state = g_hash_table_lookup(fdm->states, host);

	if (!state) {
		state = g_new0(struct fdm_state, 1);
		g_hash_table_insert(fdm->states, g_strdup(host), state);
	}
	return state;
}

/* Only a new snapshot tells anything: an old one proves nothing by lasting. */
static void
look(const struct fdm *fdm, struct fdm_state *state,
     const struct fdm_host *host, const struct fdm_node *node)
{
	const struct ha_hostreport_facts facts = {
		.seen = ha_hoststate_find(host->state),
		.is_manager_failed =
			node && node->is_online && node->has_failed_domain,
		.beat_ms = fdm->snap->beat_ms,
		.tolerance_ms = fdm->snap->tolerance_ms,
		.silence_ms = fdm->snap->silence_ms,
		.now_ms = fdm->snap->at_ms,
	};

	(void)ha_hostreport_step(&state->report, &facts);
}

static bool
has_vms(const struct fdm_facts *facts, const struct fdm_node *node)
{
	for (guint i = 0; i < node->active->len; i++) {
		const struct ha_gated_resource *one = &g_array_index(
			node->active, struct ha_gated_resource, i);

		if (fdm_facts_vm(facts, one->id)) {
			return true;
		}
	}
	return false;
}

/* ---- told by the master -------------------------------------------------- */

static void
tell_state(struct fdm_state *state, const char *host, const char *evidence)
{
	const char *before = state->told == HA_REPORT_NONE ?
				     "not known" :
				     ha_hostreport_name(state->told);

	/* A host that is live from the first look is no news. */
	if (state->told == HA_REPORT_NONE &&
	    !ha_hostreport_is_bad(state->report.word)) {
		state->told = state->report.word;
		return;
	}
	state->told = state->report.word;
	switch (state->told) {
	case HA_REPORT_LIVE:
		fdm_log(FDM_LOG_STATE_LIVE, host, before, evidence);
		break;
	case HA_REPORT_ISOLATED:
		fdm_log(FDM_LOG_STATE_ISOLATED, host, before, evidence);
		break;
	case HA_REPORT_PARTITIONED:
		fdm_log(FDM_LOG_STATE_PARTITIONED, host, before, evidence);
		break;
	case HA_REPORT_DEAD:
		fdm_log(FDM_LOG_STATE_DEAD, host, before, evidence);
		break;
	case HA_REPORT_UNREACHABLE:
		fdm_log(FDM_LOG_STATE_UNREACHABLE, host, before, evidence);
		break;
	case HA_REPORT_INIT_ERROR:
		fdm_log(FDM_LOG_STATE_INIT_ERROR, host, before, evidence);
		break;
	case HA_REPORT_NONE:
	case HA_REPORT_STOPPED:
	case HA_REPORT_NEVER:
	case HA_REPORT_DISARMED:
	case HA_REPORT_UNGUARDED:
	case HA_REPORT_UNKNOWN:
	case HA_REPORT_N:
		fdm_log(FDM_LOG_STATE_OTHER, host,
			ha_hostreport_name(state->told), before, evidence);
		break;
	}
}

/* NULL: nothing is shown. */
static void
follow(struct fdm *fdm, struct fdm_attr *attr, const char *node,
       const char *name, const char *shown, const char *wanted, uint64_t now_ms)
{
	if (fdm->children < ATTRS_MAX) {
		(void)fdm_attr_follow(fdm, attr, node, name, shown ? shown : "",
				      wanted, now_ms);
	}
}

static bool
is_worth_a_line(enum ha_hostreport_word word)
{
	return word == HA_REPORT_STOPPED || ha_hostreport_is_bad(word);
}

/* A node that has left can have no attribute (the attribute daemon forgets
 * it), and who watches must be told of its return: hosts that are away or in
 * trouble stand, and have stood, on the master's own node. */
static void
publish(struct fdm *fdm, struct fdm_state *state, const struct fdm_host *host,
	const struct fdm_node *node, uint64_t now_ms)
{
	const char *word = ha_hostreport_name(state->report.word);
	const struct fdm_node *self =
		fdm_facts_node(fdm->facts, fdm->snap->self);
	char name[sizeof(FDM_STATE_ATTR) + 1 + HA_HOST_NAME];
	const char *shown;

	if (node && node->is_online && host->is_member) {
		follow(fdm, &state->own, node->name, FDM_STATE_ATTR,
		       node->told_state, word, now_ms);
	}
	if (!self || !node) {
		return;
	}
	(void)snprintf(name, sizeof(name), FDM_STATE_ATTR "-%s", host->name);
	shown = fdm_xml_nvpair(self->transient, "instance_attributes", name);
	if (shown || state->was_bad) {
		follow(fdm, &state->on_master, self->name, name, shown, word,
		       now_ms);
	}
}

/* What a former master has left on its own node. */
static void
clean(struct fdm *fdm, struct fdm_state *state, const struct fdm_node *node,
      uint64_t now_ms)
{
	const xmlNode *set =
		fdm_xml_child(node->transient, "instance_attributes");
	const xmlNode *pair = fdm_xml_child(set, "nvpair");

	if (now_ms < state->clean_ms || !node->is_online ||
	    strcmp(node->name, fdm->snap->self) == 0) {
		return;
	}
	for (; pair; pair = pair->next) {
		if (fdm_xml_is(pair, "nvpair") &&
		    (g_str_has_prefix(fdm_xml_text(pair, "name"),
				      FDM_STATE_ATTR "-") ||
		     strcmp(fdm_xml_text(pair, "name"), FDM_ADMISSION_ATTR) ==
			     0) &&
		    fdm->children < ATTRS_MAX) {
			fdm_attr_set(fdm, node->name,
				     fdm_xml_text(pair, "name"), "");
			state->clean_ms = now_ms + FDM_ATTR_AGAIN_MS;
		}
	}
}

static void
tell_stay(struct fdm_state *state, enum stay stay, const char *host)
{
	switch (stay) {
	case STAY_ENTERING:
		fdm_log(FDM_LOG_MAINTENANCE_BEGIN, host);
		break;
	case STAY_MAINTENANCE:
		fdm_log(FDM_LOG_MAINTENANCE, host);
		break;
	case STAY_NORMAL:
		fdm_log(FDM_LOG_MAINTENANCE_END, host);
		break;
	case STAY_NEW:
		break;
	}
	state->stay = stay;
}

static void
look_at_stay(struct fdm *fdm, struct fdm_state *state,
	     const struct fdm_node *node, bool is_telling)
{
	enum stay stay = STAY_NORMAL;

	if (node->is_standby) {
		stay = node->is_online && has_vms(fdm->facts, node) ?
			       STAY_ENTERING :
			       STAY_MAINTENANCE;
		/* A VM that could not leave, or came back by hand. */
		if (state->stay == STAY_MAINTENANCE) {
			stay = STAY_MAINTENANCE;
		}
	}
	if (stay == state->stay) {
		return;
	}
	if (is_telling && state->stay != STAY_NEW) {
		tell_stay(state, stay, node->name);
	} else {
		state->stay = stay;
	}
}

/* What the last master has said: a new one does not say it again. */
static void
recall(const struct fdm *fdm, struct fdm_state *state,
       const struct fdm_node *node)
{
	char name[sizeof(FDM_STATE_ATTR) + 1 + HA_HOST_NAME];
	const char *told = NULL;

	if (!node || state->recalled == fdm->copies) {
		return;
	}
	state->recalled = fdm->copies;
	(void)snprintf(name, sizeof(name), FDM_STATE_ATTR "-%s", node->name);
	for (guint i = 0; !told && i < fdm->facts->nodes->len; i++) {
		told = fdm_xml_nvpair(
			g_array_index(fdm->facts->nodes, struct fdm_node, i)
				.transient,
			"instance_attributes", name);
	}
	told = told ? told : node->told_state;
	if (told) {
		state->told = ha_hostreport_find(told);
	}
}

static void
state_free(gpointer data)
{
	struct fdm_state *state = data;

	fdm_attr_clear(&state->own);
	fdm_attr_clear(&state->on_master);
	g_free(state);
}

GHashTable *
fdm_states_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
				     state_free);
}

void
fdm_states_tick(struct fdm *fdm, uint64_t now_ms)
{
	bool is_telling;

	if (!fdm_has_snap(fdm, now_ms) || !fdm_has_facts(fdm)) {
		return;
	}
	is_telling = fdm_master_may_write(fdm, now_ms);
	for (guint i = 0; i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);
		const struct fdm_node *node =
			fdm_facts_node(fdm->facts, host->name);
		struct fdm_state *state = state_of(fdm, host->name);
		char evidence[HA_ERR_TEXT];

		look(fdm, state, host, node);
		state->was_bad |= is_worth_a_line(state->report.word);
		if (node) {
			look_at_stay(fdm, state, node, is_telling);
		}
		if (!is_telling) {
			recall(fdm, state, node);
			continue;
		}
		if (node) {
			clean(fdm, state, node, now_ms);
		}
		if (state->report.word == HA_REPORT_NONE) {
			continue;
		}
		if (state->report.word != state->told) {
			put_evidence(host, node, evidence, sizeof(evidence));
			tell_state(state, host->name, evidence);
		}
		publish(fdm, state, host, node, now_ms);
	}
}

enum ha_hostreport_word
fdm_states_word(const struct fdm *fdm, const char *host)
{
	const struct fdm_state *state = g_hash_table_lookup(fdm->states, host);

	return state ? state->report.word : HA_REPORT_NONE;
}

json_t *
fdm_states_json(const struct fdm *fdm, const char *name, uint64_t now_ms)
{
	const struct fdm_state *state = g_hash_table_lookup(fdm->states, name);
	const struct fdm_host *host = fdm_snap_host(fdm->snap, name);
	char evidence[HA_ERR_TEXT];
	uint64_t since_ms;

	if (!state || !host || state->report.word == HA_REPORT_NONE) {
		return json_null();
	}
	since_ms = state->report.since_ms;
	put_evidence(host, fdm->facts ? fdm_facts_node(fdm->facts, name) : NULL,
		     evidence, sizeof(evidence));
	return json_pack(
		"{s:s, s:I, s:s, s:s, s:b}", "state",
		ha_hostreport_name(state->report.word), "since_age_ms",
		(json_int_t)(now_ms > since_ms ? now_ms - since_ms : 0),
		"reporter",
		ha_hostreport_is_own_word(state->report.word) ? name :
								fdm->snap->self,
		"evidence", evidence, "maintenance",
		state->stay == STAY_ENTERING ||
			state->stay == STAY_MAINTENANCE);
}
