# SPDX-License-Identifier: MIT
# The library against this machine's own limits, and the page that sets all results beside their goals.
.PHONY: bench-self figures
bench-self: ## this machine's limits and how near ve-bench comes to them, as one file in bench/results
	@tools/install-packages $(BUILD_PACKAGES) python3-minimal
	@$(MAKE) --no-print-directory --silent $(BUILD)/bin/ve-bench $(BUILD)/bench/bench_kernels $(SHARED_LIB)
	@bench/self/bench-self --ve-bench $(BUILD)/bin/ve-bench --bench-kernels $(BUILD)/bench/bench_kernels \
	    --library $(SHARED_LIB) --result bench/results/$(or $(NAME),$(MACHINE)-self).json $(if $(SECONDS),--seconds $(SECONDS))

figures: ## docs/final-figures.md: goals beside what bench/results says was reached
	@tools/install-packages python3-minimal
	@bench/self/figures docs/final-figures.md
