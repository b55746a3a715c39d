/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is this host cut off? Feeds ha_isolation_judge() with what the caller knows
 * and with the pings of the isolation addresses, says what has changed, and
 * hands the VMs to respond.c. A ping that this host itself could not even try
 * proves nothing: it stops the count, so that want of a socket never looks
 * like a dead network.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/respond.h"
#include "FaultDomain/timeouts.h"

#define VM_AGENT VMHA_OCFDIR "/VirtualMachine"
#define LIST_BYTES 512

struct responder *
responder_new(responder_log_fn log)
{
	struct responder *r = calloc(1, sizeof(*r));

	if (!r) {
		return NULL;
	}
	r->vms = calloc(HA_VMS_MAX, sizeof(*r->vms));
	if (!r->vms) {
		free(r);
		return NULL;
	}
	r->log = log;
	r->program = VM_AGENT;
	r->now_ms = ha_clock_now_ms();
	ha_isolation_init(&r->isolation, r->now_ms);
	return r;
}

void
responder_free(struct responder *r)
{
	if (!r) {
		return;
	}
	for (size_t i = 0; i < r->n_vms; i++) {
		respond_run_leave(&r->vms[i].run);
	}
	ha_icmp_free(r->icmp);
	free(r->vms);
	free(r);
}

bool
responder_is_isolated(const struct responder *r)
{
	return r->isolation.state == HA_ISOLATION_ISOLATED;
}

const char *
responder_state(const struct responder *r)
{
	return ha_isolation_state_name(r->isolation.state);
}

static void
read_policy(struct responder *r, const struct responder_facts *facts)
{
	struct respond_pairs pairs = { facts->policy, facts->n_policy };
	struct ha_err err = HA_ERR_INIT;
	int rc = ha_fdm_params_lenient(respond_pair, &pairs, &r->params, &err);

	if (rc < 0 && strcmp(r->policy_error, err.text) != 0) {
		r->log(RESPONDER_LOG_POLICY, err.text);
	}
	(void)ha_text_copy(r->policy_error, sizeof(r->policy_error), err.text);
	r->policy = (struct ha_isolation_policy){
		.ping_ms = (uint32_t)r->params.isolation_ping_timeout_ms,
		.delay_ms = (uint32_t)r->params.isolation_delay_ms,
		.shutdown_ms =
			(uint32_t)r->params.isolation_shutdown_timeout_ms,
		.partition_ms = (uint32_t)r->params.partition_delay_ms,
	};
}

/* ---- isolation addresses --------------------------------------------------- */

/* Gateways vanish from the routing table when a cable is pulled; those that
 * were known while the host was connected are asked all the same. */
static void
read_gateways(struct responder *r)
{
	struct ha_gateways now = { 0 };

	if (!r->params.use_default_gateway) {
		r->gateways.count = 0;
		r->gateways_ms = 0;
		return;
	}
	if (r->isolation.state != HA_ISOLATION_CONNECTED && r->gateways.count) {
		return;
	}
	if (r->gateways_ms && r->now_ms < r->gateways_ms + RESPOND_GATEWAY_MS) {
		return;
	}
	if (ha_gateways_read(&now, NULL) == 0) {
		r->gateways = now;
		r->gateways_ms = r->now_ms;
	}
}

static void
add_address(struct responder *r, struct respond_address *list, size_t *n,
	    const char *text, bool is_gateway)
{
	for (size_t i = 0; i < *n; i++) {
		if (strcmp(list[i].text, text) == 0) {
			return;
		}
	}
	if (*n == RESPOND_ADDRESSES_MAX) {
		return;
	}
	memset(&list[*n], 0, sizeof(list[*n]));
	for (size_t i = 0; i < r->n_addresses; i++) {
		if (strcmp(r->addresses[i].text, text) == 0) {
			list[*n] = r->addresses[i];
		}
	}
	(void)ha_text_copy(list[*n].text, sizeof(list[*n].text), text);
	list[*n].is_gateway = is_gateway;
	(*n)++;
}

