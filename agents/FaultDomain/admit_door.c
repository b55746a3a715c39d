/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What commands ask before they change the cluster (ha/door.h): a host that is
 * to leave, a reservation that is to grow. The master judges it in the look in
 * which it judges power-ons, before them; from its yes on the change counts in
 * every judgement, until the CIB shows it, the question is taken away or its
 * time is over. A question that another master may have said yes to counts
 * like a yes. Must never forget one that a command may still act on.
 */
#include "FaultDomain/admit_door.h"

#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "FaultDomain/stock_digest.h"
#include "ha/clock.h"

static void
free_attrs(gpointer data)
{
	struct fdm_door_attrs *attrs = data;

	fdm_attr_clear(&attrs->ask);
	fdm_attr_clear(&attrs->answer);
	g_free(attrs);
}

void
fdm_doors_begin(struct fdm_doors *doors, uint64_t now_ms)
{
	if (!doors->table) {
		doors->table = g_hash_table_new_full(g_str_hash, g_str_equal,
						     g_free, g_free);
		doors->attrs = g_hash_table_new_full(g_str_hash, g_str_equal,
						     g_free, free_attrs);
		doors->standby = g_hash_table_new_full(g_str_hash, g_str_equal,
						       g_free, NULL);
	}
	g_hash_table_remove_all(doors->table);
	g_hash_table_remove_all(doors->standby);
	doors->is_begun = false;
	doors->begin_ms = now_ms;
}

/* ---- which there are ----------------------------------------------------------- */

static bool
is_committed(const struct fdm *fdm, const struct fdm_stock *stock,
	     const struct fdm_door *door)
{
	const struct fdm_vm *vm;
	uint32_t host;

	if (door->is_foreign) {
		return false;
	}
	if (door->ask.kind == HA_DOOR_REMOVE_HOST) {
		host = fdm_stock_host(stock, door->ask.object);
		return host != HA_INV_NONE &&
		       stock->inv.hosts[host].state != HA_INV_ONLINE;
	}
	vm = fdm_facts_vm(fdm->facts, door->ask.object);
	return vm && vm->ticket.has_reserved &&
	       vm->ticket.cpu_mhz >= door->ask.cpu_mhz &&
	       vm->ticket.memory_mb >= door->ask.memory_mb;
}

/* What the CIB has of it, when it is first seen. */
static void
recall(const struct fdm_doors *doors, const struct fdm_node *node,
       struct fdm_door *door, uint64_t now_ms)
{
	struct ha_door_answer answer;
	bool is_answered =
		ha_door_answer_parse(fdm_door_shown(node, HA_DOOR_ANSWER_ATTR),
				     &answer) == 0 &&
		strcmp(answer.nonce, door->ask.nonce) == 0;

	door->asked.seen_ms = now_ms;
	if (is_answered && answer.is_yes) {
		door->asked.said = HA_GATE_SAID_YES;
	} else if (is_answered) {
		door->asked.said = HA_GATE_SAID_NO;
		g_strlcpy(door->text, answer.text, sizeof(door->text));
	} else {
		door->asked.is_inherited =
			!door->is_foreign &&
			now_ms < doors->begin_ms + FDM_DOOR_EARLY_MS;
	}
}

static void
take(struct fdm_doors *doors, const struct fdm_node *node, uint64_t now_ms)
{
	const char *text = fdm_door_shown(node, HA_DOOR_ASK_ATTR);
	struct ha_door_ask ask;
	struct fdm_door *door;
	int rc = ha_door_ask_parse(text, &ask);

	if (rc == -EINVAL) {
		return; /* nobody's, and there is nobody to answer */
	}
	door = g_hash_table_lookup(doors->table, ask.nonce);
	if (!door) {
		door = g_new0(struct fdm_door, 1);
		door->ask = ask;
		door->is_foreign = rc < 0;
		g_strlcpy(door->node, node->name, sizeof(door->node));
		recall(doors, node, door, now_ms);
		g_hash_table_insert(doors->table, g_strdup(ask.nonce), door);
	}
	door->is_shown = true;
}

struct looking {
	struct fdm *fdm;
	const struct fdm_stock *stock;
	uint64_t now_ms;
};

/* CIB and membership: whichever is faster. */
static bool
is_away(const struct fdm *fdm, const struct fdm_node *node)
{
	const struct fdm_host *host =
		node && fdm->snap ? fdm_snap_host(fdm->snap, node->name) : NULL;

	return !node || !node->is_online || (host && !host->is_member);
}

