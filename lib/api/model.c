/* SPDX-License-Identifier: MIT */
/* ve_model_*: weight files opened, packed and described. */
#include <stdio.h>
#include <string.h>

#include "api/objects.h"
#include "base/memory.h"

/* ve_model_options of version 0.1, for callers compiled then. */
#define SMALLEST_OPTIONS 8u
#define SMALLEST_INFO    offsetof(ve_model_info, name)

static const char *type_name(const ve__weights *weights)
{
    /* The widest tensors decide; small ones stay f32 in every file. */
    int has_half = 0, has_int8 = 0;
    for (size_t i = 0; i < ve__weights_tensor_count(weights); i++) {
        has_half |= ve__weights_tensor(weights, i)->type == VE__TYPE_F16;
        has_int8 |= ve__weights_tensor(weights, i)->type == VE__TYPE_I8;
    }
    return has_int8 ? "i8" : has_half ? "f16" : "f32";
}

static ve_status copy_thresholds(const ve__weights *weights, ve_model *model)
{
    const ve_threshold *rows = NULL;
    size_t count = ve__weights_thresholds(weights, &rows);
    if (count == 0)
        return VE_OK;
    if (!(model->thresholds = ve__allocate(count * sizeof *rows)))
        return ve__fail(VE_ERR_MEMORY, "no memory for %zu thresholds", count);
    memcpy(model->thresholds, rows, count * sizeof *rows);
    model->threshold_count = count;
    return VE_OK;
}

static ve_status fill_model(const ve__weights *weights, ve__precision precision, ve_model *model)
{
    const ve__kernels *kernels;
    VE_TRY(ve__kernels_select(&kernels));
    model->arch = *ve__weights_arch(weights);
    if (model->arch.map_outputs)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s detects and has no embedding", ve__weights_name(weights));
    model->preprocess = *ve__weights_preprocess(weights);
    snprintf(model->name, sizeof model->name, "%s", ve__weights_name(weights));
    snprintf(model->weight_type, sizeof model->weight_type, "%s", type_name(weights));
    snprintf(model->fingerprint, sizeof model->fingerprint, "%s", ve__weights_fingerprint(weights));
    VE_TRY(copy_thresholds(weights, model));
    return ve__net_create(weights, kernels, precision, &model->net);
}

/* Takes over weights. */
static ve_status model_from_weights(ve__weights *weights, ve__precision precision, ve_model **out)
{
    ve_model *model = ve__allocate_zeroed(sizeof *model);
    ve_status status =
        model ? fill_model(weights, precision, model) : ve__fail(VE_ERR_MEMORY, "no memory for a model");
    ve__weights_close(weights);
    if (status != VE_OK) {
        ve_model_close(model);
        return status;
    }
    *out = model;
    return VE_OK;
}

static ve_status check_options(const ve_model_options *options, ve__precision *precision)
{
    ve_model_options ours;
    VE_TRY(ve__options_copy(&ours, sizeof ours, options, SMALLEST_OPTIONS));
    if (ours.flags != 0)
        return ve__fail(VE_ERR_UNSUPPORTED, "model option flags 0x%x: none are defined", ours.flags);
    if (ours.precision > VE_PRECISION_I8)
        return ve__fail(VE_ERR_UNSUPPORTED, "model option precision %u: there are 0, 1 and 2", ours.precision);
    *precision = (ve__precision)ours.precision;
    return VE_OK;
}

ve_status ve_model_open(const char *path, const ve_model_options *options, ve_model **model)
{
    ve__weights *weights;
    ve__precision precision;
    VE_CHECK_ARG(path != NULL);
    VE_CHECK_ARG(model != NULL);
    VE_TRY(check_options(options, &precision));
    VE_TRY(ve__weights_open(path, &weights));
    ve_status status = model_from_weights(weights, precision, model);
    return status == VE_OK ? status : ve__fail_within(status, "%s", path);
}

ve_status ve_model_open_memory(const void *bytes, size_t size, const ve_model_options *options,
                               ve_model **model)
{
    ve__weights *weights;
    ve__precision precision;
    VE_CHECK_ARG(bytes != NULL);
    VE_CHECK_ARG(model != NULL);
    VE_TRY(check_options(options, &precision));
    VE_TRY(ve__weights_open_memory(bytes, size, &weights));
    return model_from_weights(weights, precision, model);
}

void ve_model_close(ve_model *model)
{
    if (!model)
        return;
    ve__net_free(model->net);
    ve__release(model->thresholds);
    ve__release(model);
}

static void describe(const ve_model *model, ve_model_info *info)
{
    info->dim = ve__net_dim(model->net);
    info->width = model->preprocess.width;
    info->height = model->preprocess.height;
    info->embedding_kind = model->arch.embedding_kind;
    for (unsigned s = 0; s < VE__STAGES; s++) {
        info->depths[s] = model->arch.depths[s];
        info->dims[s] = model->arch.dims[s];
    }
    info->convnext_version = model->arch.version;
    info->parameter_count = ve__net_parameters(model->net);
    info->weight_bytes = ve__net_bytes(model->net);
    const char *reason;
    int is_i8 = ve__net_precision(model->net, &reason) == VE__PRECISION_I8;
    snprintf(info->precision, sizeof info->precision, "%s", is_i8 ? "i8" : "f32");
    snprintf(info->precision_reason, sizeof info->precision_reason, "%s", reason);
    memcpy(info->name, model->name, sizeof info->name);
    memcpy(info->weight_type, model->weight_type, sizeof info->weight_type);
    snprintf(info->kernels, sizeof info->kernels, "%s", ve__net_kernels(model->net)->name);
    memcpy(info->fingerprint, model->fingerprint, sizeof info->fingerprint);
}

ve_status ve_model_get_info(const ve_model *model, ve_model_info *info)
{
    VE_CHECK_ARG(model != NULL);
    VE_CHECK_ARG(info != NULL);
    if (info->struct_size < SMALLEST_INFO)
        return ve__fail(VE_ERR_ARGUMENT, "struct_size is %u: use VE_MODEL_INFO_INIT", info->struct_size);
    ve_model_info ours = VE_MODEL_INFO_INIT;
    uint32_t their_size = info->struct_size;
    describe(model, &ours);
    memcpy(info, &ours, their_size < sizeof ours ? their_size : sizeof ours);
    info->struct_size = their_size;
    return VE_OK;
}

size_t ve_model_thresholds(const ve_model *model, const ve_threshold **rows)
{
    if (!model)
        return 0;
    if (rows)
        *rows = model->thresholds;
    return model->threshold_count;
}
