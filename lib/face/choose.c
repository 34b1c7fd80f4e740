/* SPDX-License-Identifier: MIT */
/* Which of several faces is meant. */
#include "face/face.h"

#include <math.h>

static int widest_but(const ve_face *faces, size_t count, int besides)
{
    int best = -1;
    for (size_t i = 0; i < count; i++)
        if ((int)i != besides && (best < 0 || faces[i].width > faces[best].width))
            best = (int)i;
    return best;
}

/* The rule by which the embedder's training crops were picked: area, weighed down by the square of the distance
 * from the middle (in frame diagonals). */
static double prominence(const ve_face *face, uint32_t width, uint32_t height)
{
    double x = (double)face->x + (double)face->width / 2 - width / 2.0;
    double y = (double)face->y + (double)face->height / 2 - height / 2.0;
    double nearness = 1 - hypot(x, y) / hypot(width, height);
    return (double)face->width * (double)face->height * nearness * nearness;
}

static int most_prominent(const ve_face *faces, size_t count, uint32_t width, uint32_t height)
{
    int best = 0;
    for (size_t i = 1; i < count; i++)
        if (prominence(&faces[i], width, height) > prominence(&faces[best], width, height))
            best = (int)i;
    return best;
}

int ve__face_choose(const ve_face *faces, size_t count, ve_face_choice choice, uint32_t width, uint32_t height)
{
    if (choice == VE_FACE_CENTRAL)
        return most_prominent(faces, count, width, height);
    int widest = widest_but(faces, count, -1), second = widest_but(faces, count, widest);
    if (choice == VE_FACE_ONLY && second >= 0 && 2 * faces[second].width >= faces[widest].width)
        return -1;
    return widest;
}
