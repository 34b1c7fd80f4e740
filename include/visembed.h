/* SPDX-License-Identifier: MIT */
/*
 * visembed.h - pictures to vectors with ConvNeXt, and a flat store for the vectors.
 *
 * The shortest useful program opens a weight file, makes a session, loads a picture and embeds it:
 *
 *     ve_model *model;  ve_session *session;  ve_image *image;
 *     float vector[VE_MAX_DIM];
 *     ve_model_open("face.vew", NULL, &model);
 *     ve_session_create(model, NULL, &session);
 *     ve_image_load("me.jpg", &image);
 *     ve_embed(session, image, vector);
 *
 * Rules that hold for every function here:
 *
 *  - A function that can fail returns a ve_status: VE_OK (0) or a negative code. ve_last_error() then
 *    says in words what was wrong, for the calling thread, until its next failing call.
 *  - After a failure outputs are untouched, unless the comment says otherwise; an object pointer that
 *    should have been made is left as it was.
 *  - NULL may be passed to every *_close and *_free function.
 *  - An option struct starts with struct_size; initialise it with its VE_..._INIT macro. Zero in any
 *    other field means "the default", unless its comment says otherwise. NULL options mean all defaults.
 *  - The library never prints, never exits, installs no signal handler and starts no thread before a
 *    session asks for one.
 */
#ifndef VISEMBED_H
#define VISEMBED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VE_VERSION_MAJOR 0
#define VE_VERSION_MINOR 1
#define VE_VERSION_PATCH 0

#ifndef VE_API
#if defined(__GNUC__)
#define VE_API __attribute__((visibility("default")))
#else
#define VE_API
#endif
#endif

/* ------------------------------------------------------------------ status */

/* Codes are stable: they keep their number and meaning for ever. */
typedef enum ve_status {
    VE_OK = 0,
    VE_ERR_ARGUMENT = -1,    /* the caller passed something that can never work */
    VE_ERR_MEMORY = -2,      /* the system gave no memory */
    VE_ERR_IO = -3,          /* the operating system refused to open, read or write */
    VE_ERR_FORMAT = -4,      /* not a file of the expected kind, or it breaks its format's rules */
    VE_ERR_CORRUPT = -5,     /* of the right kind, but a checksum does not match: damaged */
    VE_ERR_VERSION = -6,     /* written by a newer format version than this library reads */
    VE_ERR_UNSUPPORTED = -7, /* valid, but this build or version cannot do it */
    VE_ERR_NOT_FOUND = -8,   /* no such file, id or label */
    VE_ERR_EXISTS = -9,      /* already there */
    VE_ERR_BUSY = -10,       /* somebody else holds the lock */
    VE_ERR_TOO_SMALL = -11,  /* the caller's buffer; the needed size has been stored where it says so */
    VE_ERR_MISMATCH = -12,   /* two things that do not belong together (a vector and a store, say) */
    VE_ERR_STATE = -13,      /* not allowed now (writing to a store after a failed write, say) */
    VE_ERR_TOO_LARGE = -14,  /* above a stated limit */
    VE_ERR_KEY = -15,        /* a sealed store was opened with the wrong key, or with none */
    VE_ERR_ACCESS = -16      /* a private file could be read or changed by others */
} ve_status;

/* The code's name, "VE_ERR_FORMAT"; for an unknown code "VE_ERR_UNKNOWN". Static text, never NULL. */
VE_API const char *ve_status_name(ve_status status);
/* What the code means, in one short sentence. Static text, never NULL. */
VE_API const char *ve_status_message(ve_status status);
/* What went wrong in the calling thread's last failing call, with names and numbers; "" before any
 * failure. Valid until that thread's next failing call. Decide by the status, show this to people. */
VE_API const char *ve_last_error(void);
/* "0.1.0", of the library that is running (the macros tell what was compiled against). */
VE_API const char *ve_version(void);

/* ------------------------------------------------------------------ image */

/* An RGB picture, 8 bits a channel. Immutable once made: any number of threads may read it. */
typedef struct ve_image ve_image;