static void
list_addresses(struct responder *r)
{
	struct respond_address list[RESPOND_ADDRESSES_MAX];
	struct ha_fdm_addresses given;
	bool has_changed;
	size_t n = 0;

	read_gateways(r);
	(void)ha_fdm_addresses_parse(r->params.isolation_addresses, &given,
				     NULL);
	for (size_t i = 0; i < given.count; i++) {
		add_address(r, list, &n, given.text[i], false);
	}
	for (size_t i = 0; i < r->gateways.count; i++) {
		add_address(r, list, &n, r->gateways.text[i], true);
	}
	has_changed = n != r->n_addresses;
	for (size_t i = 0; i < n && !has_changed; i++) {
		has_changed = strcmp(list[i].text, r->addresses[i].text) != 0;
	}
	memcpy(r->addresses, list, n * sizeof(list[0]));
	r->n_addresses = n;
	if (has_changed) {
		/* A new address has had no time to answer yet. */
		r->asked_ms = 0;
		ha_icmp_free(r->icmp);
		r->icmp = NULL;
	}
	if (n == 0 && !r->is_no_address_said) {
		r->log(RESPONDER_LOG_NO_ADDRESS);
	}
	r->is_no_address_said = n == 0;
}

/* ---- pings ----------------------------------------------------------------- */

/* Did this host fail to ask, for a reason of its own? */
static bool
is_own_failure(int rc)
{
	return rc == -EACCES || rc == -EPERM || rc == -EMFILE ||
	       rc == -ENFILE || rc == -ENOMEM || rc == -ENOBUFS ||
	       rc == -EAGAIN || rc == -ENOSPC;
}

static bool
ping(struct responder *r, struct respond_address *address)
{
	struct ha_err err = HA_ERR_INIT;
	int rc = 0;

	if (!r->icmp) {
		rc = ha_icmp_new(&r->icmp, &err);
	}
	if (rc == 0) {
		rc = ha_icmp_ping(r->icmp, address->text, &err);
	}
	address->is_own = rc == -EADDRINUSE;
	if (rc < 0 && strcmp(address->error, err.text) != 0) {
		r->log(RESPONDER_LOG_PING_FAILED, address->text, err.text);
	}
	(void)ha_text_copy(address->error, sizeof(address->error), err.text);
	return !is_own_failure(rc);
}

static void
take_answers(struct responder *r)
{
	char text[HA_ICMP_ADDRESS_TEXT];

	while (r->icmp && ha_icmp_receive(r->icmp, text) == 1) {
		r->answered_ms = r->now_ms;
		(void)ha_text_copy(r->answered_by, sizeof(r->answered_by),
				   text);
		for (size_t i = 0; i < r->n_addresses; i++) {
			if (strcmp(r->addresses[i].text, text) == 0) {
				r->addresses[i].answered_ms = r->now_ms;
			}
		}
	}
}

/* Pinged "without a break": a daemon that stood still has heard nothing
 * because it did not listen. */
static void
ping_all(struct responder *r)
{
	bool is_asked = true;

	take_answers(r);
	if (!ha_isolation_wants_ping(&r->isolation)) {
		r->asked_ms = 0;
		r->pinged_ms = 0;
		return;
	}
	if (r->now_ms > r->last_tick_ms + RESPOND_PING_MS) {
		r->asked_ms = 0;
	}
	if (r->pinged_ms && r->now_ms < r->pinged_ms + RESPOND_PING_MS) {
		return;
	}
	for (size_t i = 0; i < r->n_addresses; i++) {
		is_asked = ping(r, &r->addresses[i]) && is_asked;
	}
	r->pinged_ms = r->now_ms;
	if (!is_asked) {
		r->asked_ms = 0;
	} else if (r->asked_ms == 0) {
		r->asked_ms = r->now_ms;
	}
}

/* ---- the state of this host ------------------------------------------------- */

static uint32_t
count_addresses(const struct responder *r)
{
	uint32_t n = 0;

	for (size_t i = 0; i < r->n_addresses; i++) {
		n += r->addresses[i].is_own ? 0 : 1;
	}
	return n;
}

static void
format_addresses(const struct responder *r, char text[LIST_BYTES])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < r->n_addresses && len < LIST_BYTES; i++) {
		len += (size_t)snprintf(text + len, LIST_BYTES - len, "%s%s",
					i ? ", " : "", r->addresses[i].text);
	}
}

static const char *
response_name(int response)
{
	return ha_response_name(
		(enum ha_response)(response + (int)HA_RESPONSE_NONE));
}

