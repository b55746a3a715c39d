/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM's domain XML against this host: are its disks, bridges and networks
 * here, can its stop reach the guest, and what would keep it from migrating
 * live? Runs in a child process, for it may hang on any path. It looks at
 * files alone: libvirt is not asked, nothing is opened for writing.
 */
#include "check_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/domain.h"
#include "ha/worker.h"
#include "cib.h"

#define LINE 1600
#define PATH 1200
#define AGENT HA_DOMAIN_AGENT

struct look {
	const struct check_domain *domain;
	const struct cib_node *xml;
	int fd;
	int rc;
};

__attribute__((format(printf, 5, 6))) static void
say(struct look *look, const char *level, const char *what, const char *rest,
    const char *format, ...)
{
	char line[LINE];
	va_list args;
	int n = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s: ", level, what,
			 rest, look->domain->vm);

	if (n < 0 || (size_t)n >= sizeof(line) - 1) {
		look->rc = -E2BIG;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	/* The XML is a user's: it must not begin a line of ours. */
	for (char *at = line + n; *at; at++) {
		if (*at == '\n' || *at == '\t') {
			*at = ' ';
		}
	}
	strcat(line, "\n");
	if (look->rc == 0) {
		look->rc = ha_worker_write(look->fd, line, strlen(line));
	}
}

/* ---- disks --------------------------------------------------------------- */

/* Of one host alone, whatever is mounted elsewhere under this path. */
static const char *
local_name(const char *path)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} LOCAL[] = {
		{ 0xEF53, "ext4" },        { 0x58465342, "xfs" },
		{ 0x9123683E, "btrfs" },   { 0x01021994, "tmpfs" },
		{ 0x794C7630, "overlay" }, { 0x2FC12FC1, "zfs" },
		{ 0xF2F52010, "f2fs" },
	};
	struct statfs fs;

	if (statfs(path, &fs) < 0) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(LOCAL) / sizeof(LOCAL[0]); i++) {
		if ((unsigned long)fs.f_type == LOCAL[i].magic) {
			return LOCAL[i].name;
		}
	}
	return NULL;
}

static void
look_at_cache(struct look *look, const struct cib_node *disk, const char *path)
{
	const char *cache = cib_get(cib_child(disk, "driver"), "cache");

	if (!look->domain->may_migrate || look->domain->is_unsafe_allowed ||
	    cib_child(disk, "readonly") || cib_child(disk, "shareable") ||
	    strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0) {
		return;
	}
	say(look, "warn", "live migration",
	    "cache none or directsync\tset cache='none' in the disk's <driver>: "
	    "libvirt refuses to migrate it otherwise, unless its file system "
	    "is a cluster's",
	    "disk %s has cache=%s", path, *cache ? cache : "default");
}

static void
look_at_disk(struct look *look, const struct cib_node *disk)
{
	const struct cib_node *source = cib_child(disk, "source");
	const char *file = cib_get(source, "file");
	const char *path = *file ? file : cib_get(source, "dev");
	const char *fs;

	if (path[0] != '/') {
		return;
	}
	if (access(path, F_OK) < 0) {
		say(look, "bad", "datastore path",
		    "on this host\tmount its datastore here, or keep the VM "
		    "from this host by a location constraint: a restart here "
		    "fails",
		    "%s: %s", path, strerror(errno));
		return;
	}
	fs = *file ? local_name(path) : NULL;
	if (fs) {
		say(look, "warn", "datastore path",
		    "shared by all hosts\tput it on a datastore that every "
		    "host mounts, unless this path is one by other means: on a "
		    "local file system it restarts nowhere else",
		    "%s is on %s", path, fs);
	}
	look_at_cache(look, disk, path);
}

/* ---- networks ------------------------------------------------------------ */

