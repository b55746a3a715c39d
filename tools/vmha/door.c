/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the master by a transient node attribute, and waits for its answer in
 * another one. Must never say yes by itself where a master is, nor leave its
 * question behind: signals wait until it is taken back, and whoever kills this
 * process leaves it to the master, which forgets it after HA_DOOR_HOLD_MS.
 */
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/ipc.h"
#include "ha/text.h"
#include "policy.h"

#define DOOR_LOCK_MS 20000u /* another command asks: an answer, and a commit */
#define DOOR_ATTR_MS 5000u  /* crm_attribute takes 50 ms */
#define DOOR_POLL_MS 100u   /* cibadmin takes 30 ms */
#define MS_PER_S 1000u
#define ADMISSION_ATTR "vmha-admission" /* of a master's node */

/* ---- is there anybody? -------------------------------------------------------- */

/* Another host judges, or this host's manager is away: by what it shows. */
static bool
is_word_shown(const struct cib_node *cib)
{
	const struct cib_node *state = NULL;

	while ((state = cib_next(cib, state, "node_state"))) {
		const char *word =
			cib_nvpair(cib_child(state, "transient_attributes"),
				   ADMISSION_ATTR);
		enum cib_host host = cib_host(cib, cib_get(state, "uname"));

		if (word && *word && host != CIB_HOST_NONE &&
		    host != CIB_HOST_OFFLINE) {
			return true;
		}
	}
	return false;
}

static bool
has_master(const struct vmha *v, const struct cib_node *cib, struct door *door)
{
	const char *path = v->args.manager ? v->args.manager : HA_IPC_FDM_PATH;
	json_t *request =
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status");
	json_t *told = NULL;

	(void)ha_ipc_ask(path, request, ha_clock_now_ms() + ASK_MS, &told,
			 NULL);
	json_decref(request);
	(void)ha_text_copy(door->host, sizeof(door->host),
			   vmha_text(told, "host"));
	(void)ha_text_copy(door->master, sizeof(door->master),
			   vmha_text(told, "master"));
	json_decref(told);
	return door->master[0] || is_word_shown(cib);
}

/* ---- one at a time -------------------------------------------------------------- */

static int
lock(const struct vmha *v, struct door *door, struct ha_err *err)
{
	const char *socket =
		v->args.manager ? v->args.manager : HA_IPC_FDM_PATH;
	uint64_t end_ms = ha_clock_now_ms() + DOOR_LOCK_MS;
	char path[HA_PATH];
	size_t len = strlen(socket);

	while (len > 0 && socket[len - 1] != '/') {
		len--;
	}
	if (snprintf(path, sizeof(path), "%.*s", (int)len, socket) <
	    (int)sizeof(path)) {
		(void)mkdir(path, 0755);
	}
	snprintf(path, sizeof(path), "%s.ask", socket);
	door->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (door->lock_fd < 0) {
		return ha_err_set(err, -errno,
				  "can't lock %s, which keeps two commands of "
				  "this host from asking the master at once: "
				  "%s. Nothing was changed%s",
				  path, strerror(errno),
				  errno == EACCES ?
					  ": say it as root, or have root run "
					  "systemd-tmpfiles --create, which "
					  "opens it to group haclient" :
					  "");
	}
	while (flock(door->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (ha_clock_left_ms(end_ms) == 0) {
			close(door->lock_fd);
			door->lock_fd = -1;
			return ha_err_set(err, -EBUSY,
					  "another vmha command of this host "
					  "has been asking the master for %u "
					  "s (it holds %s). Nothing was "
					  "changed: wait for it, or end it",
					  DOOR_LOCK_MS / MS_PER_S, path);
		}
		ha_clock_sleep_ms(DOOR_POLL_MS, end_ms);
	}
	return 0;
}

static void
block_signals(struct door *door)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	door->is_blocked = sigprocmask(SIG_BLOCK, &set, &door->signals) == 0;
}

static bool
is_interrupted(const struct door *door)
{
	sigset_t set;

	return sigpending(&set) == 0 &&
	       ((sigismember(&set, SIGINT) == 1 &&
		 !sigismember(&door->signals, SIGINT)) ||
		(sigismember(&set, SIGTERM) == 1 &&
		 !sigismember(&door->signals, SIGTERM)) ||
		(sigismember(&set, SIGHUP) == 1 &&
		 !sigismember(&door->signals, SIGHUP)));
}

/* ---- question and answer ---------------------------------------------------------- */

/* NULL takes it away. 0, or negative errno. */
static int
put(const struct door *door, const char *value)
{
	const char *argv[12] = { "crm_attribute", "--name", HA_DOOR_ASK_ATTR,
				 "--lifetime", "reboot" };
	ha_autofree char *out = NULL;
	size_t n = 5;
	int status = 0;
	int rc;

	/* Without a name: this host's, as crm_attribute finds it. */
	if (door->host[0]) {
		argv[n++] = "--node";
		argv[n++] = door->host;
	}
	argv[n++] = value ? "--update" : "--delete";
	argv[n] = value;
	rc = vmha_run(argv, DOOR_ATTR_MS, &out, &status);
	return rc < 0 ? rc : status != 0 ? -EIO : 0;
}