typedef enum ve_pixel_format {
    VE_PIXELS_RGB = 1,  /* 3 bytes a pixel */
    VE_PIXELS_BGR = 2,  /* 3 bytes a pixel */
    VE_PIXELS_RGBA = 3, /* 4 bytes a pixel; alpha is ignored */
    VE_PIXELS_BGRA = 4, /* 4 bytes a pixel; alpha is ignored */
    VE_PIXELS_GRAY = 5  /* 1 byte a pixel */
} ve_pixel_format;

/* Pictures with more pixels than this are refused before they are decoded (VE_ERR_TOO_LARGE). */
#define VE_MAX_IMAGE_PIXELS (64u * 1024u * 1024u)
/* Neither side of a picture may be longer. */
#define VE_MAX_IMAGE_SIDE 32768u
/* Encoded pictures longer than this are refused before they are read. */
#define VE_MAX_IMAGE_BYTES (256u * 1024u * 1024u)

/* Reads a JPEG, PNG, BMP, GIF (first frame), TGA or PNM file. EXIF orientation is applied, as cameras
 * and phones rely on it. The caller frees *image. */
VE_API ve_status ve_image_load(const char *path, ve_image **image);
/* The same from memory; bytes may be freed afterwards. */
VE_API ve_status ve_image_decode(const void *bytes, size_t size, ve_image **image);
/* Copies pixels: height rows of width pixels, stride_bytes apart (0: rows lie tightly together). */
VE_API ve_status ve_image_from_pixels(const uint8_t *pixels, uint32_t width, uint32_t height,
                                      size_t stride_bytes, ve_pixel_format format, ve_image **image);
VE_API uint32_t ve_image_width(const ve_image *image);
VE_API uint32_t ve_image_height(const ve_image *image);
/* height rows of width RGB pixels (3 bytes), tightly packed; belongs to the image. */
VE_API const uint8_t *ve_image_pixels(const ve_image *image);
VE_API void ve_image_free(ve_image *image);

/* ------------------------------------------------------------------ model */

/* A ConvNeXt opened from a .vew file, weights packed for this CPU. Immutable: share it between any
 * number of threads, close it after the last session made from it has been freed. */
typedef struct ve_model ve_model;

/* In what the large layers are computed. Weights of 8 bits are exact in f32, too; the other way round they are
 * rounded when the model is opened. Embeddings of the two precisions differ by an angle whose cosine is about
 * 0.9995 for models that take to it: see docs/format.md. */
typedef enum ve_precision {
    VE_PRECISION_BEST = 0, /* 8 bits for files that have them, on CPUs that are faster with them; else f32 */
    VE_PRECISION_F32 = 1,
    VE_PRECISION_I8 = 2
} ve_precision;

typedef struct ve_model_options {
    uint32_t struct_size;
    uint32_t flags;     /* none defined yet: 0 */
    uint32_t precision; /* ve_precision */
} ve_model_options;
#define VE_MODEL_OPTIONS_INIT                                                                                  \
    {                                                                                                          \
        sizeof(ve_model_options), 0, 0                                                                         \
    }

/* Opens a weight file made by ve-export. Everything in it is checked, checksums included; the file is
 * not needed afterwards. VE_ERR_IO/NOT_FOUND, FORMAT, CORRUPT, VERSION, UNSUPPORTED, MEMORY. */
VE_API ve_status ve_model_open(const char *path, const ve_model_options *options, ve_model **model);
/* The same from memory (a weight file linked into the program, say); bytes are not needed afterwards. */
VE_API ve_status ve_model_open_memory(const void *bytes, size_t size, const ve_model_options *options,
                                      ve_model **model);
VE_API void ve_model_close(ve_model *model);

/* No embedding of any model that this library opens has more dimensions. */
#define VE_MAX_DIM 4096

typedef enum ve_embedding_kind {
    VE_EMBEDDING_POOLED = 1, /* mean over all pixels of the last stage */
    VE_EMBEDDING_NORM = 2,   /* that, after the final norm */
    VE_EMBEDDING_HEAD = 3    /* that, after the head's linear layers */
} ve_embedding_kind;