/* A question in the place of another one does not say that whoever put the
 * first one has ended: that counts for its whole time. So does one that is
 * missing after its host was away: Pacemaker erases it then, and its command may
 * go on. */
static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
	const struct looking *look = data;
	const struct fdm_node *node;
	struct fdm_door *door = value;

	(void)key;
	door->asked.is_committed = is_committed(look->fdm, look->stock, door);
	door->duty = ha_gate_asked(&door->asked, look->now_ms, HA_DOOR_HOLD_MS);
	node = fdm_facts_node(look->fdm->facts, door->node);
	door->was_away = door->was_away || is_away(look->fdm, node);
	if (door->is_shown) {
		return FALSE;
	}
	return !door->duty.is_counted ||
	       (!door->was_away && !fdm_door_shown(node, HA_DOOR_ASK_ATTR)[0]);
}

static void
hide(gpointer key, gpointer value, gpointer data)
{
	(void)key;
	(void)data;
	((struct fdm_door *)value)->is_shown = false;
}

static bool
was_admitted(const struct fdm_doors *doors, const char *host)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, doors->table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct fdm_door *door = value;

		if (!door->is_foreign &&
		    door->ask.kind == HA_DOOR_REMOVE_HOST &&
		    door->asked.said == HA_GATE_SAID_YES &&
		    strcmp(door->ask.object, host) == 0) {
			return true;
		}
	}
	return false;
}

static void
note_standby(struct fdm_doors *doors, const struct fdm_node *node)
{
	bool is_asked;

	if (!node->is_standby) {
		(void)g_hash_table_remove(doors->standby, node->name);
	} else if (!g_hash_table_contains(doors->standby, node->name)) {
		is_asked = !doors->is_begun || was_admitted(doors, node->name);
		g_hash_table_insert(doors->standby, g_strdup(node->name),
				    GINT_TO_POINTER(is_asked));
	}
}

void
fdm_doors_look(struct fdm *fdm, const struct fdm_stock *stock, uint64_t now_ms)
{
	struct fdm_doors *doors = &fdm->admit->doors;
	struct looking look = { fdm, stock, now_ms };

	g_hash_table_foreach(doors->table, hide, NULL);
	for (guint i = 0; i < fdm->facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(fdm->facts->nodes, struct fdm_node, i);

		take(doors, node, now_ms);
		note_standby(doors, node);
	}
	doors->is_begun = true;
	(void)g_hash_table_foreach_remove(doors->table, is_gone, &look);
}

/* In an order that does not hang on the table's. */
static gint
compare(gconstpointer a, gconstpointer b)
{
	const struct fdm_door *x = a;
	const struct fdm_door *y = b;

	return x->asked.seen_ms != y->asked.seen_ms ?
		       (x->asked.seen_ms > y->asked.seen_ms) -
			       (x->asked.seen_ms < y->asked.seen_ms) :
		       strcmp(x->ask.nonce, y->ask.nonce);
}

static GList *
in_order(const struct fdm_doors *doors)
{
	return g_list_sort(g_hash_table_get_values(doors->table), compare);
}

uint64_t
fdm_doors_key(const struct fdm_doors *doors, uint64_t key)
{
	GList *all = in_order(doors);

	for (GList *at = all; at; at = at->next) {
		const struct fdm_door *door = at->data;

		key = fdm_mix_text(key, door->ask.nonce);
		key = fdm_mix_number(key, door->duty.is_counted);
		key = fdm_mix_number(key, door->duty.is_judged);
	}
	g_list_free(all);
	return key;
}

/* ---- what counts ------------------------------------------------------------------ */

static void
count(struct fdm_judging *j, const struct fdm_door *door)
{
	uint32_t index;

	switch (door->ask.kind) {
	case HA_DOOR_REMOVE_HOST:
		index = fdm_stock_host(j->stock, door->ask.object);
		if (index != HA_INV_NONE &&
		    j->hosts[index].state == HA_INV_ONLINE) {
			j->hosts[index].state = HA_INV_MAINTENANCE;
		}
		break;
	case HA_DOOR_RAISE:
		index = fdm_stock_vm(j->stock, door->ask.object);
		if (index != HA_INV_NONE) {
			j->vms[index].cpu_mhz =
				MAX(j->vms[index].cpu_mhz, door->ask.cpu_mhz);
			j->vms[index].memory_mb = MAX(j->vms[index].memory_mb,
						      door->ask.memory_mb);
		}
		break;
	}
}

