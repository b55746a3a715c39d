/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The independent checker of one set of a certificate. It shares no code with
 * the search, knows nothing of its shortcuts, and looks at the inventory as it
 * is. It must never accept a placement that breaks a limit or a mandatory rule;
 * its sentence says which one, of whom.
 */
#include "ha/plan.h"

#include <errno.h>
#include <string.h>

#define NOT_SEEN UINT32_MAX

struct check {
	const struct ha_plan_question *question;
	const struct ha_inventory *inv;
	const struct ha_plan_set *set;
	uint32_t *where; /* by machine: its host after the failure; NONE */
	uint32_t *seen;  /* by host, for one rule */
	struct ha_plan_demand *left; /* by host */
	uint64_t *slots_left;
	uint8_t *is_dead;
	uint8_t *has_moved;
	char *why;
	size_t why_len;
};

static void
say(struct check *check, const char *text)
{
	size_t used = check->why_len == 0 ? 0 : strlen(check->why);

	while (used + 1 < check->why_len && *text != '\0') {
		check->why[used++] = *text++;
		check->why[used] = '\0';
	}
}

static int
refuse(struct check *check, const char *subject, const char *what,
       const char *object)
{
	if (check->why_len > 0) {
		check->why[0] = '\0';
	}
	say(check, subject);
	say(check, what);
	say(check, object);
	return -EPROTO;
}

static const char *
vm_name(const struct check *check, uint32_t vm)
{
	const char *name = check->inv->vms[vm].name;

	return name == NULL ? "a machine" : name;
}

static const char *
host_name(const struct check *check, uint32_t host)
{
	const char *name = check->inv->hosts[host].name;

	return name == NULL ? "a host" : name;
}

static size_t
round_up(size_t bytes)
{
	return (bytes + 15) / 16 * 16;
}

size_t
ha_plan_verify_bytes(const struct ha_plan_question *question)
{
	size_t hosts = (size_t)question->inv->n_hosts + 1;
	size_t vms = (size_t)question->inv->n_vms + 1;

	return round_up(hosts * sizeof(struct ha_plan_demand)) +
	       round_up(hosts * sizeof(uint64_t)) +
	       round_up(vms * sizeof(uint32_t)) +
	       round_up(hosts * sizeof(uint32_t)) + round_up(hosts) +
	       round_up(vms);
}

static void
divide(struct check *check, void *work)
{
	size_t hosts = (size_t)check->inv->n_hosts + 1;
	size_t vms = (size_t)check->inv->n_vms + 1;
	char *cursor = work;

	check->left = (void *)cursor;
	cursor += round_up(hosts * sizeof(struct ha_plan_demand));
	check->slots_left = (void *)cursor;
	cursor += round_up(hosts * sizeof(uint64_t));
	check->where = (void *)cursor;
	cursor += round_up(vms * sizeof(uint32_t));
	check->seen = (void *)cursor;
	cursor += round_up(hosts * sizeof(uint32_t));
	check->is_dead = (void *)cursor;
	cursor += round_up(hosts);
	check->has_moved = (void *)cursor;
	memset(check->is_dead, 0, hosts);
	memset(check->has_moved, 0, vms);
}

static int
check_failed(struct check *check)
{
	const struct ha_plan_set *set = check->set;

	for (uint32_t i = 0; i < set->n_failed; i++) {
		uint32_t host = set->failed[i];
		if (host >= check->inv->n_hosts) {
			return refuse(check, "the set", " names no host", "");
		}
		const char *name = host_name(check, host);
		if (i > 0 && set->failed[i - 1] >= host) {
			return refuse(check, name, " is out of order", "");
		}
		if (check->inv->hosts[host].state != HA_INV_ONLINE) {
			return refuse(check, name, " is not online", "");
		}
		if (check->question->spares_failover_hosts &&
		    check->inv->hosts[host].is_failover_host) {
			return refuse(check, name,
				      " is a failover host: none fails", "");
		}
		check->is_dead[host] = 1;
	}
	return 0;
}

static bool
is_alive(const struct check *check, uint32_t host)
{
	return check->inv->hosts[host].state == HA_INV_ONLINE &&
	       !check->is_dead[host];
}

/* Its host has failed, or it is to be placed anyway. */
static bool
must_move(const struct check *check, uint32_t vm)
{
	const struct ha_inv_vm *fact = &check->inv->vms[vm];

	if (!fact->is_on) {
		return false;
	}
	if (fact->host != HA_INV_NONE &&
	    check->inv->hosts[fact->host].state == HA_INV_ONLINE) {
		return check->is_dead[fact->host] != 0;
	}
	return check->question->places_stranded;
}

/* Failover hosts take machines whose host died, and nothing else. */
static bool
has_died(const struct check *check, uint32_t vm)
{
	uint32_t host = check->inv->vms[vm].host;
	enum ha_inv_state state = HA_INV_STANDBY;

	if (host != HA_INV_NONE) {
		state = check->inv->hosts[host].state;
	}
	return state == HA_INV_ONLINE || state == HA_INV_OFFLINE ||
	       state == HA_INV_ERROR;
}

static bool
is_allowed(const struct ha_inv_vm *vm, uint32_t host)
{
	bool is_named = !vm->has_allowed;

	for (uint32_t i = 0; vm->has_allowed && i < vm->n_allowed; i++) {
		is_named = is_named || vm->allowed[i] == host;
	}
	return is_named;
}

