/* SPDX-License-Identifier: MIT */
/* Where frames come from. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "source.h"

static int ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static int is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static int is_stream(const char *path)
{
    return strcmp(path, "-") == 0 || ends_in(path, ".mjpeg") || ends_in(path, ".mjpg");
}

int source_is_wanted(const auth_settings *settings)
{
    if (settings->camera)
        return 1;
    if (settings->picture_count == 0)
        return !settings->in_prompt && !isatty(STDIN_FILENO);
    return settings->picture_count == 1 &&
           (is_stream(settings->pictures[0]) || is_folder(settings->pictures[0]));
}

auth_outcome source_open(frame_source *source, const auth_settings *settings)
{
    const char *path = settings->picture_count ? settings->pictures[0] : "-";
    memset(source, 0, sizeof *source);
    int failed = settings->camera  ? source_open_http(source, settings->camera)
                 : is_stream(path) ? source_open_stream(source, path)
                                   : source_open_folder(source, path);
    return failed ? report(settings, TROUBLE, "no_frames", settings->name, "%s", source->problem) : ACCEPTED;
}

void source_close(frame_source *source)
{
    if (source->close)
        source->close(source);
    memset(source, 0, sizeof *source);
}
