/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that tie a machine to its host: passed-through hardware, firmware
 * variables and TPM state in local files, shared directories, bridges and
 * networks, secrets. What can't migrate is a warning (the machine still
 * restarts elsewhere), what is missing here an error.
 */
#include "check.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"

#define PATH_SIZE 512u
#define SWTPM "swtpm"

static bool
text_is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* /sys name of <address domain= bus= slot= function=>. */
static void
pci_path(const xmlNode *address, char *ret_path, size_t size)
{
	static const char *const names[] = { "domain", "bus", "slot",
					     "function" };
	unsigned long parts[4] = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ha_autofree char *text = check_attr(address, names[i]);

		if (text) {
			parts[i] = strtoul(text, NULL, 0);
		}
	}
	snprintf(ret_path, size, "/sys/bus/pci/devices/%04lx:%02lx:%02lx.%lx",
		 parts[0], parts[1], parts[2], parts[3]);
}

static void
pci_address(struct check *c, xmlNodePtr address)
{
	char path[PATH_SIZE];

	pci_path(address, path, sizeof(path));
	check_path(c, CHECK_ERROR, "host device (pci)", path,
		   "this host lacks the device that the domain XML passes "
		   "through");
}

static void
mdev_address(struct check *c, xmlNodePtr address)
{
	ha_autofree char *uuid = check_attr(address, "uuid");
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s",
		 uuid ? uuid : "");
	check_path(c, CHECK_ERROR, "host device (mdev)", path,
		   "create the mediated device on this host");
}

static void
hostdev(struct check *c, xmlNodePtr node)
{
	ha_autofree char *type = check_attr(node, "type");

	check_say(c, CHECK_WARNING,
		  "host device (%s): passed-through hardware can't migrate "
		  "live; exclude the machine from migration or remove the "
		  "device",
		  type ? type : "unknown");
}

static void
nvram(struct check *c, xmlNodePtr node)
{
	ha_autofree char *path = check_text(node);

	if (path && path[0] == '/') {
		check_path(c, CHECK_WARNING, "UEFI variables (nvram)", path,
			   "put the file on storage that all hosts share, or "
			   "the guest starts here with factory settings");
	}
}

static void
firmware(struct check *c)
{
	ha_autofree char *automatic =
		check_value(c, "/domain/os[@firmware='efi']/@firmware");
	ha_autofree char *path = check_value(c, "/domain/os/nvram");
	ha_autofree char *source =
		check_value(c, "/domain/os/nvram/source/@file");

	if (automatic && (!path || path[0] != '/') && !source) {
		check_say(c, CHECK_WARNING,
			  "UEFI variables: no <nvram> path, so they lie in a "
			  "local directory of each host; name a file on shared "
			  "storage");
	}
	check_each(c, "/domain/os/nvram", nvram);
}

static void
boot_file(struct check *c, xmlNodePtr node)
{
	ha_autofree char *path = check_text(node);
	char what[PATH_SIZE];

	snprintf(what, sizeof(what), "<%s>", (const char *)node->name);
	if (path && path[0] == '/') {
		check_path(c, CHECK_ERROR, what, path,
			   "install the same file on this host");
	}
}

/* swtpm is found by libvirt in PATH; these are what daemons get. */
static bool
has_swtpm(void)
{
	static const char *const dirs[] = { "/usr/bin", "/usr/local/bin",
					    "/bin" };
	char path[PATH_SIZE];
	bool has = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && !has; i++) {
		snprintf(path, sizeof(path), "%s/" SWTPM, dirs[i]);
		has = access(path, X_OK) == 0;
	}
	return has;
}

static void
tpm(struct check *c, xmlNodePtr backend)
{
	ha_autofree char *type = check_attr(backend, "type");
	ha_autofree char *source =
		check_value(c, "/domain/devices/tpm/backend/source/@path");

	if (text_is(type, "passthrough")) {
		check_say(c, CHECK_WARNING,
			  "TPM: passed through from the host; the machine "
			  "can't migrate, and its keys stay behind");
		return;
	}
	if (!text_is(type, "emulator")) {
		return;
	}
	if (!has_swtpm()) {
		check_say(c, CHECK_ERROR,
			  "TPM: " SWTPM " is not installed on this host; "
			  "install the package swtpm (and swtpm-tools)");
	}
	if (source) {
		check_path(c, CHECK_ERROR, "TPM state", source,
			   "attach the shared storage with the state");
	} else {
		check_say(c, CHECK_WARNING,
			  "TPM: its state lies in /var/lib/libvirt/swtpm of "
			  "the host that ran the machine last; put that "
			  "directory on shared storage, or disks sealed to the "
			  "TPM ask for their recovery key after a failover");
	}
}

