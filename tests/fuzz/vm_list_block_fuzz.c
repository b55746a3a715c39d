/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VM list and holds over several blocks. What is accepted names each VM once
 * and is the same when it is written again.
 */
#include "beat_block.h"

#define SLOT 5u
#define BLOCKS_MAX 4u

static void
read_list(const uint8_t *blocks, uint32_t n)
{
	ha_autofree struct ha_listed_vm *vms =
		calloc(FUZZ_SB.vms, sizeof(*vms));
	struct ha_vm_list list = { .vms = vms };
	ha_autofree uint8_t *again = NULL;

	if (!vms || ha_vm_list_decode(&FUZZ_SB, SLOT, 1, blocks, n, 0, 0,
				      &list) != HA_BLOCK_OK) {
		return;
	}
	fuzz_expect(list.count <= FUZZ_SB.vms &&
		    ha_vm_list_blocks(list.count) <= n);
	for (uint32_t i = 0; i < list.count; i++) {
		fuzz_expect(vms[i].state < HA_LISTED_N);
		fuzz_expect(strnlen(vms[i].resource, HA_RESOURCE_NAME) <
			    HA_RESOURCE_NAME);
		for (uint32_t k = i + 1; k < list.count; k++) {
			fuzz_expect(memcmp(&vms[i].uuid, &vms[k].uuid,
					   sizeof(vms[i].uuid)) != 0);
		}
	}
	again = fuzz_blocks(NULL, 0, ha_vm_list_blocks(list.count));
	ha_vm_list_encode(&FUZZ_SB, &list, 1, again);
	fuzz_expect(ha_vm_list_decode(&FUZZ_SB, SLOT, 1, again, n,
				      list.incarnation, list.generation,
				      &list) == HA_BLOCK_OK);
}

static void
read_holds(const uint8_t *blocks, uint32_t n)
{
	ha_autofree struct ha_hold *holds = calloc(FUZZ_SB.vms, sizeof(*holds));
	struct ha_hold_list list = { .holds = holds };
	ha_autofree uint8_t *again = NULL;

	if (!holds || ha_hold_list_decode(&FUZZ_SB, SLOT, 0, blocks, n, 0, 0,
					  &list) != HA_BLOCK_OK) {
		return;
	}
	fuzz_expect(list.count <= FUZZ_SB.vms);
	for (uint32_t i = 0; i < list.count; i++) {
		fuzz_expect(holds[i].owner < FUZZ_SB.slots &&
			    holds[i].kind <= HA_HOLD_RELEASED);
		fuzz_expect(holds[i].kind < HA_HOLD_CONFIRMED_DEAD ||
			    holds[i].owner_incarnation > 0);
		fuzz_expect(holds[i].kind != HA_HOLD_RELEASED ||
			    (holds[i].owner_generation > 0 &&
			     holds[i].resource[0]));
	}
	again = fuzz_blocks(NULL, 0, ha_hold_list_blocks(list.count));
	ha_hold_list_encode(&FUZZ_SB, &list, 0, again);
	fuzz_expect(ha_hold_list_decode(&FUZZ_SB, SLOT, 0, again, n,
					list.incarnation, list.generation,
					&list) == HA_BLOCK_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t n = size < HA_BLOCK              ? 1 :
		     size < HA_BLOCK * BLOCKS_MAX ? (uint32_t)size / HA_BLOCK :
						    BLOCKS_MAX;
	ha_autofree uint8_t *blocks = fuzz_blocks(data, size, n);

	read_list(blocks, n);
	fuzz_seal(blocks, n);
	read_list(blocks, n);
	read_holds(blocks, n);
	return 0;
}
