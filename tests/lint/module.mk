# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that exist only because something checks them. Each lint is a target
# of its own; lint-prove plants one violation for each and wants it found.

LINT_SH := CC=$(CC) CLANG_FORMAT=$(CLANG_FORMAT) PYTHON=$(PYTHON) \
	tests/lint/lint.sh

LINT_SIMPLE := format cppcheck analyzer shell python size spdx times
LINTS += lint-layers $(addprefix lint-,$(LINT_SIMPLE)) lint-prove
HELP += "make lint: layers, format, cppcheck, gcc -fanalyzer, shell, python," \
	"           sizes, licences, times, and that each of them can fail" \
	"make format: clang-format over every C source"

# The analyzer is gcc's, whatever compiles the rest.
lint-analyzer: LINT_SH := CC=gcc tests/lint/lint.sh

$(addprefix lint-,$(LINT_SIMPLE)): lint-%:
	$(LINT_SH) $*

lint-layers: $(LIBS) $(PROGRAMS)
	$(PYTHON) tests/lint/layers.py $(BUILD) $(PROGRAMS)

lint-prove: $(LIBS)
	PYTHON=$(PYTHON) tests/lint/prove.sh $(BUILD)

.PHONY: format
format:
	find libha agents fencing tools tests -name '*.[ch]' -print0 | \
		xargs -0 -r $(CLANG_FORMAT) -i
