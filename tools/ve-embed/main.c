/* SPDX-License-Identifier: MIT */
/* ve-embed: prints the embeddings of pictures. */
#include "common/streams.h"
#include "embedder.h"
#include "options.h"
#include "output.h"

#define EXIT_TROUBLE 2

/* Embeds every input; how many failed. Stops early only when nothing can be written any more. */
static size_t embed_all(embed_engine *embedder, const embed_options *options, embed_output *output)
{
    float embedding[VE_MAX_DIM];
    size_t failures = 0;
    for (size_t i = 0; i < options->input_count; i++) {
        if (embedder_run(embedder, &options->inputs[i], embedding) != 0)
            failures++;
        else if (output_add(output, options->inputs[i].path, embedding) != 0)
            return failures + 1;
    }
    return failures;
}

static int run(const embed_options *options)
{
    embed_engine embedder;
    embed_output output;
    int result = EXIT_TROUBLE;
    if (embedder_open(&embedder, options) == 0 && output_open(&output, options, &embedder.info) == 0) {
        size_t failures = embed_all(&embedder, options, &output);
        if (output_close(&output) == 0 && failures == 0)
            result = 0;
    }
    embedder_close(&embedder);
    return result;
}

int main(int argc, char **argv)
{
    embed_options options;
    if (streams_prepare("ve-embed") != 0)
        return EXIT_TROUBLE;
    next_step next = options_read(argc, argv, &options);
    int result = next == NEXT_RUN ? run(&options) : next == NEXT_DONE ? 0 : EXIT_TROUBLE;
    options_free(&options);
    if (next == NEXT_DONE && streams_finish("ve-embed", stdout, "standard output") != 0)
        result = EXIT_TROUBLE;
    return result;
}
