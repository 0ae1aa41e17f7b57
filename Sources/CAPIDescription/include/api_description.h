// docs/openapi.yaml as JSON, inside the program.

#ifndef API_DESCRIPTION_H
#define API_DESCRIPTION_H

// The bytes, without a zero behind them.
const unsigned char *api_description(int *count);

#endif
