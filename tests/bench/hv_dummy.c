/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of ha/hypervisor.h with processes of dummy_qemu.c in the place of
 * libvirt's QEMUs, so that one machine carries hundreds of VMs: agent, VM list,
 * proofs and stop are the real ones. It knows no definitions, no guest agent
 * and no migration, and says so. Of the measurements alone: `make bench-500`
 * puts it into a stage of its own; it must never be installed or packaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/hypervisor.h"
#include "ha/proc.h"
#include "ha/qmp.h"

#define EMULATOR VMHA_LIBEXECDIR "/vmha-dummy-qemu"
#define ARG_BYTES 512
#define FAIL_FOLDER "/srv/config" /* all hosts' */

/* Nothing to be connected to. */
struct ha_hv {
	char uri[64];
};

static int
dummy_open(const char *uri, uint64_t deadline_ms, struct ha_hv **ret_hv,
	   struct ha_err *err)
{
	struct ha_hv *hv = calloc(1, sizeof(*hv));

	(void)deadline_ms;
	if (!hv) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	(void)snprintf(hv->uri, sizeof(hv->uri), "%s", uri ? uri : "");
	*ret_hv = hv;
	return 0;
}

static void
dummy_close(struct ha_hv *hv)
{
	free(hv);
}

static int
find(const char *uuid, const char *name, struct ha_qemu_found *ret_found,
     struct ha_err *err)
{
	struct ha_qemu_want want = {
		.uuid = uuid ? uuid : "",
		.name = name ? name : "",
	};

	return ha_proc_find_qemu(&want, ret_found, err);
}

static int
dummy_lookup(struct ha_hv *hv, const char *uuid, const char *name,
	     uint64_t deadline_ms, struct ha_hv_dom *ret_dom,
	     struct ha_err *err)
{
	struct ha_qemu_found found;
	int rc = find(uuid, name, &found, err);

	(void)hv;
	(void)deadline_ms;
	if (rc <= 0) {
		return rc < 0 ? rc : ha_err_set(err, -ENOENT, "no such domain");
	}
	*ret_dom = (struct ha_hv_dom){ .state = HA_HV_RUNNING };
	(void)ha_text_copy(ret_dom->uuid, sizeof(ret_dom->uuid),
			   found.args.uuid);
	(void)ha_text_copy(ret_dom->name, sizeof(ret_dom->name),
			   found.args.name);
	return 0;
}

static int
dummy_persistent_xml(struct ha_hv *hv, const char *uuid, const char *name,
		     uint64_t deadline_ms, char **ret_xml, struct ha_err *err)
{
	(void)hv;
	(void)uuid;
	(void)deadline_ms;
	(void)ret_xml;
	return ha_err_set(err, -ENOENT, "%s is not defined", name ? name : "");
}

/* In the child: becomes the process of the VM, a session of its own, with
 * nothing of the agent's open but the pipe that says when it listens. */
static void __attribute__((noreturn)) become(char *const *argv, int ready)
{
	int null = open("/dev/null", O_RDWR);

	(void)setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || dup2(ready, STDOUT_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0u, 0) < 0) {
		_exit(1);
	}
	if (fork() == 0) {
		(void)execv(EMULATOR, argv);
	}
	_exit(0);
}

/* The agent is not its parent: the host's first process is, as with libvirt. */
static int
spawn(char *const *argv, uint64_t deadline_ms, struct ha_err *err)
{
	struct pollfd p = { .events = POLLIN };
	char text[8];
	int ready[2];
	ssize_t got = -1;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0) {
		return ha_err_set(err, -errno, "no pipe: %s", strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		become(argv, ready[1]);
	}
	(void)close(ready[1]);
	if (pid > 0) {
		(void)waitpid(pid, NULL, 0);
	}
	p.fd = ready[0];
	if (pid > 0 && poll(&p, 1, (int)ha_clock_left_ms(deadline_ms)) > 0) {
		got = read(ready[0], text, sizeof(text));
	}
	(void)close(ready[0]);
	return got > 0 ? 0 : ha_err_set(err, -EIO, EMULATOR " did not start");
}

/* many.py --fail, --old: on whichever host it is started next. */
static bool
is_told_to_fail(const char *name)
{
	static const char *const ENDS[] = { "fail", "fail2" };
	char path[ARG_BYTES];

	for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++) {
		(void)snprintf(path, sizeof(path), FAIL_FOLDER "/%s.%s", name,
			       ENDS[i]);
		if (unlink(path) == 0) {
			return true;
		}
	}
	return false;
}