static void
filesystem(struct check *c, xmlNodePtr node)
{
	ha_autofree char *dir = check_attr(node, "dir");

	if (dir) {
		check_path(c, CHECK_ERROR, "shared directory", dir,
			   "create or mount it on this host");
	}
	check_say(c, CHECK_WARNING,
		  "shared directory %s: virtiofs and 9p hinder live migration",
		  dir ? dir : "");
}

void
check_devices(struct check *c)
{
	check_each(c, "/domain/devices/hostdev", hostdev);
	check_each(c, "/domain/devices/interface[@type='hostdev']", hostdev);
	check_each(c, "//hostdev[@type='pci']/source/address", pci_address);
	check_each(c, "//hostdev[@type='mdev']/source/address", mdev_address);
	check_each(c,
		   "/domain/os/loader|/domain/os/kernel|/domain/os/initrd"
		   "|/domain/os/dtb",
		   boot_file);
	firmware(c);
	check_each(c, "/domain/devices/tpm/backend", tpm);
	check_each(c, "/domain/devices/filesystem/source", filesystem);
}

static void
network(struct check *c, xmlNodePtr source)
{
	ha_autofree char *name = check_attr(source, "network");
	virNetworkPtr net = name ? virNetworkLookupByName(c->conn, name) : NULL;

	if (name && !net) {
		check_say(c, CHECK_ERROR,
			  "network %s: not defined on this host; virsh "
			  "net-define it",
			  name);
	} else if (net && virNetworkIsActive(net) != 1) {
		check_say(c, CHECK_ERROR,
			  "network %s: not active; virsh net-start %s and "
			  "net-autostart it",
			  name, name);
	}
	if (net) {
		virNetworkFree(net);
	}
}

static void
host_interface(struct check *c, xmlNodePtr source)
{
	ha_autofree char *bridge = check_attr(source, "bridge");
	ha_autofree char *dev = check_attr(source, "dev");
	const char *name = bridge ? bridge : dev;
	char path[PATH_SIZE];

	if (name) {
		snprintf(path, sizeof(path), "/sys/class/net/%s", name);
		check_path(c, CHECK_ERROR,
			   bridge ? "bridge" : "host network device", path,
			   "create it on this host, or correct the <interface> "
			   "in the domain XML");
	}
}

void
check_networks(struct check *c)
{
	check_each(c, "/domain/devices/interface[@type='network']/source",
		   network);
	check_each(c,
		   "/domain/devices/interface[@type='bridge' or "
		   "@type='direct']/source",
		   host_interface);
}

/* The usage types that a domain XML can name (formatsecret). */
static int
usage_type(const char *type)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {
		{ "volume", VIR_SECRET_USAGE_TYPE_VOLUME },
		{ "ceph", VIR_SECRET_USAGE_TYPE_CEPH },
		{ "iscsi", VIR_SECRET_USAGE_TYPE_ISCSI },
		{ "tls", VIR_SECRET_USAGE_TYPE_TLS },
		{ "vtpm", VIR_SECRET_USAGE_TYPE_VTPM },
	};

	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(type, types[i].name) == 0) {
			return types[i].type;
		}
	}
	return VIR_SECRET_USAGE_TYPE_NONE;
}

static void
secret(struct check *c, xmlNodePtr node)
{
	ha_autofree char *uuid = check_attr(node, "uuid");
	ha_autofree char *usage = check_attr(node, "usage");
	ha_autofree char *type = check_attr(node, "type");
	virSecretPtr found = NULL;
	unsigned char *value = NULL;
	size_t size = 0;

	if (uuid) {
		found = virSecretLookupByUUIDString(c->conn, uuid);
	} else if (usage) {
		found = virSecretLookupByUsage(c->conn, usage_type(type),
					       usage);
	} else {
		return;
	}
	if (!found) {
		check_say(c, CHECK_ERROR,
			  "secret %s: not defined on this host; virsh "
			  "secret-define and secret-set-value it on each host",
			  uuid ? uuid : usage);
		return;
	}
	value = virSecretGetValue(found, &size, 0);
	if (value) {
		explicit_bzero(value, size);
		free(value);
	} else if (virGetLastError() &&
		   virGetLastError()->code == VIR_ERR_NO_SECRET) {
		check_say(c, CHECK_ERROR,
			  "secret %s: defined, but has no value on this host; "
			  "virsh secret-set-value",
			  uuid ? uuid : usage);
	}
	virSecretFree(found);
}

void
check_secrets(struct check *c)
{
	check_each(c, "/domain/devices//secret|/domain/os//secret", secret);
}
