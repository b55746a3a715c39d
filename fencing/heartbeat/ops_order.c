/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders to other hosts (SAFETY 15). An order stands in this host's beat
 * until the target has acknowledged it, its incarnation means nothing any
 * more, or nobody answered for HBS_ORDER_MS. RESET and OFF go through the
 * brake: a cluster that orders ever more resets is itself the fault.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "ha/clock.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

static bool
is_deadly(enum ha_order_kind kind)
{
	return kind == HA_ORDER_RESET || kind == HA_ORDER_OFF;
}

/* hb->lock held. */
static void
rebuild(struct hbs *s)
{
	struct hb *hb = s->hb;

	hb->orders_count = 0;
	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		const struct hbs_order *order = &s->orders[i];

		if (order->nonce != 0 && order->is_open &&
		    hb->orders_count < HA_ORDERS_MAX) {
			hb->orders[hb->orders_count++] = (struct ha_order){
				.kind = order->kind,
				.target = order->host,
				.incarnation = order->incarnation,
				.nonce = order->nonce,
				.generation = order->generation,
			};
		}
	}
}

const struct hbs_order *
hbs_order_find(const struct hbs *s, uint64_t nonce)
{
	for (uint32_t i = 0; nonce != 0 && i < HBS_ORDERS_KEPT; i++) {
		if (s->orders[i].nonce == nonce) {
			return &s->orders[i];
		}
	}
	return NULL;
}

/* The oldest one that stands no more makes room. */
static struct hbs_order *
room(struct hbs *s)
{
	struct hbs_order *oldest = NULL;
	uint32_t open = 0;

	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		struct hbs_order *order = &s->orders[i];

		if (order->nonce != 0 && order->is_open) {
			open++;
		} else if (!oldest || order->given_ms < oldest->given_ms) {
			oldest = order;
		}
	}
	return open < HA_ORDERS_MAX ? oldest : NULL;
}

/* 63 bits, since JSON has no unsigned integers; never 0. */
static int
make_nonce(uint64_t *ret_nonce)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce)) {
		return -EIO;
	}
	nonce &= (uint64_t)INT64_MAX;
	*ret_nonce = nonce ? nonce : 1;
	return 0;
}

/* One deadly order to an incarnation is enough: asked again, it is the same
 * one, and the brake counts it once. */
static const struct hbs_order *
standing(const struct hbs *s, uint32_t host, enum ha_order_kind kind,
	 uint64_t incarnation, uint64_t generation)
{
	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		const struct hbs_order *order = &s->orders[i];

		if (order->nonce != 0 && order->is_open &&
		    order->host == host && order->kind == kind &&
		    order->incarnation == incarnation &&
		    order->generation == generation) {
			return order;
		}
	}
	return NULL;
}

/* Stand down and stand to, seal and unseal, unseal of another list: the later
 * one is meant. Both together would be obeyed in the order in which they happen
 * to stand in the beat. */
static void
take_back_opposite(struct hbs *s, uint32_t host, enum ha_order_kind kind,
		   uint64_t generation)
{
	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		struct hbs_order *order = &s->orders[i];

		if (order->host == host &&
		    ((kind == HA_ORDER_UNSEAL && order->kind == kind &&
		      order->generation != generation) ||
		     (kind == HA_ORDER_SEAL &&
		      order->kind == HA_ORDER_UNSEAL) ||
		     (kind == HA_ORDER_UNSEAL &&
		      order->kind == HA_ORDER_SEAL) ||
		     (kind == HA_ORDER_STAND_TO &&
		      order->kind == HA_ORDER_STAND_DOWN) ||
		     (kind == HA_ORDER_STAND_DOWN &&
		      order->kind == HA_ORDER_STAND_TO))) {
			order->is_open = false;
		}
	}
}

static uint64_t
newest_incarnation(struct hb *hb, uint32_t host)
{
	uint64_t incarnation;

	pthread_mutex_lock(&hb->lock);
	incarnation = hb_judge(hb, host, 0).incarnation;
	pthread_mutex_unlock(&hb->lock);
	return incarnation;
}

