#pragma once

// The worker program that belongs to these headers, for EngineOptions::installed_worker. `cmake
// --install` puts another header in this place, which knows from its own path where the
// installation lies. Who builds gristmill as a part of a CMake project, or uses its build tree,
// gets the macro defined.
#ifndef GRISTMILL_INSTALLED_WORKER
#define GRISTMILL_INSTALLED_WORKER ""
#endif
