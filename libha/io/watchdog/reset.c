/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's own reset, without syncing anything: a sync could wait for the
 * very storage that is lost. sysrq acts on the whole machine, from any
 * container: it is used only where this process provably runs in the
 * machine's first pid namespace. reboot(2) elsewhere ends exactly that
 * namespace (pid_namespaces(7)).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/watchdog.h"

/* PROC_PID_INIT_INO of include/linux/proc_ns.h: fixed for the first one. */
#define FIRST_PID_NAMESPACE_INODE 0xEFFFFFFCu

static bool
is_first_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 &&
	       st.st_ino == FIRST_PID_NAMESPACE_INODE;
}

static void
ask_sysrq(bool is_off)
{
	const char command = is_off ? 'o' : 'b';
	ha_autoclose int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, &command, 1);
	}
}

int
ha_host_reset(bool is_off)
{
	if (is_first_pid_namespace()) {
		ask_sysrq(is_off);
	}
	reboot(is_off ? (int)LINUX_REBOOT_CMD_POWER_OFF :
			(int)LINUX_REBOOT_CMD_RESTART);
	return -errno;
}