int
hbs_order_give(struct hbs *s, uint32_t host, enum ha_order_kind kind,
	       uint64_t generation, uint64_t *ret_nonce, struct ha_err *err)
{
	struct hb *hb = s->hb;
	const char *name = hb->table.names[host];
	uint64_t now_ms = ha_clock_now_ms();
	const struct hbs_order *same;
	struct hbs_order *order = room(s);
	uint64_t incarnation;
	uint64_t nonce;

	take_back_opposite(s, host, kind, generation);
	incarnation = newest_incarnation(hb, host);
	if (incarnation == 0) {
		return ha_err_set(
			err, -ESRCH,
			"%s has never beaten: nobody there could read "
			"an order",
			name);
	}
	same = standing(s, host, kind, incarnation, generation);
	if (same) {
		*ret_nonce = same->nonce;
		return 0;
	}
	if (is_deadly(kind) && ha_brake_is_full(&s->brake, now_ms)) {
		hb_log(HB_LOG_BRAKED, name, s->brake.limit, s->brake.limit);
		return ha_err_set(err, -EPERM,
				  "the limit of %u reset orders within an hour "
				  "is reached; find out what kills your hosts, "
				  "then raise fence_limit in vmha.conf",
				  s->brake.limit);
	}
	if (!order || make_nonce(&nonce) < 0) {
		return ha_err_set(err, -EBUSY,
				  "%u orders of this host stand already, no "
				  "more fit into its beat",
				  HA_ORDERS_MAX);
	}
	if (is_deadly(kind)) {
		ha_brake_count(&s->brake, now_ms);
	}
	*order = (struct hbs_order){
		.nonce = nonce,
		.host = host,
		.kind = kind,
		.incarnation = incarnation,
		.generation = generation,
		.given_ms = now_ms,
		.is_open = true,
	};
	pthread_mutex_lock(&hb->lock);
	rebuild(s);
	pthread_mutex_unlock(&hb->lock);
	hb_kick(hb);
	hb_log(HB_LOG_ORDER, name, ha_order_kind_name(kind));
	*ret_nonce = nonce;
	return 0;
}

/* Has the target said something, or is nobody left to say it? hb->lock
 * held. */
static void
look_at(struct hbs *s, struct hbs_order *order, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct ha_beat *beat = &hb->hosts[order->host].beat;
	enum ha_proof proof;

	for (uint32_t i = 0; i < beat->acks_count && i < HA_ORDERS_MAX; i++) {
		if (beat->acks[i].sender == hb->self &&
		    beat->acks[i].nonce == order->nonce &&
		    beat->incarnation == order->incarnation) {
			order->is_acked = true;
			order->result = beat->acks[i].result;
			order->is_open = false;
			return;
		}
	}
	proof = hb_judge(hb, order->host, order->incarnation).proof;
	if (ha_proof_is_gone(proof) ||
	    now_ms >= order->given_ms + HBS_ORDER_MS) {
		order->is_open = false;
	}
}

void
hbs_order_check(struct hbs *s)
{
	struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();

	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		struct hbs_order *order = &s->orders[i];
		const char *name = hb->table.names[order->host];

		if (order->nonce == 0 || !order->is_open) {
			continue;
		}
		pthread_mutex_lock(&hb->lock);
		look_at(s, order, now_ms);
		if (!order->is_open) {
			rebuild(s);
		}
		pthread_mutex_unlock(&hb->lock);
		if (order->is_acked && order->result < 0) {
			hb_log(HB_LOG_ORDER_REFUSED, name,
			       ha_order_kind_name(order->kind),
			       strerror(-order->result));
		} else if (order->is_acked) {
			hb_log(HB_LOG_ORDER_ACKED, name,
			       ha_order_kind_name(order->kind));
		} else if (!order->is_open) {
			hb_log(HB_LOG_ORDER_OVER, name,
			       ha_order_kind_name(order->kind));
		}
	}
}

/* What people and the fence agent may order; standing down is for the whole
 * cluster and has its own operation. */
static int
kind_from_name(const char *name, enum ha_order_kind *ret_kind)
{
	static const enum ha_order_kind KINDS[] = {
		HA_ORDER_TEST, HA_ORDER_RESET,  HA_ORDER_OFF,
		HA_ORDER_SEAL, HA_ORDER_UNSEAL,
	};

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		if (strcmp(ha_order_kind_name(KINDS[i]), name) == 0) {
			*ret_kind = KINDS[i];
			return 0;
		}
	}
	return -EINVAL;
}

static json_t *
give(struct hbs *s, uint32_t slot, enum ha_order_kind kind, uint64_t generation)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *answer;
	uint64_t nonce;
	int rc = hbs_order_give(s, slot, kind, generation, &nonce, &err);

	if (rc < 0) {
		return hbs_failed(rc, "%s", err.text);
	}
	answer = ha_ipc_ok();
	if (answer) {
		(void)json_object_set_new(answer, "nonce",
					  json_integer((json_int_t)nonce));
	}
	return answer;
}

/* Of which list? A request that does not say so means the newest one that was
 * read here. hb->lock held. */
