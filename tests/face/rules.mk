# SPDX-License-Identifier: MIT
# test_frames calls modules of faceauth.
OBJ_test_frames := $(BUILD)/examples/faceauth/jpeg_stream.o $(BUILD)/examples/faceauth/multipart.o