typedef struct ve_model_info {
    uint32_t struct_size;
    uint32_t dim;              /* floats in an embedding */
    uint32_t width, height;    /* the input size the model was made for, pixels */
    uint32_t embedding_kind;   /* ve_embedding_kind */
    uint32_t depths[4];        /* blocks in each stage */
    uint32_t dims[4];          /* channels in each stage */
    uint32_t convnext_version; /* 1, or 2 (global response normalisation) */
    uint64_t parameter_count;
    uint64_t weight_bytes;     /* memory that the packed weights take */
    char name[128];            /* as the exporter named it, "convnext_atto" */
    char weight_type[16];      /* element type in the file: "f32", "f16", "i8" */
    char kernels[16];          /* kernels in use: "scalar", "neon", "neon-dot", "avx512-vnni" ... */
    char fingerprint[65];      /* 64 hex digits that name architecture, weights, preprocessing and output */
    char precision[7];         /* what the large layers are computed in: "f32", "i8" */
    char precision_reason[64]; /* why, for people */
} ve_model_info;
#define VE_MODEL_INFO_INIT                                                                                     \
    {                                                                                                          \
        sizeof(ve_model_info), 0, 0, 0, 0, {0}, {0}, 0, 0, 0, "", "", "", "", "", ""                           \
    }

/* Fills *info; set info->struct_size first (VE_MODEL_INFO_INIT). */
VE_API ve_status ve_model_get_info(const ve_model *model, ve_model_info *info);

/* Similarities above which two embeddings of this model may be called "the same", as measured when the
 * weights were made: row i accepts about false_accept_rates[i] of all strangers. Belongs to the model. */
typedef struct ve_threshold {
    float false_accept_rate; /* 1e-3: one stranger in a thousand */
    float similarity;        /* cosine, -1 to 1 */
} ve_threshold;
/* How many rows the model's table has (0: nothing was measured) and, where rows is not NULL, the table,
 * sorted by falling rate. */
VE_API size_t ve_model_thresholds(const ve_model *model, const ve_threshold **rows);

/* ------------------------------------------------------------------ session */

/* Scratch memory and threads for one input size. One thread at a time may use a session; make one for
 * each thread that embeds. It keeps a pointer to its model. */
typedef struct ve_session ve_session;

typedef struct ve_session_options {
    uint32_t struct_size;
    uint32_t threads; /* threads that work on one picture, the caller's included; 0: one */
    uint32_t width;   /* input size in pixels; 0: the model's own */
    uint32_t height;
    uint32_t flags;
} ve_session_options;
#define VE_SESSION_OPTIONS_INIT                                                                                \
    {                                                                                                          \
        sizeof(ve_session_options), 0, 0, 0, 0                                                                 \
    }

/* Embeddings are left as the network gives them, not scaled to unit length; a network whose sums overflow gives
 * infinities or NaN then, where it is VE_ERR_STATE otherwise. */
#define VE_SESSION_RAW 1u

/* All memory that embedding needs is taken here; VE_ERR_TOO_LARGE for more than 1 GiB. */
VE_API ve_status ve_session_create(const ve_model *model, const ve_session_options *options,
                                   ve_session **session);
VE_API void ve_session_free(ve_session *session);

/* Embeds a picture: resize and crop as the model's preprocessing says, network, unit length (L2).
 * embedding has room for the model's dim floats. Allocates nothing. The result depends on the picture, the
 * model and the kernels alone, to the bit: not on the number of threads. */
VE_API ve_status ve_embed(ve_session *session, const ve_image *image, float *embedding);
/* Embeds a ready input: float32, [3][height][width] (NCHW, as PyTorch keeps it) of the session's size,
 * already normalised. Allocates nothing. A non-finite input gives VE_ERR_ARGUMENT. */
VE_API ve_status ve_embed_tensor(ve_session *session, const float *nchw, float *embedding);
/* Bytes of memory that the session holds. A part, reserved for pictures of the largest size, is seldom touched.
 */
