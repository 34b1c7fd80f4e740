# SPDX-License-Identifier: MIT
# ve-embed writes .npy files already.
$(BUILD)/bin/ve-eval: $(COMMON_OBJ) $(BUILD)/tools/ve-embed/npy.o
# test_eval calls the modules.
OBJ_test_eval := $(call program_modules,tools/ve-eval) $(BUILD)/tools/ve-embed/npy.o $(COMMON_OBJ)
