/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The isolation responder of vmha-fdmd: is this host cut off, and what becomes
 * of each of its VMs (libha/core/isolation.c decides). It pings the isolation
 * addresses, declares, and runs the stop action of ocf:vmha:VirtualMachine
 * for the VMs whose response says so; that agent withdraws the VM from the
 * list, which makes it `released` there. No call waits for anything: the
 * caller ticks it from its main loop, in one thread, with what it knows.
 * It must never touch a VM on a host that is not cut off, nor one that
 * nobody could restart.
 */
#ifndef FAULT_DOMAIN_RESPONDER_H
#define FAULT_DOMAIN_RESPONDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "ha/area.h"
#include "ha/err.h"

/* Tick at least so often, and whenever the facts change. */
#define RESPONDER_TICK_MS 250u

/* A parameter as the CIB has it (instance_attributes, rules evaluated). */
struct responder_param {
	const char *name;
	const char *value;
};
/* Some of them, and the value of one, NULL when it is not there: a
 * ha_param_getter. */
struct respond_pairs {
	const struct responder_param *params;
	size_t count;
};
const char *respond_pair(void *pairs, const char *name);

/* An entry of this host's own list. */
struct responder_vm {
	const char *resource;
	const char *uuid; /* as text */
	enum ha_listed_state state;
	/* of the primitive in the CIB; a VM without one (!is_configured) is
	 * left alone: nobody would start it again */
	bool is_configured;
	const struct responder_param *params;
	size_t n_params;
};

/* All of it is borrowed for the call. */
struct responder_facts {
	/* heartbeatd has answered within the last beats, and the CIB was read
	 * once: false begins nothing new and ends no declaration */
	bool is_known;
	bool is_quorate;   /* in a quorate membership */
	bool hears_agents; /* the membership has another host */
	bool can_read;     /* r heartbeat datastores are read */
	/* a host that is no member of this host's membership beats now, says
	 * QUORATE and MASTER, and not ISOLATED */
	bool is_owner_alive;
	const char *node; /* this host's name in the cluster */
	const struct responder_vm *vms;
	size_t n_vms;
	/* of the ocf:vmha:FaultDomain primitive */
	const struct responder_param *policy;
	size_t n_policy;
};

/* The caller's log, as hb_log(): level, id, format, arguments. */
typedef void (*responder_log_fn)(int level, const char *id, const char *format,
				 ...) __attribute__((format(printf, 3, 4)));

struct responder;

/* NULL: no memory. Opens nothing; sockets are opened when a ping is due. */
struct responder *responder_new(responder_log_fn log);

/* Judges, pings, begins and collects stop actions. Never waits. */
void responder_tick(struct responder *responder,
		    const struct responder_facts *facts);

/* What the caller must have told heartbeatd (op "isolated", on=...): compare
 * with what it was told last, and tell it again after it was restarted. */
bool responder_is_isolated(const struct responder *responder);

/* ha_isolation_state_name(): connected, partitioned, checking, isolated. */
const char *responder_state(const struct responder *responder);

/* For "status", a new reference; NULL: no memory.
 * {"state", "since_ms" (how long ago), "lost_ms" (how long without quorum; 0:
 *  quorate), "is_isolated",
 *  "policy":{"isolation_response", "partition_response",
 *            "isolation_delay_ms", ..., "error" (a bad parameter; the default
 *            is used)},
 *  "addresses":[{"address", "is_gateway", "answered_ms" (how long ago; -1:
 *            never), "error"}],
 *  "vms":[{"resource", "step" (leave, wait, defer, shutdown, poweroff),
 *          "why", "is_stopping", "tries", "error"}]} */
json_t *responder_describe(const struct responder *responder);

/* Stop actions that are under way go on by themselves (they have a deadline);
 * nobody collects them. NULL is fine. */
void responder_free(struct responder *responder);

/* clang-format off */
#define RESPONDER_LOG_PARTITIONED LOG_WARNING, "partitioned", "this host is in no quorate membership, but not alone: %s"
#define RESPONDER_LOG_CHECKING LOG_WARNING, "isolation-check", "this host hears no other host: pinging %u isolation addresses (%s); isolated if none answers for %llu s"
#define RESPONDER_LOG_ISOLATED LOG_ERR, "isolated", "this host is isolated: no other host and no isolation address was heard for %llu s; responses begin in %llu s (isolation_response=%s)"
#define RESPONDER_LOG_CONNECTED LOG_NOTICE, "connected", "this host is in a quorate membership again, after %llu s; it was %s"
#define RESPONDER_LOG_NO_ADDRESS LOG_WARNING, "no-isolation-address", "no isolation address and no default gateway: a host that hears no other host will take itself for isolated; set isolation_addresses"
#define RESPONDER_LOG_PING_FAILED LOG_WARNING, "ping-failed", "isolation address %s can't be pinged: %s"
#define RESPONDER_LOG_POLICY LOG_ERR, "bad-policy", "%s; until then it is not used"
#define RESPONDER_LOG_DEFERRED LOG_WARNING, "response-deferred", "%s: %s: it is left running, %llu s after the quorum was lost"
#define RESPONDER_LOG_RESPONSE LOG_WARNING, "response", "%s: %s is begun: %s, %llu s after the quorum was lost"
#define RESPONDER_LOG_RELEASED LOG_NOTICE, "response-done", "%s: is off and may be started elsewhere; %s took %llu s"
#define RESPONDER_LOG_RESPONSE_FAILED LOG_ERR, "response-failed", "%s: %s has failed after %llu s: %s; tried again in %llu s as long as this host is cut off"
#define RESPONDER_LOG_CANCELLED LOG_NOTICE, "response-cancelled", "this host is not cut off any more: no further response is begun, %u under way are finished"
/* What they mean, for the caller's table of log lines. */
#define RESPONDER_LOG_ROWS \
	{ RESPONDER_LOG_PARTITIONED, "It starts nothing. partition_response decides what becomes of its VMs." }, \
	{ RESPONDER_LOG_CHECKING, "The network of this host, or all other hosts, are gone. Nothing has been done to a VM." }, \
	{ RESPONDER_LOG_ISOLATED, "As vSphere's isolation: isolation_response decides what becomes of each VM, and only while a host lives that can start it." }, \
	{ RESPONDER_LOG_CONNECTED, "What this host still runs, it keeps." }, \
	{ RESPONDER_LOG_NO_ADDRESS, "Without an address a switch failure between hosts and a failure of this host's own network look the same." }, \
	{ RESPONDER_LOG_PING_FAILED, "It counts as an address that does not answer. A wrong address, or no route." }, \
	{ RESPONDER_LOG_POLICY, "Correct the parameter of the FaultDomain or VirtualMachine resource." }, \
	{ RESPONDER_LOG_DEFERRED, "No master is alive that could start it: a VM that is turned off now would stay off. It is looked at again each second." }, \
	{ RESPONDER_LOG_RESPONSE, "The VM's stop action is run on this host, by its response; the master starts it elsewhere once it is off." }, \
	{ RESPONDER_LOG_RELEASED, "Its process is proven gone, and the heartbeat datastores say so." }, \
	{ RESPONDER_LOG_RESPONSE_FAILED, "The VM may still run here, so it is started nowhere else. The log of the VirtualMachine agent says more." }, \
	{ RESPONDER_LOG_CANCELLED, "A shutdown that a guest has been asked for can't be taken back." },
/* clang-format on */

#endif
