/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan as vmha-fdmd makes it, from a CIB of many VMs, turn by turn: what its
 * main loop waits for it. The CIB and what is read of it are made before, and
 * timed beside. CPU time: what else runs on the machine does not count.
 */
#include <glib.h>
#include <inttypes.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <time.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/prefer_plan.h"

#define HOST_MHZ 90000u
#define HOST_MB 524288u
#define VM_MHZ 500u
#define VM_MB 4096u
#define GOAL_MS 20.0
#define NOW_MS 100000u
#define TURNS_MAX 100000u

static double
cpu_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
add_utilization(GString *xml, const char *id, uint32_t n, unsigned int mhz,
		unsigned int mb)
{
	g_string_append_printf(
		xml,
		"<utilization id='u%s%u'><nvpair id='c%s%u' name='cpu_mhz' "
		"value='%u'/><nvpair id='m%s%u' name='memory_mb' "
		"value='%u'/></utilization>",
		id, n, id, n, mhz, id, n, mb);
}

/* planned: each VM has a constraint, towards the host after its own. */
static GString *
cib(uint32_t n_hosts, uint32_t n_vms)
{
	GString *xml = g_string_new("<cib><configuration><crm_config/><nodes>");

	for (uint32_t h = 0; h < n_hosts; h++) {
		g_string_append_printf(xml, "<node id='%u' uname='h%u'>", h + 1,
				       h);
		add_utilization(xml, "h", h, HOST_MHZ, HOST_MB);
		g_string_append(xml, "</node>");
	}
	g_string_append(xml, "</nodes><resources>");
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		g_string_append_printf(xml,
				       "<primitive id='vm%u' class='ocf' "
				       "provider='vmha' type='VirtualMachine'>",
				       vm);
		/* Of some sizes: which goes where is not all the same. */
		add_utilization(xml, "v", vm, VM_MHZ + vm % 7 * 100,
				VM_MB + vm % 11 * 512);
		g_string_append(xml, "</primitive>");
	}
	g_string_append(xml, "</resources><constraints/><rsc_defaults>"
			     "<meta_attributes id='d'><nvpair id='s' "
			     "name='resource-stickiness' value='100'/>"
			     "</meta_attributes></rsc_defaults>"
			     "</configuration><status>");
	for (uint32_t h = 0; h < n_hosts; h++) {
		g_string_append_printf(
			xml,
			"<node_state id='%u' uname='h%u' in_ccm='true' "
			"crmd='online' join='member' expected='member'><lrm "
			"id='%u'><lrm_resources>",
			h + 1, h, h + 1);
		for (uint32_t vm = h; vm < n_vms; vm += n_hosts) {
			g_string_append_printf(
				xml,
				"<lrm_resource id='vm%u'><lrm_rsc_op id='o%u' "
				"operation='start' call-id='5' rc-code='0' "
				"op-status='0' interval='0'/></lrm_resource>",
				vm, vm);
		}
		g_string_append(xml, "</lrm_resources></lrm></node_state>");
	}
	g_string_append(xml, "</status></cib>");
	return xml;
}

/* Another copy of it; what reading it costs. */
static const struct fdm_stock *
read_copy(struct fdm *fdm, const GString *xml, double *ret_ms)
{
	double began_ms = cpu_ms();

	fdm_stock_drop(fdm->stock);
	fdm_facts_free(fdm->facts);
	fdm->facts = fdm_facts_new(xmlReadMemory(xml->str, (int)xml->len, "cib",
						 NULL, XML_PARSE_HUGE));
	fdm->copies++;
	const struct fdm_stock *stock = fdm_stock_get(fdm, NOW_MS);

	*ret_ms = cpu_ms() - began_ms;
	return stock;
}

static bool
time_turns(uint32_t n_hosts, uint32_t n_vms)
{
	GString *xml = cib(n_hosts, n_vms);
	struct ha_err err = HA_ERR_INIT;
	struct fdm fdm = { .protect = fdm_protect_new(),
			   .stock = fdm_stock_new(NULL, &err) };
	struct fdm_plan *plan = fdm_plan_new();
	uint32_t turns = 0;
	double read_ms, worst_ms = 0, all_ms = 0, same_ms;
	const struct fdm_stock *stock = read_copy(&fdm, xml, &read_ms);
	bool is_made = false;
	bool is_ok;

	while (stock && !is_made && turns++ < TURNS_MAX) {
		double began_ms = cpu_ms();

		is_made = fdm_plan_look(plan, stock, fdm.facts);
		double took_ms = cpu_ms() - began_ms;

		all_ms += took_ms;
		worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
	}
	is_ok = is_made && plan->n_writes == n_vms &&
		json_array_size(plan->homeless) == 0;
	stock = read_copy(&fdm, xml, &read_ms);
	same_ms = cpu_ms();
	is_ok = is_ok && stock && fdm_plan_look(plan, stock, fdm.facts);
	same_ms = cpu_ms() - same_ms;
	printf("%5u x %5u  CPU: plan %9.3f ms in %u turns, the longest %.3f ms, "
	       "goal %.1f ms, ratio %.2f; nothing new %.3f ms; the CIB read "
	       "%.1f ms%s\n",
	       n_hosts, n_vms, all_ms, turns, worst_ms, GOAL_MS,
	       worst_ms / GOAL_MS, same_ms, read_ms, is_ok ? "" : "  FAILED");
	fdm_stock_free(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm_protect_free(fdm.protect);
	(void)g_string_free(xml, TRUE);
	return is_ok;
}

int
main(void)
{
	bool is_ok = time_turns(32, 2000);

	is_ok = time_turns(1000, 20000) && is_ok;
	return is_ok ? 0 : 1;
}
