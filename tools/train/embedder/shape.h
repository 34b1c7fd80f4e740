/* SPDX-License-Identifier: MIT */
/* The network's shape: ConvNeXt-atto, torchvision's names, 512 numbers out. */
#ifndef TRAIN_SHAPE_H
#define TRAIN_SHAPE_H

enum {
    STAGES = 4,
    MOST_BLOCKS = 6,
    LAST = 320,      /* channels of the last stage */
    EMBEDDING = 512, /* numbers of an embedding */
    CROP = 112,      /* side of a stored crop */
    CROP_BYTES = CROP * CROP * 3,
    STEM_K = 64, /* operands of a 4x4 patch of RGB: 48, padded */
    STEM_USED_K = 48,
    STEM_WIDTH = 48 /* the stem's 40 channels, padded */
};

extern const int stage_channels[STAGES];
extern const int stage_blocks[STAGES];
/* Floats from one pixel of a stage's maps to the next: its channels, padded to 16 with zeros. */
extern const int stage_stride[STAGES];
/* The same for matrix operands whose K is the channels: padded to 32. */
extern const int stage_k[STAGES];

#endif
