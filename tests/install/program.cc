// SPDX-License-Identifier: MIT
// program WEIGHTS: the installed header and library, used from C++11. Prints the embedding's first number.
#include <cstdio>
#include <memory>
#include <vector>
#include <visembed.h>

namespace
{
template <typename T, void (*release)(T *)> struct closer {
    void operator()(T *object) const { release(object); }
};
using model_ptr = std::unique_ptr<ve_model, closer<ve_model, ve_model_close>>;
using session_ptr = std::unique_ptr<ve_session, closer<ve_session, ve_session_free>>;
using image_ptr = std::unique_ptr<ve_image, closer<ve_image, ve_image_free>>;
} // namespace

int main(int count, char **arguments)
{
    ve_model *model = nullptr;
    ve_session *session = nullptr;
    ve_image *image = nullptr;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    ve_model_info info = VE_MODEL_INFO_INIT;
    std::vector<unsigned char> pixels(3 * 32 * 32, 100);
    if (count != 2 || ve_model_open(arguments[1], nullptr, &model) != VE_OK) {
        std::fprintf(stderr, "program: %s\n", ve_last_error());
        return 1;
    }
    model_ptr own_model(model);
    if (ve_model_get_info(model, &info) != VE_OK || ve_session_create(model, &options, &session) != VE_OK)
        return 1;
    session_ptr own_session(session);
    std::vector<float> vector(info.dim);
    if (ve_image_from_pixels(pixels.data(), 32, 32, 0, VE_PIXELS_RGB, &image) != VE_OK)
        return 1;
    image_ptr own_image(image);
    if (ve_embed(session, image, vector.data()) != VE_OK)
        return 1;
    std::printf("%.9g\n", static_cast<double>(vector[0]));
    return 0;
}
