/* SPDX-License-Identifier: MIT */
/* See machine.h. Sources: Linux' /proc, /sys and os-release, and on a Raspberry Pi its firmware through
 * vcgencmd. Every one of them may be missing. */
#include "machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cpu.h"

/* The first line of root/path, without what surrounds it; 0, or -1 where there is no such file. Device tree
 * strings end with a NUL. */
static int read_line(const char *root, const char *path, char *line, size_t room)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    FILE *file = fopen(full, "r");
    if (!file)
        return -1;
    int is_read = fgets(line, (int)room, file) != NULL;
    fclose(file);
    if (!is_read)
        return -1;
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    return 0;
}

/* The value behind "key<blanks>:" in a file of such lines, the first one; quotes are taken off. */
static int read_value(const char *root, const char *path, const char *key, char separator, char *value,
                      size_t room)
{
    char full[512], line[512];
    int is_found = 0;
    snprintf(full, sizeof full, "%s%s", root, path);
    FILE *file = fopen(full, "r");
    while (file && !is_found && fgets(line, sizeof line, file)) {
        char *at = strchr(line, separator);
        size_t length = strlen(key);
        if (!at || strncmp(line, key, length) != 0 ||
            (!isspace((unsigned char)line[length]) && line + length != at))
            continue;
        at += 1 + strspn(at + 1, " \t\"");
        at[strcspn(at, "\"\n")] = '\0';
        snprintf(value, room, "%s", at);
        is_found = 1;
    }
    if (file)
        fclose(file);
    return is_found ? 0 : -1;
}

static double read_number(const char *root, const char *path)
{
    char line[64];
    return read_line(root, path, line, sizeof line) == 0 ? strtod(line, NULL) : -1;
}

/* Cores as Arm numbers them, for the boards that this library is meant for, with the cache sizes that their
 * chips (BCM2837, BCM2711, BCM2712) have and older kernels do not report. */
static const struct arm_core {
    const char *part, *name;
    size_t cache_kib[3];
} arm_cores[] = {{"0xd03", "Cortex-A53", {32, 512, 0}},    {"0xd04", "Cortex-A35", {32, 512, 0}},
                 {"0xd05", "Cortex-A55", {32, 128, 0}},    {"0xd08", "Cortex-A72", {32, 1024, 0}},
                 {"0xd0b", "Cortex-A76", {64, 512, 2048}}, {"0xd0c", "Neoverse-N1", {64, 1024, 0}},
                 {"0xd40", "Neoverse-V1", {64, 1024, 0}}};

static void read_cpu(const char *root, machine *m)
{
    char part[32];
    if (read_value(root, "/proc/cpuinfo", "model name", ':', m->cpu, sizeof m->cpu) == 0)
        return;
    if (read_value(root, "/proc/cpuinfo", "CPU part", ':', part, sizeof part) != 0)
        return;
    snprintf(m->cpu, sizeof m->cpu, "Arm part %s", part);
    for (size_t i = 0; i < sizeof arm_cores / sizeof *arm_cores; i++)
        if (strcmp(part, arm_cores[i].part) == 0) {
            snprintf(m->cpu, sizeof m->cpu, "%s", arm_cores[i].name);
            for (int level = 0; level < 3; level++)
                m->cache_bytes[level] = arm_cores[i].cache_kib[level] * 1024;
        }
}

/* Of the first core, from sysfs: index folders with level, type and size ("48K"). */
static void read_caches(const char *root, machine *m)
{
    for (int index = 0; index < 8; index++) {
        char path[128], type[32], size[32];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", index);
        if (read_line(root, path, type, sizeof type) != 0)
            return;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", index);
        double level = read_number(root, path);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
        if (strcmp(type, "Instruction") == 0 || level < 1 || level > 3 ||
            read_line(root, path, size, sizeof size) != 0)
            continue;
        char *unit;
        size_t bytes = (size_t)strtoul(size, &unit, 10) * (*unit == 'M'   ? 1024 * 1024
                                                           : *unit == 'K' ? 1024
                                                                          : 1);
        if (bytes)
            m->cache_bytes[(int)level - 1] = bytes;
    }
}

static void read_kernel(machine *m)
{
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(m->kernel, sizeof m->kernel, "%.60s %.60s %.60s", name.sysname, name.release, name.machine);
}