VE_API size_t ve_session_memory(const ve_session *session);

/* ------------------------------------------------------------------ vectors */

/* Cosine of the angle between two vectors of any length > 0; 0 when either is all zeros or holds a value that
 * is infinite or not a number. */
VE_API float ve_similarity(const float *a, const float *b, size_t dim);
/* Scales a vector to unit length in place. VE_ERR_ARGUMENT for a zero or non-finite one (unchanged). */
VE_API ve_status ve_normalize(float *vector, size_t dim);
/* Overwrites memory in a way that the compiler keeps: for templates and keys that are done with. */
VE_API void ve_wipe(void *memory, size_t size);

/* ------------------------------------------------------------------ store */

/* A file of vectors, each with a label and a little metadata, searched exactly. What it promises:
 *
 *  - When a function that writes returns VE_OK, the change is on the disk. After any crash the store opens
 *    with every change that was acknowledged, and with no half of one.
 *  - Damage is reported (VE_ERR_CORRUPT) and the file left as it is; a damaged vector is never handed out.
 *  - Of a removed or replaced vector no byte stays in the file (see VE_STORE_DEFER_ERASE).
 *  - It belongs to one model: dim and fingerprint are fixed when it is made.
 *
 * A handle loads all vectors into memory and searches there. It sees what was committed when it was opened,
 * its own changes, and others' changes after ve_store_refresh. Any number of threads may use one handle, any
 * number of processes one file: readers never wait for writers, writers take turns. Next to the store PATH
 * lies the lock PATH.lock; PATH.tmp exists while the file is rewritten. After fork() a child may read and
 * search through its parent's handle and close it; changes give VE_ERR_STATE there: it opens its own. */
typedef struct ve_store ve_store;

#define VE_STORE_MAX_LABEL    255u            /* bytes */
#define VE_STORE_MAX_METADATA 65536u          /* bytes */
#define VE_STORE_MAX_BATCH    (1024u * 1024u) /* entries in one ve_store_add_many */
#define VE_STORE_MAX_RESULTS  (1024u * 1024u) /* k of one search */

typedef enum ve_metric {
    VE_METRIC_COSINE = 1,       /* vectors and queries are scaled to unit length on the way in */
    VE_METRIC_INNER_PRODUCT = 2 /* vectors and queries stay as they are */
} ve_metric;

/* Flags of ve_store_options. Without CREATE or NEW the store must exist (VE_ERR_NOT_FOUND). */
#define VE_STORE_READ_ONLY 1u /* never writes, takes no lock; works on a read-only file system */
#define VE_STORE_CREATE    2u /* makes the store if there is none */
#define VE_STORE_NEW       4u /* makes the store; VE_ERR_EXISTS if there is one */
#define VE_STORE_EXCLUSIVE 8u /* holds the writers' lock until close, not only during each change */
#define VE_STORE_DEFER_ERASE                                                                                   \
    16u /* bulk work: removed vectors are forgotten at once, but erased from the file                          \
           only by ve_store_compact or by a later change without this flag */
#define VE_STORE_ALLOW_SHARED 32u /* opens a file that other users may read or write, too */
#define VE_STORE_CODES                                                                                         \
    64u /* keeps 8-bit codes in memory as well (a quarter more); one query then reads                          \
           a quarter of the bytes, and finds the same */

/* How a store's contents are sealed: an authenticated cipher with a 32-byte key, a 24-byte nonce and a
 * 16-byte tag, and where its key comes from. libvisembed has none of its own: <visembed_seal.h> offers one made
 * of libsodium. All functions may be called by several threads; on failure they return a status other than
 * VE_OK, which is passed on. */
