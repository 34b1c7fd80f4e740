# SPDX-License-Identifier: MIT
# The store's tests. test_store_seal needs libvisembed-seal, and that libsodium (tools/ve-store/rules.mk).
OBJ_test_store_seal := $(BUILD)/libvisembed-seal.a
LIBS_test_store_seal := -lsodium

# The same programs for longer: a thousand kills, power cuts behind every call with every torn length, thirty seconds of
# processes and threads. About twenty minutes.
.PHONY: test-crash run-crash
LONG_STORE_TESTS := $(filter %/test_store_kill %/test_store_crash %/test_store_sharing,$(TESTS))
test-crash: ## the store's long tests: power cuts, kills, many processes
	@tools/install-packages $(TEST_PACKAGES)
	@$(sub_make) run-crash
run-crash: $(LONG_STORE_TESTS)
	@set -e; for test in $^; do VE_LONG=1 $$test; done

# The committed fixture of format version 1. Make a new one only together with a new format version.
.PHONY: store-fixture
store-fixture: $(BUILD)/tests/store/test_store_format
	$< tests/fixtures/store/v1.ves
