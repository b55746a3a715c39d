/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side: does its QEMU offer the machine type and CPU, what does
 * libvirt already know under this name, and would something other than the
 * cluster start or suspend machines here (autostart, libvirt-guests).
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ha/cleanup.h"

#define QEMU_CONF "/etc/libvirt/qemu.conf"
#define GUESTS_UNIT "libvirt-guests.service"
#define LINE_SIZE 1024u
#define VALUE_SIZE 128u

/* The last `key = value` of a file, quotes taken off; false: not set. Both
 * qemu.conf and sysconfig files fit. */
static bool
config_get(const char *path, const char *key, char ret_value[VALUE_SIZE])
{
	ha_autofile FILE *f = fopen(path, "re");
	char line[LINE_SIZE];
	size_t key_len = strlen(key);
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		char *s = line + strspn(line, " \t");
		size_t len;

		if (strncmp(s, key, key_len) != 0) {
			continue;
		}
		s += key_len;
		s += strspn(s, " \t");
		if (*s != '=') {
			continue;
		}
		s++;
		s += strspn(s, " \t\"'");
		len = strcspn(s, "\"'#\r\n \t");
		if (len < VALUE_SIZE) {
			memcpy(ret_value, s, len);
			ret_value[len] = '\0';
			found = true;
		}
	}
	return found;
}

bool
check_has_lock_manager(void)
{
	char value[VALUE_SIZE];

	return config_get(QEMU_CONF, "lock_manager", value) && value[0] &&
	       strcmp(value, "nop") != 0;
}

static void
guests_value(struct check *c, const char *key, const char *fallback,
	     const char *bad, const char *advice)
{
	static const char *const files[] = {
		"/etc/default/libvirt-guests",
		"/etc/sysconfig/libvirt-guests",
	};
	char value[VALUE_SIZE];
	const char *where = files[0];

	snprintf(value, sizeof(value), "%s", fallback);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (config_get(files[i], key, value)) {
			where = files[i];
			break;
		}
	}
	if (strcasecmp(value, bad) == 0) {
		check_say(c, CHECK_WARNING, "libvirt-guests: %s=%s (%s): %s",
			  key, value, where, advice);
	}
}

static bool
guests_enabled(void)
{
	static const char *const wants[] = {
		"/etc/systemd/system/multi-user.target.wants/" GUESTS_UNIT,
		"/etc/systemd/system/default.target.wants/" GUESTS_UNIT,
	};

	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
		/* The link itself: its target may be of another root. */
		if (faccessat(AT_FDCWD, wants[i], F_OK, AT_SYMLINK_NOFOLLOW) ==
		    0) {
			return true;
		}
	}
	return false;
}

/* Defaults: libvirt-guests.sh, ON_BOOT=start ON_SHUTDOWN=suspend. */
void
check_config(struct check *c)
{
	if (!guests_enabled()) {
		return;
	}
	guests_value(c, "ON_BOOT", "start", "start",
		     "it starts machines behind the cluster's back; set "
		     "ON_BOOT=ignore, or systemctl disable " GUESTS_UNIT);
	guests_value(c, "ON_SHUTDOWN", "suspend", "suspend",
		     "it saves machines to this host's disk at shutdown; set "
		     "ON_SHUTDOWN=shutdown, or systemctl disable " GUESTS_UNIT);
}

static void
check_defined(struct check *c, virDomainPtr dom)
{
	const char *name = c->domain->name;
	int autostart = 0;

	if (virDomainIsPersistent(dom) != 1) {
		return;
	}
	if (virDomainGetAutostart(dom, &autostart) == 0 && autostart) {
		check_say(c, CHECK_ERROR,
			  "%s: autostart is on: libvirtd would start it "
			  "without asking the cluster; virsh autostart "
			  "--disable %s",
			  name, name);
	}
	if (virDomainHasManagedSaveImage(dom, 0) == 1) {
		check_say(c, CHECK_WARNING,
			  "%s: a managed save image waits on this host; a "
			  "virsh start would put old memory over newer disks; "
			  "virsh managedsave-remove %s",
			  name, name);
	}
	if (virDomainSnapshotNum(dom, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL) > 0) {
		check_say(c, CHECK_WARNING,
			  "%s: has external snapshots, known to this host "
			  "only; see virsh snapshot-list %s",
			  name, name);
	}
}