static int
dummy_start(struct ha_hv *hv, const struct ha_hv_start *spec,
	    uint64_t deadline_ms, char ret_uuid[HA_UUID_TEXT],
	    struct ha_err *err)
{
	ha_autofree struct ha_domain *domain = calloc(1, sizeof(*domain));
	char name[ARG_BYTES];
	char chardev[ARG_BYTES];
	char own_uuid[HA_UUID_TEXT];
	char *argv[] = { (char[]){ EMULATOR },
			 (char[]){ "-name" },
			 name,
			 (char[]){ "-S" },
			 (char[]){ "-uuid" },
			 own_uuid,
			 (char[]){ "-chardev" },
			 chardev,
			 (char[]){ "-mon" },
			 (char[]){ "chardev=vmha-qmp,mode=control" },
			 NULL };
	struct ha_qemu_found found;
	int rc;

	(void)hv;
	rc = !domain ?
		     -ENOMEM :
		     ha_domain_parse(spec->xml, strlen(spec->xml), domain, err);
	if (rc < 0) {
		return rc;
	}
	if (ha_text_copy(own_uuid, sizeof(own_uuid),
			 domain->uuid[0] ? domain->uuid : spec->uuid) < 0) {
		return ha_err_set(err, -EINVAL, "%s has no UUID", domain->name);
	}
	if (is_told_to_fail(domain->name)) {
		return ha_err_set(err, -EIO, "%s was told to fail once",
				  domain->name);
	}
	if (find(own_uuid, domain->name, &found, err) > 0) {
		return ha_err_set(err, -EEXIST, "%s is active", domain->name);
	}
	(void)snprintf(name, sizeof(name), "guest=%s,debug-threads=on",
		       domain->name);
	(void)snprintf(chardev, sizeof(chardev),
		       "socket,id=vmha-qmp,path=%s,server=on,wait=off",
		       spec->qmp_path);
	rc = spawn(argv, deadline_ms, err);
	if (rc == 0) {
		memcpy(ret_uuid, own_uuid, sizeof(own_uuid));
	}
	return rc;
}

/* To the process of that VM. */
static int
tell(const char *uuid, const char *command, uint64_t deadline_ms,
     struct ha_err *err)
{
	static struct ha_qmp qmp; /* 64 KiB: not for the stack */
	struct ha_qemu_found found;
	int rc = find(uuid, NULL, &found, err);

	if (rc <= 0) {
		return rc < 0 ? rc : ha_err_set(err, -ENOENT, "no such domain");
	}
	rc = ha_qmp_open(&qmp, found.args.qmp_path, found.id.pid, deadline_ms,
			 err);
	if (rc == 0) {
		rc = ha_qmp_command(&qmp, command, deadline_ms, err);
	}
	ha_qmp_close(&qmp);
	return rc;
}

static int
dummy_resume(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	     struct ha_err *err)
{
	(void)hv;
	return tell(uuid, "cont", deadline_ms, err);
}

static int
dummy_destroy(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
	      struct ha_err *err)
{
	(void)hv;
	return tell(uuid, "quit", deadline_ms, err);
}

static int
dummy_shutdown_agent(struct ha_hv *hv, const char *uuid, uint64_t deadline_ms,
		     struct ha_err *err)
{
	(void)hv;
	(void)uuid;
	(void)deadline_ms;
	return ha_err_set(err, -ENOTSUP, "a dummy has no guest agent");
}

static int
dummy_migrate(struct ha_hv *hv, const struct ha_hv_migrate *spec,
	      uint64_t deadline_ms, struct ha_err *err)
{
	(void)hv;
	(void)spec;
	(void)deadline_ms;
	return ha_err_set(err, -ENOTSUP, "a dummy can't migrate");
}

static int
dummy_check_host(struct ha_hv *hv, const char *xml, uint64_t deadline_ms,
		 ha_hv_finding report, void *ctx, struct ha_err *err)
{
	(void)hv;
	(void)xml;
	(void)deadline_ms;
	(void)report;
	(void)ctx;
	return ha_err_set(err, -ENOTSUP, "a dummy checks nothing");
}

extern const struct ha_hv_ops ha_hypervisor;

__attribute__((visibility("default"))) const struct ha_hv_ops ha_hypervisor = {
	.abi = HA_HV_ABI,
	.open = dummy_open,
	.close = dummy_close,
	.lookup = dummy_lookup,
	.persistent_xml = dummy_persistent_xml,
	.start = dummy_start,
	.shutdown_agent = dummy_shutdown_agent,
	.resume = dummy_resume,
	.destroy = dummy_destroy,
	.migrate = dummy_migrate,
	.check_host = dummy_check_host,
};
