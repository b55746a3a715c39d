/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ha/cib.h on Pacemaker's real CIB daemon, whichever version is installed, run
 * by itself in mounts and a network of this test's own: its copy comes, and a
 * daemon that dies is a loss until it is back. Changes need a cluster, since
 * the daemon orders each through corosync: tests/cluster. One connection a
 * process, so the cases below are one story, in this order.
 */
#include "../unit/unit.h"

#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha/cib.h"

#define WAIT_MS 30000u /* nothing takes that long; a busy machine may */
#define POLL_MS 5u
#define CIB_FILE "/var/lib/pacemaker/cib/cib.xml"

static const char *const DAEMONS[] = {
	"/usr/lib/pacemaker/pacemaker-based",
	"/usr/libexec/pacemaker/pacemaker-based"
};

static struct ha_cib *cib;
static GMainContext *context;
static pid_t daemon_pid;
static const struct passwd *user;

/* What was told. */
static xmlDoc *copy;
static unsigned int copies;
static unsigned int losses;
static char loss[256];
static bool is_done;
static int done_code;
static char done_why[256];

static const xmlNode *
find(const xmlNode *from, const char *name, const char *id)
{
	for (const xmlNode *n = from; n; n = n->next) {
		xmlChar *own = xmlGetProp(n, BAD_CAST "id");
		bool is_it = strcmp((const char *)n->name, name) == 0 &&
			     (!id || (own && strcmp((char *)own, id) == 0));
		const xmlNode *below;

		xmlFree(own);
		if (is_it) {
			return n;
		}
		below = find(n->children, name, id);
		if (below) {
			return below;
		}
	}
	return NULL;
}

static const xmlNode *
in_copy(const char *name, const char *id)
{
	return copy ? find(xmlDocGetRootElement(copy), name, id) : NULL;
}

static void
on_copy(void *data, xmlDoc *doc)
{
	(void)data;
	xmlFreeDoc(copy);
	copy = doc;
	copies++;
}

static void
on_lost(void *data, const char *why)
{
	(void)data;
	losses++;
	snprintf(loss, sizeof(loss), "%s", why);
}

static void
on_done(void *data, int code, const char *why)
{
	(void)data;
	is_done = true;
	done_code = code;
	snprintf(done_why, sizeof(done_why), "%s", why);
}

/* Runs the caller's loop until it holds. */
#define WAIT_FOR(condition)                                              \
	do {                                                             \
		unsigned int waited_ms = 0;                              \
		while (!(condition)) {                                   \
			if (waited_ms >= WAIT_MS) {                      \
				fail_msg("not in %u ms: %s", WAIT_MS,    \
					 #condition);                    \
			}                                                \
			if (!g_main_context_iteration(context, FALSE)) { \
				g_usleep(POLL_MS * 1000u);               \
				waited_ms += POLL_MS;                    \
			}                                                \
		}                                                        \
	} while (0)

static void
update(const char *xml)
{
	is_done = false;
	ha_cib_update(cib, xml, on_done, NULL);
	WAIT_FOR(is_done);
}

/* What the daemon begins with. */
static void
write_cib(const char *node)
{
	FILE *f = fopen(CIB_FILE, "w");

	assert_non_null(f);
	fprintf(f,
		"<cib validate-with='pacemaker-3.0' epoch='1' num_updates='0' "
		"admin_epoch='0'><configuration><crm_config/><nodes>"
		"<node id='%s' uname='%s'/></nodes><resources/><constraints/>"
		"</configuration><status/></cib>",
		node, node);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chown(CIB_FILE, user->pw_uid, user->pw_gid), 0);
	assert_int_equal(chmod(CIB_FILE, 0600), 0);
}

static void
start_daemon(void)
{
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setenv("PCMK_logfile", "none", 1);
		(void)setenv("PCMK_logfacility", "none", 1);
		for (size_t i = 0; i < sizeof(DAEMONS) / sizeof(*DAEMONS);
		     i++) {
			(void)execl(DAEMONS[i], "pacemaker-based",
				    "--stand-alone", NULL);
		}
		fprintf(stderr, "no pacemaker-based here: make deps\n");
		_exit(127);
	}
}

static void
kill_daemon(void)
{
	if (daemon_pid > 0) {
		(void)kill(daemon_pid, SIGKILL);
		(void)waitpid(daemon_pid, NULL, 0);
	}
	daemon_pid = 0;
}

static int
set_up(void **state)
{
	static const char *const OWN[] = { "/run", "/dev/shm",
					   "/var/lib/pacemaker", "/var/log" };
	static const char *const FOLDERS[] = { "/run/crm",
					       "/var/lib/pacemaker/cib",
					       "/var/lib/pacemaker/cores" };

	(void)state;
	user = getpwnam("hacluster");
	/* libqb's sockets have names in the network's namespace. */
	if (!user || unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		fprintf(stderr, "cib_test needs root and Pacemaker's user\n");
		return -1;
	}
	for (size_t i = 0; i < sizeof(OWN) / sizeof(*OWN); i++) {
		assert_int_equal(mount("t", OWN[i], "tmpfs", 0, NULL), 0);
	}
	for (size_t i = 0; i < sizeof(FOLDERS) / sizeof(*FOLDERS); i++) {
		assert_int_equal(mkdir(FOLDERS[i], 0750), 0);
		assert_int_equal(chown(FOLDERS[i], user->pw_uid, user->pw_gid),
				 0);
	}
	context = g_main_context_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	kill_daemon();
	xmlFreeDoc(copy);
	copy = NULL;
	return 0;
}

static void
no_daemon_is_a_loss_told_once(void **state)
{
	static const struct ha_cib_calls CALLS = { on_copy, on_lost };

	(void)state;
	assert_int_equal(ha_cib_new(context, &CALLS, NULL, &cib, NULL), 0);
	WAIT_FOR(losses > 0);
	assert_string_not_equal(loss, "");
	update("<cib/>");
	assert_int_equal(done_code, -ENOTCONN);
	/* Past some more attempts. */
	g_usleep(2500u * 1000u);
	while (g_main_context_iteration(context, FALSE)) {
	}
	assert_int_equal(losses, 1);
	assert_int_equal(copies, 0);
}

static void
a_daemon_that_comes_gives_a_copy(void **state)
{
	(void)state;
	write_cib("h1");
	start_daemon();
	WAIT_FOR(copies > 0);
	assert_string_equal((const char *)xmlDocGetRootElement(copy)->name,
			    "cib");
	assert_non_null(in_copy("node", "h1"));
	assert_non_null(in_copy("status", NULL));
	assert_int_equal(losses, 1);
}

static void
what_is_no_xml_is_not_sent(void **state)
{
	(void)state;
	update("no XML");
	assert_int_equal(done_code, -EIO);
	assert_string_not_equal(done_why, "");
}

static void
a_daemon_that_dies_is_a_loss_until_it_is_back(void **state)
{
	unsigned int before = losses;

	(void)state;
	kill_daemon();
	WAIT_FOR(losses > before);
	assert_string_not_equal(loss, "");
	update("<cib/>");
	assert_int_equal(done_code, -ENOTCONN);
	write_cib("h2");
	start_daemon();
	WAIT_FOR(in_copy("node", "h2"));
	assert_null(in_copy("node", "h1"));
	assert_int_equal(losses, before + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_daemon_is_a_loss_told_once),
		cmocka_unit_test(a_daemon_that_comes_gives_a_copy),
		cmocka_unit_test(what_is_no_xml_is_not_sent),
		cmocka_unit_test(a_daemon_that_dies_is_a_loss_until_it_is_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
