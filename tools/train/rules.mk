# SPDX-License-Identifier: MIT
# The trainer of the face embedder: no part of the library or of plain `make`. x86-64 with AVX-512; needs OpenBLAS.
# train-embedder multiplies bfloat16 (AMX or AVX-512), train-embedder-f32 floats, to be compared with PyTorch.
TRAIN := $(BUILD)/train
TRAIN_SRC := $(wildcard tools/train/embedder/*.c)
TRAIN_ONLY_BF16 := gemm_pack gemm_bf16 gemm_amx
TRAIN_FLAGS := -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
               -pthread -MMD -MP $(CFLAGS) -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros \
               -fassociative-math -freciprocal-math $(ISA_FLAGS_avx512) -mavx512bf16
train_flags = $(if $(filter gemm_amx,$(1)),-mamx-tile -mamx-bf16)
TRAIN_BF16_OBJ := $(patsubst tools/train/embedder/%.c,$(TRAIN)/bf16/%.o,$(filter-out %/gemm_f32.c,$(TRAIN_SRC)))
TRAIN_F32_OBJ := $(patsubst tools/train/embedder/%.c,$(TRAIN)/f32/%.o,$(filter-out $(foreach m,$(TRAIN_ONLY_BF16),%/$(m).c),$(TRAIN_SRC)))

.PHONY: train train-built
train: ## the trainer of the face embedder (tools/train/README.md)
	@tools/install-packages gcc libc6-dev libopenblas-dev
	@$(sub_make) train-built
train-built: $(TRAIN)/train-embedder $(TRAIN)/train-embedder-f32

$(TRAIN)/bf16/%.o: tools/train/embedder/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(TRAIN_FLAGS) $(call train_flags,$*) -c -o $@ $<
$(TRAIN)/f32/%.o: tools/train/embedder/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC) $(TARGET_CC) $(TRAIN_FLAGS) -DTRAIN_F32 -c -o $@ $<
$(TRAIN)/train-embedder: $(TRAIN_BF16_OBJ)
	$(call say,LINK) $(TARGET_CC) -pthread -o $@ $^ -lopenblas -lm
$(TRAIN)/train-embedder-f32: $(TRAIN_F32_OBJ)
	$(call say,LINK) $(TARGET_CC) -pthread -o $@ $^ -lopenblas -lm
