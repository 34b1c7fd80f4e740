# Instructions counted under QEMU: the plugin is built for this machine, the programs for aarch64.
ARM_BUILD := build/aarch64-$(notdir $(CC))
ARM_PLUGIN := build/bench-arm/libarmcount.so
BENCH_ARM_PACKAGES := gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user python3-minimal

.PHONY: bench-arm check-arm-counts arm-counters
HOOK_OBJ := $(BUILD)/tools/ve-bench/kernel_hooks.o
MODEL_OBJ := $(BUILD)/tools/ve-bench/random_model.o
$(BUILD)/bench/arm/embed_n: $(BUILD)/bench/arm/embed_n.o $(HOOK_OBJ) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -static -o $@ $^ $(LIB_LIBS)

$(BUILD)/bench/arm/make_model: $(BUILD)/bench/arm/make_model.o $(MODEL_OBJ) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIB_LIBS)

# Its modules are compiled for this machine whatever CROSS says.
$(ARM_PLUGIN): bench/arm/count.c bench/arm/classify.c bench/arm/classify.h bench/arm/marks.h bench/arm/qemu_plugin_api.h
	@mkdir -p $(@D)
	$(CC) -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -O2 -fPIC \
	    -fvisibility=hidden -shared -o $@ bench/arm/count.c bench/arm/classify.c

# ONNX Runtime's library is loaded while it runs, so this one is linked dynamically.
$(BUILD)/bench/arm/ort_n: $(BUILD)/bench/arm/ort_n.o $(BUILD)/bench/peers/onnxruntime.o
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ -ldl -lm

ARM_PROGRAMS := $(ARM_BUILD)/bench/arm/embed_n $(ARM_BUILD)/bench/arm/ort_n
arm-counters: $(ARM_PLUGIN) $(BUILD)/bench/arm/make_model
	@$(MAKE) --no-print-directory --silent CROSS=aarch64-linux-gnu- $(ARM_PROGRAMS)

ARM_ARGUMENTS = --plugin $(ARM_PLUGIN) --embed-n $(ARM_BUILD)/bench/arm/embed_n --make-model $(BUILD)/bench/arm/make_model \
                --work build/bench-arm --compiler aarch64-linux-gnu-$(CC)
# CASES="atto:224 ..." chooses; tiny takes a minute or two.
CHECK_CASES := atto:224 atto:112 atto-v2:112 atto:224:i8 atto-v2:112:i8 atto:224:i8-a72

bench-arm: export PYTHONDONTWRITEBYTECODE := 1
bench-arm: ## counts the aarch64 instructions of an embedding under QEMU, ONNX Runtime's beside ours
	@tools/install-packages $(BENCH_ARM_PACKAGES) python3-numpy $(BUILD_PACKAGES)
	@$(MAKE) --no-print-directory --silent arm-counters $(BUILD)/bin/ve-export
	@bench/peers/fetch-onnxruntime build/bench-peers/onnxruntime
	@bench/arm/bench-arm $(ARM_ARGUMENTS) --ort-n $(ARM_BUILD)/bench/arm/ort_n --export $(BUILD)/bin/ve-export \
	    --onnxruntime build/bench-peers/onnxruntime/arm64.so --models bench/peers/models.py \
	    --report bench/results/aarch64-instructions.md $(CASES)

check-arm-counts: ## fails when an embedding takes 1 % more aarch64 instructions than bench/arm/expected.tsv says
	@tools/install-packages $(BENCH_ARM_PACKAGES)
	@$(MAKE) --no-print-directory --silent arm-counters
	@bench/arm/bench-arm $(ARM_ARGUMENTS) $(if $(VERIFY),--verify atto:64,$(if $(UPDATE),--update,--check) $(CHECK_CASES))