static bool
is_there(const char *folder, const char *name, const char *suffix)
{
	char path[PATH];

	if (strchr(name, '/')) {
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
	return access(path, F_OK) == 0;
}

static void
look_at_network(struct look *look, const char *name)
{
	if (is_there("/run/libvirt/network", name, ".xml")) {
		return;
	}
	if (is_there("/etc/libvirt/qemu/networks", name, ".xml")) {
		say(look, "warn", "network",
		    "active on this host\tvirsh net-start and net-autostart "
		    "here, or its start here fails",
		    "libvirt network %s is not active", name);
	} else {
		say(look, "bad", "network",
		    "defined on this host\tdefine it here as on the other "
		    "hosts (virsh net-dumpxml there, net-define here): a "
		    "restart here fails",
		    "libvirt network %s is not defined", name);
	}
}

static void
look_at_interface(struct look *look, const struct cib_node *interface)
{
	const struct cib_node *source = cib_child(interface, "source");
	const char *bridge = cib_get(source, "bridge");
	const char *dev = cib_get(source, "dev");
	const char *network = cib_get(source, "network");
	const char *link = *bridge ? bridge : dev;

	if (*network) {
		look_at_network(look, network);
	} else if (*link && !is_there("/sys/class/net", link, "")) {
		say(look, "bad", "network",
		    "on this host\tset it up here by the same name as on the "
		    "other hosts: a restart here fails",
		    "%s %s is missing", *bridge ? "bridge" : "interface", link);
	}
}

/* ---- stop and migration --------------------------------------------------- */

static bool
has_channel(const struct cib_node *xml, const char *name)
{
	const struct cib_node *channel = NULL;

	while ((channel = cib_next(xml, channel, "channel"))) {
		if (strcmp(cib_get(cib_child(channel, "target"), "name"),
			   name) == 0) {
			return true;
		}
	}
	return false;
}

static void
look_at_stop(struct look *look)
{
	const char *mode = look->domain->shutdown_mode;
	bool by_agent = strcmp(mode, "agent") == 0;
	bool by_both = strcmp(mode, "agent-acpi") == 0;
	bool by_acpi = by_both || strcmp(mode, "acpi") == 0;

	if (by_agent && !has_channel(look->xml, AGENT)) {
		say(look, "bad", "guest agent",
		    "a channel " AGENT
		    "\tadd the channel to its XML and qemu-guest-agent to the "
		    "guest, or use another shutdown_mode: each stop cuts its "
		    "power",
		    "shutdown_mode=agent, and no channel");
	} else if (by_acpi && !cib_next(look->xml, NULL, "acpi") &&
		   !(by_both && has_channel(look->xml, AGENT))) {
		say(look, "warn", "guest agent",
		    "ACPI, or a channel " AGENT
		    "\tadd <features><acpi/></features> or the guest agent's "
		    "channel to its XML: each stop cuts its power",
		    "shutdown_mode=%s, and its XML has nothing of it", mode);
	}
}

static void
look_at_heartbeat(struct look *look)
{
	const char *ready = look->domain->ready_condition;

	if (strcmp(ready, "guest-heartbeat") == 0 &&
	    !has_channel(look->xml, AGENT)) {
		say(look, "bad", "ready condition",
		    "a channel " AGENT
		    "\tadd the channel to its XML and qemu-guest-agent to the "
		    "guest: it never becomes ready, lower priorities wait for "
		    "restart_priority_timeout, dependents for ever",
		    "ready_condition=%s, and no channel", ready);
	} else if (strcmp(ready, "application-heartbeat") == 0 &&
		   !has_channel(look->xml, HA_DOMAIN_HEARTBEAT)) {
		say(look, "bad", "ready condition",
		    "a channel " HA_DOMAIN_HEARTBEAT
		    "\tadd the channel to its XML, and to the guest a program "
		    "that writes to it: it never becomes ready, lower "
		    "priorities wait for restart_priority_timeout, dependents "
		    "for ever",
		    "ready_condition=%s, and no channel", ready);
	}
}

static void
look_at_migration(struct look *look)
{
	const struct cib_node *cpu = cib_next(look->xml, NULL, "cpu");

	if (!look->domain->may_migrate) {
		return;
	}
	if (strcmp(cib_get(cpu, "mode"), "host-passthrough") == 0) {
		say(look, "warn", "live migration",
		    "a CPU that all hosts have\tuse mode host-model or a named "
		    "model, unless all hosts have the very same CPU and "
		    "microcode",
		    "cpu mode is host-passthrough");
	}
	if (cib_next(look->xml, NULL, "hostdev")) {
		say(look, "warn", "live migration",
		    "no hardware of a host\tset allow-migrate=false: it can't "
		    "migrate live, and is restarted in place of that",
		    "it has a host's device (hostdev)");
	}
}

/* ---- all ------------------------------------------------------------------ */

static int
read_xml(const char *path, char *text, size_t size)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t used = 0;
	ssize_t n;

	if (fd < 0) {
		return -errno;
	}
	while ((n = read(fd, text + used, size - 1 - used)) > 0) {
		used += (size_t)n;
		if (used + 1 >= size) {
			return -E2BIG;
		}
	}
	text[used] = '\0';
	return n < 0 ? -errno : 0;
}

int
check_domain_look(void *arg, int fd)
{
	ha_autofree char *text = malloc(HA_DOMAIN_XML_MAX);
	struct look look = { .domain = arg, .fd = fd };
	const struct cib_node *at = NULL;
	struct cib_node *xml = NULL;
	int rc = !text ? -ENOMEM :
			 read_xml(look.domain->config, text, HA_DOMAIN_XML_MAX);

	if (rc == 0) {
		rc = cib_parse(text, &xml, NULL);
	}
	if (rc < 0) {
		return rc;
	}
	look.xml = xml;
	while ((at = cib_next(xml, at, "disk"))) {
		look_at_disk(&look, at);
	}
	for (at = NULL; (at = cib_next(xml, at, "interface"));) {
		look_at_interface(&look, at);
	}
	look_at_stop(&look);
	look_at_heartbeat(&look);
	look_at_migration(&look);
	cib_free(xml);
	return look.rc;
}
