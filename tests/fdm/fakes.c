/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fakes.h tells of. A function is here when two tests need it; one that a
 * single test needs stands there. Nothing here may decide anything.
 */
#include "fakes.h"

#include <string.h>

#include "FaultDomain/logs.h"

#define WEAK __attribute__((weak))

struct fake fake;

void
fake_begin(unsigned int expects)
{
	fake = (struct fake){ .expects = expects };
}

void
fake_end(void)
{
	g_clear_pointer(&fake.update, g_free);
	g_clear_pointer(&fake.request, json_decref);
	g_clear_pointer(&fake.answer, json_decref);
}

void
fake_cluster_begin(struct fdm *fdm, struct fdm_snap *snap, uint32_t hosts)
{
	struct ha_err err = HA_ERR_INIT;

	memset(fdm, 0, sizeof(*fdm));
	memset(snap, 0, sizeof(*snap));
	snap->is_there = snap->is_quorate = true;
	snap->hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap->holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (uint32_t i = 1; i <= hosts; i++) {
		struct fdm_host host = { .is_member = true,
					 .is_fresh = true,
					 .is_readable = true,
					 .incarnation = 1,
					 .slot = i };

		(void)snprintf(host.name, sizeof(host.name), "h%u", i);
		g_array_append_val(snap->hosts, host);
	}
	fdm->snap = snap;
	fdm->protect = fdm_protect_new();
	fdm->stock = fdm_stock_new(NULL, &err);
}

void
fake_cluster_end(struct fdm *fdm)
{
	g_clear_pointer(&fdm->rows, g_array_unref);
	fdm_stock_free(fdm->stock);
	fdm_facts_free(fdm->facts);
	fdm_protect_free(fdm->protect);
	g_array_unref(fdm->snap->hosts);
	g_array_unref(fdm->snap->holds);
}

WEAK void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

/* ---- the world outside ------------------------------------------------------ */

WEAK void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*done)(void *data, int code, const char *why), void *data)
{
	(void)cib;
	if (!(fake.expects & FAKE_CIB)) {
		fail_msg("the CIB is written: %s", xml);
	}
	g_free(fake.update);
	fake.update = g_strdup(xml);
	fake.updates++;
	fake.written = done;
	fake.written_data = data;
}

WEAK void
ha_cib_refresh(struct ha_cib *cib)
{
	(void)cib;
	fake.refreshes++;
}

WEAK void
fdm_worker_ask(struct fdm_worker *worker, json_t *request, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	(void)worker;
	(void)budget_ms;
	if (!(fake.expects & FAKE_HEARTBEATD)) {
		fail_msg("heartbeatd is asked");
	}
	if (fake.on_request) {
		fake.on_request(request);
	}
	json_decref(fake.request);
	fake.request = request;
	if (done) {
		fake.answer_to = done;
		fake.answer_data = data;
	}
}

WEAK void
fdm_child_run(struct fdm *fdm, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *fdm, bool is_good))
{
	(void)fdm;
	(void)argv;
	(void)limit_ms;
	(void)done;
	fail_msg("a program is run: %s", what);
}

/* ---- clients ---------------------------------------------------------------- */

WEAK void
fdm_server_answer(struct fdm *fdm, uint32_t client, json_t *answer)
{
	(void)fdm;
	json_decref(fake.answer);
	fake.answer = answer;
	fake.client = client;
	fake.answers++;
}

WEAK json_t *
fdm_failed(int code, const char *format, ...)
{
	return ha_ipc_failed(code, format);
}

WEAK void
fdm_attr_clear(struct fdm_attr *attr)
{
	g_free(attr->asked);
	*attr = (struct fdm_attr){ 0 };
}

/* ---- other parts ------------------------------------------------------------ */

WEAK bool
fdm_has_snap(const struct fdm *fdm, uint64_t now_ms)
{
	(void)now_ms;
	return fdm->snap && !fake.is_snap_old;
}

WEAK bool
fdm_has_facts(const struct fdm *fdm)
{
	return fdm->facts != NULL;
}

WEAK void
fdm_master_keep_lease(struct fdm *fdm, uint64_t now_ms)
{
	(void)now_ms;
	fake.leases++;
	if (fake.do_members_say) {
		fdm->master.is_confirmed = true;
	}
}

WEAK bool
fdm_admit_look(struct fdm *fdm, uint64_t now_ms)
{
	(void)fdm;
	(void)now_ms;
	return true;
}

WEAK void
fdm_prefer_add(struct fdm *fdm, GString *xml, uint64_t now_ms)
{
	(void)fdm;
	(void)xml;
	(void)now_ms;
}

WEAK void
fdm_duty_cleanup(struct fdm *fdm, const char *resource)
{
	(void)fdm;
	g_strlcpy(fake.cleaned, resource, sizeof(fake.cleaned));
	fake.cleanups++;
}
