/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every wait of the FaultDomain agent and of the isolation responder, in one
 * place. docs/TIMEOUTS.md says where each number comes from.
 */
#ifndef FAULT_DOMAIN_TIMEOUTS_H
#define FAULT_DOMAIN_TIMEOUTS_H

/* Actions of the agent, advertised in the meta-data, in s. */
#define FDM_START_TIMEOUT_S 60
#define FDM_STOP_TIMEOUT_S 60
#define FDM_MONITOR_TIMEOUT_S 20
#define FDM_MONITOR_INTERVAL_S 10    /* of the promoted instance */
#define FDM_UNPROMOTED_INTERVAL_S 11 /* Pacemaker wants another one */
#define FDM_PROMOTE_TIMEOUT_S 20
#define FDM_DEMOTE_TIMEOUT_S 20
#define FDM_RELOAD_TIMEOUT_S 20
#define FDM_VALIDATE_TIMEOUT_S 20

/* Steps of the agent, in ms. */
#define FDM_ASK_MS 5000   /* an answer of vmha-fdmd's main loop */
#define FDM_POLL_MS 50    /* between looks at a daemon that begins */
#define FDM_TERM_MS 30000 /* a clean end: the master gives up its term */
#define FDM_KILL_RESERVE_MS 10000 /* kept of stop's timeout for SIGKILL */

/* The isolation responder, in ms. */
#define RESPOND_PING_MS 1000      /* between two pings of an address */
#define RESPOND_GATEWAY_MS 30000  /* the default gateways are read again */
#define RESPOND_POWEROFF_MS 60000 /* a stop action without shutdown */
#define RESPOND_FORCE_MS 30000    /* beyond a shutdown: VM_FORCE_RESERVE_MS */
#define RESPOND_KILL_MS 5000      /* an agent that outlives its timeout */
#define RESPOND_RETRY_MS 10000    /* between two tries for one VM */

#endif
