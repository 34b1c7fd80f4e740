# SPDX-License-Identifier: MIT
# libvisembed-seal: seals for stores, made of libsodium. A library of its own, so that libvisembed needs none.
SEAL_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/seal/*.c))
SEAL_LIB := $(BUILD)/libvisembed-seal.a
LIBS_ve-store := $(SEAL_LIB) -lsodium

$(SEAL_LIB): $(SEAL_OBJ)
	@rm -f $@
	$(call say,AR) $(CROSS)ar rcs $@ $^

$(BUILD)/bin/ve-store: $(SEAL_LIB)
