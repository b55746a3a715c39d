/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's record of a VM: what is accepted formats into a text that is
 * accepted again and says the same.
 */
#include "fuzz.h"
#include "ha/vmrecord.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *text = fuzz_text(data, size);
	struct ha_vm_record record = { .pid = 0 };
	struct ha_vm_record again = { .pid = 0 };
	struct ha_err err = HA_ERR_INIT;
	char formatted[HA_VM_RECORD_TEXT];
	char file_name[256];
	char path[HA_VM_QMP_PATH];
	int len;

	if (ha_vm_file_name(text, file_name, sizeof(file_name)) == 0) {
		fuzz_expect(!strchr(file_name, '/') && file_name[0] != '.');
		ha_vm_qmp_path(text, 0x1234abcd, path);
		fuzz_expect(ha_vm_qmp_path_is_of(path, text));
		fuzz_expect(ha_vm_qmp_path_is_ours(path));
	}
	if (ha_vm_record_parse(text, size, &record, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		return 0;
	}
	len = ha_vm_record_format(&record, formatted, sizeof(formatted));
	fuzz_expect(len > 0);
	fuzz_expect(ha_vm_record_parse(formatted, (size_t)len, &again, &err) ==
		    0);
	fuzz_expect(strcmp(record.uuid, again.uuid) == 0);
	fuzz_expect(strcmp(record.name, again.name) == 0);
	fuzz_expect(strcmp(record.qmp_path, again.qmp_path) == 0);
	fuzz_expect(record.phase == again.phase && record.pid == again.pid &&
		    record.start_ticks == again.start_ticks);
	return 0;
}
