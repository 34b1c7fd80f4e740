# libvisembed. `make help` lists the targets; everything that is made lies under build/.

VERSION := $(shell awk '/define VE_VERSION_(MAJOR|MINOR|PATCH)/ {v = v (v == "" ? "" : ".") $$3} END {print v}' include/visembed.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

PREFIX ?= /usr/local
DESTDIR ?=
# Set CROSS=aarch64-linux-gnu- to build for another machine; it gets a build folder of its own.
CROSS ?=
# own: our kernels. openblas: the dense layers through cblas_sgemm.
GEMM ?= own
# address,undefined or thread
SANITIZE ?=
ifeq ($(origin CC),default)
CC := gcc
endif
TARGET_CC := $(CROSS)$(CC)
MACHINE := $(firstword $(subst -, ,$(shell $(TARGET_CC) -dumpmachine)))

comma := ,
VARIANT := $(MACHINE)-$(notdir $(CC))$(if $(filter-out own,$(GEMM)),-$(GEMM))$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
BUILD := build/$(VARIANT)

CFLAGS ?= -O2 -g
VE_CFLAGS := -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
             -Wmissing-prototypes -fvisibility=hidden -ffp-contract=off -fPIC -pthread -MMD -MP \
             -Iinclude -Ilib $(CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
VE_LDFLAGS := $(LDFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -pthread
LIB_LIBS := -lm $(if $(filter openblas,$(GEMM)),-lopenblas)


# ---- the library: lib/*/*.c; a file named after an instruction set is built only where that exists
ISA_SUFFIXES := avx2 avx512 neon
ISA_HERE := $(if $(filter x86_64,$(MACHINE)),avx2 avx512)$(if $(filter aarch64,$(MACHINE)),neon)
ISA_FLAGS_avx2 := -mavx2 -mfma -mf16c
ISA_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512
ISA_FLAGS_neon :=
OPTIONAL_SRC := $(foreach isa,$(ISA_SUFFIXES),$(wildcard lib/kernels/*_$(isa).c)) $(wildcard lib/kernels/*_openblas.c)
LIB_SRC := $(filter-out $(OPTIONAL_SRC),$(wildcard lib/*/*.c)) \
           $(foreach isa,$(ISA_HERE),$(wildcard lib/kernels/*_$(isa).c)) \
           $(if $(filter openblas,$(GEMM)),$(wildcard lib/kernels/*_openblas.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
# kernels_scalar.c is what the vector kernels are tested against: it must stay scalar.
SCALAR_FLAGS := -fno-tree-vectorize -fno-tree-slp-vectorize
isa_flags = $(if $(filter %_scalar,$(1)),$(SCALAR_FLAGS)) $(foreach isa,$(ISA_SUFFIXES),$(if $(filter %_$(isa),$(1)),$(ISA_FLAGS_$(isa))))

STATIC_LIB := $(BUILD)/libvisembed.a
SHARED_LIB := $(BUILD)/libvisembed.so.$(VERSION)

# ---- programs: tools/NAME/*.c makes the program NAME, and so does every folder or file of examples/
PROGRAM_DIRS := $(patsubst %/,%,$(dir $(wildcard tools/ve-*/main.c examples/*/main.c)))
PROGRAMS := $(foreach d,$(PROGRAM_DIRS),$(BUILD)/bin/$(notdir $(d))) \
            $(patsubst examples/%.c,$(BUILD)/bin/%,$(wildcard examples/*.c))

# ---- tests: every tests/*/test_*.c is one cmocka program
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c))
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

.PHONY: all clean help
all: $(STATIC_LIB) $(SHARED_LIB) $(PROGRAMS)

$(BUILD)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_CFLAGS) $(if $(filter openblas,$(GEMM)),-DVE_GEMM_OPENBLAS) $(call isa_flags,$*) -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_CFLAGS) -c -o $@ $<

$(STATIC_LIB): $(LIB_OBJ)
	@rm -f $@
	$(CROSS)ar rcs $@ $^

$(SHARED_LIB): $(LIB_OBJ)
	$(TARGET_CC) $(VE_LDFLAGS) -shared -Wl,-soname,libvisembed.so.$(SOVERSION) -Wl,--no-undefined -o $@ $^ $(LIB_LIBS)
	ln -sf $(notdir $@) $(BUILD)/libvisembed.so.$(SOVERSION)
	ln -sf $(notdir $@) $(BUILD)/libvisembed.so

# Libraries that single programs need; the library itself needs none.
LIBS_ve-export := -ljansson -lsodium
LIBS_faceauth :=

define program_rule
$(BUILD)/bin/$(notdir $(1)): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard $(1)/*.c)) $(STATIC_LIB)
	@mkdir -p $$(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $$@ $$^ $$(LIBS_$(notdir $(1))) $(LIB_LIBS)
endef
$(foreach d,$(PROGRAM_DIRS),$(eval $(call program_rule,$(d))))

$(BUILD)/bin/%: $(BUILD)/examples/%.o $(STATIC_LIB)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(SUPPORT_OBJ) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ -lcmocka $(LIBS_test_$(notdir $*)) $(LIB_LIBS)

$(BUILD)/tests/%.o: VE_CFLAGS += -Itests

-include $(LIB_OBJ:.o=.d) $(SUPPORT_OBJ:.o=.d) $(TESTS:=.d)

clean:
	rm -rf build
