/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of vmha host maintenance: crm_simulate on a copy of the CIB with
 * the host in standby says what the scheduler would do with each VM there.
 * Where it finds no host, the CIB is searched for the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "maintenance.h"

#define SCHEDULER_MS 60000u /* 2000 VMs take it 13 s */

static int
run_for_text(const char *const *argv, const char *what, char **ret_text,
	     struct ha_err *err)
{
	int status = 0;
	int rc = vmha_run(argv, SCHEDULER_MS, ret_text, &status);

	if (rc < 0 || status != 0) {
		return ha_err_set(err, rc == -ETIMEDOUT ? rc : -EIO,
				  "can't %s (%s): %s", what, argv[0],
				  rc < 0 ? strerror(-rc) :
					   "run it by hand to see why");
	}
	return 0;
}

/* The CIB as it is, with these constraints and the host in standby, in a file. */
static int
write_copy(const char *host, const char *places, const char *path, int fd,
	   struct ha_err *err)
{
	static const char *const QUERY[] = { "cibadmin", "--query", NULL };
	char file[64];
	const char *const set[] = { "env",      file,         "crm_attribute",
				    "--node",   host,         "--name",
				    "standby",  "--lifetime", "forever",
				    "--update", "on",         NULL };
	ha_autofree char *xml = NULL;
	ha_autofree char *out = NULL;
	size_t len;
	int rc = run_for_text(QUERY, "read the CIB", &xml, err);

	if (rc < 0) {
		return rc;
	}
	len = strlen(xml);
	if (write(fd, xml, len) != (ssize_t)len) {
		return ha_err_set(err, -ENOSPC, "can't write %s", path);
	}
	rc = places ? cib_modify_copy(path, places, err) : 0;
	if (rc < 0) {
		return rc;
	}
	snprintf(file, sizeof(file), "CIB_file=%s", path);
	return run_for_text(set, "set standby in a copy of the CIB", &out, err);
}

/* The scheduler's answer as a tree. */
static int
ask_scheduler(const char *host, const char *places,
	      struct cib_node **ret_actions, struct ha_err *err)
{
	char path[] = "/tmp/vmha-plan-XXXXXX";
	const char *const argv[] = {
		"crm_simulate", "--run", "--xml-file", path,
		"--output-as",  "xml",   NULL
	};
	ha_autofree char *text = NULL;
	int fd = mkostemp(path, O_CLOEXEC);
	int rc;

	if (fd < 0) {
		return ha_err_set(err, -errno, "can't write %s: %s", path,
				  strerror(errno));
	}
	rc = write_copy(host, places, path, fd, err);
	rc = rc < 0 ? rc :
		      run_for_text(argv, "ask Pacemaker's scheduler", &text,
				   err);
	rc = rc < 0 ? rc : cib_parse(text, ret_actions, err);
	close(fd);
	(void)unlink(path);
	return rc;
}

static bool
is_banned(const struct cib_node *at, const char *vm, const char *host)
{
	const char *score = cib_get(at, "score");

	return strcmp(cib_get(at, "rsc"), vm) == 0 &&
	       strcmp(cib_get(at, "node"), host) == 0 &&
	       (strcmp(score, "-INFINITY") == 0 || atoi(score) <= -1000000);
}

/* What keeps the VM from that host, as far as the CIB shows it; "". */
static void
obstacle(const struct cib_node *cib, const char *vm, const char *host,
	 char *buffer, size_t size)
{
	const struct cib_node *at = NULL;

	buffer[0] = '\0';
	switch (cib_host(cib, host)) {
	case CIB_HOST_NONE:
	case CIB_HOST_OFFLINE:
		snprintf(buffer, size, "%s is offline", host);
		return;
	case CIB_HOST_STANDBY:
		snprintf(buffer, size, "%s is in standby", host);
		return;
	case CIB_HOST_UNMANAGED:
		snprintf(buffer, size, "%s is unmanaged", host);
		return;
	case CIB_HOST_ONLINE:
		break;
	}
	while ((at = cib_next(cib, at, "rsc_location"))) {
		if (is_banned(at, vm, host)) {
			snprintf(buffer, size, "constraint %s bans it from %s",
				 cib_get(at, "id"), host);
			return;
		}
	}
}

/* Why the scheduler finds no host for it. */
static void
explain(const struct plan *plan, const struct cib_node *action,
	struct move *move)
{
	const struct cib_node *nodes = cib_next(plan->cib, NULL, "nodes");
	const struct cib_node *node = NULL;
	size_t used = 0;
	bool is_open = false; /* some host has no obstacle that shows */

	while ((node = cib_next(nodes, node, "node"))) {
		const char *host = cib_get(node, "uname");
		char one[200];
		int n;

		if (strcmp(host, plan->host) == 0) {
			continue;
		}
		obstacle(plan->cib, move->vm, host, one, sizeof(one));
		is_open = is_open || !one[0];
		if (one[0] && used < sizeof(move->why)) {
			n = snprintf(move->why + used, sizeof(move->why) - used,
				     "%s%s", used ? ", " : "", one);
			used += n > 0 ? (size_t)n : 0;
		}
	}
	if (is_open && used < sizeof(move->why)) {
		snprintf(move->why + used, sizeof(move->why) - used,
			 "%sthe scheduler finds no host for it (%s); "
			 "\"crm_simulate -sL\" shows its scores",
			 used ? ", " : "",
			 *cib_get(action, "reason") ?
				 cib_get(action, "reason") :
				 "no reason given");
	} else if (used == 0) {
		snprintf(move->why, sizeof(move->why),
			 "there is no other host");
	}
}

