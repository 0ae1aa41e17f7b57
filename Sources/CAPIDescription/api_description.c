#include "api_description.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// Made by `make openapi`.
static const unsigned char text[] = {
#embed "openapi.json"
};

const unsigned char *api_description(int *count) {
  *count = sizeof text;
  return text;
}
