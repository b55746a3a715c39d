/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain XML: any bytes give a domain within the limits of ha/domain.h or a
 * sentence.
 */
#include "fuzz.h"
#include "ha/domain.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *xml = fuzz_text(data, size);
	ha_autofree struct ha_domain *domain = calloc(1, sizeof(*domain));
	struct ha_err err = HA_ERR_INIT;

	if (!domain) {
		return 0;
	}
	if (ha_domain_parse(xml, size, domain, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		return 0;
	}
	fuzz_expect(domain->n_disks <= HA_DOMAIN_DISKS);
	fuzz_expect(strnlen(domain->name, sizeof(domain->name)) <
		    sizeof(domain->name));
	for (unsigned int i = 0; i < domain->n_disks; i++) {
		fuzz_expect(strnlen(domain->disks[i].source, HA_DOMAIN_SOURCE) <
			    HA_DOMAIN_SOURCE);
	}
	return 0;
}
