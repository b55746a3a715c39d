/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host's libvirt has kept of a VM that is to be the cluster's: a
 * definition under its name, autostart, a managed-save image. The agent would
 * refuse the start here for these; they are told when there is time to mend
 * them. Asked through virsh, which may not be there, and may hang: with a
 * deadline, and then it is said that nothing is known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "add.h"
#include "ha/cleanup.h"

#define VIRSH_MS 5000u /* a call takes 20 ms; a libvirtd that hangs, for ever */
#define DEFAULT_URI "qemu:///system"

static int
virsh(const struct add_vm *vm, const char *const *words, char **ret_out)
{
	const char *uri = vmha_text(vm->params, "hypervisor");
	const char *argv[10] = { "virsh", "--quiet", "--connect",
				 *uri ? uri : DEFAULT_URI };
	int status = 0;
	int rc;

	for (size_t i = 0; words[i]; i++) {
		argv[4 + i] = words[i];
	}
	vmha_step("asking", "libvirt", VIRSH_MS + ADD_READ_MS);
	rc = vmha_run(argv, VIRSH_MS, ret_out, &status);
	if (rc == 0 && status != 0) {
		free(*ret_out);
		*ret_out = NULL;
		rc = -EIO;
	}
	return rc;
}

/* "Autostart:      enable" */
static bool
says(const char *info, const char *key, const char *value)
{
	const char *at = strstr(info, key);

	if (!at) {
		return false;
	}
	at += strlen(key);
	at += strspn(at, " \t");
	return strncmp(at, value, strlen(value)) == 0;
}

static void
look_definition(struct add_vm *vm)
{
	const char *const words[] = { "dominfo", vm->domain.uuid, NULL };
	ha_autofree char *info = NULL;

	if (virsh(vm, words, &info) < 0) {
		return;
	}
	if (says(info, "Autostart:", "enable")) {
		add_note(vm,
			 "libvirt would start it here by itself after a "
			 "reboot, and until that ends the agent does not start "
			 "it here: virsh autostart --disable %s",
			 vm->domain.name);
	}
	if (says(info, "Managed save:", "yes")) {
		add_note(vm,
			 "libvirt keeps old memory of it here, which the agent "
			 "never resumes: virsh managedsave-remove %s, or "
			 "--param managed_save=ignore",
			 vm->domain.name);
	}
}

void
add_look_libvirt(struct add_vm *vm)
{
	static const char *const WORDS[] = { "list", "--all", "--uuid",
					     "--name", NULL };
	ha_autofree char *list = NULL;
	char *rest = NULL;
	int rc = virsh(vm, WORDS, &list);

	if (rc < 0) {
		add_note(vm,
			 "libvirt of this host %s: whether it would start the "
			 "VM by itself (autostart), or keeps old memory of it "
			 "(managed save), is not known here",
			 rc == -ENOENT ? "can't be asked, virsh is not "
					 "installed" :
					 "does not answer");
		return;
	}
	for (char *line = strtok_r(list, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		size_t len = strcspn(line, " ");
		const char *name = line + len + strspn(line + len, " ");

		if (len == strlen(vm->domain.uuid) &&
		    strncasecmp(line, vm->domain.uuid, len) == 0) {
			look_definition(vm);
		} else if (strncmp(name, vm->domain.name,
				   strlen(vm->domain.name)) == 0 &&
			   strspn(name + strlen(vm->domain.name), " ") ==
				   strlen(name + strlen(vm->domain.name))) {
			add_refuse(vm,
				   "libvirt of this host has another domain "
				   "called %s (UUID %.*s), beside which it "
				   "could not start: rename one of them (virsh "
				   "domrename), or undefine that one",
				   vm->domain.name, (int)len, line);
		}
	}
}
