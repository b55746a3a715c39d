/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codecs of the VM agent: record, QEMU command line, QMP lines. Round trips,
 * torn and foreign input, and the boundaries of names and paths.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/qemu.h"
#include "ha/vmrecord.h"

#define UUID "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7a1"

static const struct ha_vm_record RECORD = {
	.uuid = UUID,
	.name = "web server = 1",
	.qmp_path = "/run/vmha/qmp/web1.0000002a.sock",
	.boot_id = "9bc1f58e-9014-43d4-a9d3-64ec4201f0de",
	.phase = HA_VM_PHASE_OUTGOING,
	.pid = 4711,
	.start_ticks = UINT64_MAX,
	.agent_pid = 1,
	.agent_ticks = 0,
	.peer = "n2",
	.listed = "9bc1f58e-9014-43d4-a9d3-64ec4201f0de.12",
	.reported = 77,
};

static void
record_round_trip(void **state)
{
	struct ha_vm_record back;
	char text[HA_VM_RECORD_TEXT];
	int len = ha_vm_record_format(&RECORD, text, sizeof(text));

	(void)state;
	assert_true(len > 0);
	assert_int_equal(ha_vm_record_parse(text, (size_t)len, &back, NULL), 0);
	assert_memory_equal(&back, &RECORD, sizeof(back));
	assert_int_equal(ha_vm_record_format(&RECORD, text, (size_t)len),
			 -ENOSPC);
}

static void
record_torn(void **state)
{
	struct ha_vm_record back;
	char text[HA_VM_RECORD_TEXT];
	int len = ha_vm_record_format(&RECORD, text, sizeof(text));

	(void)state;
	for (int cut = 0; cut < len; cut++) {
		struct ha_err err = HA_ERR_INIT;

		assert_int_equal(
			ha_vm_record_parse(text, (size_t)cut, &back, &err),
			-EINVAL);
		assert_true(err.text[0] != '\0');
	}
}

static void
record_foreign(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} CASES[] = {
		{ "end\n", 0 },
		{ "future_key=x\nend\n", 0 },
		{ "pid=12\nend\n", 0 },
		{ "pid=-1\nend\n", -EINVAL },
		{ "pid=2147483648\nend\n", -EINVAL },
		{ "pid=12x\nend\n", -EINVAL },
		{ "uuid=not-a-uuid\nend\n", -EINVAL },
		{ "phase=flying\nend\n", -EINVAL },
		{ "no equals sign\nend\n", -EINVAL },
		{ "pid=12\n", -EINVAL },
		{ "", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_vm_record back;

		assert_int_equal(ha_vm_record_parse(CASES[i].text,
						    strlen(CASES[i].text),
						    &back, NULL),
				 CASES[i].rc);
	}
}

static void
file_names(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(ha_vm_file_name("web1", name, sizeof(name)), 0);
	assert_string_equal(name, "web1");
	assert_int_equal(ha_vm_file_name("../a.b/c", name, sizeof(name)), 0);
	assert_string_equal(name, "%2e%2e%2fa%2eb%2fc");
	assert_int_equal(ha_vm_file_name("", name, sizeof(name)),
			 -ENAMETOOLONG);
	assert_int_equal(ha_vm_file_name("abcdefghijklmnopqrstuvwxyz012345",
					 name, sizeof(name)),
			 -ENAMETOOLONG);
}

