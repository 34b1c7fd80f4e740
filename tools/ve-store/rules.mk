# SPDX-License-Identifier: MIT
# libvisembed-seal: seals for stores, made of libsodium. A library of its own, so that libvisembed needs none.
SEAL_LIB := $(SEAL_STATIC)
LIBS_ve-store := $(SEAL_LIBS)

$(BUILD)/bin/ve-store: $(SEAL_LIB) $(COMMON_OBJ)
