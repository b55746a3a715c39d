/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * validate-all: at check level 0 the parameters alone, as OCF demands; at 10
 * also this host: everything that must exist here for the VM to run and to
 * migrate. reload-agent needs nothing more, since every action reads the
 * parameters afresh.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/hvload.h"

/* Findings of check_host: 0 note, 1 warning, 2 error. */
struct findings {
	struct agent_ctx *ctx;
	unsigned int errors;
};

static void
report(void *ctx, int severity, const char *sentence)
{
	struct findings *findings = ctx;
	enum agent_level level = severity >= 2 ? AGENT_ERROR :
				 severity == 1 ? AGENT_WARNING :
						 AGENT_INFO;

	findings->errors += severity >= 2;
	agent_log(findings->ctx, level, "%s", sentence);
	printf("%s: %s\n",
	       severity >= 2 ? "error" :
	       severity == 1 ? "warning" :
			       "note",
	       sentence);
}

/* Not an error: it runs, and what waits for it has a time limit. */
static void
check_heartbeat(const struct vm *vm, struct findings *findings)
{
	struct ha_domain *domain = calloc(1, sizeof(*domain));
	struct ha_err err = HA_ERR_INIT;
	const char *lacking = NULL;

	if (!domain || !vm->xml ||
	    ha_domain_parse(vm->xml, strlen(vm->xml), domain, NULL) < 0) {
		free(domain);
		return;
	}
	if (vm->params->ready_condition == HA_VM_READY_GUEST &&
	    !domain->has_agent) {
		lacking = HA_DOMAIN_AGENT;
	} else if (vm->params->ready_condition == HA_VM_READY_APPLICATION &&
		   !domain->has_heartbeat) {
		lacking = HA_DOMAIN_HEARTBEAT;
	}
	if (lacking) {
		(void)ha_err_set(&err, -ENODEV,
				 "%s never becomes ready: its domain has no "
				 "channel %s, which its ready_condition needs; "
				 "add it to the XML",
				 domain->name, lacking);
		report(findings, 1, err.text);
	}
	free(domain);
}

static int
check_host(struct vm *vm, struct findings *findings, struct ha_err *err)
{
	uint64_t deadline_ms = vm->ctx->deadline_ms;
	const struct ha_hv_ops *ops;
	struct ha_hv *hv = NULL;
	int rc = ha_hv_load(&ops, err);

	if (rc == 0) {
		rc = ops->open(vm->params->hypervisor, deadline_ms, &hv, err);
	}
	if (rc == 0 && !vm->xml) {
		rc = ops->persistent_xml(hv, vm->params->uuid, vm->params->name,
					 deadline_ms, &vm->xml, err);
	}
	if (rc == 0) {
		rc = ops->check_host(hv, vm->xml, deadline_ms, report, findings,
				     err);
	}
	return rc;
}

enum ocf_rc
vm_validate_all(struct agent_ctx *ctx)
{
	static struct vm vm;
	struct findings findings = { .ctx = ctx };
	struct ha_err err = HA_ERR_INIT;
	int rc;

	if (ctx->check_level < 10) {
		return OCF_SUCCESS;
	}
	vm_init(&vm, ctx);
	if (vm.params->config && vm_read_config(&vm, &err) < 0) {
		return agent_fail(ctx, OCF_ERR_ARGS, "%s", err.text);
	}
	if (vm_check_overlays(&vm, &err) < 0) {
		report(&findings, 2, err.text);
	}
	rc = check_host(&vm, &findings, &err);
	check_heartbeat(&vm, &findings);
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_INSTALLED, "%s", err.text);
	}
	if (findings.errors > 0) {
		return agent_fail(ctx, OCF_ERR_ARGS,
				  "%u thing%s on this host would keep %s from "
				  "running or migrating",
				  findings.errors,
				  findings.errors == 1 ? "" : "s",
				  vm.domain ? vm.domain->name : vm.resource);
	}
	return OCF_SUCCESS;
}

enum ocf_rc
vm_reload_agent(struct agent_ctx *ctx)
{
	struct ha_err err = HA_ERR_INIT;

	/* The VM runs on: a wrong parameter is said, and costs it nothing. */
	if (ha_vm_params_check(ctx->values, ctx->instance, &err) < 0) {
		agent_log(ctx, AGENT_WARNING, "%s", err.text);
	} else if (ctx->lenient_rc == 0) {
		agent_log(ctx, AGENT_INFO, "parameters reloaded");
	}
	return OCF_SUCCESS;
}