static void
judge_stay(const struct plan *plan, const struct cib_node *primitive,
	   const struct cib_past *past, struct move *move)
{
	const struct cib_node *cib = plan->cib;

	move->how = MOVE_STAY;
	if (past->where == CIB_BUSY) {
		snprintf(move->why, sizeof(move->why),
			 "%s is under way: say it again when that has ended",
			 past->operation);
	} else if (!cib_is_managed(cib, primitive)) {
		snprintf(move->why, sizeof(move->why),
			 "it is not managed: crm resource manage %s", move->vm);
	} else if (cib_gate(cib, move->vm) &&
		   !cib_is_granted(cib_ticket(cib, move->vm))) {
		snprintf(move->why, sizeof(move->why),
			 "its ticket is not granted, so Pacemaker leaves it "
			 "where it is: vmha why %s",
			 move->vm);
	} else {
		snprintf(move->why, sizeof(move->why),
			 "the scheduler would leave it there; "
			 "\"crm_simulate -sL\" shows its scores");
	}
}

static void
judge(const struct plan *plan, const struct cib_node *actions,
      const struct cib_node *primitive, const struct cib_past *past,
      struct move *move)
{
	const struct cib_node *action =
		cib_find(actions, "rsc_action", "resource", move->vm);
	const char *word = cib_get(action, "action");
	const char *dest = cib_get(action, "dest");

	if (!action || strcmp(dest, plan->host) == 0) {
		judge_stay(plan, primitive, past, move);
		return;
	}
	(void)ha_text_copy(move->to, sizeof(move->to), dest);
	if (strcmp(word, "migrate") == 0) {
		move->how = MOVE_LIVE;
	} else if (cib_is_stopped(plan->cib, primitive)) {
		move->how = MOVE_OFF;
		snprintf(move->why, sizeof(move->why),
			 "an administrator has stopped it");
	} else if (!*dest) {
		move->how = MOVE_STOP;
		explain(plan, action, move);
	} else {
		move->how = MOVE_RESTART;
		snprintf(move->why, sizeof(move->why),
			 cib_is_true(cib_meta(plan->cib, primitive,
					      "allow-migrate")) ?
				 "the scheduler can't migrate it live now" :
				 "allow-migrate is not set; crm resource meta "
				 "%s set allow-migrate true",
			 move->vm);
	}
}

/* False: it stays as it is. */
static bool
is_acted_on(const struct cib_node *actions, const char *vm, struct end *ret_end)
{
	const struct cib_node *action =
		cib_find(actions, "rsc_action", "resource", vm);
	const char *to = cib_get(action, "dest");

	to = *to ? to : cib_get(action, "node");
	if (!action ||
	    (!*to && strcmp(cib_get(action, "action"), "stop") != 0)) {
		return false;
	}
	if (strcmp(cib_get(action, "action"), "stop") == 0) {
		to = "";
	}
	ret_end->vm = vm;
	(void)ha_text_copy(ret_end->host, sizeof(ret_end->host), to);
	return true;
}

int
plan_make(const char *host, const char *places, struct plan *ret_plan,
	  struct ha_err *err)
{
	struct plan plan = { .host = host, .places = places };
	struct cib_node *actions = NULL;
	const struct cib_node *vm = NULL;
	const struct cib_node *state;
	size_t room = 0;
	int rc = cib_read(&plan.cib, err);

	rc = rc < 0 ? rc : ask_scheduler(host, places, &actions, err);
	if (rc < 0) {
		cib_free(plan.cib);
		return rc;
	}
	while ((vm = cib_next_vm(plan.cib, vm))) {
		room++;
	}
	plan.moves = calloc(room + 1, sizeof(*plan.moves));
	plan.ends = calloc(room + 1, sizeof(*plan.ends));
	state = cib_find(plan.cib, "node_state", "uname", host);
	while (plan.moves && plan.ends && (vm = cib_next_vm(plan.cib, vm))) {
		struct move *move = &plan.moves[plan.count];
		struct cib_past past;

		move->vm = cib_get(vm, "id");
		cib_past(state, move->vm, &past);
		if (past.where != CIB_NEVER && past.where != CIB_OFF) {
			judge(&plan, actions, vm, &past, move);
			plan.count++;
		}
		plan.n_ends +=
			is_acted_on(actions, move->vm, &plan.ends[plan.n_ends]);
	}
	cib_free(actions);
	if (!plan.moves || !plan.ends) {
		plan_done(&plan);
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	*ret_plan = plan;
	return 0;
}

void
plan_done(struct plan *plan)
{
	cib_free(plan->cib);
	free(plan->moves);
	free(plan->ends);
	plan->cib = NULL;
	plan->moves = NULL;
	plan->ends = NULL;
}

size_t
plan_count(const struct plan *plan, enum move_how how)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		count += plan->moves[i].how == how;
	}
	return count;
}

const char *
move_word(enum move_how how)
{
	switch (how) {
	case MOVE_LIVE:
		return "live";
	case MOVE_RESTART:
		return "restart";
	case MOVE_STOP:
		return "stop";
	case MOVE_OFF:
		return "off";
	case MOVE_STAY:
		break;
	}
	return "stays";
}
