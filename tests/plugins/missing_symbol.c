/* A plug-in that is not loaded because something it needs is missing. */
#include <gristmill/kernel.h>
#include <stddef.h>

int gristmill_nobody_defines_this(void);

__attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void);
const gm_plugin* gm_plugin_query(void) {
  return gristmill_nobody_defines_this() != 0 ? NULL : NULL;
}