static int
check_move(struct check *check, const struct ha_plan_move *move)
{
	const struct ha_inventory *inv = check->inv;

	if (move->vm >= inv->n_vms || move->to >= inv->n_hosts) {
		return refuse(check, "a move", " names what is not there", "");
	}
	const char *vm = vm_name(check, move->vm);
	const char *host = host_name(check, move->to);
	if (check->has_moved[move->vm]) {
		return refuse(check, vm, " moves twice", "");
	}
	if (!must_move(check, move->vm)) {
		return refuse(check, vm, " moves without need to ", host);
	}
	if (!is_alive(check, move->to)) {
		return refuse(check, vm, " moves to a dead host, ", host);
	}
	if (!is_allowed(&inv->vms[move->vm], move->to)) {
		return refuse(check, vm, " is not allowed on ", host);
	}
	if (inv->hosts[move->to].is_failover_host &&
	    !has_died(check, move->vm)) {
		return refuse(check, vm, " may not use failover host ", host);
	}
	check->has_moved[move->vm] = 1;
	check->where[move->vm] = move->to;
	return 0;
}

static int
check_moves(struct check *check)
{
	const struct ha_inventory *inv = check->inv;
	int rc = 0;

	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		const struct ha_inv_vm *fact = &inv->vms[vm];
		check->where[vm] = HA_INV_NONE;
		if (fact->is_on && fact->host != HA_INV_NONE &&
		    is_alive(check, fact->host)) {
			check->where[vm] = fact->host;
		}
	}
	for (uint32_t i = 0; i < check->set->n_moves && rc == 0; i++) {
		rc = check_move(check, &check->set->moves[i]);
	}
	for (uint32_t vm = 0; vm < inv->n_vms && rc == 0; vm++) {
		if (must_move(check, vm) && !check->has_moved[vm]) {
			rc = refuse(check, vm_name(check, vm), " has no place",
				    "");
		}
	}
	return rc;
}

/* HA_PLAN_ROOM_MAX bounds what the planner believes; here nothing does. */
static int
check_room(struct check *check)
{
	const struct ha_inventory *inv = check->inv;

	for (uint32_t h = 0; h < inv->n_hosts; h++) {
		check->left[h].cpu_mhz = inv->hosts[h].cpu_mhz;
		check->left[h].memory_mb = inv->hosts[h].memory_mb;
		check->slots_left[h] = inv->hosts[h].max_vms == 0 ?
					       inv->n_vms :
					       inv->hosts[h].max_vms;
	}
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		const struct ha_plan_demand *demand =
			&check->question->demand[vm];
		uint32_t host = check->where[vm];
		if (host == HA_INV_NONE) {
			continue;
		}
		struct ha_plan_demand *left = &check->left[host];
		const char *name = host_name(check, host);
		if (demand->cpu_mhz > left->cpu_mhz) {
			return refuse(check, name, " lacks CPU for ",
				      vm_name(check, vm));
		}
		if (demand->memory_mb > left->memory_mb) {
			return refuse(check, name, " lacks memory for ",
				      vm_name(check, vm));
		}
		if (check->slots_left[host] == 0) {
			return refuse(check, name, " has no slot for ",
				      vm_name(check, vm));
		}
		left->cpu_mhz -= demand->cpu_mhz;
		left->memory_mb -= demand->memory_mb;
		check->slots_left[host]--;
	}
	return 0;
}

static int
check_separate(struct check *check, const struct ha_inv_rule *rule)
{
	for (uint32_t h = 0; h < check->inv->n_hosts; h++) {
		check->seen[h] = NOT_SEEN;
	}
	for (uint32_t i = 0; i < rule->n_vms; i++) {
		uint32_t vm = rule->vms[i];
		uint32_t host = check->where[vm];
		if (host == HA_INV_NONE) {
			continue;
		}
		if (check->seen[host] != NOT_SEEN && check->seen[host] != vm) {
			return refuse(check, vm_name(check, vm),
				      " must not share a host with ",
				      vm_name(check, check->seen[host]));
		}
		check->seen[host] = vm;
	}
	return 0;
}

static int
check_together(struct check *check, const struct ha_inv_rule *rule)
{
	uint32_t first = NOT_SEEN;

	for (uint32_t i = 0; i < rule->n_vms; i++) {
		uint32_t vm = rule->vms[i];
		if (check->where[vm] == HA_INV_NONE) {
			continue;
		}
		if (first == NOT_SEEN) {
			first = vm;
		} else if (check->where[vm] != check->where[first]) {
			return refuse(check, vm_name(check, vm),
				      " must share a host with ",
				      vm_name(check, first));
		}
	}
	return 0;
}

static int
check_rules(struct check *check)
{
	int rc = 0;

	for (uint32_t r = 0; r < check->inv->n_rules && rc == 0; r++) {
		const struct ha_inv_rule *rule = &check->inv->rules[r];
		if (!rule->is_mandatory) {
			continue;
		}
		switch (rule->type) {
		case HA_INV_SEPARATE:
			rc = check_separate(check, rule);
			break;
		case HA_INV_TOGETHER:
			rc = check_together(check, rule);
			break;
		}
	}
	return rc;
}

int
ha_plan_verify(const struct ha_plan_question *question,
	       const struct ha_plan_set *set, void *work, char *ret_why,
	       size_t why_len)
{
	struct check check = {
		.question = question,
		.inv = question->inv,
		.set = set,
		.why = ret_why,
		.why_len = why_len,
	};
	int rc;

	divide(&check, work);
	rc = check_failed(&check);
	if (rc == 0) {
		rc = check_moves(&check);
	}
	if (rc == 0) {
		rc = check_room(&check);
	}
	return rc == 0 ? check_rules(&check) : rc;
}
