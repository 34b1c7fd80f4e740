# SPDX-License-Identifier: MIT
# The store beside faiss, numpy, usearch and sqlite-vec. They come from Debian and npm when the target is made; nothing of
# them lies here. SHAPES="100000x512 ...", ROUNDS=9 and MINUTES=9 choose.
.PHONY: bench-store
BENCH_STORE_PACKAGES := $(BUILD_PACKAGES) python3-numpy python3-faiss libopenblas0-pthread $(if $(shell command -v npm),,nodejs npm)
BENCH_STORE_NPM := build/bench-store

$(BUILD)/bench/store/worker: $(BUILD)/bench/store/worker.o $(BUILD)/bench/store/machine.o $(STATIC_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIB_LIBS)

bench-store: ## the store's search beside faiss, numpy, usearch and sqlite-vec, in turns, as a table and a chart
	@tools/install-packages $(BENCH_STORE_PACKAGES)
	@$(MAKE) --no-print-directory $(BUILD)/bench/store/worker
	@mkdir -p $(BENCH_STORE_NPM)
	@[ -d $(BENCH_STORE_NPM)/node_modules/usearch ] || npm install --silent --no-save --prefix $(BENCH_STORE_NPM) usearch sqlite-vec
	@cp bench/store/usearch.mjs $(BENCH_STORE_NPM)
	@bench/store/bench-store --worker $(BUILD)/bench/store/worker --npm $(BENCH_STORE_NPM) --work $(BENCH_STORE_NPM)/work \
	    --results bench/results/$(MACHINE)-store $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(MINUTES),--minutes $(MINUTES)) $(SHAPES)
