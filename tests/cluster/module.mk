# SPDX-License-Identifier: GPL-2.0-or-later
# Tests, demo and measurements on real clusters. All need root: hosts are
# namespaces. The product is tested as it is installed, from a stage.

CLUSTER := tests/cluster
CLUSTER_STAGE := $(BUILD)/tests/cluster/stage
CLUSTER_ENV = BUILD=$(abspath $(BUILD)) PYTHONDONTWRITEBYTECODE=1
KILLS_N ?= 20
KILLS_SETUPS ?= fast standard sbd
MINUTES ?= 30
SCHEDULES ?= 200
SEED ?= 1
PROFILES ?= fast standard
ONLY ?=
KEEP ?=

# A make of its own: DESTDIR must differ from what the user may have set.
cluster-stage: build guest bed faults
	rm -rf $(CLUSTER_STAGE)
	$(MAKE) -s install DESTDIR=$(abspath $(CLUSTER_STAGE)) PREFIX=/usr \
		LIBEXECDIR=/usr/libexec/vmha OCFDIR=/usr/lib/ocf/resource.d/vmha

# The heartbeat daemon of a version to come, for a cluster of two versions.
NEXT := $(BUILD)/next
NEXT_FLAGS := -DHA__AREA_MINOR=1u -DHA__RING_MINOR=1u
NEXT_DAEMON := fencing/heartbeat/vmha-heartbeatd

cluster-next: cluster-stage
	$(MAKE) -s BUILD=$(NEXT) VERSION=0.99.0 CPPFLAGS="$(NEXT_FLAGS)" \
		$(NEXT)/$(NEXT_DAEMON)
	$(INSTALL) -D -m 755 $(NEXT)/$(NEXT_DAEMON) \
		$(CLUSTER_STAGE)/usr/libexec/vmha-next/vmha-heartbeatd

check-cluster: cluster-next
	$(CLUSTER_ENV) $(CLUSTER)/run $(foreach p,$(ONLY),--only '$(p)') \
		$(if $(KEEP),--keep)

demo:
	@$(MAKE) -s deps WHAT="build check"
	@$(MAKE) -s cluster-stage
	@$(CLUSTER_ENV) $(CLUSTER)/demo/demo $(if $(KEEP),--keep)

kills: cluster-stage
	$(CLUSTER_ENV) $(CLUSTER)/kills -n $(KILLS_N) \
		--json $(BUILD)/tests/cluster/kills.json $(KILLS_SETUPS)

soak-calm: cluster-stage
	$(CLUSTER_ENV) $(CLUSTER)/soak-calm --minutes $(MINUTES) \
		--json $(BUILD)/tests/cluster/soak-calm.json $(PROFILES)

soak: cluster-stage
	$(CLUSTER_ENV) $(CLUSTER)/soak -n $(SCHEDULES) --seed $(SEED) \
		--json $(BUILD)/tests/cluster/soak.json

CHECKS += check-cluster
HELP += "make demo KEEP=1: the same, and leaves the cluster up to be tried" \
	"make check-cluster: real clusters (root), ONLY=PATTERN for some of it" \
	"make kills: host kills in a row, where the time goes; vmha beside sbd \
(KILLS_N=20 KILLS_SETUPS='fast standard sbd')" \
	"make soak-calm: no false fencing on a machine that is busy all over \
(MINUTES=30 PROFILES='fast standard')" \
	"make soak: random faults on real clusters (SCHEDULES=200 SEED=1)"

.PHONY: cluster-stage cluster-next check-cluster demo kills soak soak-calm
