# SPDX-License-Identifier: MIT
# Weight files of the other kinds of embedding that tests/fixtures/exports.txt lists: CASE.pooled.vew and so on.
KIND_FIXTURES := $(shell awk '$$1 ~ /\.(pooled|norm|head)$$/ {print $$1}' tests/fixtures/exports.txt)
FIXTURES += $(KIND_FIXTURES:%=$(BUILD)/fixtures/%.vew)

define kind_rule
$(BUILD)/fixtures/%.$(1).vew: $$$$(wildcard tests/fixtures/$$$$*/*) $(BUILD)/bin/ve-export
	@mkdir -p $$(@D)
	$(BUILD)/bin/ve-export tests/fixtures/$$* -q -o $$@ --embedding $(1)
endef
$(foreach kind,pooled norm head,$(eval $(call kind_rule,$(kind))))