void machine_read(const char *root, machine *m)
{
    char line[64];
    memset(m, 0, sizeof *m);
    read_cpu(root, m);
    read_caches(root, m);
    read_kernel(m);
    if (read_line(root, "/proc/device-tree/model", m->board, sizeof m->board) != 0 &&
        read_line(root, "/sys/class/dmi/id/product_name", m->board, sizeof m->board) != 0)
        snprintf(m->board, sizeof m->board, "%s", m->cpu);
    read_value(root, "/etc/os-release", "PRETTY_NAME", '=', m->system, sizeof m->system);
    read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor, sizeof m->governor);
    double khz = read_number(root, "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
    m->max_mhz = khz > 0 ? khz / 1000 : 0;
    if (read_value(root, "/proc/meminfo", "MemTotal", ':', line, sizeof line) == 0)
        m->memory_gib = strtod(line, NULL) / (1024 * 1024);
    m->cores = ve__cpu_count();
#if defined(__clang__)
    snprintf(m->compiler, sizeof m->compiler, "clang %s", __clang_version__);
#elif defined(__GNUC__)
    snprintf(m->compiler, sizeof m->compiler, "gcc %s", __VERSION__);
#endif
}

/* The output of a vcgencmd command, up to its end; -1 where there is no vcgencmd. */
static int ask_firmware(const char *command, char *answer, size_t room)
{
    char line[128];
    snprintf(line, sizeof line, "vcgencmd %s 2>/dev/null", command);
    FILE *pipe = popen(line, "r");
    if (!pipe)
        return -1;
    size_t length = fread(answer, 1, room - 1, pipe);
    answer[length] = '\0';
    return pclose(pipe) == 0 && length > 0 ? 0 : -1;
}

static double hottest_zone(const char *root)
{
    double hottest = -1;
    for (int zone = 0; zone < 32; zone++) {
        char path[64];
        snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
        double celsius = read_number(root, path) / 1000;
        hottest = celsius > hottest ? celsius : hottest;
    }
    return hottest > 0 ? hottest : -1;
}

/* RAPL's package counters; the kernel lets only root read them. They start anew at max_energy_range_uj, after
 * an hour or so. */
static double energy_counter(const char *root)
{
    double joules = -1;
    for (int package = 0; package < 8; package++) {
        char path[80];
        snprintf(path, sizeof path, "/sys/class/powercap/intel-rapl:%d/energy_uj", package);
        double microjoules = read_number(root, path);
        if (microjoules >= 0)
            joules = (joules < 0 ? 0 : joules) + microjoules * 1e-6;
    }
    return joules;
}

/* A Raspberry Pi 5's power chip: lines "  VDD_CORE_A current(7)=1.2345A" and "  VDD_CORE_V volt(15)=0.9000V"
 * for each rail; the products add up to the board's power without what hangs at its USB ports. */
static double power_chip(void)
{
    char answer[4096];
    double watts = 0;
    if (ask_firmware("pmic_read_adc", answer, sizeof answer) != 0)
        return -1;
    for (char *line = answer; line; line = strchr(line + 1, '\n')) {
        char rail[64], voltage[80];
        double amperes;
        if (sscanf(line, " %62[A-Z0-9_] current(%*d)=%lfA", rail, &amperes) != 2 || strlen(rail) < 3)
            continue;
        rail[strlen(rail) - 2] = '\0'; /* without the _A */
        snprintf(voltage, sizeof voltage, "%s_V volt(", rail);
        const char *volt = strstr(answer, voltage);
        const char *equals = volt ? strchr(volt, '=') : NULL;
        if (equals)
            watts += amperes * strtod(equals + 1, NULL);
    }
    return watts > 0 ? watts : -1;
}

void health_read(const char *root, health *h)
{
    char answer[128];
    double khz = read_number(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
    h->celsius = hottest_zone(root);
    h->mhz = khz > 0 ? khz / 1000 : -1;
    h->joules = energy_counter(root);
    h->watts = power_chip();
    h->throttled = -1;
    if (ask_firmware("get_throttled", answer, sizeof answer) == 0 && strncmp(answer, "throttled=", 10) == 0)
        h->throttled = strtol(answer + 10, NULL, 16);
    if (ask_firmware("measure_clock arm", answer, sizeof answer) == 0 && strchr(answer, '='))
        h->mhz = strtod(strchr(answer, '=') + 1, NULL) / 1e6;
    if (ask_firmware("measure_temp", answer, sizeof answer) == 0 && strncmp(answer, "temp=", 5) == 0 &&
        h->celsius < 0)
        h->celsius = strtod(answer + 5, NULL);
}

/* get_throttled: bits 0-3 say what is so now, bits 16-19 what has been so since the board was started. */
const char *health_void_reason(const health *before, const health *after)
{
    static const char *const reasons[] = {"under-voltage", "the clock was capped", "throttled",
                                          "the soft temperature limit was reached"};
    if (before->throttled < 0 || after->throttled < 0)
        return NULL;
    long now = before->throttled | after->throttled, fresh = after->throttled & ~before->throttled;
    for (int bit = 0; bit < 4; bit++)
        if ((now >> bit & 1) || (fresh >> (16 + bit) & 1))
            return reasons[bit];
    return NULL;
}