static uint64_t
settled_generation(const struct hb *hb, uint32_t slot, const json_t *request)
{
	const json_t *value = json_object_get(request, "generation");

	if (json_is_integer(value)) {
		return (uint64_t)json_integer_value(value);
	}
	if (slot == hb->self) {
		return hb->list.generation;
	}
	return hbs_is_list_read(hb, slot) ?
		       hb->hosts[slot].beat.list_generation :
		       0;
}

/* The members have confirmed that they are there. The master's word about its
 * own list needs no way over the datastores (SAFETY 10). */
static json_t *
unseal(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct hb *hb = s->hb;
	struct ha_err err = HA_ERR_INIT;
	uint64_t generation;
	uint32_t slot;
	json_t *failure = hbs_arg_host(s, request, &slot);
	int rc;

	(void)client;
	if (failure) {
		return failure;
	}
	pthread_mutex_lock(&hb->lock);
	generation = settled_generation(hb, slot, request);
	rc = hb->master_term == 0 || !s->master.is_claimed ?
		     ha_err_set(&err, -EPERM,
				"this host is not master: only the master "
				"settles a host's VM list") :
		     hbs_master_may_act(s, ha_clock_now_ms(), &err);
	if (rc == 0 && slot == hb->self) {
		if (generation == hb->list.generation) {
			hbs_seal_settle(hb);
		} else {
			rc = ha_err_set(&err, -ESTALE,
					"this host's VM list has changed "
					"since it was read");
		}
	}
	pthread_mutex_unlock(&hb->lock);
	if (rc < 0) {
		return hbs_failed(rc, "%s", err.text);
	}
	return slot == hb->self ? ha_ipc_ok() :
				  give(s, slot, HA_ORDER_UNSEAL, generation);
}

json_t *
hbs_op_order(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	enum ha_order_kind kind;
	const char *text = "";
	json_t *answer;
	uint32_t slot;

	answer = hbs_arg_host(s, request, &slot);
	answer = answer ? answer : hbs_arg_text(request, "kind", &text);
	if (answer) {
		return answer;
	}
	if (kind_from_name(text, &kind) < 0) {
		return hbs_failed(-EINVAL,
				  "\"%s\" can't be ordered; test, reset, off, "
				  "seal and unseal can",
				  text);
	}
	if (kind == HA_ORDER_UNSEAL && s->hb->master_term == 0) {
		return hbs_failed(-EPERM,
				  "this host is not master: only the master "
				  "settles a host's VM list");
	}
	if (kind == HA_ORDER_UNSEAL) {
		return hbs_confirm_first(s, client, request, unseal);
	}
	if (slot == s->hb->self) {
		return hbs_failed(-EINVAL,
				  "%s is this host: it takes no "
				  "orders from itself",
				  s->hb->table.names[slot]);
	}
	return give(s, slot, kind, 0);
}

json_t *
hbs_op_order_state(struct hbs *s, struct hbs_client *client,
		   const json_t *request)
{
	const json_t *number = json_object_get(request, "nonce");
	const struct hbs_order *order = NULL;
	json_t *answer;

	(void)client;
	if (json_is_integer(number) && json_integer_value(number) > 0) {
		order = hbs_order_find(s, (uint64_t)json_integer_value(number));
	}
	if (!order) {
		return hbs_failed(
			-ENOENT,
			"this daemon knows of no such order; it keeps "
			"the last %u",
			HBS_ORDERS_KEPT);
	}
	answer = ha_ipc_ok();
	if (answer) {
		(void)json_object_set_new(
			answer, "host",
			json_string(s->hb->table.names[order->host]));
		(void)json_object_set_new(
			answer, "kind",
			json_string(ha_order_kind_name(order->kind)));
		(void)json_object_set_new(answer, "open",
					  json_boolean(order->is_open));
		(void)json_object_set_new(answer, "acked",
					  json_boolean(order->is_acked));
		(void)json_object_set_new(answer, "result",
					  json_integer(order->result));
		(void)json_object_set_new(
			answer, "age_ms",
			hbs_age(ha_clock_now_ms(), order->given_ms));
	}
	return answer;
}

/* That order stands in force there until its sender is with it, or gone. */
bool
hbs_order_seals(const struct hbs *s, uint32_t host, uint64_t incarnation,
		uint64_t since_ms)
{
	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		const struct hbs_order *order = &s->orders[i];

		if (order->nonce != 0 && order->host == host &&
		    order->kind == HA_ORDER_SEAL &&
		    order->incarnation == incarnation && order->is_acked &&
		    order->result == 0 && order->given_ms > since_ms) {
			return true;
		}
	}
	return false;
}