static void
qmp_path_names_resource(void **state)
{
	static const char *const BAD[] = {
		"",
		"/run/vmha/qmp/",
		"/run/vmha/qmp/web1",
		"/run/vmha/qmp/.0000002a.sock",
		"/run/vmha/qmp/../x.sock",
		"/run/vmha/qmp/a b.0000002a.sock",
		"/run/vmha/qmp/a;b.0000002a.sock",
		"/run/vmha/qmp/a%0ab.0000002a.sock",
		"/run/vmha/qmp/a%2",
		"/run/vmha/qmp/a%",
		"/run/vmha/qmp/a%zz.sock",
		"/run/libvirt/qmp/web1.0000002a.sock",
	};
	char path[HA_VM_QMP_PATH];
	char name[HA_VM_RESOURCE];

	(void)state;
	ha_vm_qmp_path("web1", 42, path);
	assert_int_equal(ha_vm_qmp_path_resource(path, name, sizeof(name)), 0);
	assert_string_equal(name, "web1");
	ha_vm_qmp_path("web1.a", 42, path);
	assert_int_equal(ha_vm_qmp_path_resource(path, name, sizeof(name)), 0);
	assert_string_equal(name, "web1.a");
	assert_int_equal(ha_vm_qmp_path_resource(path, name, 6), -EINVAL);
	assert_int_equal(ha_vm_qmp_path_resource(path, name, 7), 0);
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		assert_int_equal(
			ha_vm_qmp_path_resource(BAD[i], name, sizeof(name)),
			-EINVAL);
	}
}

static void
qmp_paths(void **state)
{
	char path[HA_VM_QMP_PATH];
	char other[HA_VM_QMP_PATH];
	char long_a[201];
	char long_b[201];

	(void)state;
	ha_vm_qmp_path("web1", 42, path);
	assert_string_equal(path, "/run/vmha/qmp/web1.0000002a.sock");
	assert_true(ha_vm_qmp_path_is_of(path, "web1"));
	assert_false(ha_vm_qmp_path_is_of(path, "web"));
	assert_false(ha_vm_qmp_path_is_of(path, "web1.0000002a"));
	assert_true(ha_vm_qmp_path_is_ours(path));
	assert_false(ha_vm_qmp_path_is_ours("/run/vmha/qmp"));
	assert_false(ha_vm_qmp_path_is_ours("/run/vmha/qmp/"));
	assert_false(ha_vm_qmp_path_is_ours("/run/vmha/qmp/../../etc/x"));
	assert_false(ha_vm_qmp_path_is_of("/run/vmha/qmp/web1.x/y", "web1"));
	/* A name with a dot is no prefix of another's. */
	ha_vm_qmp_path("web1.a", 42, other);
	assert_false(ha_vm_qmp_path_is_of(other, "web1"));

	memset(long_a, 'a', sizeof(long_a) - 1);
	long_a[200] = '\0';
	memcpy(long_b, long_a, sizeof(long_b));
	long_b[199] = 'b';
	ha_vm_qmp_path(long_a, 1, path);
	ha_vm_events_path(path, other);
	assert_int_equal(strlen(other), strlen(path));
	assert_string_equal(other + strlen(other) - 14, ".00000001.evts");
	ha_vm_events_path("/run/vmha/qmp/web1.sock.x", other);
	assert_string_equal(other, "");
	ha_vm_qmp_path(long_b, 1, other);
	assert_true(strlen(path) < HA_VM_QMP_PATH);
	assert_string_equal(path + strlen(path) - 14, ".00000001.sock");
	assert_string_not_equal(path, other);
	assert_true(ha_vm_qmp_path_is_of(path, long_a));
	assert_false(ha_vm_qmp_path_is_of(path, long_b));
}

/* As libvirt 9.0 writes it (virsh domxml-to-native, shortened). */
static const char CMDLINE[] =
	"/usr/bin/qemu-system-x86_64\0-name\0guest=web,,1,debug-threads=on\0-S\0"
	"-machine\0pc-i440fx-7.2,usb=off\0-uuid\0" UUID "\0"
	"-no-user-config\0-chardev\0socket,id=charmonitor,fd=21,server=on\0"
	"-chardev\0socket,id=vmha-qmp,path=/run/vmha/qmp/web1.0000002a.sock,"
	"server=on,wait=off\0-mon\0chardev=vmha-qmp,mode=control\0";

