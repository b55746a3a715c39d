# SPDX-License-Identifier: GPL-2.0-or-later
# The protocol as spin models (docs/MODEL.md): all rules on must pass, each
# rule off must give a counter-example.

MODEL := tests/model/run-model tests/model/runs.table $(BUILD)/tests/model

# RUNS="NAME ...": only these.
model check-model:
	$(MODEL) check $(RUNS)

soak-model:
	$(MODEL) soak $(RUNS)

CHECKS += check-model
HELP += "make model: the protocol's models; each rule is missed when it is off" \
	"           (RUNS=\"NAME ...\": only these)" \
	"make soak-model: the same and the long searches"

.PHONY: model soak-model
