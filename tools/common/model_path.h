/* SPDX-License-Identifier: MIT */
/* Which weight files a program opens when it was not told. */
#ifndef VE_TOOLS_MODEL_PATH_H
#define VE_TOOLS_MODEL_PATH_H

#include <stddef.h>

/* Text for --help. */
#define MODEL_PATH_HELP                                                                                        \
    "Without -m the weight file is the one that the variable VE_MODEL names, else the\n"                       \
    "installed face-atto.vew, else weights/face-atto.vew of the source tree that the\n"                        \
    "program was built in.\n"

/* Writes the path to use: given (the -m option, may be NULL), else as MODEL_PATH_HELP says. A path that was
 * given or set is taken as it is, so that opening it says what is wrong with it; the other two are tried.
 * Returns 0, or -1 when there is no file at any of these places or the path is too long. */
int model_path_find(const char *given, char *path, size_t capacity);

/* The same for the face detector: the variable VE_DETECTOR, face-detector.vew. */
int detector_path_find(const char *given, char *path, size_t capacity);

/* Where installed weight files lie, for messages. */
const char *model_path_data_folder(void);

#endif