static void
say_connected(struct responder *r, const struct ha_isolation *was)
{
	uint64_t lost_ms = was->lost_ms ? was->lost_ms : was->since_ms;
	bool has_begun = false;

	for (size_t i = 0; i < r->n_vms; i++) {
		has_begun = has_begun || r->vms[i].tries > 0;
	}
	r->log(RESPONDER_LOG_CONNECTED,
	       (unsigned long long)(r->now_ms - lost_ms) / MS_PER_S,
	       ha_isolation_state_name(was->state));
	if (has_begun) {
		r->log(RESPONDER_LOG_CANCELLED, r->n_runs);
	}
}

static void
say_state(struct responder *r, const struct ha_isolation *was,
	  const struct responder_facts *facts)
{
	char text[LIST_BYTES];

	switch (r->isolation.state) {
	case HA_ISOLATION_CONNECTED:
		say_connected(r, was);
		break;
	case HA_ISOLATION_PARTITIONED:
		snprintf(text, sizeof(text), "isolation address %s answers",
			 r->answered_by);
		r->log(RESPONDER_LOG_PARTITIONED,
		       facts->hears_agents ? "it hears other hosts" : text);
		break;
	case HA_ISOLATION_CHECKING:
		format_addresses(r, text);
		r->log(RESPONDER_LOG_CHECKING, count_addresses(r), text,
		       (unsigned long long)r->policy.ping_ms / MS_PER_S);
		break;
	case HA_ISOLATION_ISOLATED:
		r->log(RESPONDER_LOG_ISOLATED,
		       (unsigned long long)r->policy.ping_ms / MS_PER_S,
		       (unsigned long long)r->policy.delay_ms / MS_PER_S,
		       response_name(r->params.isolation_response));
		break;
	case HA_ISOLATION_N:
		break;
	}
}

static void
judge(struct responder *r, const struct responder_facts *facts)
{
	struct ha_isolation was = r->isolation;
	struct ha_isolation_facts f = {
		.is_quorate = facts->is_quorate,
		.hears_agents = facts->hears_agents,
		.addresses = count_addresses(r),
		.asked_ms = r->asked_ms,
		.answered_ms = r->answered_ms,
		.now_ms = r->now_ms,
	};

	if (ha_isolation_judge(&r->isolation, &f, &r->policy)) {
		say_state(r, &was, facts);
	}
}

void
responder_tick(struct responder *r, const struct responder_facts *facts)
{
	r->last_tick_ms = r->now_ms;
	r->now_ms = ha_clock_now_ms();
	if (facts->is_known) {
		read_policy(r, facts);
		list_addresses(r);
		judge(r, facts);
	}
	/* After the judge: the first ping goes out with the first doubt. */
	ping_all(r);
	respond_tick(r, facts, facts->is_known);
}

/* ---- for "status" ------------------------------------------------------------ */

static json_t *
describe_addresses(const struct responder *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_addresses; i++) {
		const struct respond_address *a = &r->addresses[i];
		json_int_t ago_ms =
			a->answered_ms ?
				(json_int_t)(r->now_ms - a->answered_ms) :
				-1;

		json_array_append_new(
			list,
			json_pack("{s:s, s:b, s:I, s:s}", "address", a->text,
				  "is_gateway", a->is_gateway, "answered_ms",
				  ago_ms, "error", a->error));
	}
	return list;
}

json_t *
responder_describe(const struct responder *r)
{
	const struct ha_fdm_params *p = &r->params;
	uint64_t lost_ms = r->isolation.lost_ms;
	json_t *policy = json_pack(
		"{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s}",
		"isolation_response", response_name(p->isolation_response),
		"partition_response", response_name(p->partition_response),
		"use_default_gateway", p->use_default_gateway,
		"isolation_ping_timeout_ms",
		(json_int_t)p->isolation_ping_timeout_ms, "isolation_delay_ms",
		(json_int_t)p->isolation_delay_ms, "partition_delay_ms",
		(json_int_t)p->partition_delay_ms,
		"isolation_shutdown_timeout_ms",
		(json_int_t)p->isolation_shutdown_timeout_ms, "error",
		r->policy_error);

	return json_pack(
		"{s:s, s:I, s:I, s:b, s:o, s:o, s:o}", "state",
		responder_state(r), "since_ms",
		(json_int_t)(r->now_ms - r->isolation.since_ms), "lost_ms",
		(json_int_t)(lost_ms ? r->now_ms - lost_ms : 0), "is_isolated",
		responder_is_isolated(r), "policy", policy, "addresses",
		describe_addresses(r), "vms", respond_describe(r));
}
