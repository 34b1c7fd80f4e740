# libvisembed. `make help` lists the targets; everything that is made lies under build/.

VERSION := $(shell awk '/define VE_VERSION_(MAJOR|MINOR|PATCH)/ {v = v (v == "" ? "" : ".") $$3} END {print v}' include/visembed.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

# ---- what a user may set on the command line
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/visembed
# Set CROSS=aarch64-linux-gnu- to build for another machine; it gets a build folder of its own.
CROSS ?=
# own: our kernels. openblas: the dense layers through cblas_sgemm.
GEMM ?= own
# address,undefined or undefined or thread
SANITIZE ?=
CFLAGS ?= -O2 -g
ifeq ($(origin CC),default)
CC := gcc
endif
# Compilers and tests that run side by side when make was not given -j.
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
# Seconds for each fuzz target of `make fuzz`.
FUZZ_SECONDS ?= 20

# ---- what follows from that
TARGET_CC := $(CROSS)$(CC)
MACHINE := $(firstword $(subst -, ,$(shell $(TARGET_CC) -dumpmachine 2>/dev/null)))
comma := ,
empty :=
space := $(empty) $(empty)
VARIANT := $(MACHINE)-$(notdir $(CC))$(if $(filter-out own,$(GEMM)),-$(GEMM))$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
BUILD := build/$(VARIANT)
# Built libraries of the other machine (tools/make-sysroot); programs that need one wait until it is there.
SYSROOT := $(if $(CROSS),build/$(MACHINE)-sysroot)
SYSROOT_READY := $(if $(CROSS),$(wildcard $(SYSROOT)/complete),yes)
SYSROOT_LIB := $(SYSROOT)/usr/lib/$(MACHINE)-linux-gnu

VE_CFLAGS := -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
             -Wmissing-prototypes -fvisibility=hidden -ffp-contract=off -fPIC -pthread -MMD -MP \
             -Iinclude -Ilib $(if $(CROSS),-isystem $(SYSROOT)/usr/include) $(CFLAGS) \
             $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
VE_LDFLAGS := $(LDFLAGS) -Wl,-z,noseparate-code $(if $(SANITIZE),,-Wl,--gc-sections) $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -pthread $(if $(CROSS),-L$(SYSROOT_LIB))
LIB_LIBS := -lm $(if $(filter openblas,$(GEMM)),-lopenblas)

# ---- the library: lib/*/*.c; a file named after an instruction set is built only where that exists
ISA_SUFFIXES := avx2 avx512 avx512vnni neon neondot
ISA_HERE := $(if $(filter x86_64,$(MACHINE)),avx2 avx512 avx512vnni)$(if $(filter aarch64,$(MACHINE)),neon neondot)
ISA_FLAGS_avx2 := -mavx2 -mfma -mf16c
ISA_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512
ISA_FLAGS_avx512vnni := $(ISA_FLAGS_avx512) -mavx512vnni
ISA_FLAGS_neon :=
ISA_FLAGS_neondot := -march=armv8.2-a+dotprod
OPTIONAL_SRC := $(foreach isa,$(ISA_SUFFIXES),$(wildcard lib/kernels/*_$(isa).c)) $(wildcard lib/kernels/*_openblas.c) \
                $(wildcard lib/seal/*.c)
LIB_SRC := $(filter-out $(OPTIONAL_SRC),$(wildcard lib/*/*.c)) \
           $(foreach isa,$(ISA_HERE),$(wildcard lib/kernels/*_$(isa).c)) \
           $(if $(filter openblas,$(GEMM)),$(wildcard lib/kernels/*_openblas.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o)
# kernels_scalar.c is what the vector kernels are tested against: it must stay scalar.
SCALAR_FLAGS := -fno-tree-vectorize -fno-tree-slp-vectorize
# stb_image lets the sums of broken JPEG files overflow, and shifts by 32 and more on their way to an error: defined
# as wrapping, and not stopped by the sanitizer.
STB_FLAGS := -fwrapv $(if $(SANITIZE),-fno-sanitize=shift)
# Pointer checks in the unrolled kernels take minutes to compile; AddressSanitizer and guard pages watch their loads.
ISA_SANITIZE := $(if $(findstring undefined,$(SANITIZE)),-fno-sanitize=null$(comma)alignment$(comma)object-size$(comma)pointer-overflow)
isa_flags = $(if $(filter %_scalar,$(1)),$(SCALAR_FLAGS)) $(if $(filter image/decode,$(1)),$(STB_FLAGS)) $(foreach isa,$(ISA_SUFFIXES),$(if $(filter %_$(isa),$(1)),$(ISA_FLAGS_$(isa)) $(ISA_SANITIZE)))

# The library is to stay small: sections of their own that the linker may leave out, no tables for unwinding through
# it, and the shortest code for what runs once a file or a record.
SMALL_FLAGS := -ffunction-sections -fdata-sections $(if $(SANITIZE),,-fno-asynchronous-unwind-tables) -fno-math-errno
# Tables of jumps are longer than what they save (2 KB of the JPEG reader's).
COLD_FLAGS := -Os -fno-jump-tables $(if $(findstring clang,$(CC)),,-fno-inline-functions-called-once)
# The kernels are vectorised and unrolled by hand; what GCC adds to that is length.
HOT_FLAGS := $(if $(findstring clang,$(CC)),,-fno-tree-vectorize -fno-ivopts -freorder-blocks-algorithm=simple)
HOT := lib/kernels/kernels_avx512
COLD := lib/api/% $(addprefix lib/base/,file status) $(addprefix lib/weights/,arch arch_tensors description fields) \
        $(addprefix lib/image/,crop decode filter image jpeg orientation png pnm prepare read) $(addprefix lib/base/,memory threads) \
        $(addprefix lib/net/,pack plan) $(if $(filter x86_64,$(MACHINE)),lib/net/%) lib/kernels/kernels lib/kernels/kernels_avx2 $(if $(ISA_HERE),lib/kernels/%_scalar) \
        $(addprefix lib/store/,check codes format index io log open replay rewrite seal squeeze table text writer) lib/weights/weights lib/face/%
cold_flags = $(if $(filter $(COLD),$(1)),$(COLD_FLAGS)) $(if $(filter $(HOT),$(1)),$(HOT_FLAGS))

STATIC_LIB := $(BUILD)/libvisembed.a
SHARED_LIB := $(BUILD)/libvisembed.so.$(VERSION)
# Sealing stores needs libsodium, and so is a library of its own, which calls nothing of libvisembed.
SEAL_SRC := $(wildcard lib/seal/*.c)
SEAL_OBJ := $(SEAL_SRC:%.c=$(BUILD)/%.o)
SEAL_STATIC := $(BUILD)/libvisembed-seal.a
SEAL_SHARED := $(BUILD)/libvisembed-seal.so.$(VERSION)
# For a program NAME that seals: LIBS_NAME := $(SEAL_LIBS), and $(SEAL_STATIC) among what it depends on.
SEAL_LIBS := $(SEAL_STATIC) -lsodium

# ---- programs: tools/NAME/*.c makes the program NAME, and so does every folder or file of examples/
# Libraries that single programs need; the library itself needs none.
LIBS_ve-export := -ljansson -lsodium
PROGRAM_DIRS := $(patsubst %/,%,$(dir $(wildcard tools/ve-*/main.c examples/*/main.c)))
ALL_PROGRAMS := $(notdir $(PROGRAM_DIRS)) $(patsubst examples/%.c,%,$(wildcard examples/*.c))
# Objects of a program other than its main.c, for tests of its modules.
program_modules = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))

# ---- tests: every tests/*/test_*.c is one cmocka program, every tests/cli/*.sh a test of the programs,
# tests/tools/*.c small programs that they use. tests/X/rules.mk, bench/X/rules.mk: further rules of a folder.
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_*.c))
TEST_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tools/*.c))
CLI_TESTS := $(wildcard tests/cli/*.sh)
SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/bench_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# Programs may need modules of tools/: OBJ_test_NAME; LIBS_test_NAME and LDFLAGS_test_NAME likewise.
EXPORT_MODULES := $(call program_modules,tools/ve-export)
OBJ_test_hostile_safetensors := $(EXPORT_MODULES)
LIBS_test_hostile_safetensors := $(LIBS_ve-export)
OBJ_fuzz_safetensors := $(EXPORT_MODULES)
LIBS_fuzz_safetensors := $(LIBS_ve-export)
# Every allocation that the library makes is seen by the test.
WRAP_ALLOCATION := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign,--wrap=free
LDFLAGS_test_allocation := $(WRAP_ALLOCATION)
LIBS_test_dlopen := -ldl

# ---- weight files made of the checkpoints in tests/fixtures: the names in exports.txt are CASE for the default
# export, CASE.f16 or CASE.i8, or CASE.KIND for another embedding. A cross build's tests use the native build's files.
EXPORTS := tests/fixtures/exports.txt
FIXTURES := $(patsubst %,$(BUILD)/fixtures/%.vew,$(shell awk '!/^\#/ && NF {print $$1}' $(EXPORTS) 2>/dev/null))

# ---- Debian packages
BUILD_PACKAGES := gcc libc6-dev libstb-dev libjansson-dev libsodium-dev libcurl4-openssl-dev libedit-dev
TEST_PACKAGES := $(BUILD_PACKAGES) libcmocka-dev curl python3-minimal
CROSS_PACKAGES := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
INTEGRATION_PACKAGES := $(TEST_PACKAGES) $(CROSS_PACKAGES) gcc-arm-linux-gnueabihf libc6-dev-armhf-cross clang clang-format-14 g++ pkg-config cmake libopenblas-dev \
                        doxygen mandoc python3-torch python3-numpy python3-pil

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDEXPANSION:
# Objects between a source and a program are kept.
.SECONDARY:
.PHONY: all demo test test-built test-built-only test-integration bench install uninstall clean distclean help FORCE \
        format check-format asan ubsan tsan test-aarch64 fuzz fuzz-built doc fixtures benches

-include $(wildcard tools/*/rules.mk examples/*/rules.mk tests/*/rules.mk bench/*/rules.mk)

# Without the other machine's libraries, programs that need some are left out.
PROGRAM_NAMES := $(foreach p,$(ALL_PROGRAMS),$(if $(or $(SYSROOT_READY),$(if $(LIBS_$(p)),,yes)),$(p)))
PROGRAMS := $(PROGRAM_NAMES:%=$(BUILD)/bin/%)

# A cross build has libsodium as an archive only, not for a shared library.
SEAL := $(if $(and $(SEAL_SRC),$(if $(CROSS),,yes)),$(SEAL_STATIC) $(SEAL_SHARED))

all: $(STATIC_LIB) $(SHARED_LIB) $(SEAL) $(PROGRAMS) ## the library and the programs (also what plain `make` does)

# ---- compiling. Objects are made again when the flags change; the two files are touched only then.
PROGRAM_FLAGS := -DVE_DATADIR='"$(DATADIR)"'
TEST_FLAGS := -Itests -DVE_TEST_FIXTURES_DIR='"$(abspath $(BUILD))/fixtures"' $(if $(filter openblas,$(GEMM)),-DVE_GEMM_OPENBLAS)
# One short line for each command; V=1 shows the command itself.
V ?=
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $@;)
write_if_new = @mkdir -p $(@D); printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
$(BUILD)/flags: FORCE
	$(call write_if_new,'$(TARGET_CC) $(VE_CFLAGS) $(VE_LDFLAGS) $(SMALL_FLAGS) $(COLD_FLAGS) $(COLD) $(HOT_FLAGS) $(HOT)')
$(BUILD)/program-flags: FORCE
	$(call write_if_new,"$(DATADIR)")

$(BUILD)/lib/%.o: lib/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(VE_CFLAGS) $(if $(filter openblas,$(GEMM)),-DVE_GEMM_OPENBLAS) $(SMALL_FLAGS) $(call cold_flags,lib/$*) \
	    $(call isa_flags,$*) -c -o $@ $<

$(BUILD)/tools/%.o: tools/%.c $(BUILD)/flags $(BUILD)/program-flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(VE_CFLAGS) $(PROGRAM_FLAGS) -c -o $@ $<

$(BUILD)/examples/%.o: examples/%.c $(BUILD)/flags $(BUILD)/program-flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(VE_CFLAGS) $(PROGRAM_FLAGS) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(VE_CFLAGS) $(TEST_FLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(VE_CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- linking
$(STATIC_LIB): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR) $(CROSS)ar rcs $@ $^

# A sanitizer's run-time library comes with the program, not with the shared library.
$(SHARED_LIB): $(LIB_OBJ) lib/visembed.map
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -shared -Wl,-soname,libvisembed.so.$(SOVERSION) -Wl,--version-script=lib/visembed.map \
	    $(if $(SANITIZE),,-Wl,--no-undefined) -o $@ $(LIB_OBJ) $(LIB_LIBS)
	@ln -sf $(notdir $@) $(BUILD)/libvisembed.so.$(SOVERSION)
	@ln -sf $(notdir $@) $(BUILD)/libvisembed.so

$(SEAL_STATIC): $(SEAL_OBJ)
	@rm -f $@
	$(call say,AR) $(CROSS)ar rcs $@ $^

$(SEAL_SHARED): $(SEAL_OBJ) lib/visembed.map
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -shared -Wl,-soname,libvisembed-seal.so.$(SOVERSION) \
	    -Wl,--version-script=lib/visembed.map $(if $(SANITIZE),,-Wl,--no-undefined) -o $@ $(SEAL_OBJ) -lsodium
	@ln -sf $(notdir $@) $(BUILD)/libvisembed-seal.so.$(SOVERSION)
	@ln -sf $(notdir $@) $(BUILD)/libvisembed-seal.so

define program_rule
$(BUILD)/bin/$(notdir $(1)): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard $(1)/*.c)) $(STATIC_LIB)
	@mkdir -p $$(@D)
	$$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -o $$@ $$^ $$(LIBS_$(notdir $(1))) $(LIB_LIBS)
endef
$(foreach d,$(PROGRAM_DIRS),$(eval $(call program_rule,$(d))))

$(BUILD)/bin/%: $(BUILD)/examples/%.o $(STATIC_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ -lm

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(SUPPORT_OBJ) $$(OBJ_$$(*F)) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) $(LDFLAGS_$(*F)) $(if $(CROSS),-Wl$(comma)-rpath$(comma)$(abspath $(SYSROOT_LIB))) \
	    -o $@ $^ -lcmocka $(LIBS_$(*F)) $(LIB_LIBS)

$(BUILD)/bench/%: $(BUILD)/bench/%.o $$(OBJ_$$(*F)) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIBS_$(*F)) $(LIB_LIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $$(OBJ_$$(*F)) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(call say,LINK) $(TARGET_CC) $(VE_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS_$(*F)) $(LIB_LIBS)

export_arguments = $(if $(filter .f16 .i8,$(1)),--precision $(1:.%=%))$(if $(filter .pooled .norm .head,$(1)),--embedding $(1:.%=%))
$(BUILD)/fixtures/%.vew: $$(wildcard tests/fixtures/$$(basename $$*)/*) $(BUILD)/bin/ve-export
	@mkdir -p $(@D)
	$(call say,EXPORT) $(BUILD)/bin/ve-export tests/fixtures/$(basename $*) -q -o $@ $(call export_arguments,$(suffix $*)) \
	    $(if $(filter .pooled .norm .head,$(suffix $*)),,$$(cat tests/fixtures/$(basename $*)/export.args 2>/dev/null))

fixtures: $(FIXTURES) $(TEST_TOOLS)
benches: $(BENCHES)

# ---- trying and testing. First what is missing is installed, then a make of its own (it may find a compiler that
# was not there before) builds and runs.
sub_make = +$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
run_tests = tools/run-tests -b $(BUILD) -j $(JOBS)

demo: ## registers a person from a portrait and logs in: the whole thing, offline, on real pictures
	@tools/install-packages $(BUILD_PACKAGES)
	@$(sub_make) --silent all
	@tools/demo $(BUILD)

test: ## all quick tests; installs the few packages they need
	@tools/install-packages $(TEST_PACKAGES)
	@$(sub_make) test-built

test-built-only: all $(TESTS) $(TEST_TOOLS) $(FIXTURES)
test-built: test-built-only
	@$(run_tests) $(TESTS) $(CLI_TESTS)

test-integration: ## sanitizers, aarch64, OpenBLAS, fuzzing, PyTorch, installation: all that needs heavier packages
	@tools/install-packages $(INTEGRATION_PACKAGES)
	@tools/test-integration

asan: ## cmocka programs under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/install-packages $(TEST_PACKAGES)
	@$(sub_make) SANITIZE=address,undefined run-cmocka
ubsan: ## cmocka programs under UndefinedBehaviorSanitizer alone
	@tools/install-packages $(TEST_PACKAGES)
	@$(sub_make) SANITIZE=undefined run-cmocka
tsan: ## cmocka programs that use threads under ThreadSanitizer
	@tools/install-packages $(TEST_PACKAGES)
	@$(sub_make) SANITIZE=thread run-threaded

THREADED_TESTS := $(foreach t,$(TESTS),$(if $(or $(findstring thread,$(notdir $(t))),$(filter %/test_session %/test_store_sharing,$(t))),$(t)))
.PHONY: run-cmocka run-threaded run-aarch64
run-cmocka: $(TESTS) $(TEST_TOOLS) $(FIXTURES) $(SHARED_LIB)
	@$(run_tests) -l $(firstword $(subst $(comma), ,$(SANITIZE))) $(TESTS)
run-threaded: $(THREADED_TESTS) $(FIXTURES)
	@$(run_tests) -l $(firstword $(subst $(comma), ,$(SANITIZE))) $(THREADED_TESTS)

test-aarch64: ## cross build, tested under qemu-user as Cortex-A72 (Pi 4) and Cortex-A76 (Pi 5)
	@tools/install-packages $(TEST_PACKAGES) $(CROSS_PACKAGES)
	@tools/make-sysroot build/aarch64-sysroot
	@$(sub_make) all fixtures
	@$(sub_make) CROSS=aarch64-linux-gnu- VE_TEST_FIXTURES=$(abspath $(BUILD))/fixtures run-aarch64

QEMU := qemu-aarch64 -L /usr/aarch64-linux-gnu
# Readers of hostile files do the same on every machine. The two cores differ only in the kernels that they take.
QEMU_TESTS := $(filter-out $(BUILD)/tests/hostile/%,$(TESTS))
QEMU_CORE_TESTS := $(filter %/test_session %/test_cpu %/test_crc32c $(BUILD)/tests/kernels/% $(BUILD)/tests/parity/%,$(TESTS))
run-aarch64: all $(QEMU_TESTS) $(TEST_TOOLS)
	@RUN="$(QEMU) -cpu cortex-a72" VE_TEST_FIXTURES=$(VE_TEST_FIXTURES) $(run_tests) -l a72 $(QEMU_TESTS) $(wildcard tests/cli/ve-embed.sh)
	@RUN="$(QEMU) -cpu cortex-a76" VE_TEST_FIXTURES=$(VE_TEST_FIXTURES) $(run_tests) -l a76 $(QEMU_CORE_TESTS) $(wildcard tests/cli/ve-embed.sh)

fuzz: ## FUZZ_SECONDS of libFuzzer (clang) on each fuzz target
	@tools/install-packages $(BUILD_PACKAGES) clang
	@$(sub_make) all fixtures
	@$(sub_make) CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-built
	@tools/run-fuzz build/$(MACHINE)-clang-fuzzer-no-link/fuzz $(BUILD)/fixtures $(FUZZ_SECONDS)
fuzz-built: $(FUZZERS)

bench: ## speed of the kernels on this machine
	@tools/install-packages $(BUILD_PACKAGES)
	@$(sub_make) benches
	@set -e; for program in $(BENCHES); do $$program; done

# ---- installing
INSTALL ?= install
HEADERS := $(filter-out $(if $(SEAL),,%/visembed_seal.h),$(wildcard include/*.h))
# examples/embed.c and its like are there to be read, not to be installed.
INSTALLED_PROGRAMS := $(filter ve-% faceauth,$(PROGRAM_NAMES))
# Programs that are scripts.
INSTALLED_SCRIPTS := $(if $(filter ve-export,$(INSTALLED_PROGRAMS)),fetch-checkpoint)
MAN_PAGES := $(foreach p,$(INSTALLED_PROGRAMS) $(INSTALLED_SCRIPTS),$(wildcard docs/man/$(p).[158])) $(wildcard docs/man/*.3)
WEIGHTS := $(wildcard weights/*.vew)
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR ?= $(LIBDIR)/cmake/visembed
CMAKE_FILES := visembedConfig.cmake visembedConfigVersion.cmake
to = $(DESTDIR)$(1)
# Every installed file, once: what `uninstall` removes.
INSTALLED = $(HEADERS:include/%=$(INCLUDEDIR)/%) $(LIBDIR)/libvisembed.a $(LIBDIR)/libvisembed.so.$(VERSION) \
            $(LIBDIR)/libvisembed.so.$(SOVERSION) $(LIBDIR)/libvisembed.so $(PKGCONFIGDIR)/visembed.pc \
            $(if $(SEAL),$(addprefix $(LIBDIR)/libvisembed-seal.,a so.$(VERSION) so.$(SOVERSION) so) $(PKGCONFIGDIR)/visembed-seal.pc) \
            $(CMAKE_FILES:%=$(CMAKEDIR)/%) $(INSTALLED_PROGRAMS:%=$(BINDIR)/%) \
            $(INSTALLED_SCRIPTS:%=$(BINDIR)/%) \
            $(foreach m,$(MAN_PAGES),$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
            $(WEIGHTS:weights/%=$(DATADIR)/%)
# @NAME@ in tools/packaging/*.in
fill_in = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
          -e 's|@VERSION@|$(VERSION)|g' -e 's|@SOVERSION@|$(SOVERSION)|g' -e 's|@DATADIR@|$(DATADIR)|g' \
          -e 's|@LIBS_PRIVATE@|$(strip $(LIB_LIBS)) -pthread|g' -e 's|@CMAKE_LIBS@|$(subst -l,,$(subst $(space),;,$(strip $(LIB_LIBS))))|g'

install: all ## headers, libraries, pkg-config and CMake files, programs, man pages, weights (PREFIX=, DESTDIR=)
	$(INSTALL) -d $(call to,$(INCLUDEDIR)) $(call to,$(LIBDIR)) $(call to,$(PKGCONFIGDIR)) $(call to,$(CMAKEDIR)) \
	    $(call to,$(BINDIR)) $(call to,$(DATADIR)) $(sort $(foreach m,$(MAN_PAGES),$(call to,$(MANDIR))/man$(subst .,,$(suffix $(m)))))
	$(INSTALL) -m 644 $(HEADERS) $(call to,$(INCLUDEDIR))
	$(INSTALL) -m 644 $(STATIC_LIB) $(call to,$(LIBDIR))
	$(INSTALL) -m 755 $(SHARED_LIB) $(call to,$(LIBDIR))
	ln -sf libvisembed.so.$(VERSION) $(call to,$(LIBDIR))/libvisembed.so.$(SOVERSION)
	ln -sf libvisembed.so.$(VERSION) $(call to,$(LIBDIR))/libvisembed.so
	$(if $(SEAL),$(INSTALL) -m 644 $(SEAL_STATIC) $(call to,$(LIBDIR)))
	$(if $(SEAL),$(INSTALL) -m 755 $(SEAL_SHARED) $(call to,$(LIBDIR)))
	$(if $(SEAL),ln -sf libvisembed-seal.so.$(VERSION) $(call to,$(LIBDIR))/libvisembed-seal.so.$(SOVERSION))
	$(if $(SEAL),ln -sf libvisembed-seal.so.$(VERSION) $(call to,$(LIBDIR))/libvisembed-seal.so)
	$(if $(SEAL),$(fill_in) tools/packaging/visembed-seal.pc.in >$(call to,$(PKGCONFIGDIR))/visembed-seal.pc)
	$(fill_in) tools/packaging/visembed.pc.in >$(call to,$(PKGCONFIGDIR))/visembed.pc
	for file in $(CMAKE_FILES); do $(fill_in) tools/packaging/$$file.in >$(call to,$(CMAKEDIR))/$$file; done
	$(if $(INSTALLED_PROGRAMS),$(INSTALL) -m 755 $(INSTALLED_PROGRAMS:%=$(BUILD)/bin/%) $(call to,$(BINDIR)))
	$(if $(INSTALLED_SCRIPTS),$(INSTALL) -m 755 $(INSTALLED_SCRIPTS:%=tools/%) $(call to,$(BINDIR)))
	for page in $(MAN_PAGES); do $(INSTALL) -m 644 $$page $(call to,$(MANDIR))/man$${page##*.}; done
	$(if $(WEIGHTS),$(INSTALL) -m 644 $(WEIGHTS) $(call to,$(DATADIR)))

uninstall: ## removes exactly what `install` with the same PREFIX and DESTDIR put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir $(call to,$(CMAKEDIR)) $(call to,$(DATADIR)) 2>/dev/null

# ---- looking after the source
C_FILES = $(wildcard include/*.h lib/*/*.[ch] tools/*/*.[ch] tools/*/*/*.[ch] examples/*.c examples/*/*.[ch] bench/*.[ch] \
          bench/*/*.[ch] tests/*/*.[ch])
CLANG_FORMAT ?= $(or $(shell command -v clang-format-14),clang-format)
format: ## puts all C files into the project's form
	@tools/install-packages clang-format-14
	$(CLANG_FORMAT) -i $(C_FILES)
check-format: ## fails when `make format` would change something
	@tools/install-packages clang-format-14
	@bad=0; for file in $(C_FILES); do \
	    $(CLANG_FORMAT) --dry-run -Werror $$file 2>/dev/null || { echo "not formatted: $$file"; bad=1; }; done; exit $$bad

doc: ## API reference of the public headers, build/doc/html/index.html
	@tools/install-packages doxygen
	@mkdir -p build/doc
	VERSION=$(VERSION) doxygen docs/Doxyfile

clean: ## removes what was built, but no fetched library of another machine
	rm -rf $(filter-out %-sysroot,$(wildcard build/*))
distclean: ## removes the whole build folder
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST) | sort -u