typedef struct ve_store_seal {
    uint32_t struct_size;
    uint32_t flags; /* 0 */
    void *context;
    /* Fills bytes with unpredictable ones. */
    ve_status (*random)(void *context, uint8_t *bytes, size_t size);
    /* Chooses parameters (kept in clear in the store) for a new store, and makes its key. */
    ve_status (*make_key)(void *context, uint8_t parameters[64], uint8_t key[32]);
    /* Makes the same key again. VE_ERR_KEY when this seal cannot: a pass phrase for a key file's store, say. */
    ve_status (*find_key)(void *context, const uint8_t parameters[64], uint8_t key[32]);
    /* Encrypts bytes in place. bound: bytes that must be the same again at decryption. */
    ve_status (*encrypt)(void *context, const uint8_t key[32], const uint8_t nonce[24], const void *bound,
                         size_t bound_size, uint8_t *bytes, size_t size, uint8_t tag[16]);
    /* Decrypts bytes in place; VE_ERR_KEY when key, nonce, bound, bytes and tag do not belong together. */
    ve_status (*decrypt)(void *context, const uint8_t key[32], const uint8_t nonce[24], const void *bound,
                         size_t bound_size, uint8_t *bytes, size_t size, const uint8_t tag[16]);
} ve_store_seal;

