/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/record in a mount namespace with its own /run, /var/lib and /etc:
 * records come back whole, torn and foreign ones are told apart, a revoked
 * start can't bind its socket any more.
 */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

#include "ha/hostconf.h"
#include "ha/vmfiles.h"

#define UUID "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7a1"

static int
setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("t", "/run", "tmpfs", 0, NULL) < 0 ||
	    mount("t", "/var/lib", "tmpfs", 0, NULL) < 0) {
		fprintf(stderr, "vmfiles_test needs root: own mounts\n");
		return -1;
	}
	return ha_vmfiles_prepare(NULL);
}

static void
write_text(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
directories(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(HA_VM_RUN_DIR, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(HA_VM_LIB_DIR, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* QMP is full power over a VM: nobody else may look in. */
	assert_int_equal(stat(HA_VM_QMP_DIR, &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
	assert_int_equal(st.st_gid, ha_hostconf_qemu_group());
	assert_int_equal(ha_vmfiles_prepare(NULL), 0);
}

static void
record_comes_back(void **state)
{
	struct ha_vm_record record = { .uuid = UUID,
				       .phase = HA_VM_PHASE_RUNNING,
				       .pid = 42,
				       .start_ticks = 7 };
	struct ha_vm_record back;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_vmfiles_load("web/1", &back, NULL), -ENOENT);
	assert_int_equal(ha_vmfiles_store("web/1", &record, NULL), 0);
	assert_int_equal(ha_vmfiles_load("web/1", &back, NULL), 0);
	assert_int_equal(back.pid, 42);
	assert_string_equal(back.uuid, UUID);
	assert_true(ha_vmfiles_is_of_other("web2", 42, 7));
	assert_false(ha_vmfiles_is_of_other("web2", 42, 8));
	assert_false(ha_vmfiles_is_of_other("web/1", 42, 7));
	assert_int_equal(ha_vmfiles_remove("web/1", NULL, NULL), 0);
	assert_int_equal(ha_vmfiles_load("web/1", &back, NULL), -ENOENT);
	assert_int_equal(ha_vmfiles_remove("web/1", NULL, NULL), 0);

	write_text(HA_VM_RUN_DIR "/torn", "uuid=" UUID "\npid=4");
	assert_int_equal(ha_vmfiles_load("torn", &back, &err), -EINVAL);
	assert_non_null(strstr(err.text, HA_VM_RUN_DIR "/torn"));
	/* Pids of another boot mean nothing. */
	write_text(HA_VM_RUN_DIR "/old", "boot_id=" UUID "\npid=4\nend\n");
	assert_int_equal(ha_vmfiles_load("old", &back, NULL), -ENOENT);
}

/* A mark is no record, and goes with the record. */
static void
stop_is_marked(void **state)
{
	struct ha_vm_record record = { .phase = HA_VM_PHASE_RUNNING,
				       .pid = 42 };
	char path[HA_VM_QMP_PATH];
	char events[HA_VM_QMP_PATH];

	(void)state;
	ha_vm_qmp_path("web1", 7, path);
	ha_vm_events_path(path, events);
	write_text(events, "");
	assert_int_equal(ha_vmfiles_store("web1", &record, NULL), 0);
	assert_false(ha_vmfiles_is_stop_marked("web1"));
	assert_int_equal(ha_vmfiles_mark_stop("web1", NULL), 0);
	assert_int_equal(ha_vmfiles_mark_stop("web1", NULL), 0);
	assert_true(ha_vmfiles_is_stop_marked("web1"));
	assert_false(ha_vmfiles_is_stop_marked("web2"));
	assert_false(ha_vmfiles_is_of_other("web1", 42, 0));
	/* A monitor that writes its record does not take it away. */
	assert_int_equal(ha_vmfiles_store("web1", &record, NULL), 0);
	assert_true(ha_vmfiles_is_stop_marked("web1"));
	ha_vmfiles_unmark_stop("web1");
	assert_false(ha_vmfiles_is_stop_marked("web1"));
	assert_int_equal(ha_vmfiles_mark_stop("web1", NULL), 0);
	assert_int_equal(access(events, F_OK), 0);
	assert_int_equal(ha_vmfiles_remove("web1", path, NULL), 0);
	assert_false(ha_vmfiles_is_stop_marked("web1"));
	assert_int_equal(access(events, F_OK), -1);
}

static void
identity_survives(void **state)
{
	struct ha_vm_record record = { .uuid = UUID,
				       .name = "web1",
				       .pid = 42 };
	struct ha_vm_record back;

	(void)state;
	assert_int_equal(ha_vmfiles_recall("web1", &back, NULL), -ENOENT);
	assert_int_equal(ha_vmfiles_remember("web1", &record, NULL), 0);
	assert_int_equal(ha_vmfiles_remember("web1", &record, NULL), 0);
	assert_int_equal(ha_vmfiles_recall("web1", &back, NULL), 0);
	assert_string_equal(back.uuid, UUID);
	assert_string_equal(back.name, "web1");
	assert_int_equal(back.pid, 0);
}

/* As QEMU binds (util/qemu-sockets.c unix_listen_saddr): unlink, then bind. */
static int
bind_like_qemu(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int rc;

	strcpy(addr.sun_path, path);
	rc = unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	if (rc == 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		rc = -errno;
	}
	close(fd);
	return rc;
}

static void
revoked_start_cannot_bind(void **state)
{
	char path[HA_VM_QMP_PATH];
	char next[HA_VM_QMP_PATH];

	(void)state;
	ha_vm_qmp_path("web1", 1, path);
	ha_vm_qmp_path("web1", 2, next);
	assert_int_equal(bind_like_qemu(path), 0);
	assert_int_equal(ha_vmfiles_revoke(path, NULL), 0);
	assert_int_equal(bind_like_qemu(path), -EISDIR);
	assert_int_equal(ha_vmfiles_revoke(path, NULL), 0);
	/* Forgetting the record doesn't lift it; the next start is free. */
	assert_int_equal(ha_vmfiles_remove("web1", path, NULL), 0);
	assert_int_equal(bind_like_qemu(path), -EISDIR);
	assert_int_equal(bind_like_qemu(next), 0);
	assert_int_equal(ha_vmfiles_revoke("/run/other.sock", NULL), -EINVAL);
}

static void
qemu_conf(void **state)
{
	char value[32] = "";

	(void)state;
	if (mkdir("/etc/libvirt", 0755) < 0) {
		assert_int_equal(errno, EEXIST);
	}
	assert_int_equal(mount("t", "/etc/libvirt", "tmpfs", 0, NULL), 0);
	assert_false(ha_hostconf_qemu_conf("group", value, sizeof(value)));
	write_text("/etc/libvirt/qemu.conf",
		   "#group = \"no\"\n group_x = \"no\"\n"
		   "  group = \"first\" # why\ngroup=\"+0\"\nlock_manager = "
		   "\"lockd\"\n");
	assert_true(ha_hostconf_qemu_conf("group", value, sizeof(value)));
	assert_string_equal(value, "+0");
	assert_int_equal(ha_hostconf_qemu_group(), 0);
	assert_true(
		ha_hostconf_qemu_conf("lock_manager", value, sizeof(value)));
	assert_string_equal(value, "lockd");
	/* Nothing of libvirt runs below this /run. */
	assert_true(ha_hostconf_libvirtd_is_down());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories),
		cmocka_unit_test(record_comes_back),
		cmocka_unit_test(stop_is_marked),
		cmocka_unit_test(identity_survives),
		cmocka_unit_test(revoked_start_cannot_bind),
		cmocka_unit_test(qemu_conf),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
