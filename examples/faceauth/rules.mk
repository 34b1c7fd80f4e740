# SPDX-License-Identifier: MIT
# faceauth looks at cameras through libcurl and edits its prompt's lines through libedit, where the compiler finds them;
# a build for another machine goes without both.
FACEAUTH_HAS = $(if $(CROSS),,$(wildcard /usr/include/$(1) /usr/include/*/$(1)))
ifneq ($(call FACEAUTH_HAS,curl/curl.h),)
LIBS_faceauth += -lcurl
$(BUILD)/examples/faceauth/%: PROGRAM_FLAGS += -DFACEAUTH_CURL
endif
ifneq ($(call FACEAUTH_HAS,editline/readline.h),)
LIBS_faceauth += -ledit
$(BUILD)/examples/faceauth/%: PROGRAM_FLAGS += -DFACEAUTH_EDIT
endif
