/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM's parameter on_guest_shutdown: a start takes both of its values, and
 * the fault domain manager, which reads it alone, takes nothing else for stop.
 */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include "ha/vmparams.h"

static const char *
get(void *ctx, const char *name)
{
	return strcmp(name, "on_guest_shutdown") == 0 ? ctx : NULL;
}

static void
guest_shutdown(void **state)
{
	static const struct {
		const char *value;
		bool stops;
	} CASES[] = { { NULL, false },  { "", false },     { "restart", false },
		      { "stop", true }, { "sotp", false }, { "stop ", false } };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		char value[16] = "";
		bool is;

		if (CASES[i].value) {
			strcpy(value, CASES[i].value);
		}
		is = ha_vm_params_stops_with_guest(get, CASES[i].value ? value :
									 NULL);
		if (is != CASES[i].stops) {
			fail_msg("\"%s\" counts as %s", value,
				 is ? "stop" : "restart");
		}
	}
}

static void
start_takes_both(void **state)
{
	struct ha_vm_params p = {
		.uuid = "96c1c197-4271-484c-b03e-380ddfaf8324",
		.hypervisor = "qemu:///system",
	};
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	p.on_guest_shutdown = HA_VM_GUEST_SHUTDOWN_RESTART;
	assert_int_equal(ha_vm_params_check_start(&p, &err), 0);
	p.on_guest_shutdown = HA_VM_GUEST_SHUTDOWN_STOP;
	assert_int_equal(ha_vm_params_check_start(&p, &err), 0);
	p.hypervisor = "test:///default";
	assert_int_equal(ha_vm_params_check_start(&p, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_shutdown),
		cmocka_unit_test(start_takes_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
