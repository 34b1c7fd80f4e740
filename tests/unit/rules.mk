# SPDX-License-Identifier: MIT
# test_export and test_export_config call the modules of ve-export, on checkpoints that export_case.c makes.
OBJ_test_export := $(EXPORT_MODULES) $(BUILD)/tests/unit/export_case.o
LIBS_test_export := $(LIBS_ve-export)
OBJ_test_export_config := $(OBJ_test_export)
LIBS_test_export_config := $(LIBS_ve-export)
OBJ_test_rounding := $(EXPORT_MODULES)
LIBS_test_rounding := $(LIBS_ve-export)
