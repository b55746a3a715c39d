/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decodes one line of the QEMU Machine Protocol (QEMU docs/interop/qmp-spec):
 * greeting, return, error or event. Only what vmha asks is looked at.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "ha/qemu.h"

static void
take_text(char *dst, size_t size, const json_t *value)
{
	const char *s = json_string_value(value);

	if (s && ha_text_copy(dst, size, s) < 0) {
		memcpy(dst, s, size - 1);
		dst[size - 1] = '\0';
	}
}

int
ha_qmp_parse(const char *line, size_t len, struct ha_qmp_message *ret_message)
{
	struct ha_qmp_message m = { .kind = HA_QMP_GREETING };
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *sent;
	const json_t *data;
	json_t *part;

	if (!json_is_object(root)) {
		json_decref(root);
		return -EINVAL;
	}
	take_text(m.id, sizeof(m.id), json_object_get(root, "id"));
	if ((part = json_object_get(root, "return"))) {
		m.kind = HA_QMP_RETURN;
		take_text(m.status, sizeof(m.status),
			  json_object_get(part, "status"));
		sent = json_object_get(json_object_get(part, "ram"),
				       "transferred");
		m.ram_sent = json_integer_value(sent) > 0 ?
				     (uint64_t)json_integer_value(sent) :
				     0;
	} else if ((part = json_object_get(root, "error"))) {
		m.kind = HA_QMP_ERROR;
		take_text(m.text, sizeof(m.text),
			  json_object_get(part, "desc"));
	} else if ((part = json_object_get(root, "event"))) {
		m.kind = HA_QMP_EVENT;
		take_text(m.text, sizeof(m.text), part);
		data = json_object_get(root, "data");
		take_text(m.reason, sizeof(m.reason),
			  json_object_get(data, "reason"));
		m.by_guest = json_is_true(json_object_get(data, "guest"));
	} else if (!json_object_get(root, "QMP")) {
		json_decref(root);
		return -EINVAL;
	}
	json_decref(root);
	*ret_message = m;
	return 0;
}