static void
qemu_args(void **state)
{
	struct ha_qemu_args args;

	(void)state;
	ha_qemu_args_parse(CMDLINE, sizeof(CMDLINE) - 1, &args);
	assert_true(args.is_qemu);
	assert_false(args.incoming);
	assert_string_equal(args.uuid, UUID);
	assert_string_equal(args.name, "web,1");
	assert_string_equal(args.qmp_path, "/run/vmha/qmp/web1.0000002a.sock");

	/* Cut anywhere, it never claims more than is there. */
	for (size_t n = 0; n < sizeof(CMDLINE) - 1; n++) {
		ha_qemu_args_parse(CMDLINE, n, &args);
		assert_true(args.uuid[0] == '\0' ||
			    strcmp(args.uuid, UUID) == 0);
	}
	/* A pager that shows such a line is no QEMU; a value is no option. */
	ha_qemu_args_parse("less\0-name\0guest=x\0", 18, &args);
	assert_false(args.is_qemu);
	ha_qemu_args_parse("q\0-append\0-uuid\0" UUID "\0", 53, &args);
	assert_string_equal(args.uuid, "");
}

static void
qmp_lines(void **state)
{
	static const struct {
		const char *line;
		int rc;
		enum ha_qmp_kind kind;
		const char *status;
	} CASES[] = {
		{ "{\"QMP\": {\"version\": {}, \"capabilities\": []}}", 0,
		  HA_QMP_GREETING, "" },
		{ "{\"return\": {\"status\": \"running\", \"singlestep\": "
		  "false, \"running\": true}, \"id\": \"vmha\"}",
		  0, HA_QMP_RETURN, "running" },
		{ "{\"return\": {\"status\": \"io-error\"}}", 0, HA_QMP_RETURN,
		  "io-error" },
		{ "{\"return\": {\"status\": 7}}", 0, HA_QMP_RETURN, "" },
		{ "{\"return\": {}}", 0, HA_QMP_RETURN, "" },
		{ "{\"error\": {\"class\": \"GenericError\", \"desc\": "
		  "\"no\"}}",
		  0, HA_QMP_ERROR, "" },
		{ "{\"event\": \"STOP\", \"timestamp\": {}}", 0, HA_QMP_EVENT,
		  "" },
		{ "{\"other\": 1}", -EINVAL, 0, NULL },
		{ "[]", -EINVAL, 0, NULL },
		{ "{\"return\": ", -EINVAL, 0, NULL },
		{ "", -EINVAL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_qmp_message m;
		int rc = ha_qmp_parse(CASES[i].line, strlen(CASES[i].line), &m);

		assert_int_equal(rc, CASES[i].rc);
		if (rc == 0) {
			assert_int_equal(m.kind, CASES[i].kind);
			assert_string_equal(m.status, CASES[i].status);
		}
	}
}

/* As QEMU 7.2 sends it. */
static void
qmp_shutdown(void **state)
{
	static const char *const LINES[] = {
		"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
		"\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, "
		"\"reason\": \"guest-shutdown\"}}",
		"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, "
		"\"reason\": \"host-signal\"}}",
		"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": 1, \"reason\": "
		"7}}",
	};
	struct ha_qmp_message m;

	(void)state;
	assert_int_equal(ha_qmp_parse(LINES[0], strlen(LINES[0]), &m), 0);
	assert_string_equal(m.text, "SHUTDOWN");
	assert_string_equal(m.reason, "guest-shutdown");
	assert_true(m.by_guest);
	assert_int_equal(ha_qmp_parse(LINES[1], strlen(LINES[1]), &m), 0);
	assert_string_equal(m.reason, "host-signal");
	assert_false(m.by_guest);
	assert_int_equal(ha_qmp_parse(LINES[2], strlen(LINES[2]), &m), 0);
	assert_string_equal(m.reason, "");
	assert_false(m.by_guest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_round_trip),
		cmocka_unit_test(record_torn),
		cmocka_unit_test(record_foreign),
		cmocka_unit_test(file_names),
		cmocka_unit_test(qmp_shutdown),
		cmocka_unit_test(qmp_paths),
		cmocka_unit_test(qmp_path_names_resource),
		cmocka_unit_test(qemu_args),
		cmocka_unit_test(qmp_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