bool
fdm_doors_count(struct fdm_judging *j)
{
	GHashTableIter iter;
	gpointer value;
	bool is_any = false;

	g_hash_table_iter_init(&iter, j->admit->doors.table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct fdm_door *door = value;

		if (door->duty.is_counted) {
			count(j, door);
			is_any = true;
		}
	}
	return is_any;
}

/* ---- the judgement ------------------------------------------------------------------ */

static bool
judge_host(struct fdm_judging *j, const struct fdm_door *door,
	   struct fdm_admission *told)
{
	uint32_t host = fdm_stock_host(j->stock, door->ask.object);
	const struct ha_admission_request request = {
		.op = HA_ADMISSION_REMOVE_HOST,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
		.hosts = &host,
		.n_hosts = 1,
	};
	struct ha_admission_answer answer;
	enum ha_inv_state kept;
	bool is_yes;

	/* It counts for nothing already. */
	if (host == HA_INV_NONE ||
	    j->stock->inv.hosts[host].state != HA_INV_ONLINE) {
		return true;
	}
	kept = j->hosts[host].state;
	j->hosts[host].state = HA_INV_ONLINE;
	is_yes = fdm_admit_ask(j, &request, &answer, told);
	j->hosts[host].state = kept;
	return is_yes;
}

static bool
judge_raise(struct fdm_judging *j, const struct fdm_door *door,
	    struct fdm_admission *told)
{
	uint32_t vm = fdm_stock_vm(j->stock, door->ask.object);
	const struct ha_admission_request request = {
		.op = HA_ADMISSION_RAISE,
		.vm = vm,
		.host = HA_INV_NONE,
		.has_cpu = true,
		.has_memory = true,
		.cpu_mhz = door->ask.cpu_mhz,
		.memory_mb = door->ask.memory_mb,
	};
	const struct fdm_admission *known;
	struct ha_admission_answer answer;
	struct ha_inv_vm kept;
	bool is_yes;

	if (vm == HA_INV_NONE) {
		(void)g_snprintf(told->text, sizeof(told->text),
				 "admission control does not count %s",
				 door->ask.object);
		return false;
	}
	/* From what was admitted, whatever is counted. */
	known = fdm_admit_find(j->fdm, door->ask.object);
	kept = j->vms[vm];
	j->vms[vm].cpu_mhz = known && known->has_reserved ?
				     known->reserved.cpu_mhz :
				     j->stock->inv.vms[vm].cpu_mhz;
	j->vms[vm].memory_mb = known && known->has_reserved ?
				       known->reserved.memory_mb :
				       j->stock->inv.vms[vm].memory_mb;
	is_yes = fdm_admit_ask(j, &request, &answer, told);
	j->vms[vm] = kept;
	return is_yes;
}

static void
judge(struct fdm_judging *j, struct fdm_door *door)
{
	struct fdm_admission told = { .word = FDM_ADMIT_NONE };
	char what[HA_DOOR_TEXT] = "";
	bool is_yes = false;

	if (door->is_foreign) {
		g_strlcpy(told.text,
			  "the master is of another version and does not know "
			  "this question, or a number in it is too large",
			  sizeof(told.text));
	} else if (door->ask.kind == HA_DOOR_REMOVE_HOST) {
		is_yes = judge_host(j, door, &told);
	} else {
		is_yes = judge_raise(j, door, &told);
	}
	(void)ha_door_ask_format(&door->ask, what);
	door->asked.said = is_yes ? HA_GATE_SAID_YES : HA_GATE_SAID_NO;
	(void)g_snprintf(door->text, sizeof(door->text), "%s%s%s", told.text,
			 told.help[0] ? ". What would help: " : "", told.help);
	if (is_yes) {
		fdm_log(FDM_LOG_ASK_YES, door->node,
			what[0] ? what + HA_DOOR_NONCE : "");
	} else {
		fdm_log(FDM_LOG_ASK_NO, door->node,
			what[0] ? what + HA_DOOR_NONCE : "something else",
			told.text);
	}
}

bool
fdm_doors_judge(struct fdm_judging *j)
{
	GList *all = in_order(&j->admit->doors);
	bool is_done = true;

	for (GList *at = all; at && is_done; at = at->next) {
		struct fdm_door *door = at->data;

		if (door->is_shown && door->duty.is_judged) {
			judge(j, door);
			/* It is another cluster for whoever comes after it. */
			is_done = false;
		}
	}
	g_list_free(all);
	return is_done;
}
