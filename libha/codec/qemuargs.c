/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a QEMU command line as libvirt writes it: whose VM is this process?
 * Used on /proc/PID/cmdline of every process of the host, so it must be
 * cheap for those that are no QEMU and never trust what it finds.
 */
#include <string.h>

#include "ha/qemu.h"

#define CHARDEV "socket,id=vmha-qmp,path="

/* The value up to an unescaped comma; ",," stands for one comma (QEMU's
 * option syntax). Too long a value gives "". */
static void
option_value(const char *s, char *ret, size_t size)
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s == ',') {
			if (s[1] != ',') {
				break;
			}
			s++;
		}
		if (n + 1 >= size) {
			n = 0;
			break;
		}
		ret[n++] = *s;
	}
	ret[n] = '\0';
}

static void
take_name(const char *value, struct ha_qemu_args *args)
{
	const char *guest = strstr(value, "guest=");

	if (guest == value || (guest && guest[-1] == ',')) {
		option_value(guest + 6, args->name, sizeof(args->name));
		args->is_qemu = true;
	} else {
		option_value(value, args->name, sizeof(args->name));
	}
}

static void
take_option(const char *option, const char *value, struct ha_qemu_args *args)
{
	if (strcmp(option, "-uuid") == 0) {
		(void)ha_text_uuid(value, args->uuid);
	} else if (strcmp(option, "-name") == 0) {
		take_name(value, args);
	} else if (strcmp(option, "-incoming") == 0) {
		args->incoming = true;
	} else if (strcmp(option, "-chardev") == 0 &&
		   strncmp(value, CHARDEV, sizeof(CHARDEV) - 1) == 0) {
		option_value(value + sizeof(CHARDEV) - 1, args->qmp_path,
			     sizeof(args->qmp_path));
	}
}

void
ha_qemu_args_parse(const char *cmdline, size_t len,
		   struct ha_qemu_args *ret_args)
{
	const char *end = cmdline + len;
	const char *option = NULL;

	*ret_args = (struct ha_qemu_args){ .is_qemu = false };
	while (cmdline < end) {
		const char *nul = memchr(cmdline, 0, (size_t)(end - cmdline));

		if (!nul) {
			break; /* cut off: the last argument is not whole */
		}
		if (option) {
			take_option(option, cmdline, ret_args);
		}
		/* The kernel command line is the guest's owner's free text and
		 * may look like an option. */
		option = *cmdline == '-' && !(option &&
					      strcmp(option, "-append") == 0) ?
				 cmdline :
				 NULL;
		cmdline = nul + 1;
	}
	ret_args->is_qemu = ret_args->is_qemu && ret_args->uuid[0];
}
