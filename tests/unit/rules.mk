# SPDX-License-Identifier: MIT
# test_export calls the modules of ve-export.
OBJ_test_export := $(EXPORT_MODULES)
LIBS_test_export := $(LIBS_ve-export)
