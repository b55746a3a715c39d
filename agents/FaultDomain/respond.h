/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the isolation responder share. isolation.c pings and
 * declares, respond.c answers for each VM, respond_run.c runs the VM agent.
 * Others include responder.h and never this.
 */
#ifndef FAULT_DOMAIN_RESPOND_H
#define FAULT_DOMAIN_RESPOND_H

#include <sys/types.h>

#include "FaultDomain/responder.h"
#include "ha/clock.h"
#include "ha/fdmparams.h"
#include "ha/icmp.h"
#include "ha/isolation.h"
#include "ha/text.h"

#define RESPOND_RUNS_MAX 16u /* stop actions at a time */
#define RESPOND_ADDRESSES_MAX HA_ADDRESSES_MAX
#define RESPOND_LINE 512
#define MS_PER_S 1000u

/* ---- respond_run.c: one stop action as a child process -------------------- */

enum respond_mode {
	RESPOND_SHUTDOWN, /* the guest is asked, and has patience_ms */
	RESPOND_POWEROFF,
};

struct respond_run {
	pid_t pid; /* 0: none runs */
	int stderr_fd;
	uint64_t begun_ms;
	uint64_t deadline_ms; /* then it is killed */
	bool was_killed;
};

/* 0 begun; negative errno with a sentence. Returns at once. */
int respond_run_begin(struct respond_run *run, const char *program,
		      const struct responder_vm *vm, const char *node,
		      enum respond_mode mode, uint64_t patience_ms,
		      struct ha_err *err);
/* 1: under way; 0: has ended well; -EIO: failed, with the agent's reason. */
int respond_run_poll(struct respond_run *run, uint64_t now_ms,
		     struct ha_err *err);
/* Forgets it; the child goes on. */
void respond_run_leave(struct respond_run *run);

/* ---- the responder --------------------------------------------------------- */

struct respond_address {
	char text[HA_ADDRESS_TEXT];
	bool is_gateway;
	bool is_own;              /* this host's: does not count */
	uint64_t answered_ms;     /* 0: never */
	char error[RESPOND_LINE]; /* of the last ping */
};

struct respond_vm {
	char resource[HA_RESOURCE_NAME];
	char uuid[HA_UUID_TEXT];
	bool is_listed; /* in the facts of this tick */
	struct ha_response_verdict verdict;
	bool is_deferral_said;
	bool is_bad_said; /* a bad parameter of the VM */
	struct respond_run run;
	enum respond_mode mode;
	unsigned int tries;
	uint64_t shutdown_ms; /* its shutdown was begun; 0: was not */
	bool has_shutdown_failed;
	uint64_t again_ms; /* nothing is begun before */
	char error[RESPOND_LINE];
};

struct responder {
	responder_log_fn log;
	const char *program; /* the VM agent */
	uint64_t now_ms;     /* of this tick */
	uint64_t last_tick_ms;

	struct ha_fdm_params params; /* strings borrowed for a tick */
	struct ha_isolation_policy policy;
	char policy_error[RESPOND_LINE];

	struct ha_isolation isolation;
	struct ha_icmp *icmp;
	struct ha_gateways gateways;
	uint64_t gateways_ms; /* when they were read; 0: never */
	size_t n_addresses;
	struct respond_address addresses[RESPOND_ADDRESSES_MAX];
	bool is_no_address_said;
	uint64_t asked_ms; /* struct ha_isolation_facts */
	uint64_t pinged_ms;
	uint64_t answered_ms;
	char answered_by[HA_ADDRESS_TEXT];

	struct respond_vm *vms; /* room for HA_VMS_MAX */
	size_t n_vms;
	unsigned int n_runs;
};

/* Judges each VM of the list and begins what is due; `may_begin`: false when
 * nothing new is to begin. */
void respond_tick(struct responder *r, const struct responder_facts *facts,
		  bool may_begin);
json_t *respond_describe(const struct responder *r);

#endif