typedef struct ve_store_options {
    uint32_t struct_size;
    uint32_t flags;          /* VE_STORE_... */
    uint32_t dim;            /* floats in a vector; needed to make a store, checked (if not 0) to open one */
    uint32_t metric;         /* ve_metric; 0: cosine for a new store, any for an old one */
    uint32_t threads;        /* that work on one search, the caller's included; 0: one */
    uint32_t lock_wait_ms;   /* how long a change waits for other writers; 0: ten seconds; VE_STORE_NO_WAIT */
    const char *fingerprint; /* the model's (ve_model_info): 64 hex digits. NULL: for a new store, it belongs
                                to no model; for an old one, not checked */
    const char *model_name;  /* kept in a new store for messages; up to 127 bytes; may be NULL */
    const ve_store_seal
        *seal;              /* seals a new store, opens a sealed one (VE_ERR_KEY without); kept until close */
    const char *compatible; /* the fingerprint of one more model whose vectors you declare to be comparable with
                               those of `fingerprint` (needed then): the same weights in f32 and in 8 bits, say.
                               Either model's store is opened, either model's vectors are taken. NULL: none */
} ve_store_options;
#define VE_STORE_OPTIONS_INIT                                                                                  \
    {                                                                                                          \
        sizeof(ve_store_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL                                        \
    }
#define VE_STORE_NO_WAIT 0xffffffffu /* lock_wait_ms: VE_ERR_BUSY at once */

/* Opens or makes a store. A new file has mode 0600; a folder that is missing is made with 0700 (one level).
 * Symbolic links are not followed. Everything in the file is read and every checksum checked.
 *
 * A tail that a crash left half-written was never acknowledged: it is dropped (ve_store_info.dropped_bytes).
 * VE_ERR_MISMATCH: another model, dim or metric, both named. VE_ERR_ACCESS: other users may read or write the
 * file. VE_ERR_CORRUPT: damage before the tail. VE_ERR_KEY: sealed, and this is not the key. */
VE_API ve_status ve_store_open(const char *path, const ve_store_options *options, ve_store **store);
VE_API void ve_store_close(ve_store *store);

typedef struct ve_store_info {
    uint32_t struct_size;
    uint32_t dim;
    uint32_t metric;
    uint32_t is_sealed;
    uint64_t count;       /* vectors */
    uint64_t label_count; /* different labels */
    uint64_t next_id;     /* the id that the next vector gets */
    uint64_t generation;  /* 1 for a new store, one more with every compaction */
    uint64_t file_bytes;
    uint64_t unused_bytes;        /* of these, how many compaction would free */
    uint64_t dropped_bytes;       /* of an unfinished write, found and dropped by this handle */
    uint64_t memory_bytes;        /* that this handle takes for vectors, codes and records */
    uint32_t is_locked_in_memory; /* 1: the system keeps all vectors out of the swap space */
    uint32_t format_version;
    char fingerprint[65]; /* "" when the store belongs to no model */
    char model_name[128];
    char kernels[16]; /* kernels that search: "scalar", "neon", "avx2", "avx512" */
} ve_store_info;
#define VE_STORE_INFO_INIT                                                                                     \
    {                                                                                                          \
        sizeof(ve_store_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0},                                \
        {                                                                                                      \
            0                                                                                                  \
        }                                                                                                      \
    }

VE_API ve_status ve_store_get_info(ve_store *store, ve_store_info *info);
/* Vectors in the store; 0 for NULL. */
VE_API uint64_t ve_store_count(ve_store *store);

/* What goes in. */
typedef struct ve_store_entry {
    const float *vector;
    size_t dim;           /* floats in vector: the store's dim */
    const char *label;    /* UTF-8 without control characters, at most VE_STORE_MAX_LABEL; NULL: "" */
    const void *metadata; /* any bytes, at most VE_STORE_MAX_METADATA; NULL: none */
    size_t metadata_size;
    const char *fingerprint; /* of the model that made the vector; NULL: the one the handle was opened for */
} ve_store_entry;

/* Adds a vector; *id (which may be NULL) gets its number: 1, 2, 3 ... in this store, never used again. A zero
 * or non-finite vector is VE_ERR_ARGUMENT, one of another model VE_ERR_MISMATCH. VE_ERR_BUSY: other writers
 * held the lock all the time. After VE_ERR_IO the handle takes no further change (VE_ERR_STATE) until the store
 * is opened again; what was acknowledged is there. */
VE_API ve_status ve_store_add(ve_store *store, const ve_store_entry *entry, uint64_t *id);
/* Adds all of them or none, with one wait for the disk. ids: count numbers, or NULL. */
VE_API ve_status ve_store_add_many(ve_store *store, const ve_store_entry *entries, size_t count, uint64_t *ids);
/* Puts a new vector, label and metadata in the place of an old one, which is erased. */
VE_API ve_status ve_store_replace(ve_store *store, uint64_t id, const ve_store_entry *entry);
/* Removes a vector and erases it from the file. VE_ERR_NOT_FOUND. */
VE_API ve_status ve_store_remove(ve_store *store, uint64_t id);
/* Removes all vectors with this label, all or none; *removed (may be NULL) says how many. VE_ERR_NOT_FOUND when
 * there is none. */
VE_API ve_status ve_store_remove_label(ve_store *store, const char *label, uint64_t *removed);

/* A vector's record, without the vector. */
typedef struct ve_store_record {
    uint64_t id;
    uint32_t metadata_size;
    uint32_t reserved;
    char label[256];
} ve_store_record;

/* record and vector (dim floats, as stored: for the cosine metric scaled to unit length) may be NULL. */
VE_API ve_status ve_store_get(ve_store *store, uint64_t id, ve_store_record *record, float *vector);
/* *size gets the metadata's size; VE_ERR_TOO_SMALL, with nothing copied, when that is above capacity. */
VE_API ve_status ve_store_get_metadata(ve_store *store, uint64_t id, void *metadata, size_t capacity,
                                       size_t *size);
/* The record with the smallest id above after_id: start with 0; VE_ERR_NOT_FOUND at the end. Changes between
 * two calls do no harm. */
VE_API ve_status ve_store_next(ve_store *store, uint64_t after_id, ve_store_record *record, float *vector);

typedef struct ve_store_label {
    uint64_t count;
    char label[256];
} ve_store_label;

/* All labels with their counts, sorted by their bytes. *count gets their number; VE_ERR_TOO_SMALL, with nothing
 * copied, when that is above capacity. */
VE_API ve_status ve_store_labels(ve_store *store, ve_store_label *labels, size_t capacity, size_t *count);

typedef struct ve_store_search_options {
    uint32_t struct_size;
    uint32_t flags;          /* VE_SEARCH_... */
    uint32_t k;              /* how many matches at most; 0: none */
    float min_score;         /* with VE_SEARCH_MIN_SCORE: matches below are left out */
    const char *label;       /* only vectors with this label (1:1 comparison); NULL: all */
    const char *fingerprint; /* of the model that made the queries; NULL: the one the handle was opened for */
} ve_store_search_options;
#define VE_STORE_SEARCH_OPTIONS_INIT                                                                           \
    {                                                                                                          \
        sizeof(ve_store_search_options), 0, 1, 0.0f, NULL, NULL                                                \
    }

#define VE_SEARCH_MIN_SCORE 1u
#define VE_SEARCH_NO_CODES  2u /* reads the full vectors even where there are codes; the result is the same */

typedef struct ve_match {
    uint64_t id;
    float score; /* cosine or inner product */
    uint32_t reserved;
} ve_match;

/* The best matches of query_count queries, dim floats each, one after the other. Query i's matches lie at
 * matches[i * k] ..., found[i] of them, best first; equal scores by rising id. Exact: no vector is left out.
 * With fewer vectors than k all are found; an empty store and k = 0 give found[i] = 0 and VE_OK. A label that
 * nobody has gives none, too. A zero (cosine) or non-finite query is VE_ERR_ARGUMENT. options NULL: the best
 * one of all. */
VE_API ve_status ve_store_search(ve_store *store, const float *queries, size_t query_count,
                                 const ve_store_search_options *options, ve_match *matches, size_t *found);

/* Takes in what others have committed since; *changed (may be NULL) says whether there was something. */
VE_API ve_status ve_store_refresh(ve_store *store, int *changed);
/* Rewrites the file without the room that removed vectors left, and puts it in the old one's place in one step.
 */
VE_API ve_status ve_store_compact(ve_store *store);
/* The same with a new seal, or with none (NULL), from now on. seal is kept until close. */
VE_API ve_status ve_store_reseal(ve_store *store, const ve_store_seal *seal);

typedef struct ve_store_report {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t vectors;        /* good ones */
    uint64_t torn_bytes;     /* an unfinished write at the end: harmless */
    uint64_t damaged_slots;  /* places where something was and cannot be read */
    uint64_t first_damage;   /* offset of the first one in the file */
    uint64_t unerased_slots; /* removed, and still waiting to be erased */
} ve_store_report;
#define VE_STORE_REPORT_INIT                                                                                   \
    {                                                                                                          \
        sizeof(ve_store_report), 0, 0, 0, 0, 0, 0                                                              \
    }

/* Reads a store file from end to end and changes nothing. VE_OK: sound (torn_bytes may be there).
 * VE_ERR_CORRUPT: damaged; *report says where. seal: for a sealed store, also to check each seal; NULL:
 * checksums only. */
VE_API ve_status ve_store_check(const char *path, const ve_store_seal *seal, ve_store_report *report);
/* Makes a new store from all good records of a damaged one, which stays as it is. The new one has the old one's
 * model, ids and seal. *report describes the old one. */
VE_API ve_status ve_store_recover(const char *path, const char *new_path, const ve_store_seal *seal,
                                  ve_store_report *report);

typedef enum ve_store_format {
    VE_STORE_NPY = 1,   /* PATH: NumPy array [count][dim] of <f4; PATH.labels: one "id<TAB>label" a line */
    VE_STORE_FVECS = 2, /* PATH: per vector int32 dim, dim floats, little-endian; PATH.labels as above */
    VE_STORE_JSONL = 3, /* one {"id":1,"label":"...","metadata":"base64","vector":[...]} a line */
    VE_STORE_PGCOPY =
        4 /* PostgreSQL COPY text: id, label, metadata (bytea), vector (pgvector), TAB-separated */
} ve_store_format;

/* Writes all vectors in id order to a new file of mode 0600 (VE_ERR_EXISTS); floats survive to the bit. Exports
 * are not sealed. */
VE_API ve_status ve_store_export(ve_store *store, const char *path, ve_store_format format);
/* Adds all vectors of a file in NPY, FVECS or JSONL form (VE_ERR_UNSUPPORTED for PGCOPY), from ve_store_export
 * or another program; without PATH.labels labels are empty. They get new ids. All or none; *added (may be NULL)
 * says how many. VE_ERR_FORMAT names what is wrong. */
VE_API ve_status ve_store_import(ve_store *store, const char *path, ve_store_format format, uint64_t *added);

#ifdef __cplusplus
}
#endif
#endif