void
check_definition(struct check *c)
{
	hv_autodomain virDomainPtr dom = NULL;
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (!c->domain->uuid[0]) {
		check_say(c, CHECK_WARNING,
			  "%s: no <uuid> in the domain XML: the guest sees "
			  "another one on each host; add one (uuidgen)",
			  c->domain->name);
	}
	if (hv_domain_find(c->conn, NULL, c->domain->name, &dom, NULL) < 0) {
		return;
	}
	if (c->domain->uuid[0] && virDomainGetUUIDString(dom, uuid) == 0 &&
	    strcmp(uuid, c->domain->uuid) != 0) {
		check_say(c, CHECK_ERROR,
			  "%s: libvirt on this host knows another machine of "
			  "that name, uuid %s; rename or undefine one of them",
			  c->domain->name, uuid);
	}
	check_defined(c, dom);
}

static const char *
last_message(void)
{
	virErrorPtr error = virGetLastError();

	return error && error->message ? error->message : "no reason given";
}

static char *
cpu_xml(struct check *c)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression(
		(const xmlChar *)"/domain/cpu[@mode='custom' or "
				 "(not(@mode) and model)]",
		c->xpath);
	xmlBufferPtr buffer = xmlBufferCreate();
	char *xml = NULL;

	if (found && found->nodesetval && found->nodesetval->nodeNr > 0 &&
	    buffer &&
	    xmlNodeDump(buffer, c->root->doc, found->nodesetval->nodeTab[0], 0,
			0) > 0) {
		xml = strdup((const char *)xmlBufferContent(buffer));
	}
	xmlBufferFree(buffer);
	xmlXPathFreeObject(found);
	return xml;
}

static void
check_cpu(struct check *c, const char *emulator, const char *arch,
	  const char *machine)
{
	ha_autofree char *mode = check_value(c, "/domain/cpu/@mode");
	ha_autofree char *cpu = cpu_xml(c);
	int rc;

	if (mode && strcmp(mode, "host-passthrough") == 0) {
		check_say(c, CHECK_WARNING,
			  "CPU mode host-passthrough: migrates only between "
			  "equal processors, microcode and kernels; prefer a "
			  "named model that all hosts have (virsh "
			  "hypervisor-cpu-baseline)");
	} else if (mode && strcmp(mode, "host-model") == 0) {
		check_say(c, CHECK_NOTE,
			  "CPU mode host-model: takes the model of the host "
			  "that starts it; it may not migrate to an older one");
	}
	if (!cpu) {
		return;
	}
	rc = virConnectCompareHypervisorCPU(c->conn, emulator, arch, machine,
					    c->domain->type, cpu, 0);
	if (rc == VIR_CPU_COMPARE_INCOMPATIBLE) {
		check_say(c, CHECK_ERROR,
			  "CPU: this host can't provide the model that the "
			  "domain XML asks for; choose an older model (virsh "
			  "hypervisor-cpu-baseline)");
	} else if (rc < 0) {
		check_say(c, CHECK_NOTE, "CPU: not compared: %s",
			  last_message());
	}
}

void
check_machine(struct check *c)
{
	ha_autofree char *emulator = check_value(c, "/domain/devices/emulator");
	ha_autofree char *arch = check_value(c, "/domain/os/type/@arch");
	ha_autofree char *machine = check_value(c, "/domain/os/type/@machine");
	ha_autofree char *caps = NULL;

	if (emulator && access(emulator, X_OK) < 0) {
		check_say(c, CHECK_ERROR,
			  "emulator %s: %s; install QEMU, or remove <emulator> "
			  "so that libvirt finds it",
			  emulator, strerror(errno));
		return;
	}
	caps = virConnectGetDomainCapabilities(c->conn, emulator, arch, machine,
					       c->domain->type, 0);
	if (!caps) {
		check_say(c, CHECK_ERROR,
			  "machine type %s (%s, %s): this host can't provide "
			  "it: %s; compare virsh domcapabilities on all hosts",
			  machine ? machine : "of the host's choice",
			  arch ? arch : "host architecture", c->domain->type,
			  last_message());
		return;
	}
	if (!machine || strchr(machine, '-') == NULL) {
		check_say(c, CHECK_NOTE,
			  "machine type %s: its version depends on the host's "
			  "QEMU; name one (pc-i440fx-7.2 for pc, pc-q35-7.2 "
			  "for q35) so that migration between versions works",
			  machine ? machine : "is not given");
	}
	check_cpu(c, emulator, arch, machine);
}
