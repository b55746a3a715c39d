/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that judge admission share; others include admit.h. */
#ifndef FAULT_DOMAIN_ADMIT_JUDGE_H
#define FAULT_DOMAIN_ADMIT_JUDGE_H

#include "FaultDomain/admit.h"
#include "FaultDomain/stock.h"

/* One look. */
struct fdm_judging {
	struct fdm *fdm;
	struct fdm_admit *admit;
	const struct fdm_stock *stock;
	struct ha_inventory inv; /* as it would be */
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms; /* its VMs */
	void *work;
	uint64_t until_ms;
	bool is_begun; /* something was judged in this look */
	/* A VM of a host that may leave, and no place is known for it: nothing
	 * gets room. NULL: there is none. */
	const struct ha_inv_vm *homeless;
};

/* Made where it is not there. */
struct fdm_admission *fdm_admission_of(struct fdm_admit *admit,
				       const char *resource);
/* A yes or a no, with its sentences in `told`. */
bool fdm_admit_ask(struct fdm_judging *j,
		   const struct ha_admission_request *request,
		   struct ha_admission_answer *ret_answer,
		   struct fdm_admission *told);
/* admit_place.c: what is to be restarted is where it will be. True: that was
 * searched in this look, false: it was known, or nothing is to be. */
bool fdm_admit_place(struct fdm_judging *j);
/* Its host is counted as leaving, and no place is known for it. */
bool fdm_admit_is_leaving(const struct fdm_judging *j, uint32_t vm);
/* What the configuration reserves. */
struct ha_gate_reserved fdm_admit_wanted(const struct fdm_judging *j,
					 uint32_t vm);
/* One VM that runs. */
void fdm_admit_running(struct fdm_judging *j, uint32_t vm,
		       const struct fdm_row *row);

#endif
