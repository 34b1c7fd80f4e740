/* SPDX-License-Identifier: MIT */
/* Writes a .vew file. It grows in a temporary file in the same folder and takes its name only when it is whole
 * and on the disk:
 *
 *     vew_create(path, about, &writer);          layout from the architecture
 *     vew_append(writer, values, count);         elements of all tensors in order, in pieces of any size
 *     vew_commit(writer, fingerprint);           or vew_abort(writer): nothing is left
 */
#ifndef VE_EXPORT_VEW_WRITE_H
#define VE_EXPORT_VEW_WRITE_H

#include "weights/vew.h"

typedef struct vew_writer vew_writer;

/* about: everything but the fingerprint; weight_type "f16" stores tensors of two or more dimensions as f16 and
 * vectors, which are small, as f32; "i8" is the same with the blocks' fc1 and fc2 and the downsampling rounded
 * to 8 bits. Existing files are replaced by the commit. */
ve_status vew_create(const char *path, const ve__description *about, vew_writer **writer);
/* VE_ERR_UNSUPPORTED for a value that f16 cannot hold. */
ve_status vew_append(vew_writer *writer, const float *values, size_t count);
/* Frees the writer in any case; fingerprint gets 64 hex digits. */
ve_status vew_commit(vew_writer *writer, char fingerprint[65]);
void vew_abort(vew_writer *writer);

/* The fingerprint of a finished file, computed anew. */
ve_status vew_fingerprint(const ve__weights *weights, char fingerprint[65]);

/* For a signal handler: removes the temporary file that is being written, if there is one. */
void vew_remove_temporary(void);

#endif
