# Instructions counted under QEMU: the plugin is built for this machine, the programs for aarch64.
ARM_CC := $(if $(filter aarch64,$(shell uname -m)),$(CC),aarch64-linux-gnu-gcc)
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

arm-counters: $(ARM_PLUGIN) $(BUILD)/bench/arm/make_model
	@$(MAKE) --no-print-directory --silent CROSS=aarch64-linux-gnu- $(ARM_BUILD)/bench/arm/embed_n