/* The master's answer to this very question, as this host's CIB shows it. */
static bool
is_answered(const struct door *door, struct ha_door_answer *ret_answer)
{
	static const char *const ARGV[] = {
		"cibadmin", "--query", "--xpath",
		"//nvpair[@name='" HA_DOOR_ANSWER_ATTR "']", NULL
	};
	ha_autofree char *xml = NULL;
	struct cib_node *root = NULL;
	const struct cib_node *at;
	bool is_found = false;
	int status = 0;

	if (vmha_run(ARGV, CIB_MS, &xml, &status) < 0 || status != 0 ||
	    cib_parse(xml, &root, NULL) < 0) {
		return false;
	}
	for (at = root; at && !is_found; at = cib_walk(root, at)) {
		is_found = cib_is(at, "nvpair") &&
			   ha_door_answer_parse(cib_get(at, "value"),
						ret_answer) == 0 &&
			   strcmp(ret_answer->nonce, door->ask.nonce) == 0;
	}
	cib_free(root);
	return is_found;
}

static int
wait_answer(struct vmha *v, struct door *door)
{
	uint64_t end_ms = door->begin_ms + HA_DOOR_ANSWER_MS;
	struct ha_door_answer answer;

	vmha_step("asking", "the master", HA_DOOR_ANSWER_MS + CIB_MS);
	while (!is_answered(door, &answer)) {
		if (is_interrupted(door)) {
			return ha_err_set(&v->err, -EINTR,
					  "interrupted while the master was "
					  "asked. Nothing was changed");
		}
		if (ha_clock_left_ms(end_ms) == 0) {
			return ha_err_set(
				&v->err, -ETIMEDOUT,
				"the master%s%s did not answer within %u s "
				"(one of an older version never does). Nothing "
				"was changed; \"vmha status\" tells how the "
				"master is, and --force goes on without asking",
				door->master[0] ? " " : "", door->master,
				HA_DOOR_ANSWER_MS / MS_PER_S);
		}
		ha_clock_sleep_ms(DOOR_POLL_MS, end_ms);
	}
	if (answer.is_yes) {
		return 0;
	}
	memcpy(door->refusal, answer.text, sizeof(door->refusal));
	return 1;
}

static int
ask(struct vmha *v, struct door *door)
{
	uint64_t number = 0;
	char text[HA_DOOR_TEXT];
	int rc;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		return ha_err_set(&v->err, -EIO,
				  "no random number can be had. Nothing was "
				  "changed");
	}
	snprintf(door->ask.nonce, sizeof(door->ask.nonce), "%016" PRIx64,
		 number);
	if (ha_door_ask_format(&door->ask, text) < 0) {
		return ha_err_set(&v->err, -EINVAL,
				  "the master can't be asked about \"%s\": it "
				  "is no name that can be passed on. Nothing "
				  "was changed",
				  door->ask.object);
	}
	door->begin_ms = ha_clock_now_ms();
	door->is_asked = true; /* one that failed may have been written */
	rc = put(door, text);
	if (rc < 0) {
		return ha_err_set(
			&v->err, rc,
			"the master can't be asked: crm_attribute "
			"could not write %s of this host: %s. Nothing "
			"was changed; --force goes on without asking",
			HA_DOOR_ASK_ATTR, strerror(-rc));
	}
	return wait_answer(v, door);
}

int
door_open(struct vmha *v, const struct cib_node *cib, struct door *ret_door)
{
	int rc;

	ret_door->lock_fd = -1;
	/* What a manager has told last may still stand when it has ended. */
	if (policy_is_stopped(cib) || !has_master(v, cib, ret_door)) {
		return 0;
	}
	rc = lock(v, ret_door, &v->err);
	if (rc < 0) {
		return rc;
	}
	block_signals(ret_door);
	rc = ask(v, ret_door);
	if (rc != 0) {
		door_close(ret_door, 0);
	}
	return rc;
}

int
door_is_in_time(const struct door *door, struct ha_err *err)
{
	return !door->is_asked || ha_clock_left_ms(door->begin_ms +
						   HA_DOOR_COMMIT_MS) > 0 ?
		       0 :
		       ha_err_set(err, -ETIME,
				  "this command stood still for more than %u s "
				  "after it had asked the master, whose word "
				  "does not hold that long. Nothing was "
				  "changed: say it again",
				  HA_DOOR_COMMIT_MS / MS_PER_S);
}

void
door_close(struct door *door, int rc)
{
	if (door->is_asked && rc != -ETIMEDOUT && put(door, NULL) < 0) {
		vmha_warn("the question to the master, %s of this host, could "
			  "not be taken away: it counts for %u s",
			  HA_DOOR_ASK_ATTR, HA_DOOR_HOLD_MS / MS_PER_S);
	}
	door->is_asked = false;
	if (door->lock_fd >= 0) {
		close(door->lock_fd);
		door->lock_fd = -1;
	}
	if (door->is_blocked) {
		door->is_blocked = false;
		(void)sigprocmask(SIG_SETMASK, &door->signals, NULL);
	}
}
