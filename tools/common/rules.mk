# Modules that several programs share: each program below is linked with all of them.
COMMON_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/common/*.c))
$(BUILD)/bin/ve-embed $(BUILD)/bin/ve-face $(BUILD)/bin/faceauth: $(COMMON_OBJ)
$(BUILD)/tools/% $(BUILD)/examples/%: PROGRAM_FLAGS += -Itools
