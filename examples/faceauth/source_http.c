/* SPDX-License-Identifier: MIT */
/* Frames from a camera on the network: MJPEG over HTTP, or an address that gives one JPEG each time. Nothing is
 * verified but what https verifies: whoever can answer for the camera is the camera. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "multipart.h"
#include "source_mail.h"

#ifdef FACEAUTH_CURL
#include <curl/curl.h>

#define CONNECT_SECONDS 5L
#define SILENT_SECONDS  5L /* without a byte */
#define PAUSE_MS        100

typedef struct transfer {
    mail_source *mail;
    CURL *curl;
    multipart body;
    int has_begun;
    int frames;
} transfer;

static void take_frame(void *data, const unsigned char *bytes, size_t size)
{
    transfer *going = data;
    going->frames++;
    mail_source_frame(going->mail, bytes, size);
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *data)
{
    transfer *going = data;
    if (!going->has_begun) {
        char *type = NULL;
        curl_easy_getinfo(going->curl, CURLINFO_CONTENT_TYPE, &type);
        multipart_begin(&going->body, type);
        going->has_begun = 1;
    }
    if (multipart_push(&going->body, (unsigned char *)bytes, size * count, take_frame, going) != 0)
        return 0; /* ends the transfer */
    return size * count;
}

/* Called several times a second. */
static int is_stopped(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    transfer *going = data;
    (void)a, (void)b, (void)c, (void)d;
    return mailbox_is_stopped(&going->mail->box);
}

static void set_options(CURL *curl, const char *url, transfer *going, char *problem)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* nobody between the camera and us */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, going);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, going);
}

/* One request. 1: worth another one, as the answer was a single picture. */
static int fetch(transfer *going, char *problem, size_t capacity)
{
    char reason[CURL_ERROR_SIZE] = "";
    going->has_begun = going->frames = 0;
    memset(&going->body, 0, sizeof going->body);
    set_options(going->curl, going->mail->url, going, reason);
    CURLcode code = curl_easy_perform(going->curl);
    if (going->body.problem[0])
        snprintf(problem, capacity, "%s", going->body.problem);
    else if (code != CURLE_OK)
        snprintf(problem, capacity, "%s", reason[0] ? reason : curl_easy_strerror(code));
    else if (going->frames == 0)
        snprintf(problem, capacity, "the answer holds no JPEG");
    int again = code == CURLE_OK && going->frames == 1 && going->body.boundary[0] == '\0';
    multipart_free(&going->body);
    return again;
}

/* Between single pictures. */
static void pause_between(void)
{
    struct timespec pause = {0, PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static void *read_all(void *data)
{
    transfer going;
    char problem[256] = "";
    memset(&going, 0, sizeof going);
    going.mail = data;
    going.curl = curl_easy_init();
    if (!going.curl)
        snprintf(problem, sizeof problem, "libcurl does not start");
    while (going.curl && fetch(&going, problem, sizeof problem) && !mailbox_is_stopped(&going.mail->box))
        pause_between();
    if (going.curl)
        curl_easy_cleanup(going.curl);
    mailbox_end(&going.mail->box, problem);
    return NULL;
}

int source_open_http(frame_source *source, const char *url)
{
    mail_source *mail = mail_source_make(source, 0);
    if (!mail)
        return -1;
    mail->url = url;
    return mail_source_start(source, read_all);
}

#else

int source_open_http(frame_source *source, const char *url)
{
    snprintf(source->problem, sizeof source->problem, "%s: this program was built without libcurl", url);
    return -1;
}
#endif
